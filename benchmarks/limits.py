"""What the hardware allows: the same bytes written plainly, copied in memory, and hashed."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xxhash
from blake3 import blake3

from .notebook import without_code

_SLICE = 64 << 20


class Limits:
    """The bytes of a namespace, as C pickle lays them out with its large buffers left in place.

    Parameters
    ----------
    names : dict
    """

    def __init__(self, names: dict[str, Any]) -> None:
        kept: list[pickle.PickleBuffer] = []
        stream = pickle.dumps(without_code(names), protocol=5, buffer_callback=kept.append)
        self._views = [memoryview(stream), *(buffer.raw() for buffer in kept)]
        self.size = sum(view.nbytes for view in self._views)

    def names(self) -> dict[str, Callable[[Path], float]]:
        """Return what to measure; each returns seconds."""
        return {"write": self._write, "memcpy": self._memcpy, "xxh3": self._xxh3, "blake3": self._blake3}

    def even_out(self, where: Path) -> None:
        """Let every step that writes start alike.

        Nothing is left to be flushed, and as many pages as are needed have just been used: on a virtual machine the
        first use of a page can cost ten times what the write itself does, and whoever came next would profit.
        """
        self._write(where)
        os.sync()

    def _write(self, where: Path) -> float:
        path = where / "plain"
        started = time.perf_counter()
        with open(path, "wb", buffering=1 << 20) as file:
            file.writelines(self._views)
            file.flush()
            os.fsync(file.fileno())
        seconds = time.perf_counter() - started
        path.unlink()
        return seconds

    def _memcpy(self, where: Path) -> float:
        target = memoryview(bytearray(self.size))
        target[::4096] = bytes(len(range(0, self.size, 4096)))  # the pages are there before it counts
        started, at = time.perf_counter(), 0
        for view in self._views:
            target[at : at + view.nbytes] = view
            at += view.nbytes
        return time.perf_counter() - started

    def _xxh3(self, where: Path) -> float:
        started = time.perf_counter()
        for view in self._views:
            xxhash.xxh3_128_digest(view)
        return time.perf_counter() - started

    def _blake3(self, where: Path) -> float:
        started = time.perf_counter()
        hasher = blake3(max_threads=blake3.AUTO)
        for view in self._views:
            for start in range(0, view.nbytes, _SLICE):
                hasher.update(view[start : start + _SLICE])
        hasher.digest()
        return time.perf_counter() - started
