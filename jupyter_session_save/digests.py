"""The digest of bytes, and the key that follows from it.

Invariant: equal bytes have equal digests, whatever buffers they stand in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from blake3 import blake3

from .errors import DamagedError
from .snapshot import Part

SLICE = 64 << 20
"""Bytes that are hashed or written before somebody is told of it."""
_WIDE = 1 << 20
"""Fewer bytes are hashed by one thread."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HOME = os.getpid()

Tick = Callable[[int], None]
"""Is told of bytes as they are taken in; may raise to interrupt."""


def digest_of(chunks: Iterable[bytes | memoryview], tick: Tick | None = None) -> str:
    """Return the BLAKE3 digest of buffers one after the other, as 64 hexadecimal digits."""
    chunks = list(chunks)
    if len(chunks) == 1 and 0 < memoryview(chunks[0]).nbytes < _WIDE:
        if tick is not None:
            tick(memoryview(chunks[0]).nbytes)
        return blake3(chunks[0]).hexdigest()
    views = [memoryview(chunk).cast("B") for chunk in chunks if memoryview(chunk).nbytes]
    # The thread pool does not live on in a forked child, where waiting for it would never end.
    wide = sum(view.nbytes for view in views) >= _WIDE and os.getpid() == _HOME
    hasher = blake3(max_threads=blake3.AUTO if wide else 1)
    for view in views:
        for start in range(0, view.nbytes, SLICE):  # so that Ctrl-C is answered
            piece = view[start : start + SLICE]
            hasher.update(piece)
            if tick is not None:
                tick(piece.nbytes)
    return hasher.hexdigest()


def key_of(part: Part) -> str:
    """Return the key of the blob or pack that holds a part, or its base; DamagedError if the part names none."""
    return _key("blobs", part.base or part.digest) if part.pack is None else _key("packs", part.pack)


@lru_cache(maxsize=4096)  # Asked several times for each part, of which hundreds stand in one pack.
def _key(kind: str, digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise DamagedError(f"{digest[:80]!r} is not a digest: the snapshot is damaged; run `jupyter session check`")
    return f"{kind}/{digest[:2]}/{digest}"
