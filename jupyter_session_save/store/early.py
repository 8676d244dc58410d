"""What Linux does for a large file before it is asked to flush it: room kept, and writing begun.

Python has neither call: its ``posix_fallocate`` makes the file longer, so that after a loss of power one of the right
length could hold zeros, and writes a byte to each block where the file system has no such call.

Invariant: what a file holds and how long it is do not depend on this room; where nothing can be done, nothing is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

_KEEP_SIZE = 1
_WRITE = 2


def reserve(fd: int, size: int) -> None:
    """Let a new file have room for `size` bytes, which takes less time at once than page by page.

    Only writing tells whether there is that much: one that refuses this may have enough for the data.
    """
    call = _found("fallocate", ("c_int", "c_int", "c_int64", "c_int64"))
    # Those without a device of their own copy on write, compress or are elsewhere: there is nothing to be kept.
    if call is None or os.major(os.fstat(fd).st_dev) == 0:
        return
    call(fd, _KEEP_SIZE, 0, size)


def begin(fd: int, offset: int, size: int) -> None:
    """Begin to write to the disk what stands in a part of a file, without waiting for it."""
    call = _found("sync_file_range", ("c_int", "c_int64", "c_int64", "c_uint"))
    if call is not None:
        call(fd, offset, size, _WRITE)


@cache
def _found(name: str, types: tuple[str, ...]) -> Callable[..., int] | None:
    """Return a function of the C library as one that returns the error number, 0 for none; None if it is not there."""
    # Of 32 bits the C library has two, for shorter and longer offsets.
    if not sys.platform.startswith("linux") or sys.maxsize < 1 << 32:
        return None
    try:
        import ctypes

        function: Any = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (ImportError, OSError, AttributeError):
        return None
    function.argtypes, function.restype = [getattr(ctypes, one) for one in types], ctypes.c_int
    return lambda *args: ctypes.get_errno() if function(*args) else 0
