"""numpy arrays: views travel as views of their base, so that memory that was shared is shared again.

Invariant: no element is stored twice, nothing large is copied, and an array comes back with its strides, byte order
and writeable flag.
"""

from __future__ import annotations

import array as stdlib_array
import contextlib
import sys
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import rebuild
from ..asking import INLINE
from ..texts import STEP
from .memory import (
    ALONE,
    DIRECT_ALONE,
    EXPORTER_ALONE,
    Array,
    address,
    is_alone,
    is_by_attributes,
    is_contiguous,
    is_inside,
    offset_in,
    references,
    root_of,
)
from .structured import cut, cut_of, field_of, rows_and_field
from .views import CTYPES

if TYPE_CHECKING:
    from ..pickler import Pickling

OWNED = 64 * 1024
"""Arrays below this many bytes get memory of their own at load, so that they can be resized in place."""

COMPACT = 1024 * 1024
"""Strided views of memory that nobody else sees are copied out of it up to this many bytes."""

_MEMORY = (bytearray, stdlib_array.array, *CTYPES)

SEPARATE = "it showed the memory of another array; it comes back with a copy of its own"

_PLAIN_KINDS = "biufcmMSUV"


def array(obj: Array, pickling: Pickling) -> Any:
    """Reduce a plain array: its bytes if nothing else looks at them, else a window on the owner of its memory."""
    pickling.modules.add("numpy")
    if obj.dtype.kind not in _PLAIN_KINDS or obj.dtype.hasobject:
        return _of_objects(obj, pickling)
    if not obj.nbytes:
        return empty, (obj.dtype, obj.shape, "C", obj.flags.writeable)
    shown = _of_torch(obj, pickling)
    if shown is not None:
        return _on_storage(obj, shown)
    if obj.base is None and obj.nbytes < INLINE:  # As below: most are of this kind.
        return owner, _small(obj)
    base = _shared_base(obj)
    if base is not None:
        return window, (base, obj.dtype, obj.shape, offset_in(obj, base), obj.strides, obj.flags.writeable)
    return _field(obj, pickling) or (owner, _owned(obj, pickling))


def _of_torch(obj: Array, pickling: Pickling) -> Any:
    """Return the storage of torch whose memory an array shows, None if it is its own or somebody else's."""
    base: Any = obj.base
    if base is not None or "torch" not in sys.modules:
        return base.untyped_storage() if type(base).__module__ == "torch" and hasattr(base, "untyped_storage") else None
    storage = pickling.scope.storages.get(address(obj))
    if storage is None or storage.nbytes() < obj.nbytes:
        pickling.scope.arrays[address(obj)] = weakref.ref(obj)
        return None
    return storage


def _on_storage(obj: Array, storage: Any) -> Any:
    """Reduce an array that shows the memory of a tensor."""
    from .tensors import array_on_storage

    offset = address(obj) - storage.data_ptr()
    return array_on_storage, (storage, obj.dtype, obj.shape, offset, obj.strides, obj.flags.writeable)


def _owned(obj: Array, pickling: Pickling) -> tuple[Any, ...]:
    """Return what `owner` makes an array of."""
    if obj.nbytes < INLINE:
        return _small(obj)
    order = "F" if obj.flags.f_contiguous and not obj.flags.c_contiguous else "C"
    whole = obj if obj.flags.c_contiguous or obj.flags.f_contiguous else np.ascontiguousarray(obj)
    memory: Any = _bytes_of(whole)
    if not memory.flags.writeable:
        memory = np.asarray(_Unlocked(memory))
    return pickling.out_of_band(memory), obj.dtype, obj.shape, order, obj.flags.writeable


def _small(obj: Array) -> tuple[Any, ...]:
    """Return the same for an array whose bytes are copied into the stream: in fewer steps."""
    flags = obj.flags
    order: Any = "F" if flags.f_contiguous and not flags.c_contiguous else "C"
    return obj.tobytes(order), obj.dtype, obj.shape, order, flags.writeable


def masked(obj: Any, pickling: Pickling) -> Any:
    """Reduce a masked array to its data and its attributes, among them the mask."""
    if obj._baseclass is not np.ndarray:
        return NotImplemented
    pickling.modules.add("numpy")
    return make_masked, (_plain(obj),), dict(vars(obj)), None, None, rebuild.raw_state


def subclass(obj: Any, pickling: Pickling) -> Any:
    """Reduce an instance of a subclass to a plain array and its attributes, if that is all there is to it."""
    if not is_by_attributes(type(obj)):
        if not is_alone(obj) and root_of(obj) is not None:
            pickling.note_remark(obj, SEPARATE)
        return NotImplemented
    pickling.modules.add("numpy")
    state = getattr(obj, "__dict__", None)
    rest = (dict(state), None, None, rebuild.raw_state) if state else ()
    if root_of(obj) is None and obj.dtype.kind in _PLAIN_KINDS and not obj.dtype.hasobject and obj.nbytes:
        return typed_owner, (type(obj), *_owned(np.ndarray.view(obj, np.ndarray), pickling)), *rest
    return typed, (type(obj), _plain(obj)), *rest


