"""Objects that a load gives up: what they would do at their end, such as deleting a file, is not done.

A load that begins again, or is taken back, throws away copies of objects that live on elsewhere; a ``__del__`` of the
user's cannot tell.

Invariant: nothing that a finalizer written in Python would run for runs for an abandoned object, and those that live
on are not touched.
"""

from __future__ import annotations

import ctypes
import gc
import io
import types
import weakref
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from .scope import importable_path, is_library, module_of

_LEAVES = frozenset(map(id, (type(None), bool, int, float, complex, str, bytes, bytearray, range, slice)))
_OUTSIDE = (types.ModuleType, types.FrameType, types.TracebackType)
"""What leads to all that lives in the process."""

_BATCH = 4096


def retain(given_up: Iterable[Any], living: Iterable[Any], apart: Collection[int]) -> None:
    """Keep objects alive as long as the process, past its end, whose end would run code.

    Parameters
    ----------
    given_up : iterable of object
        With all that can be reached from them.
    living : iterable of object
        Those, and all that can be reached from them, are left alone.
    apart : collection of int
        Ids of objects at which to stop.
    """
    spared = _reachable(living, set(apart))[1]
    lost, _ = _reachable(given_up, spared)
    known: dict[int, bool] = {}
    for obj in lost:
        kind = type(obj)
        if id(kind) not in known:
            known[id(kind)] = _ends_with_code(kind)
        if known[id(kind)]:
            _keep(obj)
        elif issubclass(kind, weakref.ReferenceType) and _calls_back(obj):
            _keep(obj())


def _keep(obj: Any) -> None:
    # A list would be cleared at the end of the process, and its objects finalized then.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(obj))


def _ends_with_code(kind: type) -> bool:
    """Whether the end of an instance runs code in Python, or writes what it still holds."""
    if kind is types.CoroutineType:
        return True  # It would warn that nobody has awaited it.
    own = next((vars(c)["__del__"] for c in kind.__mro__ if "__del__" in vars(c)), None)
    return type(own) is types.FunctionType or (issubclass(kind, io.IOBase) and module_of(kind) != "_io")


def _calls_back(reference: Any) -> bool:
    called = reference.__callback__
    return called is not None and not is_library(module_of(called)) and reference() is not None


def _reachable(roots: Iterable[Any], seen: set[int]) -> tuple[list[Any], set[int]]:
    """Return what can be reached and was not seen, and all that has been seen then."""
    found: list[Any] = []
    new = list(roots)
    while new:
        at = len(found)
        for obj in new:
            if id(obj) not in seen and id(type(obj)) not in _LEAVES:
                seen.add(id(obj))
                kind = type(obj)
                if issubclass(kind, _OUTSIDE) or (issubclass(kind, type) and importable_path(obj) is not None):
                    continue
                if kind is types.FunctionType:
                    seen.add(id(obj.__globals__))
                found.append(obj)
        fresh = iter(islice(found, at, None))
        new = []
        while batch := list(islice(fresh, _BATCH)):
            new += gc.get_referents(*batch)
    return found, seen
