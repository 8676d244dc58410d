"""Threads and tasks of the user's, which may change a value while it is being saved, or between two cells.

Invariant: looking at them neither stops nor starts any.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from .digests import digest_of, key_of
from .snapshot import Part
from .store import Store

_OURS = "session-"
_KERNEL = ("IPython", "ipykernel", "jupyter_session_save", "traitlets", "zmq", "tornado", "asyncio")


def are_there() -> bool:
    """Whether threads run that are neither the main one, nor the kernel's, nor ours."""
    return bool(users())


def ours_are_there() -> bool:
    """Whether threads of ours run beside this one."""
    return any(t.name.startswith(_OURS) and t is not threading.current_thread() for t in threading.enumerate())


def users() -> list[threading.Thread]:
    """Return those threads."""
    main = threading.main_thread(), threading.current_thread()
    return [t for t in threading.enumerate() if t not in main and not _is_known(t)]


def tasks_are_there() -> bool:
    """Whether tasks wait on the loop that runs here which are not the kernel's."""
    # Looked up, since plain Python need not import it for this.
    asyncio: Any = sys.modules.get("asyncio")
    try:
        waiting = asyncio.all_tasks()
    except (AttributeError, RuntimeError):
        return False
    frames = (getattr(task.get_coro(), "cr_frame", None) for task in waiting)
    modules = (str(frame.f_globals.get("__name__")) for frame in frames if frame is not None)
    return any(module.partition(".")[0] not in _KERNEL for module in modules)


def as_written(store: Store, part: Part, *, shared: bool) -> Part:
    """Return a blob that was just written, with the digest of what is in it: somebody may have changed it since.

    Hashing it once more is only worth its time where there is somebody, or its memory is shared with other processes.
    One that was removed meanwhile is returned as it is: the commit will miss it.
    """
    if not (shared or are_there()):
        return part
    try:
        written = store.map(key_of(part))
    except KeyError:
        return part
    return Part(digest_of([written]), part.size)


def _is_known(thread: threading.Thread) -> bool:
    if thread.name.startswith(_OURS):
        return True
    target = getattr(thread, "_target", None)
    places = type(thread).__module__, getattr(target, "__module__", None) or ""
    return any(place.partition(".")[0] in _KERNEL for place in places)
