"""Reading and writing through a file descriptor, in slices.

Invariant: no system call moves more than one slice, so that Ctrl-C is answered while gigabytes move.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence

from . import early

FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_SLICE = 32 << 20
_PIECES = 512
"""Buffers per system call; POSIX promises only 16, Linux and macOS take 1024."""
_LARGE = 1 << 20
"""Bytes of a file from which on it is worth it to ask for room, and to begin early with its flush."""


def read_bytes(fd: int, size: int) -> bytes:
    """Read `size` bytes, fewer where the file ends."""
    pieces = []
    while size > 0 and (piece := os.read(fd, min(size, _SLICE))):
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def read_private(fd: int, size: int) -> memoryview:
    """Read `size` bytes, fewer where the file ends, into writable memory."""
    view, done = memoryview(bytearray(size)), 0
    while done < size and (count := _read_into(fd, view[done : done + _SLICE])):
        done += count
    return view[:done]


def write_new(path: str, chunks: Sequence[bytes | memoryview], *, durable: bool, flushed: bool) -> None:
    """Write a file that must be new; begin to flush it if that is to follow."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, 0o600)
    try:
        size = sum(memoryview(chunk).nbytes for chunk in chunks)
        if size >= _LARGE:
            early.reserve(fd, size)
        write_all(fd, chunks, flushed=flushed and size >= _LARGE)
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def flush_file(path: str) -> object:
    """Flush a file; return which one it was."""
    fd = os.open(path, os.O_RDWR | FLAGS)
    try:
        os.fsync(fd)
        return which_file(os.fstat(fd))
    finally:
        os.close(fd)


def which_file(state: os.stat_result) -> object:
    """Return what differs for another file of the same name, or one that was written to since."""
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def write_all(fd: int, chunks: Iterable[bytes | memoryview], *, flushed: bool = False) -> None:
    """Write buffers one after the other without joining or copying them; begin to flush them if that is to follow."""
    done = 0
    for batch in _batches(chunks):
        size = sum(view.nbytes for view in batch)
        while batch:
            count = os.writev(fd, batch) if hasattr(os, "writev") else os.write(fd, batch[0])
            if not count:
                raise OSError(errno.ENOSPC, "nothing could be written")
            while batch and count >= batch[0].nbytes:
                count -= batch.pop(0).nbytes
            if batch and count:
                batch[0] = batch[0][count:]
        if flushed:
            early.begin(fd, done, size)
        done += size


def _read_into(fd: int, view: memoryview) -> int:
    if hasattr(os, "readv"):
        return os.readv(fd, [view])
    data = os.read(fd, view.nbytes)
    view[: len(data)] = data
    return len(data)


def _batches(chunks: Iterable[bytes | memoryview]) -> Iterator[list[memoryview]]:
    """Cut buffers into what one system call takes, without copying."""
    batch: list[memoryview] = []
    room = _SLICE
    for chunk in chunks:
        view = memoryview(chunk)
        if not view.nbytes:
            continue  # an array without elements cannot be cast
        view = view.cast("B")
        while view.nbytes:
            piece, view = view[:room], view[room:]
            batch.append(piece)
            room -= piece.nbytes
            if not room or len(batch) == _PIECES:
                yield batch
                batch, room = [], _SLICE
    if batch:
        yield batch
