"""The limit on frames that stand on each other, which users set for their own recursions.

Invariant: the limit is afterwards what it was.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

USUAL = 1000
"""What Python starts with; imports and pickles alone take more than some users leave."""


@contextlib.contextmanager
def usual_limit() -> Iterator[None]:
    """Let at least the usual number of frames stand on each other, whatever the user has made of the limit."""
    limit = sys.getrecursionlimit()
    if limit >= USUAL:
        yield
        return
    sys.setrecursionlimit(USUAL)
    try:
        yield
    finally:
        # A load may have brought another one; one lower than the frames that stand here is refused.
        if sys.getrecursionlimit() == USUAL:
            with contextlib.suppress(RecursionError):
                sys.setrecursionlimit(limit)
