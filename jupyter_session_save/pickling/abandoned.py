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
from itertools import compress, islice
from operator import not_
from typing import Any

from .. import bystanders
from .scope import count_as_old, importable_path, is_library, module_of

_LEAVES = frozenset(map(id, (type(None), bool, int, float, complex, str, bytes, bytearray, range, slice)))
_PLAIN = frozenset(map(id, (dict, list, tuple, set, frozenset, types.FunctionType, types.CellType)))
_OUTSIDE = (types.ModuleType, types.FrameType, types.TracebackType)
"""What leads to all that lives in the process."""

_BATCH = 4096
_HAS_GC = 1 << 14  # Py_TPFLAGS_HAVE_GC


class Young:
    """What was made since this was: a walk through millions of objects takes longer than to make them.

    While the garbage collector is paused all that is made stays in its youngest generation, where it is listed at once.
    """

    def __init__(self) -> None:
        self._known = not gc.isenabled() and _alone()
        if self._known:
            # To look through what was there takes as long as to load a small session.
            count_as_old()
        self._first: list[Any] = []
        # Held until `forget`, so that nothing made later has the same id.
        self._before = _ending(gc.get_objects(generation=0)) if self._known else []

    def forget(self) -> None:
        """Let go of what was there: from now on nothing can be told apart."""
        self._known = False
        self._before.clear()

    def may_end_with_code(self, modules: Collection[str]) -> bool:
        """Whether anything that was made since may run code at its end.

        Parameters
        ----------
        modules : collection of str
            Those from which what was made imported anything.
        """
        objects = gc.get_objects(generation=0) if self._known and _alone() else []
        if id(self._first) not in map(id, objects):
            return True  # Somebody has collected or frozen what was young, or must not be looked at.
        before = set(map(id, self._before))
        listed = any(id(obj) not in before for obj in _ending(objects))
        return listed or _end_unlisted({name.partition(".")[0] for name in modules})


def _alone() -> bool:
    """Whether no other thread may be making a tuple of an iterator: it fails once anybody else refers to the tuple."""
    return not (bystanders.are_there() or bystanders.ours_are_there())


def _ending(objects: list[Any]) -> list[Any]:
    """Return the objects that run code at their end, or make something run it."""
    # Without a step in Python for each: there may be millions.
    others = list(compress(objects, map(not_, map(_PLAIN.__contains__, map(id, map(type, objects))))))
    kinds = dict(zip(map(id, map(type, others)), map(type, others), strict=True))
    ending = {at for at, kind in kinds.items() if _ends_with_code(kind)}
    asked = ending | {at for at, kind in kinds.items() if issubclass(kind, weakref.ReferenceType)}
    found = compress(others, map(asked.__contains__, map(id, map(type, others))))
    return [obj for obj in found if id(type(obj)) in ending or _calls_back(obj)]


def _end_unlisted(packages: Collection[str]) -> bool:
    """Whether instances of a class of these packages end with code and are unknown to the garbage collector.

    Such as files of pyarrow; whatever is written in Python is known to it.
    """
    classes: list[type] = [object]
    for kind in classes:
        if not kind.__flags__ & _HAS_GC and module_of(kind).partition(".")[0] in packages and _ends_with_code(kind):
            return True
        if kind is not type:
            classes += type.__subclasses__(kind)
    return False


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
    spared = reachable(living, set(apart))[1]
    lost, _ = reachable(given_up, spared)
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
    if type(own) is types.FunctionType:
        return True
    # To ask the abstract class for the first time takes 30 times longer than this.
    closes = any("close" in vars(c) for c in kind.__mro__)
    return closes and issubclass(kind, io.IOBase) and module_of(kind) != "_io"


def _calls_back(reference: Any) -> bool:
    called = reference.__callback__
    if type(called) is types.BuiltinFunctionType and type(called.__self__) is weakref.ReferenceType:
        return False  # The caches of abstract classes forget a class so.
    return called is not None and not is_library(module_of(called)) and reference() is not None


def reachable(roots: Iterable[Any], seen: set[int]) -> tuple[list[Any], set[int]]:
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
