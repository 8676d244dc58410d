"""Find where in a value an object sits, as the Python expression that a user would type.

Invariant: a bounded breadth-first walk by identity that runs no user code: it reads containers and instance
dictionaries directly, never through attribute access.
"""

from __future__ import annotations

import collections
import functools
import types
from collections.abc import Iterator, Mapping
from typing import Any

from .placeholder import Placeholder
from .scope import own_name

LIMIT = 500_000
"""Objects visited at most; beyond it a path is not worth its time."""


class PathFinder:
    """Paths from the variables of a component to the objects inside them.

    Parameters
    ----------
    values : mapping of str to object
        The variables, by name.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._parents: dict[int, tuple[int, str]] = {}
        self._keep: list[Any] = []
        self._walked = False

    def known(self, target: Any) -> str | None:
        """Return the expression that leads to `target`, None if the walk does not meet it."""
        self._walk()
        steps: list[str] = []
        at = id(target)
        while at in self._parents:
            at, step = self._parents[at]
            steps.append(step)
            if at == 0:
                return "".join(reversed(steps))
        return None

    def _walk(self) -> None:
        if self._walked:
            return
        self._walked = True
        queue = collections.deque[Any]()
        for name, value in self._values.items():
            if id(value) not in self._parents:
                self._parents[id(value)] = (0, root_path(name))
                queue.append(value)
        while queue and len(self._parents) < LIMIT:
            value = queue.popleft()
            for step, child in children(value):
                if id(child) not in self._parents:
                    self._parents[id(child)] = (id(value), step)
                    # Temporaries must live as long as their ids stand in the table.
                    self._keep.append(child)
                    queue.append(child)


_LEAVES = frozenset(
    map(id, (str, bytes, int, float, complex, bool, type(None), types.CodeType, types.ModuleType, bytearray))
)
_SETS = frozenset(map(id, (set, frozenset)))
_KEYS = frozenset(map(id, (str, int, float, bool, bytes, type(None))))


def children(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (step, child) for what a value holds directly."""
    kind = type(value)
    if id(kind) in _LEAVES or kind is Placeholder:
        return  # What a placeholder stands for is no part of the value.
    if issubclass(kind, dict):
        for key, item in list(dict.items(value)):
            yield f"[{_key(key)}]", item
            if id(type(key)) not in _LEAVES:
                yield f".keys()[{_key(key)}]", key
    elif issubclass(kind, (list, tuple, collections.deque)):
        for position, item in enumerate(_raw_items(value)):
            yield f"[{position}]", item
    elif id(kind) in _SETS:
        for position, item in enumerate(list(value)):
            yield f"{{{position}}}", item
    elif kind is types.FunctionType:
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=False):
            yield f".<closure>.{name}", cell
        for position, item in enumerate(value.__defaults__ or ()):
            yield f".__defaults__[{position}]", item
        yield from ((f".__kwdefaults__[{key!r}]", item) for key, item in (value.__kwdefaults__ or {}).items())
    elif kind is types.CellType:
        try:
            yield "", value.cell_contents
        except ValueError:
            return
    elif kind is types.MethodType:
        yield ".__self__", value.__self__
        yield ".__func__", value.__func__
    elif kind is functools.partial:
        yield ".func", value.func
        yield ".args", value.args
        yield ".keywords", value.keywords
    yield from attributes(value)


def attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (``.name``, value) for what stands in an instance's dictionary and slots."""
    kind = type(value)
    try:
        own = object.__getattribute__(value, "__dict__")
    except Exception:
        own = None
    if isinstance(own, (dict, types.MappingProxyType)):
        yield from ((f".{name}", item) for name, item in list(own.items()))
    for cls in kind.__mro__:
        for name, descriptor in list(vars(cls).items()):
            if type(descriptor) is types.MemberDescriptorType and not name.startswith("__"):
                try:
                    yield f".{name}", descriptor.__get__(value, kind)
                except Exception:
                    continue


def _raw_items(value: Any) -> list[Any]:
    bases: tuple[Any, ...] = (list, tuple, collections.deque)
    return next((list(base.__iter__(value)) for base in bases if isinstance(value, base)), [])


def root_path(name: str) -> str:
    """Return the expression for a variable, whose name need not be one that can be written."""
    return name if name.isidentifier() else f"globals()[{name!r}]"


def _key(key: Any) -> str:
    try:
        return repr(key) if id(type(key)) in _KEYS else f"<{own_name(type(key))}>"
    except ValueError:  # An integer that is too long to be written in decimal.
        return "<int>"
