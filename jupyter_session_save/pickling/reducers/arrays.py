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
        return empty, (obj.dtype, obj.shape, "C", obj.flags.writeable)
    shown = _of_torch(obj, pickling)
    if shown is not None:
        return _on_storage(obj, shown)
    base = _shared_base(obj)
    if base is not None:
        return window, (base, obj.dtype, obj.shape, _offset(obj, base), obj.strides, obj.flags.writeable)
    found = _field_of(obj)
    return (field, found) if found is not None else (owner, _owned(obj, pickling))


def _of_torch(obj: Array, pickling: Pickling) -> Any:
    """Return the storage of torch whose memory an array shows, None if it is its own or somebody else's."""
    base: Any = obj.base
    if base is not None or "torch" not in sys.modules:
        return base.untyped_storage() if type(base).__module__ == "torch" and hasattr(base, "untyped_storage") else None
    storage = pickling.scope.storages.get(_address(obj))
    if storage is None or storage.nbytes() < obj.nbytes:
        pickling.scope.arrays[_address(obj)] = weakref.ref(obj)
        return None
    return storage


def _on_storage(obj: Array, storage: Any) -> Any:
    """Reduce an array that shows the memory of a tensor."""
    from .tensors import array_on_storage

    offset = _address(obj) - storage.data_ptr()
    return array_on_storage, (storage, obj.dtype, obj.shape, offset, obj.strides, obj.flags.writeable)


def _owned(obj: Array, pickling: Pickling) -> tuple[Any, ...]:
    """Return what `owner` makes an array of."""
    order = "F" if obj.flags.f_contiguous and not obj.flags.c_contiguous else "C"
    whole = obj if obj.flags.c_contiguous or obj.flags.f_contiguous else np.ascontiguousarray(obj)
    memory: Any = _bytes_of(whole)
    if not memory.flags.writeable:
        memory = np.asarray(_Unlocked(memory))
    return pickling.out_of_band(memory), obj.dtype, obj.shape, order, obj.flags.writeable


def masked(obj: Any, pickling: Pickling) -> Any:
    """Reduce a masked array to its data and its attributes, among them the mask."""
    if obj._baseclass is not np.ndarray:
        return NotImplemented
    pickling.modules.add("numpy")
    return make_masked, (_plain(obj),), dict(vars(obj)), None, None, rebuild.raw_state


def subclass(obj: Any, pickling: Pickling) -> Any:
    """Reduce an instance of a subclass without a protocol of its own to a plain array and its attributes."""
    if not _by_attributes(type(obj)):
        return NotImplemented
    pickling.modules.add("numpy")
    state = getattr(obj, "__dict__", None)
    rest = (dict(state), None, None, rebuild.raw_state) if state else ()
    if _root(obj) is None and obj.dtype.kind in _PLAIN_KINDS and not obj.dtype.hasobject and obj.nbytes:
        return typed_owner, (type(obj), *_owned(np.ndarray.view(obj, np.ndarray), pickling)), *rest
    return typed, (type(obj), _plain(obj)), *rest


def _by_attributes(cls: type) -> bool:
    """Whether instances are their elements and their attributes, as numpy's own are and those of astropy's units."""
    if any(c.__module__ == "astropy.units.quantity" and c.__name__ == "Quantity" for c in cls.__mro__):
        return cls.__module__.startswith("astropy.")
    own = cls.__mro__[: cls.__mro__.index(np.ndarray)]
    hooks = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__slots__", "__getnewargs__")
    return not any(name in vars(c) for c in own for name in hooks)


def _plain(obj: Any) -> Array:
    """Return a plain array on the memory of an instance of a subclass, or a copy if that is its own.

    An array on its own memory would lead back to it.
    """
    base = obj.base
    few = _root(obj) is None
    if not few and obj.nbytes < COMPACT and obj.nbytes * 2 <= getattr(_root(obj), "nbytes", 0):
        # Between a part and its base stands an array of what numpy took the part from.
        few = _references(obj) <= _ALONE + 1 and (base.base is None or _alone(base))
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
    whole = _root(obj)
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
    base = None if _alone(obj) or not obj.nbytes or obj.dtype.kind == "T" else _root(obj)
    if base is not None and base.dtype == obj.dtype and _contiguous(base) and _inside(obj, base):
        return object_window, (base, obj.shape, _offset(obj, base), obj.strides, obj.flags.writeable)
    found = _field_of(obj)
    if found is not None:
        return field, found
    order: Any = "F" if obj.flags.f_contiguous and not obj.flags.c_contiguous else "C"
    state = obj.ravel(order).tolist(), order, obj.flags.writeable
    return empty, (obj.dtype, obj.shape, order), state, None, None, filled


