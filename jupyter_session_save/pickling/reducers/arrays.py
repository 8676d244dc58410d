"""numpy arrays: views travel as views of their base, so that memory that was shared is shared again.

Invariant: no element is stored twice, nothing large is copied, and an array comes back with its strides, byte order
and writeable flag.
"""

from __future__ import annotations

import array as stdlib_array
import pickle
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..pickler import Pickling

Array = np.ndarray[Any, Any]

OWNED = 64 * 1024
"""Arrays below this many bytes get memory of their own at load, so that they can be resized in place."""

COMPACT = 1024 * 1024
"""Strided views of memory that nobody else sees are copied out of it up to this many bytes."""

_PLAIN_KINDS = "biufcmMSUV"


def array(obj: Array, pickling: Pickling) -> Any:
    """Reduce a plain array: its bytes if nothing else looks at them, else a window on the owner of its memory."""
    pickling.modules.add("numpy")
    if obj.dtype.kind not in _PLAIN_KINDS or obj.dtype.hasobject:
        return _of_objects(obj, pickling)
    if not obj.nbytes:
        return empty, (obj.dtype, obj.shape)
    base = _shared_base(obj)
    if base is not None:
        return window, (base, obj.dtype, obj.shape, _offset(obj, base), obj.strides, obj.flags.writeable)
    order = "F" if obj.flags.f_contiguous and not obj.flags.c_contiguous else "C"
    whole = obj if obj.flags.c_contiguous or obj.flags.f_contiguous else np.ascontiguousarray(obj)
    memory: Any = _bytes_of(whole)
    return owner, (pickle.PickleBuffer(memory), obj.dtype, obj.shape, order, obj.flags.writeable)


def memmap(obj: np.memmap[Any, Any], pickling: Pickling) -> Any:
    """Reduce an array mapped from a file of the user's: mapped again, not stored."""
    contiguous = obj.flags.c_contiguous or obj.flags.f_contiguous
    if obj.filename is None or obj.mode == "c" or not contiguous or not isinstance(obj.base, type(obj._mmap)):  # type: ignore[attr-defined]
        return NotImplemented
    if obj.mode != "r":
        obj.flush()
    pickling.note_reconnected(obj, f"mapped again from {obj.filename}")
    mode = "r" if obj.mode == "r" else "r+"
    order = "C" if obj.flags.c_contiguous else "F"
    return np.memmap, (str(obj.filename), obj.dtype, mode, obj.offset, obj.shape, order)


def _of_objects(obj: Array, pickling: Pickling) -> Any:
    alone = _alone(obj)
    base = obj.base
    if type(base) is np.ndarray and base.dtype == obj.dtype and _contiguous(base) and obj.nbytes:
        while type(base.base) is np.ndarray and base.base.dtype == obj.dtype and _contiguous(base.base):
            base = base.base
        if not alone and _inside(obj, base):
            return object_window, (base, obj.shape, _offset(obj, base), obj.strides, obj.flags.writeable)
    return NotImplemented


def _shared_base(obj: Array) -> Any:
    """Return what a view should be saved as a view of, None if its own elements suffice."""
    # Asked first: a local variable that holds the base would count as somebody else.
    alone = _alone(obj)
    base: Any = obj.base
    if type(base).__name__ == "DummyArray":  # What `as_strided` puts between.
        base = base.base
        alone = False
    if type(base) in (bytearray, stdlib_array.array):  # What an array that was loaded shows.
        del base
        return obj.base if _contiguous(obj) and _references(obj) > _DIRECT_ALONE else None
    if type(base) is memoryview:
        return _exporter(obj) if _contiguous(obj) else None
    if type(base) is not np.ndarray:
        return None
    cheap = _contiguous(obj) or obj.nbytes < COMPACT
    if cheap and alone and obj.nbytes * 2 <= base.nbytes:
        return None
    while type(base.base) is np.ndarray:
        base = base.base
    plain = base.dtype.kind in _PLAIN_KINDS and not base.dtype.hasobject
    return base if plain and _contiguous(base) and _inside(obj, base) else None


def _exporter(obj: Array) -> Any:
    """Return the bytearray or `array.array` whose memory an array shows, if somebody else holds it too."""
    count = sys.getrefcount(obj.base.obj)  # type: ignore[union-attr]
    source = obj.base.obj  # type: ignore[union-attr]
    return source if type(source) in (bytearray, stdlib_array.array) and count > _EXPORTER_ALONE else None


def _references(obj: Array) -> int:
    base = obj.base
    return sys.getrefcount(base)


def _count_alone() -> int:
    return _references(np.empty(2)[1:])


# What the interpreter counts for a base that only its view holds; later Pythons borrow more and count less.
_ALONE = _count_alone()
_DIRECT_ALONE = _references(np.ndarray(1, np.uint8, bytearray(1)))
_EXPORTER_ALONE = sys.getrefcount(np.frombuffer(bytearray(1), np.uint8).base.obj)  # type: ignore[union-attr]


def _alone(obj: Array) -> bool:
    """Whether nothing but this view keeps its base: then nobody can see that the memory is shared."""
    return _references(obj) <= _ALONE


def _contiguous(obj: Array) -> bool:
    return bool(obj.flags.c_contiguous or obj.flags.f_contiguous)


def _bytes_of(whole: Array) -> Array:
    """Return the memory of a contiguous array as bytes: some dtypes export no buffer themselves."""
    flat = whole if whole.flags.c_contiguous else whole.T
    return flat.reshape(-1).view(np.uint8)


def _address(obj: Any) -> int:
    if isinstance(obj, np.ndarray):
        return int(obj.__array_interface__["data"][0])
    return int(np.frombuffer(obj, np.uint8).__array_interface__["data"][0])


def _offset(obj: Array, base: Any) -> int:
    return _address(obj) - _address(base)


def _inside(obj: Array, base: Array) -> bool:
    """Whether a view stays within the memory of its base."""
    spans = [(n - 1) * stride for n, stride in zip(obj.shape, obj.strides, strict=True)]
    low = _offset(obj, base) + sum(s for s in spans if s < 0)
    high = _offset(obj, base) + sum(s for s in spans if s > 0) + obj.itemsize
    return bool(low >= 0 and high <= base.nbytes)


def empty(dtype: Any, shape: tuple[int, ...]) -> Array:
    """Make an array without elements."""
    return np.empty(shape, dtype)


def owner(buffer: Any, dtype: Any, shape: tuple[int, ...], order: Any, writeable: bool) -> Array:
    """Make an array on the bytes of a buffer."""
    made: Array = np.ndarray(shape, dtype, buffer, 0, None, order)
    if made.nbytes < OWNED:
        made = made.copy(order=order)
    return _flagged(made, writeable)


def window(
    base: Any, dtype: Any, shape: tuple[int, ...], offset: int, strides: tuple[int, ...], writeable: bool
) -> Array:
    """Make a view of the memory of `base`, in bytes from its start."""
    memory = _bytes_of(base) if isinstance(base, np.ndarray) else memoryview(base).cast("B")
    return _flagged(np.ndarray(shape, dtype, memory, offset, strides), writeable)


def object_window(base: Array, shape: tuple[int, ...], offset: int, strides: tuple[int, ...], writeable: bool) -> Array:
    """Make a view of an array of objects, whose memory cannot be handed around as a buffer."""
    memory = base if base.flags.c_contiguous else base.T
    return _flagged(np.ndarray(shape, base.dtype, memory, offset, strides), writeable)


def _flagged(made: Array, writeable: bool) -> Array:
    if made.flags.writeable and not writeable:
        made.flags.writeable = False
    return made
