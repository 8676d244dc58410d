"""The small parts of one save, gathered until they fill a pack.

What a load reads stands first in a pack, what it maps stands last: so reading brings in no page of an array.

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
MAPPED = 64 << 10
"""Smaller parts are copied: arrays get memory of their own up to here, and a page that is mapped costs as much."""


def is_mappable(part: Part) -> bool:
    """Whether a part can be used where it stands: blobs, and in packs what is long, plain and aligned."""
    return part.pack is None or (part.codec == "raw" and part.size >= MAPPED and part.offset % _ALIGNED == 0)


_Packed = tuple[Part, bytes | memoryview]


class Packing:
    """The pack that is being filled.

    Attributes
    ----------
    size : int
        Bytes in it, as they will be stored, without what aligns them.
    """

    def __init__(self) -> None:
        self._read: list[_Packed] = []
        self._mapped: list[_Packed] = []
        self.size = 0

    def add(self, digest: str, size: int, views: Sequence[memoryview], *, to_map: bool = False) -> Part:
        """Take in a part; until the pack is closed, its ``pack`` is ``""``.

        Parameters
        ----------
        digest : str
        size : int
            Plain bytes.
        views : sequence of memoryview
        to_map : bool
            Leave it as it is if it is long: a load maps it, and whoever uses it reads what he needs of it. To expand
            it would cost every load time and memory.
        """
        plain = b"".join(views)
        codec, stored = ("raw", plain) if to_map and size >= MAPPED else shrink(plain)
        part = Part(digest, size, "", 0, len(stored), codec)
        (self._mapped if codec == "raw" and size >= MAPPED else self._read).append((part, stored))
        self.size += len(stored)
        return part

    def close(self) -> tuple[list[bytes | memoryview], list[Part]]:
        """Return what to write and the parts in their final places, the last one last, and begin another pack."""
        chunks: list[bytes | memoryview] = []
        parts, end = [], 0
        for part, stored in self._read:
            parts.append(replace(part, offset=end))
            chunks.append(stored)
            end += len(stored)
        for part, stored in self._mapped:
            gap = -end % _ALIGNED
            parts.append(replace(part, offset=end + gap))
            chunks += (bytes(gap), stored)
            end += gap + len(stored)
        self.clear()
        name = digest_of(chunks) if parts else ""
        return chunks, [replace(part, pack=name) for part in parts]

    def clear(self) -> None:
        """Begin another pack."""
        self._read, self._mapped, self.size = [], [], 0
