"""Exceptions: with their attributes, notes and causes, made without running their class's ``__init__`` again.

Invariant: the traceback stays behind, since its frames hold whole namespaces; that is reported.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_BUILT_IN = (types.MethodDescriptorType, types.WrapperDescriptorType)


def exception(obj: BaseException, pickling: Pickling) -> Any:
    """Reduce an exception."""
    cls = type(obj)
    if any(type(getattr(cls, name)) not in _BUILT_IN for name in ("__reduce__", "__reduce_ex__", "__setstate__")):
        return pickling.by_reduce(obj)
    reduced: Any = obj.__reduce_ex__(4)
    _, args, *state = reduced
    own = next(c for c in cls.__mro__ if c.__module__ == "builtins")
    if obj.__traceback__ is not None:
        pickling.note_reconnected(obj, "its traceback was not saved")
    full = (
        state[0] if state else None,
        obj.__cause__,
        obj.__context__,
        obj.__suppress_context__,
    )
    return make_exception, (cls, own, args), full, None, None, exception_state


def traceback(obj: Any, pickling: Pickling) -> Any:
    """Reduce a traceback to a placeholder."""
    line = obj.tb_lineno
    return pickling.placeholder(
        obj, f"a traceback (of line {line}) holds the frames of a process", "keep traceback.format_exc() instead"
    )


def frame(obj: Any, pickling: Pickling) -> Any:
    """Reduce a frame to a placeholder."""
    return pickling.placeholder(
        obj,
        f"a frame (of {obj.f_code.co_qualname}) belongs to the process that was saved",
        "keep what is needed of its variables",
    )


def make_exception(cls: Any, own: Any, args: tuple[Any, ...]) -> Any:
    """Make an exception as its nearest class written in C would, which knows nothing of a subclass's arguments."""
    made = own.__new__(cls, *args)
    try:
        own.__init__(made, *args)
    except TypeError:
        made.args = args
    return made


@rebuild.setter
def exception_state(made: BaseException, state: tuple[Any, Any, Any, bool]) -> None:
    """Set attributes and causes."""
    attributes, cause, context, suppress = state
    if attributes:
        BaseException.__setstate__(made, attributes)
    made.__cause__, made.__context__, made.__suppress_context__ = cause, context, suppress
