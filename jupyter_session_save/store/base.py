"""The contract of a store: keys to bytes, each key written once and as a whole.

Invariant: under a key stands nothing, or all that one ``put`` was given, whatever is interrupted or killed.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence

_SEGMENT = re.compile(r"[A-Za-z0-9_%=+,@-][A-Za-z0-9_%=+,@.-]*")


def is_segment(text: str) -> bool:
    """Whether the text can stand between two slashes of a key (no hidden files, no ``..``, no backups)."""
    return _SEGMENT.fullmatch(text) is not None


def split_key(key: str) -> list[str]:
    """Return the segments of a key; ValueError if it is not one."""
    segments = key.split("/")
    if not all(map(is_segment, segments)):
        raise ValueError(f"{key!r} is not a key")
    return segments


class Store(ABC):
    """Keys to bytes.

    Keys are segments of ASCII letters, digits and ``_%=+,@.-`` joined by ``/``; none starts with a dot. A
    missing key raises ``KeyError``; what the system refuses raises `StoreError`, with an errno where there is
    one. What else lies around (editor backups, hidden files) is neither listed nor touched.

    Attributes
    ----------
    url : str
        The address, as ``open_store`` takes it.
    """

    url: str

    @abstractmethod
    def get(self, key: str) -> bytes:
        """Return all bytes of a key."""

    @abstractmethod
    def map(self, key: str) -> memoryview:
        """Return all bytes as a writable private view: what is written to it never reaches the store."""

    @abstractmethod
    def read(self, key: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; fewer where the value ends."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Return the length in bytes."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether the key is there."""

    @abstractmethod
    def put(
        self,
        key: str,
        chunks: Sequence[bytes | memoryview],
        *,
        durable: bool,
        overwrite: bool = False,
        flushed: bool = False,
    ) -> None:
        """Write a key, as a whole or not at all.

        Parameters
        ----------
        key : str
        chunks : sequence of bytes or memoryview
            Contiguous buffers, written one after the other without being copied or joined.
        durable : bool
            Return only when the bytes would survive a loss of power; otherwise see `sync`.
        overwrite : bool
            Replace what is there, for keys that name their content. By default the key must be new.
        flushed : bool
            Whether `flush` follows at once, so that it may begin while bytes are still being written.

        Raises
        ------
        KeyExistsError
            If the key is there and `overwrite` is false; of several writers exactly one succeeds.
        """

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that start with `prefix`, sorted within each directory."""

    def children(self, prefix: str) -> Iterable[str]:
        """Return the names directly below a prefix that ends in ``/``, sorted, whatever stands under them.

        Raises
        ------
        StoreError
            If the system refuses, or if what the prefix names is no directory.
        """
        return sorted({key.removeprefix(prefix).partition("/")[0] for key in self.list(prefix)})

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove a key."""

    @abstractmethod
    def touch(self, key: str) -> None:
        """Make the key's age zero, so that a collection that runs meanwhile leaves it."""

    @abstractmethod
    def age(self, key: str) -> float:
        """Return seconds since the key was written or touched; negative if clocks disagree."""

    def flush(self, key: str) -> None:  # noqa: B027 - a store that has nothing to begin needs none
        """Begin to make a value durable; `sync` completes it. May be called in a thread."""

    @abstractmethod
    def sync(self, keys: Iterable[str]) -> None:
        """Make keys that were put with ``durable=False`` survive a loss of power."""

    @abstractmethod
    def sweep(self, grace: float) -> int:
        """Remove what killed writers left unseen, if older than `grace` seconds; return the bytes freed."""

    def stamp(self, prefix: str) -> object:
        """Return what differs after a key directly below `prefix` was put or deleted; None where nobody knows."""
        return None

    def free(self) -> int | None:
        """Return how many bytes can still be put, as far as the system tells; None where nobody knows."""
        return None

    @abstractmethod
    def is_empty(self) -> bool:
        """Whether nothing is there at all, not even files that have nothing to do with a store."""
