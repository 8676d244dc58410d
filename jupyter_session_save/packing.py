"""The small parts of one save, gathered until they fill a pack.

Invariant: a part has its final place only once its pack is closed, because a pack is named by all that is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .compression import shrink
from .digests import digest_of
from .snapshot import Part

FULL = 16 << 20
"""A pack is written out when it holds this many bytes, which bounds the memory it takes."""
_ALIGNED = 64
"""Plain parts begin at multiples of this many bytes, so that an array can use them where they stand."""
_MAPPED = 16 << 10
"""Smaller parts are copied: a page that is mapped costs as much."""


def is_mappable(part: Part) -> bool:
    """Whether a part can be used where it stands: blobs, and in packs what is long, plain and aligned."""
    return part.pack is None or (part.codec == "raw" and part.size >= _MAPPED and part.offset % _ALIGNED == 0)


class Packing:
    """The pack that is being filled.

    Attributes
    ----------
    size : int
        Bytes in it, as they will be stored.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes | memoryview] = []
        self._parts: list[Part] = []
        self.size = 0

    def add(self, digest: str, size: int, views: Sequence[memoryview]) -> Part:
        """Take in a part; until the pack is closed, its ``pack`` is ``""``."""
        codec, stored = shrink(b"".join(views))
        if codec == "raw" and size >= _MAPPED:
            self._align()
        part = Part(digest, size, "", self.size, len(stored), codec)
        self._chunks.append(stored)
        self._parts.append(part)
        self.size += len(stored)
        return part

    def close(self) -> tuple[list[bytes | memoryview], list[Part]]:
        """Return what to write and the parts in their final places, and begin another pack."""
        name = digest_of(self._chunks) if self._parts else ""
        closed = self._chunks, [replace(part, pack=name) for part in self._parts]
        self.clear()
        return closed

    def _align(self) -> None:
        gap = -self.size % _ALIGNED
        self._chunks.append(bytes(gap))
        self.size += gap

    def clear(self) -> None:
        """Begin another pack."""
        self._chunks, self._parts, self.size = [], [], 0
