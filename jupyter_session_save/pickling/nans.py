"""Which NaN is which: a NaN equals nothing, so whoever looks for one looks for that very object.

The C pickler writes floats without asking anybody, and forgets them. A shared NaN travels as a stand-in, which is
memoized like any object: those of modules come back as the module's own, others are one object wherever they stood.
The name of `module_nan` is part of the format.

Invariant: floats that equal themselves, and a NaN that has a single holder, are pickled as ever.
"""

from __future__ import annotations

import gc
import importlib
import math
import operator
import re
import sys
from collections.abc import Callable, Iterable
from itertools import compress, repeat
from typing import Any

from .memos import reached

_WRITTEN = re.compile(rb"\xf8(?<=G[\x7f\xff]\xf8)")
"""How the two kinds of NaN begin where the pickler writes them, and rarely anything else.

Looked for by the last byte, which is the rarest (text in UTF-8 never holds it): that is many times as fast.
"""

_MODULES = ("numpy", "math", "cmath")

_OBJECTS, _BYTES = 1 << 17, 1 << 24
"""What is looked through from one pause to the next."""


class OwnNan:
    """Stands for a NaN of the user's."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a call that makes the NaN."""
        return float, ("nan" if math.copysign(1, self.value) > 0 else "-nan",)


class ModuleNan(OwnNan):
    """Stands for the NaN of a module; to hold it links nothing."""

    __slots__ = ("module",)

    def __init__(self, value: float, module: str) -> None:
        super().__init__(value)
        self.module = module

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a call that finds the NaN."""
        return module_nan, (self.module,)


def module_nan(module: str) -> float:
    """Return the NaN of a module, any if the module is not there."""
    try:
        found: float = importlib.import_module(module).nan
    except (ImportError, AttributeError):
        return math.nan
    return found


class Nans:
    """The shared NaNs that a save has met, by id; it keeps them, so that the ids stay theirs."""

    def __init__(self) -> None:
        self.stand_ins: dict[int, OwnNan] = {}

    def note_reached(self, pickler: Any, chunks: Iterable[bytes], pause: Callable[[], None]) -> bool:
        """Note the shared NaNs that a pickler has written one by one; return whether there are any.

        Parameters
        ----------
        pickler : pickle.Pickler
        chunks : iterable of bytes
            What it has written.
        pause : callable
            Is called now and then, and may raise.
        """
        if not may_be_in(chunks, pause):
            return False
        return self._note(_among(reached(pickler), pause, held=True), _ALONE)

    def replaced(self, elements: list[Any], pause: Callable[[], None]) -> list[Any]:
        """Return the elements of an array, with stand-ins for the NaNs that others hold, too."""
        if not self._note(_among(elements, pause), _ALONE + 1):  # The array holds each as well.
            return elements
        stand_ins = self.stand_ins
        return [stand_ins.get(id(e), e) if type(e) is float else e for e in elements]

    def _note(self, met: list[float], alone: int) -> bool:
        modules = {id(getattr(sys.modules.get(name), "nan", None)): name for name in _MODULES}
        shared = _held_more_than(alone, met)
        for value in shared:
            if id(value) not in self.stand_ins:
                module = modules.get(id(value))
                self.stand_ins[id(value)] = OwnNan(value) if module is None else ModuleNan(value, module)
        return bool(shared)


def may_be_in(chunks: Iterable[bytes], pause: Callable[[], None] = lambda: None) -> bool:
    """Whether a stream may hold a NaN."""
    for chunk in chunks:
        for start in range(0, len(chunk), _BYTES):
            pause()
            # It may begin before this part, which the search looks back at.
            if _WRITTEN.search(chunk, start, start + _BYTES):
                return True
    return False


def unequal_to_itself(obj: Any) -> bool:
    """Whether an immutable value is a NaN of whatever type, so that it matters which one it is."""
    cls = type(obj)
    return (cls is complex or cls.__module__ in ("numpy", "decimal")) and bool(operator.ne(obj, obj))


def nans_among(objects: list[Any]) -> list[float]:
    """Return the NaNs among objects, each as often as it occurs; no method of the user's is asked."""
    floats = list(compress(objects, map(operator.is_, map(type, objects), repeat(float))))
    return list(compress(floats, map(operator.ne, floats, floats)))


def _among(objects: list[Any], pause: Callable[[], None], *, held: bool = False) -> list[float]:
    """Return the NaNs among many objects, or among what these hold."""
    found: list[float] = []
    for start in range(0, len(objects), _OBJECTS):
        pause()
        part = objects[start : start + _OBJECTS]
        found += nans_among(gc.get_referents(*part) if held else part)
    return found


def _held_more_than(alone: int, met: list[float]) -> list[float]:
    unique = dict(zip(map(id, met), met, strict=True))
    return list(compress(unique.values(), map(alone.__lt__, map(sys.getrefcount, list(unique.values())))))


def _count_alone() -> int:
    """Return what the interpreter counts for a NaN that one container holds, where the counts are compared."""
    container = [float("nan")]
    return next(count for count in range(100) if not _held_more_than(count, nans_among(container)))


_ALONE = _count_alone()
