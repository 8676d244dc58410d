"""Dicts, lists and sets of a library's module that a variable refers to: ``p = sys.path``, ``d = vars(math)``.

They travel with what they held. A load takes the module's own again if that holds the same; where it does not, the
variable gets what was saved, and a warning says that the two are apart.

Invariant: a load changes nothing in a module.
"""

from __future__ import annotations

import importlib
import re
import sys
import types
import warnings
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from .scope import is_library, module_of

_PLAIN = frozenset(map(id, (type(None), bool, int, float, complex, str, bytes, re.Pattern)))
_NESTED = frozenset(map(id, (dict, list, set, tuple, frozenset)))
_OWNED = frozenset(map(id, (dict, list, set)))
_MOST = 20_000

# What catches warnings puts another list there for the time being, as a load does.
_PASSING = ("warnings", "filters")


class Borrowed:
    """Stands for a container of a module; the name is empty for the dict of the module itself."""

    __slots__ = ("held", "module", "name")

    def __init__(self, module: str, name: str, held: Any) -> None:
        self.module, self.name, self.held = module, name, held

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a call that finds it."""
        return borrowed, (self.module, self.name, self.held)


def borrowed(module: str, name: str, held: Any) -> Any:
    """Return a module's own container if it holds what was saved, else what was saved."""
    try:
        own = vars(importlib.import_module(module))
        found = own[name] if name else own
    except (ImportError, KeyError):
        return held
    if not name or (type(found) is type(held) and is_plain(found) and found == held):
        return found
    warnings.warn(f"{module}.{name} holds something else now: what refers to it has a copy as saved", stacklevel=2)
    return held


def is_plain(value: Any) -> bool:
    """Whether a value is made of plain data only, and not of too much; nothing of it runs code when compared."""
    front, seen = [value], 0
    while front:
        one = front.pop()
        seen += 1
        if id(type(one)) in _PLAIN or (type(one) is type and is_library(module_of(one))):
            continue
        if id(type(one)) not in _NESTED or seen + len(one) > _MOST:
            return False
        front += [*one.keys(), *one.values()] if type(one) is dict else [*one]
    return True


class _Places:
    """Where containers stand in the modules of libraries; each module is gone through once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._names: dict[int, tuple[str, str]] = {}

    def known(self) -> Mapping[int, tuple[str, str]]:
        """Return modules and names by the ids of the containers that stood there when they were looked at."""
        for name in sys.modules.keys() - self._seen:
            self._note(name, sys.modules.get(name))
        return self._names

    def _note(self, name: str, module: Any) -> None:
        self._seen.add(name)
        if type(module) is not types.ModuleType or not is_library(name):
            return
        places = {id(vars(module)): (name, "")}
        places |= {id(v): (name, k) for k, v in list(vars(module).items()) if id(type(v)) in _OWNED and k[:2] != "__"}
        for key, place in places.items():
            # The shortest name of a module is the one that it is known by.
            if place != _PASSING:
                self._names[key] = min(place, self._names.get(key, place), key=lambda at: (len(at[0]), at))


_PLACES = _Places()


def stand_ins(ids: AbstractSet[int]) -> dict[int, tuple[Any, Borrowed]]:
    """Return those of some dicts, lists and sets that are a module's, each with what stands for it, by id."""
    known = _PLACES.known()
    found: dict[int, tuple[Any, Borrowed]] = {}
    for key in ids & known.keys():
        module, name = known[key]
        own = vars(sys.modules[module]) if module in sys.modules else {}
        value: Any = own.get(name) if name else own
        if id(value) == key and (not name or is_plain(value)):
            found[key] = value, Borrowed(module, name, value.copy() if name else None)
    return found
