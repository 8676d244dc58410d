"""Whose memory an array shows, and whether anybody else can tell.

Invariant: an array is asked for its base and its flags only; nothing is copied.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def is_by_attributes(cls: type) -> bool:
    """Whether instances are their elements and their attributes, as numpy's own are and those of astropy's units."""
    if any(c.__module__ == "astropy.units.quantity" and c.__name__ == "Quantity" for c in cls.__mro__):
        return cls.__module__.startswith("astropy.")
    own = cls.__mro__[: cls.__mro__.index(np.ndarray)]
    hooks = ("__reduce_ex__", "__getnewargs__")
    if any(vars(c).get("__slots__") or any(name in vars(c) for name in hooks) for c in own):
        return False
    return _usual_protocol(cls, own) and all(c.__flags__ & _HEAP or c.__basicsize__ == _SIZE for c in own)


def _usual_protocol(cls: Any, own: Sequence[type]) -> bool:
    """Whether a class has no protocol, or the usual one: a state of numpy's, which lacks the attributes, and these."""
    hooks = {n for c in own for n in ("__reduce__", "__setstate__", "__getstate__") if n in vars(c)}
    usual = {"__reduce__", "__setstate__"} <= hooks and type(cls.__reduce__) is type(cls.__setstate__)
    # A class that reduces in another way than the one that sets the state, as that of `numpy.ma.masked`, means it.
    together = usual and _first(own, "__reduce__") is _first(own, "__setstate__")
    return not hooks or (together and type(cls.__reduce__) is types.FunctionType)


def _first(own: Sequence[type], name: str) -> type:
    return next(c for c in own if name in vars(c))


_HEAP, _SIZE = 1 << 9, np.ndarray.__basicsize__  # Py_TPFLAGS_HEAPTYPE; what is larger in C has a state of its own.


def root_of(obj: Array) -> Any:
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
    return cls in (np.memmap, np.ma.MaskedArray) or is_by_attributes(cls)


def references(obj: Array) -> int:
    """Return the count of references to the base of an array."""
    base = obj.base
    return sys.getrefcount(base)


def _count_alone() -> int:
    return references(np.empty(2)[1:])


# What the interpreter counts for a base that only its view holds; later Pythons borrow more and count less.
ALONE = _count_alone()
DIRECT_ALONE = references(np.ndarray(1, np.uint8, bytearray(1)))
EXPORTER_ALONE = sys.getrefcount(np.frombuffer(bytearray(1), np.uint8).base.obj)  # type: ignore[union-attr]


def is_alone(obj: Array) -> bool:
    """Whether nothing but this view keeps its base: then nobody can see that the memory is shared."""
    return references(obj) <= ALONE


def is_contiguous(obj: Array) -> bool:
    """Whether the elements follow one another."""
    return bool(obj.flags.c_contiguous or obj.flags.f_contiguous)


def address(obj: Any) -> int:
    """Return where the memory of an array or a buffer begins."""
    if isinstance(obj, np.ndarray):
        return int(obj.__array_interface__["data"][0])
    return int(np.frombuffer(obj, np.uint8).__array_interface__["data"][0])


def offset_in(obj: Array, base: Any) -> int:
    """Return how many bytes after its base a view begins."""
    return address(obj) - address(base)


def is_inside(obj: Array, base: Array) -> bool:
    """Whether a view stays within the memory of its base."""
    spans = [(n - 1) * stride for n, stride in zip(obj.shape, obj.strides, strict=True)]
    low = offset_in(obj, base) + sum(s for s in spans if s < 0)
    high = offset_in(obj, base) + sum(s for s in spans if s > 0) + obj.itemsize
    return bool(low >= 0 and high <= base.nbytes)