def _plain(obj: Any) -> Array:
    """Return a plain array on the memory of an instance of a subclass, or a copy if that is its own.

    An array on its own memory would lead back to it.
    """
    base = obj.base
    few = root_of(obj) is None
    if not few and obj.nbytes < COMPACT and obj.nbytes * 2 <= getattr(root_of(obj), "nbytes", 0):
        # Between a part and its base stands an array of what numpy took the part from.
        few = references(obj) <= ALONE + 1 and (base.base is None or is_alone(base))
    data = np.ndarray.view(obj, np.ndarray)
    if few:
        data = data.copy(order="K")
        data.flags.writeable = obj.flags.writeable
    return data


def record(obj: Any, pickling: Pickling) -> Any:
    """Reduce a record that was taken out of an array, and still shows its memory, to its place there."""
    if not isinstance(obj.base, np.ndarray) or obj.dtype.names is None:
        return NotImplemented
    return element, (np.asarray(obj),)


def memmap(obj: np.memmap[Any, Any], pickling: Pickling) -> Any:
    """Reduce an array mapped from a file of the user's: mapped again, not stored."""
    contiguous = obj.flags.c_contiguous or obj.flags.f_contiguous
    if obj.filename is None or obj.mode == "c":
        return NotImplemented
    whole = root_of(obj)
    if whole is not None and whole is not obj and type(whole) is np.memmap and whole._mmap is obj._mmap:  # type: ignore[attr-defined]
        return part_of_map, (whole, np.ndarray.view(obj, np.ndarray))
    if not contiguous or not isinstance(obj.base, type(obj._mmap)):  # type: ignore[attr-defined]
        return NotImplemented
    if obj.mode != "r":
        obj.flush()
    pickling.note_reconnected(obj, f"mapped again from {obj.filename}")
    mode = "r" if obj.mode == "r" else "r+"
    order = "C" if obj.flags.c_contiguous else "F"
    return np.memmap, (obj.filename, obj.dtype, mode, obj.offset, obj.shape, order)


def _of_objects(obj: Array, pickling: Pickling) -> Any:
    if not obj.dtype.hasobject:
        return NotImplemented
    # Text of variable length lies elsewhere, in memory that belongs to the dtype.
    base = None if is_alone(obj) or not obj.nbytes or obj.dtype.kind == "T" else root_of(obj)
    if base is not None and base.dtype == obj.dtype and is_contiguous(base) and is_inside(obj, base):
        return object_window, (base, obj.shape, offset_in(obj, base), obj.strides, obj.flags.writeable)
    part = _field(obj, pickling)
    if part is not None:
        return part
    order: Any = "F" if obj.flags.f_contiguous and not obj.flags.c_contiguous else "C"
    elements = _listed(obj.ravel(order), pickling)
    apart = None if pickling.texts is None else pickling.texts.pickled(elements)
    state = apart or pickling.nans.replaced(elements, pickling.scope.pause), order, obj.flags.writeable
    return empty, (obj.dtype, obj.shape, order), state, None, None, filled


def _listed(flat: Array, pickling: Pickling) -> list[Any]:
    elements: list[Any] = []
    for start in range(0, len(flat), STEP):
        pickling.scope.pause()
        elements += flat[start : start + STEP].tolist()
    return elements


def _field(obj: Array, pickling: Pickling) -> Any:
    """Reduce a view of an array with objects in it, None if it is none."""
    base = None if is_alone(obj) or not obj.nbytes else root_of(obj)
    if base is None or not base.dtype.hasobject or obj.dtype.kind == "T":
        return None
    part, piece = field_of(obj), cut_of(obj)
    if part is None and piece is None:
        pickling.note_remark(obj, SEPARATE)
        return None
    return (field, part) if part is not None else (cut, piece)


def _shared_base(obj: Array) -> Any:
    """Return what a view should be saved as a view of, None if its own elements suffice."""
    # Asked first: a local variable that holds the base would count as somebody else.
    count = references(obj)
    base: Any = obj.base
    if isinstance(base, _MEMORY):  # What an array that was loaded shows.
        return base if count > DIRECT_ALONE else None
    if type(base) is memoryview:
        return _exporter(obj) if is_contiguous(obj) else None
    cheap = is_contiguous(obj) or obj.nbytes < COMPACT
    # What the base itself shows, somebody else may hold.
    own = cheap and count <= ALONE and getattr(base, "base", None) is None
    if own and obj.nbytes * 2 <= getattr(base, "nbytes", 0):
        return None
    base = root_of(obj)
    if base is None or base.dtype.kind not in _PLAIN_KINDS or base.dtype.hasobject:
        return None
    return base if is_contiguous(base) and is_inside(obj, base) else None


