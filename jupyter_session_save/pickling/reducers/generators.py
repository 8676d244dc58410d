"""Generators: exact before their first step and after their last, a placeholder between.

Invariant: a live generator is never advanced, and neither is a restored one.
"""

from __future__ import annotations

import inspect
import types
from typing import TYPE_CHECKING, Any

from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling


def generator(obj: types.GeneratorType[Any, Any, Any], pickling: Pickling) -> Any:
    """Reduce a generator to a call of its function, or to an exhausted one."""
    state = inspect.getgeneratorstate(obj)
    if state == inspect.GEN_CLOSED:
        return spent, (obj.gi_code, obj.__name__, obj.__qualname__)
    name = "generator expression" if obj.__name__ == "<genexpr>" else f"generator {obj.__qualname__}"
    if state != inspect.GEN_CREATED:
        doing = "was running" if state == inspect.GEN_RUNNING else "was suspended in the middle"
        return pickling.placeholder(obj, f"{name} {doing}", "make it again, or keep its items in a list")
    function = _function_of(obj)
    if function is None:
        return pickling.placeholder(obj, f"{name} does not say which function made it", "make it again")
    frame: Any = obj.gi_frame
    code, values = obj.gi_code, frame.f_locals
    plain = code.co_argcount
    names = code.co_varnames
    keywords = names[plain : plain + code.co_kwonlyargcount]
    rest = list(names[plain + code.co_kwonlyargcount :])
    args = [values[name] for name in names[:plain]]
    named = {name: values[name] for name in keywords}
    if code.co_flags & inspect.CO_VARARGS:
        args += values[rest.pop(0)]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        named |= values[rest.pop(0)]
    return unstarted, (function, tuple(args), named)


def _function_of(obj: types.GeneratorType[Any, Any, Any]) -> types.FunctionType | None:
    """Find the function, and with it the very cells of its closure, in the generator's frame."""
    for held in held_by(obj):
        if type(held) is types.FunctionType and held.__code__ is obj.gi_code:
            return held
    return None


def unstarted(function: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Make a generator that stands before its first step."""
    made = function(*args, **named)
    if type(made) is not types.GeneratorType:
        raise TypeError(f"{function!r} did not give a generator")
    return made


def spent(code: types.CodeType, name: str, qualname: str) -> Any:
    """Make a generator that stands behind its last step."""
    cells = tuple(types.CellType() for _ in code.co_freevars)
    function = types.FunctionType(code, {}, name, None, cells or None)
    plain, keywords = code.co_argcount, code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    # It never takes a step, so it does not matter what it is called with.
    made = function(*(None,) * plain, **dict.fromkeys(keywords))
    made.close()
    made.__name__, made.__qualname__ = name, qualname
    return made
