"""A store in memory: the reference that the others are held to, and a place for tests and demonstrations.

Invariant: values are private copies, so nothing outside can change what is stored.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence

from jupyter_session_save.errors import KeyExistsError

from .base import Store, split_key


class MemoryStore(Store):
    """Keys to bytes in this process."""

    def __init__(self) -> None:
        self.url = "memory:"
        self._values: dict[str, bytes] = {}
        self._times: dict[str, float] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes:
        """Return all bytes of a key."""
        split_key(key)
        return self._values[key]

    def map(self, key: str) -> memoryview:
        """Return all bytes as a writable private view."""
        return memoryview(bytearray(self.get(key)))

    def read(self, key: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        return self.get(key)[offset : offset + size]

    def size(self, key: str) -> int:
        """Return the length in bytes."""
        return len(self.get(key))

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        split_key(key)
        return key in self._values

    def put(
        self,
        key: str,
        chunks: Sequence[bytes | memoryview],
        *,
        durable: bool,
        overwrite: bool = False,
        flushed: bool = False,
    ) -> None:
        """Write a key, as a whole or not at all."""
        split_key(key)
        value = b"".join(chunks)
        with self._lock:
            if key in self._values and not overwrite:
                raise KeyExistsError(f"{self.url}{key} is there already")
            self._values[key] = value
            self._times[key] = time.time()

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that start with `prefix`."""
        yield from sorted(key for key in list(self._values) if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """Remove a key."""
        split_key(key)
        with self._lock:
            del self._values[key]
            del self._times[key]

    def touch(self, key: str) -> None:
        """Make the key's age zero."""
        with self._lock:
            if key not in self._values:
                raise KeyError(key)
            self._times[key] = time.time()

    def age(self, key: str) -> float:
        """Return seconds since the key was written or touched."""
        return time.time() - self._times[key]

    def sync(self, keys: Iterable[str]) -> None:
        """Nothing survives here, but the keys must be there."""
        for key in keys:
            self.get(key)

    def sweep(self, grace: float) -> int:
        """Nothing can be left over here."""
        return 0

    def is_empty(self) -> bool:
        """Whether nothing is there at all."""
        return not self._values
