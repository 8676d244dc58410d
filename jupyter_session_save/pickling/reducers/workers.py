"""Executors, futures and processes: executors are set up again, what runs elsewhere is named and left alone.

Invariant: no process is polled, signalled or reaped, and no worker is started by a load.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_LOST = "set up again with the same settings; work that had not finished is lost"


def thread_pool(obj: Any, pickling: Pickling) -> Any:
    """Reduce a thread pool to its settings."""
    own = vars(obj)
    if "_initializer" not in own:
        return executor(obj, pickling)
    pickling.note_reconnected(obj, _LOST)
    settings = (obj._max_workers, obj._thread_name_prefix, obj._initializer, obj._initargs)
    return make_thread_pool, (*settings, obj._shutdown)


def process_pool(obj: Any, pickling: Pickling) -> Any:
    """Reduce a process pool to its settings."""
    pickling.note_reconnected(obj, _LOST)
    method = obj._mp_context.get_start_method(allow_none=True)
    settings = (obj._max_workers, method, obj._initializer, obj._initargs, obj._max_tasks_per_child)
    return make_process_pool, (*settings, obj._shutdown_thread)


def executor(obj: Any, pickling: Pickling) -> Any:
    """Reduce any other executor to a placeholder."""
    return pickling.placeholder(obj, "its workers belong to the process that was saved", "make it again")


def future(obj: Any, pickling: Pickling) -> Any:
    """Reduce a future to its outcome; one that is pending stays behind."""
    if not obj.done():
        doing = "running" if obj.running() else "waiting for a worker"
        return pickling.placeholder(obj, f"its work was still {doing}", "submit it again")
    outcome = (obj.cancelled(), obj._result, obj._exception)
    return concurrent.futures.Future, (), outcome, None, None, settle


def popen(obj: Any, pickling: Pickling) -> Any:
    """Reduce a process to a placeholder."""
    # Asking the process by poll() would reap it.
    state = "was running when last looked at" if obj.returncode is None else f"had ended with {obj.returncode}"
    return pickling.placeholder(
        obj, f"process {obj.pid} {state}; it was left alone", "run the cell that started it again"
    )


def process(obj: Any, pickling: Pickling) -> Any:
    """Reduce a `multiprocessing.Process` to a placeholder."""
    started = getattr(obj, "_popen", None) is not None or getattr(obj, "_closed", False)
    state = "belongs to the process that was saved" if started else "had not been started"
    return pickling.placeholder(obj, f"it {state}", "run the cell that made it again")


def shared(obj: Any, pickling: Pickling) -> Any:
    """Reduce what processes share to a placeholder."""
    return pickling.placeholder(
        obj,
        "it is shared between processes and ends with the one that made it",
        "run the cell that made it again",
    )


def make_thread_pool(workers: int, prefix: str, initializer: Any, initargs: tuple[Any, ...], stopped: bool) -> Any:
    """Make a thread pool, which starts its threads when it gets work."""
    made = concurrent.futures.ThreadPoolExecutor(workers, prefix, initializer, initargs)
    if stopped:
        made.shutdown()
    return made


def make_process_pool(
    workers: int, method: str | None, initializer: Any, initargs: tuple[Any, ...], tasks: Any, stopped: bool
) -> Any:
    """Make a process pool, which starts its processes when it gets work."""
    made = concurrent.futures.ProcessPoolExecutor(
        workers, multiprocessing.get_context(method), initializer, initargs, max_tasks_per_child=tasks
    )
    if stopped:
        made.shutdown()
    return made


@rebuild.setter
def settle(made: concurrent.futures.Future[Any], outcome: tuple[bool, Any, Any]) -> None:
    """Give a future its outcome."""
    cancelled, result, exception = outcome
    if cancelled:
        made.cancel()
        made.set_running_or_notify_cancel()
    elif exception is not None:
        made.set_exception(exception)
    else:
        made.set_result(result)
