"""What code of the user's prints while it is pickled by itself: nothing that shows.

What goes past Python's streams, such as the output of C libraries, cannot be told from that of other threads: it shows.

Invariant: other threads print as ever, and the streams are afterwards what they were.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

# Threads that we start to pickle on a larger stack run in a copy of the context, and are silent, too.
_silent: ContextVar[bool] = ContextVar("session_silent", default=False)


@contextlib.contextmanager
def silence(shell: Any) -> Iterator[None]:
    """Let nothing that is printed, warned of or displayed here show.

    Parameters
    ----------
    shell : InteractiveShell
        Whose displays are meant.
    """
    if _silent.get():
        yield
        return
    display = getattr(shell, "display_pub", None)
    undo: list[Callable[[], None]] = []
    token = _silent.set(True)
    try:
        methods = (sys.stdout, "write"), (sys.stderr, "write"), (display, "publish"), (display, "clear_output")
        undo.extend(_muted(owner, method) for owner, method in methods)
        yield
    finally:
        while undo:
            undo.pop()()
        _silent.reset(token)


def _muted(owner: Any, name: str) -> Callable[[], None]:
    """Put a method before one of an object, which lets through what comes from elsewhere; return how to take it out."""
    try:
        usual, own = getattr(owner, name), vars(owner)
        before = own.get(name)

        def method(*args: Any, **options: Any) -> Any:
            if not _silent.get():
                return usual(*args, **options)
            return len(args[0]) if args and type(args[0]) is str else None

        setattr(owner, name, method)
    except (AttributeError, TypeError):  # There is none, or it cannot be changed.
        return lambda: None

    def back() -> None:
        if own.get(name) is method:
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

    return back