def _exporter(obj: Array) -> Any:
    """Return the bytearray or `array.array` whose memory an array shows, if somebody else holds it too."""
    count = sys.getrefcount(obj.base.obj)  # type: ignore[union-attr]
    source = obj.base.obj  # type: ignore[union-attr]
    return source if isinstance(source, _MEMORY) and count > EXPORTER_ALONE else None


def _bytes_of(whole: Array) -> Array:
    """Return the memory of a contiguous array as bytes: some dtypes export no buffer themselves."""
    plain = np.asarray(whole)
    flat = plain if plain.flags.c_contiguous else plain.T
    return flat.reshape(-1).view(np.uint8)


class _Unlocked:
    """Read-only memory, to be stored as if it could be written: whether it can is said beside it.

    Otherwise a view that can be written could not be made of an array that cannot.
    """

    def __init__(self, owner: Array) -> None:
        self.owner = owner
        self.__array_interface__ = {**owner.__array_interface__, "data": (address(owner), False)}


def empty(dtype: Any, shape: tuple[int, ...], order: Any = "C", writeable: bool = True) -> Array:
    """Make an array without elements, or one whose objects follow."""
    return _flagged(np.empty(shape, dtype, order), writeable)


@rebuild.setter
def filled(made: Array, state: tuple[list[Any], Any, bool]) -> None:
    """Put objects into an array."""
    elements, order, writeable = state
    # Not one by one: setting an element takes arrays without dimensions apart.
    flat: Any = np.empty(0, made.dtype)
    flat.__setstate__((1, (len(elements),), made.dtype, False, elements))
    made.reshape(-1, order=order)[...] = flat
    _flagged(made, writeable)


def make_masked(data: Array) -> Any:
    """Make a masked array, whose attributes follow."""
    return data.view(np.ma.MaskedArray)


def owner(buffer: Any, dtype: Any, shape: tuple[int, ...], order: Any, writeable: bool) -> Array:
    """Make an array on the bytes of a buffer."""
    made: Array = np.ndarray(shape, dtype, buffer, 0, None, order)
    if made.nbytes < OWNED:
        made = made.copy(order=order)
    return _flagged(made, writeable)


def typed(cls: Any, data: Array) -> Any:
    """Make an instance of a subclass on the memory of a plain array; its attributes follow."""
    return data.view(cls)


def typed_owner(cls: Any, *owned: Any) -> Any:
    """Make an instance of a subclass on the bytes of a buffer; its attributes follow."""
    return owner(*owned).view(cls)


def element(data: Array) -> Any:
    """Return the only element of an array without dimensions, as a view of it."""
    return data[()]


def part_of_map(whole: np.memmap[Any, Any], data: Array) -> Any:
    """Make a part of a mapped array, which knows its file."""
    made = data.view(type(whole))
    vars(made).update(vars(whole))
    return made


def window(
    base: Any, dtype: Any, shape: tuple[int, ...], offset: int, strides: tuple[int, ...], writeable: bool
) -> Array:
    """Make a view of the memory of `base`, in bytes from its start."""
    with _unlocked(base, writeable):
        return _flagged(np.ndarray(shape, dtype, _memory_of(base), offset, strides), writeable)


def _memory_of(base: Any) -> Any:
    if isinstance(base, np.ndarray):
        return _bytes_of(base)
    # Formats of ctypes say their byte order, which a memoryview does not understand.
    exporter: Any = base
    return np.frombuffer(exporter, np.uint8) if isinstance(base, CTYPES) else memoryview(exporter).cast("B")


def object_window(base: Array, shape: tuple[int, ...], offset: int, strides: tuple[int, ...], writeable: bool) -> Array:
    """Make a view of an array of objects, whose memory cannot be handed around as a buffer."""
    with _unlocked(base, writeable):
        memory = np.asarray(base if base.flags.c_contiguous else base.T)
        return _flagged(np.ndarray(shape, base.dtype, memory, offset, strides), writeable)


def field(base: Array, name: Any, rows: tuple[int, int, int] | None, writeable: bool) -> Array:
    """Make a view of a field, or of several, of all or some rows of a structured array."""
    with _unlocked(base, writeable):
        return _flagged(rows_and_field(base, name, rows), writeable)


@contextlib.contextmanager
def _unlocked(base: Any, needed: bool) -> Iterator[None]:
    """Let a view that can be written be made of an array that cannot."""
    locked = needed and isinstance(base, np.ndarray) and not base.flags.writeable
    if locked:
        base.flags.writeable = True
    try:
        yield
    finally:
        if locked:
            base.flags.writeable = False


def _flagged(made: Array, writeable: bool) -> Array:
    if made.flags.writeable and not writeable:
        made.flags.writeable = False
    return made
