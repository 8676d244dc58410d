"""Exceptions: with their attributes, notes and causes, made without running their class's ``__init__`` again.

Invariant: of a traceback only what is shown comes along, since its frames hold whole namespaces; that is reported.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Callable, Iterator
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
        pickling.note_reconnected(obj, _SHORTENED)
        pickling.announced.update(map(id, _chain(obj.__traceback__)))
    full = (
        state[0] if state else None,
        obj.__cause__,
        obj.__context__,
        obj.__suppress_context__,
        obj.__traceback__,
    )
    return make_exception, (cls, own, args), full, None, None, exception_state


def traceback(obj: Any, pickling: Pickling) -> Any:
    """Reduce one entry of a traceback to what is shown of it."""
    if id(obj) not in pickling.announced:
        pickling.note_reconnected(obj, _SHORTENED)
        pickling.announced.update(map(id, _chain(obj)))
    code, module = obj.tb_frame.f_code, obj.tb_frame.f_globals.get("__name__")
    where = code.co_filename, code.co_name, obj.tb_lineno, module if type(module) is str else ""
    return make_traceback, where, obj.tb_next, None, None, traceback_state


_SHORTENED = "its traceback keeps files, lines and names, but not the variables of its frames"


def _chain(entry: types.TracebackType | None) -> Iterator[types.TracebackType]:
    while entry is not None:
        yield entry
        entry = entry.tb_next


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
def exception_state(made: BaseException, state: tuple[Any, ...]) -> None:
    """Set attributes, causes and the traceback."""
    attributes, cause, context, suppress, *traceback = state
    if attributes:
        BaseException.__setstate__(made, attributes)
    made.__cause__, made.__context__, made.__suppress_context__ = cause, context, suppress
    if traceback and isinstance(traceback[0], types.TracebackType):
        made.__traceback__ = traceback[0]


def make_traceback(filename: str, name: str, line: int, module: str) -> types.TracebackType:
    """Make one entry of a traceback, with a frame of that name which does nothing but raise."""
    code = _raising.__code__.replace(co_filename=filename, co_name=name, co_qualname=name, co_firstlineno=line)
    frames: list[types.FrameType] = []
    # In a thread, because a frame keeps its callers alive: here, all that the load has made.
    thread = threading.Thread(target=_keep_frame, args=(types.FunctionType(code, {"__name__": module}), frames.append))
    thread.start()
    thread.join()
    return types.TracebackType(None, frames[0], -1, line)


def _raising() -> None:
    raise LookupError


def _keep_frame(raising: Callable[[], None], keep: Callable[[types.FrameType], None]) -> None:
    try:
        raising()
    except LookupError as error:
        entry = error.__traceback__
        keep(entry.tb_next.tb_frame)  # type: ignore[union-attr]


@rebuild.setter
def traceback_state(made: types.TracebackType, after: types.TracebackType | None) -> None:
    """Set the entry that follows."""
    made.tb_next = after
