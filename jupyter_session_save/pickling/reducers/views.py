"""Views of other objects' contents: memory, mappings and dictionaries stay shared with what they show.

Invariant: a view never becomes an independent copy unless it is reported.
"""

from __future__ import annotations

import array
import collections
import ctypes
import types
from typing import TYPE_CHECKING, Any

from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling

_DESCRIPTORS = (types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType)

CTYPES = (ctypes._SimpleCData, ctypes.Array, ctypes.Structure, ctypes.Union)


class _Buffer(ctypes.Structure):
    """``Py_buffer``, the same in all supported Pythons: https://docs.python.org/3/c-api/buffer.html."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


def memory(obj: memoryview, pickling: Pickling) -> Any:
    """Reduce a memoryview to its owner and its place there."""
    try:
        owner = obj.obj
    except ValueError:
        return released, ()
    plain = isinstance(owner, bytes | bytearray | array.array)
    if (plain or type(owner).__module__ == "numpy" or isinstance(owner, CTYPES)) and _same(obj, memoryview(owner)):
        return whole, (owner, obj.readonly)
    if plain and obj.ndim == 1 and obj.shape and obj.strides and obj.strides[0] % obj.itemsize == 0:
        start = address_of(obj) - address_of(memoryview(owner))
        return window, (owner, obj.format, start, obj.shape[0], obj.strides[0], obj.readonly)
    if plain and obj.shape and obj.c_contiguous:
        start = address_of(obj) - address_of(memoryview(owner))
        return block, (owner, obj.format, start, obj.nbytes, obj.shape, obj.readonly)
    pickling.note_reconnected(obj, "its bytes were copied; it shares no memory any more")
    return copied, (bytearray(obj.tobytes()), obj.format, tuple(obj.shape or ()), obj.readonly)


def mapping(obj: Any, pickling: Pickling) -> Any:
    """Reduce a read-only mapping to the mapping behind it, or to the class whose attributes it shows."""
    behind = held_by(obj)[0]
    for value in list(behind.values()) if type(behind) is dict else ():
        owner = value.__objclass__ if type(value) in _DESCRIPTORS else None
        if isinstance(owner, type) and held_by(type.__dict__["__dict__"].__get__(owner))[0] is behind:
            return attributes_of, (owner,)
    return types.MappingProxyType, (behind,)


def dictionary(obj: Any, pickling: Pickling) -> Any:
    """Reduce the keys, values or items of a dictionary to the dictionary."""
    behind = held_by(obj)[0]
    return part_of, (behind, type(obj).__name__.rpartition("_")[2])


def address_of(view: memoryview) -> int:
    """Return where the memory of a view begins; it is read-only as often as not, which `ctypes` arrays are not."""
    got = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(got), _FULL_READ_ONLY)
    try:
        return int(got.buf or 0)
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(got))


_FULL_READ_ONLY = 0x0100 | 0x0018 | 0x0004  # PyBUF_INDIRECT | PyBUF_STRIDES | PyBUF_FORMAT


def _same(one: memoryview, other: memoryview) -> bool:
    shown = [(v.format, v.shape, v.strides) for v in (one, other)]
    return shown[0] == shown[1] and address_of(one) == address_of(other)


def _flagged(made: memoryview, readonly: bool) -> memoryview:
    return made.toreadonly() if readonly and not made.readonly else made


def window(owner: Any, format_: str, start: int, count: int, stride: int, readonly: bool) -> memoryview:
    """Make a one-dimensional view of the memory of `owner`, from its byte `start` on."""
    size: int = memoryview(bytes(64)).cast(format_).itemsize  # type: ignore[call-overload]
    low = start if stride >= 0 else start + (count - 1) * stride
    length = (count - 1) * abs(stride) + size if count else 0
    typed = memoryview(owner).cast("B")[low : low + length].cast(format_)  # type: ignore[call-overload]
    step = stride // size
    return _flagged(typed[::step] if step != 1 else typed, readonly)


def block(owner: Any, format_: str, start: int, size: int, shape: tuple[int, ...], readonly: bool) -> memoryview:
    """Make a contiguous view of several dimensions."""
    flat = memoryview(owner).cast("B")[start : start + size]
    return _flagged(flat.cast(format_, shape), readonly)  # type: ignore[call-overload]


def whole(owner: Any, readonly: bool) -> memoryview:
    """Make a view of everything that an object shows."""
    return _flagged(memoryview(owner), readonly)


def copied(data: Any, format_: str, shape: tuple[int, ...], readonly: bool) -> memoryview:
    """Make a view of bytes of its own."""
    return _flagged(memoryview(data).cast(format_, shape), readonly)  # type: ignore[call-overload]


def released() -> memoryview:
    """Make a view that has been released."""
    made = memoryview(b"")
    made.release()
    return made


def attributes_of(cls: type) -> Any:
    """Return the attributes of a class."""
    return type.__dict__["__dict__"].__get__(cls)


def part_of(behind: Any, part: str) -> Any:
    """Return the keys, values or items of a dictionary."""
    base = collections.OrderedDict if isinstance(behind, collections.OrderedDict) else dict
    return getattr(base, part)(behind)
