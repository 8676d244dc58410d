"""Threads that read large buffers for their fingerprints while the main thread goes on pickling.

Invariant: after `stop` no thread reads the caller's memory any more, and the interpreter switches threads as before.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from types import TracebackType
from typing import Self

from .fingerprint import of_slices
from .pending import AbandonedError

LEAST = 4 << 20
"""Fewer bytes are read in less time than it takes to hand them to a thread."""
_MOST_THREADS = 3
"""Two or three read as fast as memory can be read."""
_TICK = 0.01
_SWITCH = 2e-4
"""Seconds that a thread waits for the interpreter between two slices of a millisecond each, instead of 5 ms."""

Place = tuple[int, int]
"""Address and size of a buffer."""


class Ahead:
    """Fingerprints of the slices of buffers; a context manager.

    Parameters
    ----------
    pause : callable
        Is called now and then in the caller's thread, and may raise to interrupt.
    """

    def __init__(self, pause: Callable[[], None]) -> None:
        self._pause = pause
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[Place, tuple[Future[bytes], memoryview]] = {}
        self._found: dict[Place, bytes] = {}
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def begin(self, place: Place, view: memoryview) -> None:
        """Let a thread read a buffer, if there is a processor for it; it must not change until it is taken."""
        if view.nbytes < LEAST or place in self._begun or place in self._found or _threads() < 1:
            return
        if self._pool is None:
            _hurry.begin(self)
            self._pool = ThreadPoolExecutor(_threads(), thread_name_prefix="session-read")
        self._begun[place] = self._pool.submit(of_slices, view, self._go_on), view

    def take(self, place: Place, view: memoryview) -> bytes:
        """Return `of_slices` of a buffer, once; what no thread has begun with is read here."""
        if place in self._found:
            return self._found.pop(place)
        begun, _ = self._begun.pop(place, (None, None))
        if begun is None or begun.cancel():
            return of_slices(view, self._pause)
        while not begun.done():
            self._help()
            with contextlib.suppress(NotYet):
                begun.result(timeout=_TICK)
            self._pause()
        return begun.result()

    def _help(self) -> None:
        """Read the last buffer that no thread has begun with."""
        for place, (begun, view) in reversed(self._begun.items()):
            if begun.cancel():
                del self._begun[place]
                self._found[place] = of_slices(view, self._pause)
                return

    def stop(self) -> None:
        """Stop what is under way, and wait until it has stopped."""
        self._stopped = True
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        _hurry.end(self)
        self._begun.clear()
        self._found.clear()

    def _go_on(self) -> None:
        if self._stopped:
            raise AbandonedError


class _Hurry:
    """Lets threads switch more often while any save needs it, wherever it is interrupted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: set[int] = set()
        self._before = 0.0

    def begin(self, user: object) -> None:
        with self._lock:
            if not self._users:
                self._before = sys.getswitchinterval()
            self._users.add(id(user))
            sys.setswitchinterval(min(_SWITCH, self._before))

    def end(self, user: object) -> None:
        with self._lock:
            if id(user) in self._users:
                self._users.discard(id(user))
                if not self._users:
                    sys.setswitchinterval(self._before)


_hurry = _Hurry()


def _threads() -> int:
    """Return how many threads can read beside the one that pickles."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable - 1, _MOST_THREADS)
