"""Generators and coroutines: exact before their first step and after their last, a placeholder between.

Invariant: a live generator is never advanced, and neither is a restored one.
"""

from __future__ import annotations

import dis
import inspect
import types
from typing import TYPE_CHECKING, Any

from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling


def generator(obj: types.GeneratorType[Any, Any, Any], pickling: Pickling) -> Any:
    """Reduce a generator to a call of its function, or to an exhausted one."""
    if obj.gi_frame is None:
        return spent, (obj.gi_code, obj.__name__, obj.__qualname__)
    name = "generator expression" if obj.__name__ == "<genexpr>" else f"generator {obj.__qualname__}"
    if obj.gi_running or not _stands_before(obj.gi_code, obj.gi_frame):
        doing = "was running" if obj.gi_running else "was suspended in the middle"
        return pickling.placeholder(obj, f"{name} {doing}", "make it again, or keep its items in a list")
    return _as_call(obj, pickling, name, obj.gi_code, obj.gi_frame)


def coroutine(obj: types.CoroutineType[Any, Any, Any], pickling: Pickling) -> Any:
    """Reduce a coroutine that nobody has awaited to a call of its function."""
    name = f"coroutine {obj.__qualname__}"
    if obj.cr_frame is None:
        return pickling.placeholder(obj, f"{name} had finished", "call its function again")
    if obj.cr_running or not _stands_before(obj.cr_code, obj.cr_frame):
        reason = f"{name} had not finished; what it had done so far cannot be saved"
        return pickling.placeholder(obj, reason, "call its function again, and await the result")
    return _as_call(obj, pickling, name, obj.cr_code, obj.cr_frame)


def async_generator(obj: types.AsyncGeneratorType[Any, Any], pickling: Pickling) -> Any:
    """Reduce an asynchronous generator that nobody has iterated to a call of its function."""
    name = f"asynchronous generator {obj.__qualname__}"
    if obj.ag_frame is None:
        return pickling.placeholder(obj, f"{name} had finished", "call its function again")
    if obj.ag_running or not _stands_before(obj.ag_code, obj.ag_frame):
        return pickling.placeholder(obj, f"{name} was suspended in an event loop", "call its function again")
    return _as_call(obj, pickling, name, obj.ag_code, obj.ag_frame)


def _stands_before(code: types.CodeType, frame: types.FrameType) -> bool:
    """Whether a frame has taken no step beyond the instruction that made the generator."""
    made = next((i.offset for i in dis.get_instructions(code) if i.opname == "RETURN_GENERATOR"), -1)
    return frame.f_lasti <= made + 2


def _as_call(obj: Any, pickling: Pickling, name: str, code: types.CodeType, frame: Any) -> Any:
    function = next((h for h in held_by(obj) if type(h) is types.FunctionType and h.__code__ is code), None)
    if function is None:
        return pickling.placeholder(obj, f"{name} does not say which function made it", "make it again")
    values, plain, names = frame.f_locals, code.co_argcount, code.co_varnames
    keywords = names[plain : plain + code.co_kwonlyargcount]
    rest = list(names[plain + code.co_kwonlyargcount :])
    args = [values[name] for name in names[:plain]]
    named = {name: values[name] for name in keywords}
    if code.co_flags & inspect.CO_VARARGS:
        args += values[rest.pop(0)]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        named |= values[rest.pop(0)]
    return unstarted, (function, tuple(args), named)


def unstarted(function: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Make a generator or coroutine that stands before its first step."""
    made = function(*args, **named)
    if type(made) not in (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType):
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
