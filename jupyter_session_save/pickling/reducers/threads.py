"""Locks, and what is built on them: fresh and free, since the threads that held them or waited are gone.

Invariant: no live lock is acquired or released, and no thread is started.
"""

from __future__ import annotations

import _thread
import queue
import threading
from typing import TYPE_CHECKING, Any

from .. import rebuild
from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling


def lock(obj: Any, pickling: Pickling) -> Any:
    """Reduce a lock of either kind to a new one."""
    if "<locked" in repr(obj)[:8]:
        pickling.note_reconnected(obj, "it was held, and is free: the thread that held it ended with the process")
    # By the function, which is there in every Python: what `threading.Lock` is differs.
    return (_thread.allocate_lock if type(obj) is _thread.LockType else type(obj)), ()


def condition(obj: Any, pickling: Pickling) -> Any:
    """Reduce a condition to its lock."""
    return type(obj), (obj._lock,)


def barrier(obj: Any, pickling: Pickling) -> Any:
    """Reduce a barrier; a broken one stays broken."""
    return make_barrier, (obj._parties, obj._action, obj._timeout, obj.broken)


def local(obj: Any, pickling: Pickling) -> Any:
    """Reduce thread-local data to what the saving thread sees."""
    if threading.current_thread().name == "session-pickle":
        return pickling.placeholder(
            obj, "it is nested so deeply that only another thread could save it", "set its attributes again"
        )
    return rebuild.new_object, (type(obj),), dict(obj.__dict__), None, None, rebuild.raw_state


def thread(obj: Any, pickling: Pickling) -> Any:
    """Reduce a thread that has not started; any other to a placeholder that says how far it was."""
    if obj is threading.main_thread():
        return threading.main_thread, ()
    if obj.is_alive():
        return pickling.placeholder(obj, f"thread {obj.name!r} was running", "run the cell that started it again")
    if obj.ident is not None:
        done = "nothing to do, unless its work is needed again"
        return pickling.placeholder(obj, f"thread {obj.name!r} had finished", done)
    state = {name: value for name, value in vars(obj).items() if name not in _OF_THE_PROCESS}
    return rebuild.instance, (type(obj),), state, None, None, thread_state


_OF_THE_PROCESS = frozenset("_handle _invoke_excepthook _is_stopped _started _stderr _tstate_lock".split())


def simple_queue(obj: Any, pickling: Pickling) -> Any:
    """Reduce a queue written in C to what waits in it."""
    waiting = obj.qsize()
    held = held_by(obj)
    # Up to Python 3.12 the items stand at the end of a list, behind those that were taken; later in a ring buffer.
    probe = queue.SimpleQueue[Any]()
    probe.put(None)
    in_list = held_by(probe) == [[None]]
    items = held[0] if in_list else held
    if len(items) < waiting:
        return pickling.placeholder(obj, "this Python hides what waits in it", "use queue.Queue, or fill it again")
    return queue.SimpleQueue, (), tuple(items[len(items) - waiting :]), None, None, fill_simple_queue


@rebuild.setter
def thread_state(made: Any, state: dict[str, Any]) -> None:
    """Make a thread that has not started."""
    threading.Thread.__init__(made, name=state["_name"], daemon=state["_daemonic"])
    made.__dict__.update(state)


def make_barrier(parties: int, action: Any, timeout: float | None, broken: bool) -> Any:
    """Make a barrier at which nobody waits."""
    made = threading.Barrier(parties, action, timeout)
    if broken:
        made.abort()
    return made


@rebuild.setter
def fill_simple_queue(made: Any, items: tuple[Any, ...]) -> None:
    """Put items into an empty queue."""
    for item in items:
        made.put(item)
