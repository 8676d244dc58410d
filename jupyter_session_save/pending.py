"""Writes that go on in threads while the next part is pickled and hashed.

Invariant: after `wait` or `abandon` no thread reads the caller's memory any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from .digests import SLICE

WORKERS = 2
AHEAD = 256 << 20
"""Bytes that may wait to be written before the caller waits, too: temporary copies among them take memory."""

_TICK = 0.01


class AbandonedError(Exception):
    """A write was stopped because its save has ended."""


class Pending:
    """Writes under way.

    Parameters
    ----------
    tick : callable
        Is called now and then while the caller waits, and may raise to interrupt.
    """

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._pool: ThreadPoolExecutor | None = None
        self._sizes: dict[Future[Any], int] = {}
        self._stopped = False

    def submit(self, write: Callable[[], None], size: int) -> None:
        """Write something of `size` bytes in a thread; waits while too much is under way."""
        self._reap(AHEAD)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="session-write")
        self._sizes[self._pool.submit(write)] = size

    def go_on(self) -> None:
        """Raise `AbandonedError` in a thread that should stop."""
        if self._stopped:
            raise AbandonedError

    def wait(self) -> None:
        """Wait for all writes; raise what the first that failed raised."""
        self._reap(0)
        self._close()

    def abandon(self) -> None:
        """Stop what is under way, and wait until it has stopped."""
        self._stopped = True
        for future in self._sizes:
            future.cancel()
        self._close()

    def _reap(self, ahead: int) -> None:
        while self._sizes and (sum(self._sizes.values()) > ahead or ahead == 0):
            done, _ = wait(self._sizes, timeout=_TICK, return_when="FIRST_COMPLETED")
            for future in done:
                del self._sizes[future]
                future.result()
            self._tick()

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._sizes.clear()


class Told(list[memoryview]):
    """Buffers cut into slices, telling of each when it is about to be written."""

    def __init__(self, views: Iterable[memoryview], tell: Callable[[], None]) -> None:
        super().__init__(view[at : at + SLICE] for view in views for at in range(0, view.nbytes, SLICE))
        self._tell = tell

    def __iter__(self) -> Iterator[memoryview]:
        for view in super().__iter__():
            self._tell()
            yield view
