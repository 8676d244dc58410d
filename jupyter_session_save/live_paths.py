"""Paths to what stands in a value, such as ``job['p'].stdout``, taken apart and followed.

Invariant: no code of the user's runs, since only exact lists, tuples and dicts, these with plain keys, and instances'
own dictionaries are looked into.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterable
from typing import Any, TypeAlias

Step: TypeAlias = tuple[bool, Any]
"""Whether it is an attribute, and its name; else the position in a list or tuple, or the key in a dict."""

MISSING: Any = object()
"""Stands at the end of a path that leads nowhere."""

PLAIN_KEYS = frozenset(map(id, (str, bytes, int, float, bool, type(None))))


class Keys:
    """Which dicts have plain keys only, so that looking one up asks no code of the user's; each is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bool]] = {}

    def are_plain(self, container: Any) -> bool:
        """Whether it is an exact dict with such keys."""
        if id(container) not in self._known:
            self._known[id(container)] = container, type(container) is dict and all(map(_is_plain, container))
        return self._known[id(container)][1]


def steps_of(path: str, name: str) -> tuple[Step, ...] | None:
    """Return the steps from a variable to what stands in it.

    Parameters
    ----------
    path : str
        As a `Problem` has it, such as ``job['p'].stdout``.
    name : str
        The variable.

    Returns
    -------
    tuple of Step or None
        None for what is no chain of attributes and plain keys that begins with the variable.
    """
    steps: list[Step] = []
    try:
        node = ast.parse(path, mode="eval").body
        while not _is_root(node, name):
            if isinstance(node, ast.Attribute):
                steps.append((True, node.attr))
            elif isinstance(node, ast.Subscript):
                steps.append((False, ast.literal_eval(node.slice)))
            else:
                return None
            node = node.value
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return tuple(reversed(steps))


def _is_root(node: ast.expr, name: str) -> bool:
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call):
        # The name of a variable need not be one that can be written.
        return ast.unparse(node.value) == "globals()" and ast.literal_eval(node.slice) == name
    return isinstance(node, ast.Name) and node.id == name


def follow(value: Any, steps: Iterable[Step], keys: Keys) -> Any:
    """Return what stands at the end of a path, `MISSING` if there is nothing, or no way to it."""
    for step in steps:
        container, key = inside(value, step), step[1]
        if type(container) is dict:
            value = _item(container, key, keys)
        elif container is not None and type(key) is int and 0 <= key < len(container):
            value = container[key]
        else:
            return MISSING
    return value


def own_dict(value: Any) -> dict[str, Any] | None:
    """Return the dictionary of an instance's own, None if it has none or answers for it in a way of its own."""
    for cls in type(value).__mro__:
        found = vars(cls).get("__dict__")
        if found is not None:
            own = found.__get__(value) if type(found) is types.GetSetDescriptorType else None
            return own if type(own) is dict else None
    return None


def inside(value: Any, step: Step) -> Any:
    """Return the container that a step looks into, None if there is none."""
    if step[0]:
        return own_dict(value)
    return value if is_container(value) else None


def is_container(value: Any) -> bool:
    """Whether what stands in a value is found by position or key."""
    kind = type(value)
    return kind is list or kind is dict or kind is tuple


def _item(container: dict[Any, Any], key: Any, keys: Keys) -> Any:
    kind = type(key)
    if id(kind) not in PLAIN_KEYS:
        return MISSING
    if keys.are_plain(container):
        return container.get(key, MISSING)
    return next((item for k, item in list(container.items()) if type(k) is kind and k == key), MISSING)


def _is_plain(key: Any) -> bool:
    return id(type(key)) in PLAIN_KEYS or (type(key) is tuple and all(map(_is_plain, key)))
