"""asyncio: what only coordinates comes back idle, what is done as done; what runs is named and left alone.

Invariant: no coroutine is awaited, closed or scheduled.
"""

from __future__ import annotations

import asyncio
import collections
import types
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_RERUN = "run the cell that made it again"


def primitive(obj: Any, pickling: Pickling) -> Any:
    """Reduce a lock, event, semaphore, condition or queue to its state without waiters and event loop."""
    state = dict(vars(obj))
    state.pop("_loop", None)
    if state.get("_locked"):
        pickling.note_reconnected(obj, "it was held, and is free: its tasks ended with the process")
        state["_locked"] = False
    for waiting in ("_waiters", "_getters", "_putters"):
        if state.get(waiting) is not None:
            state[waiting] = collections.deque()
    return rebuild.new_object, (type(obj),), state, None, None, rebuild.raw_state


def task(obj: Any, pickling: Pickling) -> Any:
    """Reduce a task or future that is done to its outcome, any other to a placeholder."""
    if not obj.done():
        return pickling.placeholder(obj, "it was still running in the event loop", _RERUN)
    log = bool(getattr(obj, "_log_traceback", False))
    if obj.cancelled():
        outcome = ("cancelled", obj._cancel_message)
    else:
        error = obj._exception
        outcome = ("result", obj._result) if error is None else ("exception", error)
    state = (outcome, log, dict(getattr(obj, "__dict__", None) or {}))
    return done, (type(obj), _traits(obj)), state, None, None, done_state


def _traits(obj: Any) -> tuple[Any, ...] | None:
    """Return the name of a task, and of its coroutine where that stands; None for a future."""
    if not isinstance(obj, asyncio.Task):
        return None
    coroutine: Any = obj.get_coro()
    code = getattr(coroutine, "cr_code", None)
    where = (code.co_filename, code.co_firstlineno) if code is not None else ("<coroutine>", 1)
    return obj.get_name(), getattr(coroutine, "__name__", ""), getattr(coroutine, "__qualname__", ""), *where


def done(cls: Any, traits: tuple[Any, ...] | None) -> Any:
    """Make a task or future without its outcome, in the event loop that runs now, or in one that has ended."""
    made = cls.__new__(cls)
    nowhere: Any = _EndedLoop()
    if traits is not None:
        name, *_ = traits
        ended = _coroutine(*traits[1:])
        # In a loop that starts nothing: the coroutine has ended, and is only shown.
        asyncio.Task.__init__(made, ended, loop=nowhere, name=name)
        ended.close()
    asyncio.Future.__init__(made, loop=asyncio._get_running_loop() or nowhere)
    return made


def _coroutine(name: str, qualname: str, filename: str, line: int) -> Any:
    async def ended() -> None:
        """Have ended."""

    code = ended.__code__.replace(co_filename=filename, co_firstlineno=line, co_name=name, co_qualname=qualname)
    return types.FunctionType(code, {})()


@rebuild.setter
def done_state(made: Any, state: tuple[tuple[str, Any], bool, dict[str, Any]]) -> None:
    """Give a task or future its outcome; a task lets nobody else do it by its own methods."""
    (kind, value), log, attributes = state
    if kind == "cancelled":
        asyncio.Future.cancel(made, msg=value)
    elif kind == "result":
        asyncio.Future.set_result(made, value)
    else:
        asyncio.Future.set_exception(made, value)
    if not log:
        made._log_traceback = False
    if attributes:
        made.__dict__.update(attributes)


class _EndedLoop:
    """Stands for the event loop of the process that was saved, which has been closed."""

    def __getattr__(self, name: str) -> Any:
        """Answer every method with nothing, which says of a loop that it neither runs nor is debugged."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def loop(obj: Any, pickling: Pickling) -> Any:
    """Reduce an event loop, or what is bound to one, to a placeholder."""
    return pickling.placeholder(
        obj, "it is bound to an event loop of the process that was saved", "make it again in this kernel"
    )
