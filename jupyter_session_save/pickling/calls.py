"""What the calls of a stream are: whose code they run, what they make.

Invariant: nothing is called here.
"""

from __future__ import annotations

import types
from functools import partial
from typing import Any

from . import again, rebuild
from .placeholder import Placeholder
from .scope import is_library, module_of, qualname_of, type_name


def fills(func: Any) -> bool:
    """Whether a call does something to its first argument."""
    return type(func) is types.FunctionType and func in rebuild.SETTERS


def asks(func: Any) -> bool:
    """Whether a call asks its first argument for something, and would be answered by a placeholder."""
    return func is rebuild.new_object or func is getattr


def is_own(func: Any) -> bool:
    """Whether a function is one of ours, which change nothing in what they make something of."""
    return module_of(func).startswith(f"{__package__}.")


_METHODS: dict[Any, tuple[str, ...]] = {
    rebuild.new_object: ("__new__",),
    rebuild.new_object_ex: ("__new__",),
    rebuild.filled: ("__setstate__",),
    again.built: ("__setstate__",),
    again.extended: ("extend", "append"),
    again.updated: ("__setitem__",),
    again.added: ("add",),
}


def is_users(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether a call runs code of the user's, which may make of a placeholder whatever it likes."""
    if not is_own(func):
        return not is_library(module_of(func)) and module_of(func) != "builtins"
    if not args or type(func) is not types.FunctionType:
        return False
    if func is rebuild.set_state or func is again.taken:
        return True
    cls = args[0] if isinstance(args[0], type) else type(args[0])
    found = (getattr(cls, name, None) for name in _METHODS.get(func, ()))
    return any(type(one) is types.FunctionType and not is_library(module_of(one)) for one in found)


_INSTANCES = (
    *(rebuild.new_object, rebuild.new_object_ex, rebuild.instance, rebuild.raw_member, rebuild.container),
    *(rebuild.enum_member, rebuild.enum_value),
)


def described(func: Any, args: tuple[Any, ...]) -> str:
    """Name what a call would have made: the class that it was given, else the callable."""
    if args and any(func is one for one in _INSTANCES):
        if isinstance(args[0], type):
            return type_name(args[0])
        if type(args[0]) is Placeholder and args[0]._steps is not None:
            return args[0]._steps.name
    if func is again.referred or func is rebuild.importable:
        return ".".join(args)
    if isinstance(func, type):
        return type_name(func)
    if isinstance(func, partial):
        return {"make_class": "type", "make_function": "function"}.get(func.func.__name__, "")
    return qualname_of(func) or type_name(type(func))