def _field_of(obj: Array) -> tuple[Any, ...] | None:
    """Return of which field and rows of an array with objects in it a view is: that has no memory to hand around."""
    base: Any = None if _alone(obj) else _root(obj)
    if base is None or not base.dtype.hasobject or base.dtype.names is None:
        return None
    for name in (*base.dtype.names, [*(obj.dtype.names or ())]):
        if isinstance(name, list) and not base.dtype.fields.keys() >= {*name}:
            continue
        rows = None
        if base.ndim == obj.ndim == 1 and base.strides[0]:
            start = (_address(obj) - _address(base[name])) // base.strides[0]
            rows = start, obj.strides[0] // base.strides[0] or 1, len(obj)
        args = base, name, rows, obj.flags.writeable
        if (rows is None or 0 <= rows[0] < len(base)) and _layout(_part(*args[:3])) == _layout(obj):
            return args
    return None


def _layout(obj: Array) -> tuple[Any, ...]:
    return obj.dtype, obj.shape, obj.strides, _address(obj)


def _part(base: Array, name: Any, rows: tuple[int, int, int] | None) -> Array:
    rows_of_base = base if rows is None else base[rows[0] :: rows[1]][: rows[2]]
    part: Array = rows_of_base[name]
    return part


def _shared_base(obj: Array) -> Any:
    """Return what a view should be saved as a view of, None if its own elements suffice."""
    # Asked first: a local variable that holds the base would count as somebody else.
    count = _references(obj)
    base: Any = obj.base
    if type(base) in (bytearray, stdlib_array.array):  # What an array that was loaded shows.
        return base if count > _DIRECT_ALONE else None
    if type(base) is memoryview:
        return _exporter(obj) if _contiguous(obj) else None
    cheap = _contiguous(obj) or obj.nbytes < COMPACT
    if cheap and count <= _ALONE and obj.nbytes * 2 <= getattr(base, "nbytes", 0):
        return None
    base = _root(obj)
    if base is None or base.dtype.kind not in _PLAIN_KINDS or base.dtype.hasobject:
        return None
    return base if _contiguous(base) and _inside(obj, base) else None


def _root(obj: Array) -> Any:
    """Return the array that is the first to show the memory of a view, None if there is none that can tell."""
    found = None
    base: Any = obj.base
    # What `as_strided` puts between, and records.
    while isinstance(base, np.ndarray | np.void) or type(base).__name__ == "DummyArray":
        if isinstance(base, np.ndarray) and (type(base) is np.ndarray or _keeps_memory(type(base))):
            found = base
        base = base.base
    return found


def _keeps_memory(cls: type) -> bool:
    return cls in (np.memmap, np.ma.MaskedArray) or _by_attributes(cls)


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
    plain = np.asarray(whole)
    flat = plain if plain.flags.c_contiguous else plain.T
    return flat.reshape(-1).view(np.uint8)


class _Unlocked:
    """Read-only memory, to be stored as if it could be written: whether it can is said beside it.

    Otherwise a view that can be written could not be made of an array that cannot.
    """

    def __init__(self, owner: Array) -> None:
        self.owner = owner
        self.__array_interface__ = {**owner.__array_interface__, "data": (_address(owner), False)}


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
        memory = _bytes_of(base) if isinstance(base, np.ndarray) else memoryview(base).cast("B")
        return _flagged(np.ndarray(shape, dtype, memory, offset, strides), writeable)


def object_window(base: Array, shape: tuple[int, ...], offset: int, strides: tuple[int, ...], writeable: bool) -> Array:
    """Make a view of an array of objects, whose memory cannot be handed around as a buffer."""
    with _unlocked(base, writeable):
        memory = np.asarray(base if base.flags.c_contiguous else base.T)
        return _flagged(np.ndarray(shape, base.dtype, memory, offset, strides), writeable)


def field(base: Array, name: Any, rows: tuple[int, int, int] | None, writeable: bool) -> Array:
    """Make a view of a field, or of several, of all or some rows of a structured array."""
    with _unlocked(base, writeable):
        return _flagged(_part(base, name, rows), writeable)


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
