"""When a kernel has nothing to do: work in small steps on its own loop, given up as soon as a message waits.

Invariant: work runs on the thread of the cells and never during one; between two steps nothing of it is on the stack.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import sys
import time
from collections.abc import Callable
from typing import Any

from .pickling import GiveWay

SOON = 0.02
"""Seconds between the end of a cell and the first step: the reply goes out first."""

STEP = 0.02
"""Seconds for which steps follow each other before the loop may do something else."""

_POLL = 0.002

Work = Callable[[Callable[[], None]], float | None]
"""Does one step, calling its argument often; returns in how many seconds to go on, None if there is no more."""


class Idle:
    """Runs work while a kernel is idle.

    Parameters
    ----------
    kernel : Kernel or None
        Whose messages have precedence.
    work : callable
    """

    def __init__(self, kernel: Any, work: Work) -> None:
        self._kernel, self._work = kernel, work
        self._handle: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = True
        self._polled = 0.0
        self._began, self._patience, self._tells = 0.0, 1.0, True

    def start(self, delay: float = SOON) -> bool:
        """Begin soon; returns whether this shell has idle time at all."""
        self.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        self._loop, self._stopped = loop, False
        self._handle = loop.call_later(delay, self._run)
        return True

    def stop(self) -> None:
        """Do nothing until `start`."""
        self._stopped = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def wake(self) -> None:
        """Go on soon rather than when it was time for the next step; from any thread."""
        with contextlib.suppress(RuntimeError):  # The loop has ended.
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._woken)

    def _woken(self) -> None:
        # A cell of top-level awaits leaves room for other work on its loop, and is a cell all the same.
        if not self._stopped:
            self.start()

    def pause(self) -> None:
        """Raise `GiveWay` if a message waits; where that cannot be seen, after a time that doubles."""
        now = time.perf_counter()
        if now - self._polled < _POLL:
            return
        self._polled = now
        waits = message_waits(self._kernel)
        if waits is None:
            waits = now - self._began > self._patience * 0.05
        if waits or (self._tells and message_arrives(self._kernel)):
            raise GiveWay

    def _run(self) -> None:
        self._handle = None
        self._began = time.perf_counter()
        # Its thread has had all the time that it wants until now: what it has left there is no message.
        self._tells = not message_arrives(self._kernel)
        delay: float | None = SOON
        try:
            while time.perf_counter() - self._began < STEP and message_waits(self._kernel) is not True:
                delay = self._work(self.pause)
                self._patience = 1.0
                if delay:
                    break
                if delay is None:
                    return
        except GiveWay:
            self._patience *= 2
            delay = 2 * SOON
        except KeyboardInterrupt:
            # Meant for a cell that has just ended.
            delay = 1.0
        self.start(delay or 0.001)


def message_waits(kernel: Any) -> bool | None:
    """Whether a request for a kernel waits to be handled, None if that cannot be seen."""
    thread = getattr(kernel, "shell_channel_thread", None)
    # ipykernel 7 reads the shell channel in a thread, and hands the requests on.
    return _has_something(lambda: thread.manager._shell_channel_to_main.to_socket if thread else _shell_socket(kernel))


def message_arrives(kernel: Any) -> bool:
    """Whether a request has come that the thread which hands it on has not read.

    To read and to send each of its parts the thread needs the interpreter, which a pickle leaves to it only now and
    then: a tenth of a second may pass until `message_waits`.
    """
    has_thread = getattr(kernel, "shell_channel_thread", None) is not None
    return has_thread and bool(_has_something(lambda: _shell_socket(kernel)))


def _shell_socket(kernel: Any) -> Any:
    return kernel.shell_stream.socket


def _has_something(socket: Callable[[], Any]) -> bool | None:
    """Whether a socket has something to read, None if that cannot be seen.

    Only asks the system about its descriptor: asking the socket itself would take away the signal that its loop waits
    for.
    """
    with contextlib.suppress(Exception):
        if sys.platform != "win32":
            return bool(select.select([socket().fileno()], [], [], 0)[0])
    return None
