"""Run work on a fresh stack, large enough for deep nesting where that is wanted.

Invariant: the recursion limit and the stack size of later threads are afterwards what they were.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STACK_BYTES = 1 << 30
STACK_DEPTH = 250_000 if sys.version_info < (3, 12) else 700_000
"""A thread's stack and recursion limit for 100,000 levels of nesting; memory is mapped only where it is touched.

Up to Python 3.11 the limit guards the C stack, of which a level of the C pickler takes two counts and under 1 KiB.
Later Pythons guard the C stack by themselves and count Python frames here, some six for a level of dill's pickler.
"""


def with_deep_stack(work: Callable[[], T]) -> T:
    """Run `work` in a thread with a stack for some 100,000 levels of nesting, and return what it returns."""
    limit, size = sys.getrecursionlimit(), threading.stack_size()
    try:
        sys.setrecursionlimit(max(limit, STACK_DEPTH))
        threading.stack_size(STACK_BYTES)
        return in_thread(work)
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)


def in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a fresh thread, and return what it returns or raise what it raises."""
    outcome: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            errors.append(error)

    # In the caller's context, or context variables would seem to be unset.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="session-pickle", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors.pop()
    return outcome.pop()
