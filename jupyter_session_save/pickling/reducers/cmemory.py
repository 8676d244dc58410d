"""ctypes: whose memory a value or a pointer shows, told by what the object keeps alive.

Invariant: an address that leads to nothing that is kept is neither followed nor restored.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .. import rebuild
from .views import address_of

if TYPE_CHECKING:
    from ..pickler import Pickling

FUNCTION: Any = ctypes.CFUNCTYPE(None).__bases__[0]
_POINTERS = ("P", "z", "Z", "O")


def shown(obj: Any, pickling: Pickling) -> Any:
    """Reduce a value on the memory of something else to its place there, None if it has its own."""
    if obj._b_needsfree_:
        return None
    base = obj._b_base_
    to = base.contents if isinstance(base, ctypes._Pointer) and bool(base) else None
    if to is not None and ctypes.addressof(to) == ctypes.addressof(obj):
        return contents_of, (base,)
    place = _place(obj, ctypes.addressof(obj), ctypes.sizeof(obj))
    if place is None:
        return pickling.placeholder(obj, "it shows memory by its address in the process that was saved")
    attributes = getattr(obj, "__dict__", None)
    return (on_memory, (type(obj), *place), *((dict(attributes), None, None, rebuild.raw_state) if attributes else ()))


def target(obj: Any) -> Any:
    """Return how to make a pointer again: empty, on what it keeps, or on the memory of that; None if nobody knows."""
    kind = getattr(obj, "_type_", None) if isinstance(obj, ctypes._SimpleCData) else None
    if kind == "O":
        return (type(obj), (obj._objects,)) if obj._objects is not None else None
    if not obj:
        return type(obj), ()
    if (kind, type(obj._objects).__name__) in (("z", "bytes"), ("Z", "PyCapsule")):
        return type(obj), (obj.value if kind == "Z" else obj._objects,)
    place = _place(obj, ctypes.cast(obj, ctypes.c_void_p).value or 0, 1)
    return None if place is None else (point_into, (type(obj), *place))


def empty_pointers(obj: Any) -> bool:
    """Whether no pointer within a structure or an array holds an address."""
    if isinstance(obj, ctypes.Array):
        return all(_is_empty(value, obj._type_) for value in obj)
    if not isinstance(obj, ctypes.Structure | ctypes.Union):
        return False
    fields = [field for cls in type(obj).__mro__ for field in vars(cls).get("_fields_", ())]
    return all(_is_empty(getattr(obj, name), kind) for name, kind, *_ in fields)


def _is_empty(value: Any, kind: Any) -> bool:
    if issubclass(kind, ctypes._SimpleCData):
        return kind._type_ not in _POINTERS or value is None
    return not value if issubclass(kind, ctypes._Pointer | FUNCTION) else empty_pointers(value)


def _place(obj: Any, address: int, size: int) -> tuple[Any, int] | None:
    held = [*kept(obj._objects), *getattr(obj, "__dict__", {}).values()]
    for holder in [*held, *([] if obj._b_base_ is None else [obj._b_base_])]:
        found = holder.obj if type(holder) is memoryview else holder
        extent = _extent(found)
        if extent is not None and extent[0] <= address and address + size <= sum(extent):
            return found, address - extent[0]
    return None


def kept(objects: Any) -> Iterator[Any]:
    """Yield what an object of ctypes keeps alive."""
    if isinstance(objects, dict):
        for each in objects.values():
            yield from kept(each)
    elif objects is not None:
        yield objects


def _extent(holder: Any) -> tuple[int, int] | None:
    if isinstance(holder, ctypes._SimpleCData | ctypes.Array | ctypes.Structure | ctypes.Union | ctypes._Pointer):
        return ctypes.addressof(holder), ctypes.sizeof(holder)
    try:
        view = memoryview(holder)
    except TypeError:
        return None
    return (address_of(view), view.nbytes) if view.contiguous and not view.readonly else None


def on_memory(cls: Any, holder: Any, offset: int) -> Any:
    """Make a value on the memory of something else."""
    return cls.from_buffer(holder, offset)


def contents_of(pointer: Any) -> Any:
    """Return what a pointer points to."""
    return pointer.contents


def point_into(cls: Any, holder: Any, offset: int) -> Any:
    """Make a pointer to memory, which keeps it."""
    return ctypes.cast(ctypes.pointer(ctypes.c_char.from_buffer(holder, offset)), cls)


def with_bytes(cls: Any, data: bytes) -> Any:
    """Make a value whose bytes are known to hold no address."""
    return cls.from_buffer_copy(data)
