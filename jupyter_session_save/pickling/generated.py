"""Methods that the standard library writes for dataclasses and named tuples: left out, and written again at load.

They have no source that could travel, and each Python writes them in its own way.

Invariant: only methods that `dataclasses` or `collections` wrote are left out; what the user put in their place stays.
"""

from __future__ import annotations

import collections
import dataclasses
import types
from collections.abc import Mapping
from typing import Any

from . import rebuild

Methods = dict[str, types.FunctionType]

_KEPT = ("__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__", "__annotations__")


def dataclass_methods(own: Mapping[str, Any]) -> Methods:
    """Return the methods of a class that the dataclass decorator wrote."""
    if type(own.get("__dataclass_params__")) is not _parameters():
        return {}
    return {name: value for name, value in own.items() if _is_compiled(value) or _is_compiled(_repr_of(value))}


def named_tuple_methods(name: str, own: Mapping[str, Any]) -> Methods:
    """Return the methods of a class that `collections.namedtuple` wrote."""
    new = _function(own.get("__new__"))
    if new is None or "_fields" not in own or new.__globals__.get("__name__") != f"namedtuple_{name}":
        return {}
    functions = {key: _function(value) for key, value in own.items()}
    theirs = (new.__globals__, vars(collections))
    return {key: f for key, f in functions.items() if f is not None and any(f.__globals__ is g for g in theirs)}


def versioned(own: Mapping[str, Any]) -> set[str]:
    """Return the names among a class's attributes that only some Pythons set."""
    return {"__replace__"} if own.get("__replace__") is getattr(dataclasses, "_replace", dataclasses) else set()


def described(methods: Methods) -> dict[str, dict[str, Any]]:
    """Return what of generated methods was not generated, or may have been changed since."""
    return {
        name: {key: getattr(f, key) for key in _KEPT}
        | {"__dict__": {k: v for k, v in f.__dict__.items() if k != "__wrapped__"}}
        for name, f in methods.items()
    }


def without_slots(cls: type, methods: Methods) -> type | None:
    """Return the class from which the decorator made one with slots; its methods go on asking for the former."""
    for function in methods.values():
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if name == "cls" and cell.cell_contents is not cls:
                return cell.cell_contents  # type: ignore[no-any-return]
    return None


@rebuild.setter
def write_dataclass(
    cls: type,
    params: Mapping[str, Any],
    fields: tuple[Any, ...],
    methods: dict[str, Any],
    former: type | None = None,
    namespace: Any = None,
) -> None:
    """Let the decorator write the methods for a class like this one, and give them to this one."""
    options = {key: params[key] for key in ("init", "repr", "eq", "order", "unsafe_hash", "frozen")}
    attributes: dict[str, Any] = {"__annotations__": {}, "__qualname__": cls.__qualname__}
    for field in fields:
        kind = field._field_type.name if field._field_type else ""
        if kind == "_FIELD_CLASSVAR":
            continue
        attributes["__annotations__"][field.name] = dataclasses.InitVar[object] if kind == "_FIELD_INITVAR" else object
        attributes[field.name] = dataclasses.field(
            default=field.default,
            default_factory=field.default_factory,
            init=field.init,
            repr=field.repr,
            hash=field.hash,
            compare=field.compare,
            kw_only=field.kw_only is True,
        )
    if hasattr(cls, "__post_init__"):
        attributes["__post_init__"] = None
    twin: type = dataclasses.dataclass(**options)(type(cls.__name__, (), attributes))
    _take(cls, twin, methods, former or cls, namespace)
    for name in (*methods, "__replace__") if former is not None else ():
        if name not in vars(former) and name in vars(cls):
            type.__setattr__(former, name, vars(cls)[name])


@rebuild.setter
def write_named_tuple(cls: type, fields: tuple[str, ...], methods: dict[str, Any]) -> None:
    """Let the factory write the methods of a named tuple like this one, and give them to this one."""
    twin = collections.namedtuple(cls.__name__, fields, rename=True)  # type: ignore[misc] # noqa: PYI024
    _take(cls, twin, methods, cls, None)


def _take(cls: type, twin: type, methods: Mapping[str, Mapping[str, Any]], asked: type, namespace: Any) -> None:
    for name, kept in methods.items():
        if name not in vars(twin):
            continue
        written = vars(twin)[name]
        function: Any = _function(written)
        if namespace is not None and _is_compiled(function):
            function = written = _within(function, namespace)
        for key in _KEPT:
            setattr(function, key, kept[key])
        function.__dict__.update(kept["__dict__"])
        if namespace is not None and _is_compiled(_repr_of(function)):
            function.__wrapped__ = _within(function.__wrapped__, namespace)
            function.__wrapped__.__module__ = function.__module__
            _enclose(function, "user_function", function.__wrapped__)
            if function.__annotations__ == function.__wrapped__.__annotations__:
                function.__annotations__ = function.__wrapped__.__annotations__
        _enclose(function, "cls", asked)  # Frozen classes ask for themselves.
        type.__setattr__(cls, name, written)
    if "__replace__" in vars(twin) and "__replace__" not in vars(cls):
        type.__setattr__(cls, "__replace__", vars(cls).get("_replace", vars(twin)["__replace__"]))


def _within(function: Any, namespace: dict[str, Any]) -> Any:
    made = types.FunctionType(function.__code__, namespace, function.__name__, None, function.__closure__)
    made.__qualname__ = function.__qualname__
    return made


def _enclose(function: Any, variable: str, value: Any) -> None:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name == variable:
            cell.cell_contents = value


def _function(value: Any) -> types.FunctionType | None:
    if type(value) in (staticmethod, classmethod):
        value = value.__func__
    return value if type(value) is types.FunctionType else None


def _is_compiled(value: Any) -> bool:
    """Whether a function was compiled by `dataclasses` from text of its own."""
    return type(value) is types.FunctionType and value.__code__.co_qualname.startswith("__create_fn__.<locals>.")


def _repr_of(value: Any) -> Any:
    """Return what stands behind the wrapper against recursion of a generated ``__repr__``."""
    if type(value) is not types.FunctionType or value.__code__.co_name != "wrapper":
        return None
    return value.__dict__.get("__wrapped__")


def _parameters() -> Any:
    return vars(dataclasses)["_DataclassParams"]
