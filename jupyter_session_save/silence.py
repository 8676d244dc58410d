"""What code of the user's prints while it is pickled by itself: nothing that shows.

What goes past Python's streams, such as the output of C libraries, cannot be told from that of other threads: it shows.

Invariant: other threads print as ever, and the streams are afterwards what they were.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

R = TypeVar("R")


class _Silence:
    """Holds until it is said to be over, which no interrupt can come between."""

    __slots__ = ("holds",)

    def __init__(self) -> None:
        self.holds = True


# Threads that we start to pickle on a larger stack run in a copy of the context, and are silent, too.
_silent: ContextVar[_Silence | None] = ContextVar("session_silent", default=None)


def _is_silent() -> bool:
    silent = _silent.get()
    return silent is not None and silent.holds


def silently(shell: Any, work: Callable[[], R]) -> R:
    """Do some work, and let nothing that is printed, warned of or displayed by it show.

    No context manager: an interrupt may come just before it is left, and IPython keeps the traceback that then keeps it
    from ending.

    Parameters
    ----------
    shell : InteractiveShell
        Whose displays are meant.
    work : callable
    """
    if _is_silent():
        return work()
    display = getattr(shell, "display_pub", None)
    ours = _Silence()
    with contextlib.ExitStack() as undo:
        try:
            _silent.set(ours)
            methods = (sys.stdout, "write"), (sys.stderr, "write"), (display, "publish"), (display, "clear_output")
            for owner, method in methods:
                undo.callback(_muted(owner, method))
            result = work()
        finally:
            # Before any call: an interrupt in one of those that follow must not leave the user's own output silent.
            ours.holds = False
    return result


def _muted(owner: Any, name: str) -> Callable[[], None]:
    """Put a method before one of an object, which lets through what comes from elsewhere; return how to take it out."""
    try:
        usual, own = getattr(owner, name), vars(owner)
        before = own.get(name)

        def method(*args: Any, **options: Any) -> Any:
            if not _is_silent():
                return usual(*args, **options)
            return len(args[0]) if args and type(args[0]) is str else None

        setattr(owner, name, method)
    except Exception:  # There is none, or it cannot be changed: a stream of the user's may refuse as it likes.
        return lambda: None

    def back() -> None:
        if own.get(name) is method:
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

    return back
