"""Making names survive a loss of power: those of files, and those of the directories that they stand in.

Invariant: a directory's own name is synced, unless this process has done so since it last made that directory.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence

_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_DIRECTORY", 0)
_CANNOT = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
"""What file systems answer that cannot sync a directory."""

_named: set[tuple[str, int, int]] = set()
"""Path, device and inode of directories whose names were synced."""


def make(path: str) -> None:
    """Make a directory, readable by its owner only, unless there is one."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    # Another of this name may have been removed, and the system gives its number away again.
    _named.difference_update([known for known in _named if known[0] == path])


def sync_names(root: str, places: Iterable[Sequence[str]]) -> None:
    """Sync the directories below a root that hold files, and those above them whose names are new.

    Parameters
    ----------
    root : str
    places : iterable of sequence of str
        Files, as segments of their paths below the root.

    Raises
    ------
    OSError
        With the directory as its ``filename``.
    """
    if os.name == "nt":  # directories cannot be opened there
        return
    todo = {tuple(segments[:-1]) for segments in places}
    synced = set[tuple[str, int, int]]()
    for depth in range(max(map(len, todo), default=-1), -1, -1):
        for segments in sorted(one for one in todo if len(one) == depth):
            known = _sync(os.path.join(root, *segments))
            if segments and known not in _named:
                todo.add(segments[:-1])
                synced.add(known)
    _named.update(synced)


def _sync(path: str) -> tuple[str, int, int]:
    try:
        fd = os.open(path, os.O_RDONLY | _FLAGS)
        try:
            state = os.fstat(fd)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno not in _CANNOT:
            error.filename = path
            raise
        state = os.lstat(path)
    return path, state.st_dev, state.st_ino
