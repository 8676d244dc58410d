"""The filters of warnings, with the categories of libraries that the process which loads may not have imported.

Invariant: to restore a filter imports nothing; it filters what it did, whenever its library is imported.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..pickling.scope import importable_path, is_library, lookup
from .parts import StatePart, Surroundings


class Elsewhere(type):
    """Makes a stand-in for a category whose module is not imported: of it are all that derive from that name."""

    def __subclasscheck__(cls, kind: type) -> bool:
        """Whether a class is, or derives from, what the stand-in is named after."""
        own = (cls.__module__, cls.__qualname__)
        return any((base.__module__, base.__qualname__) == own for base in kind.__mro__)


def _named(category: Any) -> Any:
    """Return a category of a library as its name, since to load the class would import the library."""
    if type(category) is Elsewhere:
        return "category", category.__module__, category.__qualname__
    path = None if category.__module__ == "builtins" else importable_path(category)
    return ("category", *path) if path is not None and is_library(path[0]) else category


def _found(category: Any) -> Any:
    """Return the category that a name stands for, None if its module has none of that name."""
    if type(category) is not tuple:
        return category
    _, module, path = category
    if module in sys.modules:
        try:
            return lookup(module, path)
        except AttributeError:
            return None
    return Elsewhere(path.rpartition(".")[2], (Warning,), {"__module__": module, "__qualname__": path})


def _text(pattern: Any) -> Any:
    return ("pattern", pattern.pattern, pattern.flags) if isinstance(pattern, re.Pattern) else pattern


def _pattern(text: Any) -> Any:
    return re.compile(text[1], text[2]) if type(text) is tuple else text


def _read(_: Surroundings) -> Any:
    return [(row[0], _text(row[1]), _named(row[2]), _text(row[3]), row[4]) for row in list(warnings.filters)]


def _write(value: Any, _: Surroundings) -> Iterator[str]:
    rows = [(row[0], _pattern(row[1]), _found(row[2]), _pattern(row[3]), row[4]) for row in value]
    sound = [row for row in rows if isinstance(row[2], type) and issubclass(row[2], Warning)]
    _set(sound)
    if len(sound) < len(value):
        yield f"{len(value) - len(sound)} left out, since the category is not here"


def _set(rows: list[Any]) -> None:
    # Also tells the interpreter that what it remembers of earlier warnings no longer counts.
    warnings.resetwarnings()
    warnings.filters[:] = rows  # type: ignore[index]


def _keep(_: Surroundings) -> Callable[[], None]:
    before = list(warnings.filters)
    return lambda: _set(before)


PARTS = (StatePart("warnings filters", _read, _write, _keep),)
