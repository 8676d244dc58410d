"""Type variables, aliases of the `type` statement, which may stand for a type that holds the alias itself, protocols.

Invariant: an alias is made before its value, unless it has parameters: then Python takes both only together.
"""

from __future__ import annotations

import gc
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any

_SINCE = {"infer_variance": (3, 12), "default": (3, 13)}


def alias_arguments(alias: Any) -> tuple[tuple[Any, ...], Any]:
    """Return what `alias_of` makes an alias from, and what `give_value` gives it then, None if nothing is left."""
    whole = alias.__name__, alias.__module__
    if alias.__type_params__ or not alias.__name__.isidentifier():
        return (*whole, alias.__type_params__, alias.__value__), None
    return whole, (alias.__value__,)


def alias_of(name: str, module: str, params: tuple[Any, ...] | None = None, value: Any = None) -> Any:
    """Make an alias; without parameters it has no value yet."""
    if not hasattr(typing, "TypeAliasType"):
        raise TypeError("aliases of the `type` statement need Python 3.12 or newer")
    # Python takes the module from the code that makes an alias.
    namespace: dict[str, Any] = {"__name__": module}
    if params is not None:
        return types.FunctionType(_make.__code__, namespace)(typing.TypeAliasType, name, value, params)
    exec(f"type {name} = value", namespace)  # noqa: S102  # No function makes one without a value.
    return namespace[name]


def _make(kind: Any, name: str, value: Any, params: tuple[Any, ...]) -> Any:
    return kind(name, value, type_params=params)


def give_value(alias: Any, value: tuple[Any]) -> None:
    """Let an alias without parameters stand for a type."""
    found = (o for o in gc.get_referents(alias) if type(o) is types.FunctionType)
    next(found).__globals__["value"] = value[0]
    alias.__value__  # noqa: B018  # Worked out now and kept, as that of an alias which was used.


def variable_of(kind: str, name: str, constraints: tuple[Any, ...], options: Mapping[str, Any], module: str) -> Any:
    """Make a TypeVar, ParamSpec or TypeVarTuple, with what this Python knows of it."""
    known = {k: v for k, v in options.items() if sys.version_info >= _SINCE.get(k, (3, 0))}
    made = getattr(typing, kind)(name, *constraints, **known)
    made.__module__ = module
    return made


class _Protocol(typing.Protocol):
    """Has what `typing` gives every protocol."""


@typing.runtime_checkable
class _Checkable(typing.Protocol):
    """Has what it gives those that can be asked about instances."""


_HOOK: Any = vars(_Protocol)["__subclasshook__"]


def is_protocol_hook(value: Any) -> bool:
    """Whether something is what a protocol looks at other classes with: one for all, or in Python 3.11 one for each."""
    return value is _HOOK or (type(value) is type(_HOOK) is types.FunctionType and value.__code__ is _HOOK.__code__)


def protocol_hook(cls: type) -> Any:
    """Return that of a protocol, as this Python has it."""
    if type(_HOOK) is not types.FunctionType:
        return _HOOK
    made = types.FunctionType(_HOOK.__code__, _HOOK.__globals__, _HOOK.__name__, None, (types.CellType(cls),))
    made.__qualname__ = _HOOK.__qualname__
    return made


_NOTED = ("__protocol_attrs__", "__callable_proto_members_only__", "__non_callable_proto_members__")
_COMPILED = {
    "__static_attributes__": (3, 13),
    "__firstlineno__": (3, 13),
    "__annotate_func__": (3, 14),
    "__annotations_cache__": (3, 14),
}
"""What compilers leave in a class, since when: an older `typing` would take it for members."""


def note_members(cls: Any) -> None:
    """Let a protocol have what this Python notes of its members, and nothing that another one has noted."""
    here = vars(_Checkable if vars(cls).get("_is_runtime_protocol") is True else _Protocol)
    unknown = [name for name in _NOTED if name not in here]
    unknown += [name for name, since in _COMPILED.items() if sys.version_info < since]
    for name in unknown:
        if name in vars(cls):
            type.__delattr__(cls, name)
    missing = [name for name in _NOTED if name in here and name not in vars(cls)]
    if missing:
        members = typing._get_protocol_attrs(cls)  # type: ignore[attr-defined]
        others = {name for name in members if not callable(getattr(cls, name, None))}
        for name, noted in zip(_NOTED, (members, not others, others), strict=True):
            if name in missing:
                type.__setattr__(cls, name, noted)
