"""Which names are the user's, and how restored values are put among them so that all can be taken back.

Invariant: after `Journal.rollback` every name that the load touched is bound as before, or unbound as before.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from .errors import SessionNameError

_MODULE_NAMES = frozenset(
    "__name__ __doc__ __package__ __loader__ __spec__ __builtins__ __builtin__ __file__ __cached__ "
    "__annotations__ __annotate__ __conditional_annotations__ __warningregistry__ "
    "__session__ __vsc_ipynb_file__".split()
)
_HISTORY = frozenset("In Out _ih _oh _dh _ __ ___ _i _ii _iii".split())
_CALLED = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type)
_NUMBERED = re.compile(r"_(i?)(\d+)")
_MISSING: Any = object()


def user_names(namespace: Mapping[Any, Any], hidden: Mapping[str, Any]) -> list[str]:
    """Return the names that the user made, in the order in which they were made.

    Parameters
    ----------
    namespace : mapping of str to object
    hidden : mapping of str to object
        What the shell put there; a name that the user has bound to something else is the user's.
    """
    return [name for name, value in list(namespace.items()) if is_users(name, value, namespace, hidden)]


def is_users(name: Any, value: Any, namespace: Mapping[Any, Any], hidden: Mapping[str, Any]) -> bool:
    """Whether the user made a name; parameters as for `user_names`."""
    return (
        type(name) is str
        and name not in _MODULE_NAMES
        and hidden.get(name, _MISSING) is not value
        and not (may_be_history(name) and _is_history(name, value, namespace, hidden))
    )


def may_be_history(name: str) -> bool:
    """Whether it depends on more than a name and its value, such as the outputs there are, whose the name is."""
    return name[:1] == "_" or name in _HISTORY


def _is_history(name: str, value: Any, namespace: Mapping[str, Any], hidden: Mapping[str, Any]) -> bool:
    if "_oh" not in namespace and "_ih" not in namespace:
        return False  # No IPython, so no history: all names are the user's.
    outputs = namespace.get("_oh")
    if name == "_" and name in hidden and type(outputs) is dict:
        # As in `from gettext import gettext as _`. Anything else may be an output that was to be forgotten: IPython
        # leaves it there when it clears its outputs.
        return not isinstance(value, _CALLED) or any(value is output for output in list(outputs.values()))
    if name in _HISTORY:
        return True
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None:
        return False
    if numbered[1]:
        return type(value) is str and name not in hidden
    return type(outputs) is dict and outputs.get(int(numbered[2]), _MISSING) is value


def choose(names: Sequence[str], only: Iterable[str], exclude: Iterable[str]) -> list[str]:
    """Return the names that match the patterns.

    Parameters
    ----------
    names : sequence of str
    only, exclude : iterable of str
        Shell patterns such as ``df*``; no `only` means all.

    Raises
    ------
    SessionNameError
        If a pattern matches no name: most likely it is misspelt.
    """
    chosen = set(names)
    patterns = list(only)
    if patterns:
        chosen = set().union(*(_matching(names, pattern) for pattern in patterns))
    for pattern in exclude:
        chosen -= _matching(names, pattern)
    return [name for name in names if name in chosen]


def _matching(names: Sequence[str], pattern: str) -> set[str]:
    found = {name for name in names if fnmatchcase(name, pattern)}
    if not found:
        raise SessionNameError(f"no variable matches {pattern!r}: check the spelling, or leave the pattern out")
    return found


class Journal:
    """Changes to a namespace that can be taken back.

    Parameters
    ----------
    namespace : dict
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._before: dict[str, Any] = {}
        self._items: list[tuple[Any, Any, Any]] = []

    def bind(self, name: str, value: Any) -> None:
        """Bind a name."""
        self._before.setdefault(name, self._namespace.get(name, _MISSING))
        self._namespace[name] = value

    def unbind(self, name: str) -> None:
        """Remove a name."""
        self._before.setdefault(name, self._namespace.get(name, _MISSING))
        self._namespace.pop(name, None)

    def put(self, container: Any, key: Any, value: Any) -> None:
        """Put a value in the place of an item of an exact list or dict."""
        self._items.append((container, key, container[key]))
        container[key] = value

    def rollback(self) -> None:
        """Bind every touched name as it was before, and put back every item."""
        for container, key, item in reversed(self._items):
            container[key] = item
        self._items.clear()
        for name, value in self._before.items():
            if value is _MISSING:
                self._namespace.pop(name, None)
            else:
                self._namespace[name] = value
        self._before.clear()
