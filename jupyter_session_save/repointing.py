"""Give live instances of a class whose module has been reloaded the class that stands there now.

Invariant: no code of the user's runs, and what was changed can be taken back as a whole.
"""

from __future__ import annotations

import gc
import types
from collections.abc import Iterable, Iterator
from typing import Any

from .pickling.scope import is_library, lookup, module_of, reloaded_path

VISITED = 5_000_000
"""Objects that are looked at before the search is given up."""

_CLOSED = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType, types.FrameType, type)
_set_class = object.__dict__["__class__"].__set__


class Repointing:
    """One walk over values, which may be taken back.

    Attributes
    ----------
    complete : bool
        Whether everything was looked at.
    """

    def __init__(self) -> None:
        self._newer: dict[type, type | None] = {}
        self._before: list[tuple[Any, type]] = []
        self._done: dict[str, set[str]] = {}
        self._refused: dict[str, set[str]] = {}
        self._visited = 0
        self.complete = True

    def walk(self, values: Iterable[tuple[str, Any]]) -> None:
        """Re-point every instance that is reached from variables, through containers and attributes.

        Parameters
        ----------
        values : iterable of (str, object)
            Names and their values.
        """
        seen: set[int] = set()
        keep: list[Any] = []
        for name, value in values:
            todo = [value]
            while todo:
                obj = todo.pop()
                if id(obj) in seen or isinstance(obj, _CLOSED):
                    continue
                if self._visited >= VISITED:
                    self.complete = False
                    return
                self._visited += 1
                seen.add(id(obj))
                keep.append(obj)
                self._consider(name, obj)
                todo += gc.get_referents(obj)

    def undo(self) -> None:
        """Give every instance its class of before."""
        for obj, cls in self._before:
            _set_class(obj, cls)
        self._before.clear()

    def notes(self) -> Iterator[str]:
        """Say in one line each what was re-pointed, and what could not be."""
        if self._done:
            yield f"re-pointed to the classes as they were reloaded: {_listed(self._done)}"
        if self._refused:
            yield f"not re-pointed, since the new class is laid out differently: {_listed(self._refused)}"
        if not self._done and not self._refused:
            yield "nothing to re-point: no instance has a class that was reloaded since"
        if not self.complete:
            yield f"only {VISITED:,} objects were looked at; there may be more to re-point"

    def _consider(self, name: str, obj: Any) -> None:
        cls = type(obj)
        if cls not in self._newer:
            self._newer[cls] = _newer(cls)
        newer = self._newer[cls]
        if newer is None:
            return
        path = f"{module_of(newer)}.{newer.__qualname__}"
        try:
            _set_class(obj, newer)
        except TypeError:
            self._refused.setdefault(path, set()).add(name)
            return
        self._before.append((obj, cls))
        self._done.setdefault(path, set()).add(name)


def _newer(cls: type) -> type | None:
    """Return the class that now stands where a class of the user's own modules came from."""
    if is_library(module_of(cls)):
        return None
    path = reloaded_path(cls)
    if path is None:
        return None
    found = lookup(*path)
    return found if found is not cls else None


def _listed(found: dict[str, set[str]]) -> str:
    return "; ".join(f"{path} (in {', '.join(sorted(names))})" for path, names in sorted(found.items()))
