"""asyncio: what only coordinates comes back idle; what runs in an event loop is named and left alone.

Invariant: no coroutine is awaited, closed or scheduled.
"""

from __future__ import annotations

import collections
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
    """Reduce a task or future to a placeholder that says how far it was."""
    if not obj.done():
        reason, advice = "it was still running in the event loop", _RERUN
    elif obj.cancelled():
        reason, advice = "it was cancelled, and belongs to the event loop that was saved", _RERUN
    else:
        reason = "it had finished, but belongs to the event loop that was saved"
        advice = "keep its result in a variable: value = await task"
    return pickling.placeholder(obj, reason, advice)


def loop(obj: Any, pickling: Pickling) -> Any:
    """Reduce an event loop, or what is bound to one, to a placeholder."""
    return pickling.placeholder(
        obj, "it is bound to an event loop of the process that was saved", "make it again in this kernel"
    )
