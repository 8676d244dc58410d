"""Whether the user has interrupted, or code of the user's merely raises what an interrupt would raise.

Invariant: the handler of SIGINT is called as ever, and is afterwards the one that was there.
"""

from __future__ import annotations

import contextlib
import functools
import signal
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class _Heard:
    """Stands before the handler of SIGINT, and keeps what that raised."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.raised: BaseException | None = None
        self.listens = True

    def __call__(self, number: int, frame: FrameType | None) -> Any:
        try:
            return self.handler(number, frame)
        except BaseException as error:
            if self.listens:
                self.raised = error
            raise


# Threads that we start to pickle on a larger stack run in a copy of the context, and hear the same.
_heard: ContextVar[_Heard | None] = ContextVar("session_interrupts", default=None)


def _listening() -> _Heard | None:
    heard = _heard.get()
    return heard if heard is not None and heard.listens else None


def watched(work: Callable[P, R]) -> Callable[P, R]:
    """Let a function tell an interrupt that arrives meanwhile from what only looks like one, and let nobody hide it.

    Front ends interrupt by SIGINT, which Python hands to the main thread only, on Windows too; so what is raised on
    another thread has been raised by somebody. No context manager: an interrupt may come just before it is left, and
    IPython keeps the traceback that then keeps it from ending.
    """

    @functools.wraps(work)
    def watching(*args: P.args, **options: P.kwargs) -> R:
        return work(*args, **options) if _listening() is not None else _watching(work, *args, **options)

    return watching


def _watching(work: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
    handler = signal.getsignal(signal.SIGINT)
    while isinstance(handler, _Heard):
        handler = handler.handler
    heard = _Heard(handler)
    try:
        _heard.set(heard)
        if callable(handler):
            with contextlib.suppress(ValueError):  # Not the main thread.
                signal.signal(signal.SIGINT, heard)
        result = work(*args, **options)
    except BaseException as error:
        if heard.raised is not None and error is not heard.raised:
            raise heard.raised from None
        raise
    finally:
        # Before any call: after an interrupt in one of those that follow, no later save may take it for its own.
        heard.listens, heard.raised = False, None
        if signal.getsignal(signal.SIGINT) is heard:
            signal.signal(signal.SIGINT, handler)
    return result


def stopping(*ours: type[BaseException]) -> tuple[type[BaseException], ...]:
    """Return which exceptions stop all work, for an ``except``: ours, and any once the user has interrupted."""
    heard = _listening()
    if heard is None:
        return KeyboardInterrupt, *ours
    return ours if heard.raised is None else (BaseException,)


def check() -> None:
    """Raise what an interrupt has raised, if code of the user's has swallowed it."""
    heard = _listening()
    if heard is not None and heard.raised is not None:
        raise heard.raised
