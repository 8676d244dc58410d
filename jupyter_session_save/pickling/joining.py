"""Huge containers, put together from chunks that were pickled apart. The names in here are part of the format.

Invariant: no chunk is unpickled before it was compared with the digest in the stream that names it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from ..errors import DamagedError

if TYPE_CHECKING:
    from .unpickler import Restoring

KINDS: dict[str, Callable[[], Any]] = {"list": list, "dict": dict, "set": set, "str": str, "bytearray": bytearray}

_WHOLE = "str", "bytearray"

ENCODING = "utf-8", "surrogatepass"

_SIZES = (16, 256, 4096)

MOST = _SIZES[-1]
"""Objects that chunks can have in common with each other or with other variables."""

Containers = Sequence[tuple[tuple[str, ...], str, tuple[bytes, ...]]]


def joined(names: tuple[str, ...], head: bytes, containers: Containers) -> dict[str, Any]:
    """Make the variables of a component some of which are huge.

    Parameters
    ----------
    names : tuple of str
        All of them, in order.
    head : bytes
        Pickle of the others, in whose memo the containers come first.
    containers : sequence of (tuple of str, str, tuple of bytes)
        Names, one of `KINDS`, and the digest of each chunk: the pickle of a list of items (of keys and values in turn
        for a dict), in whose memo comes first what is in that of the head; or a piece of a text in UTF-8, or of a
        bytearray. The latter two stand before containers; their pieces come first in the buffers, then those of the
        head, and then the chunks.
    """
    raise RuntimeError(f"{', '.join(names)} are put together by the unpickler of a session; use jupyter_session_save")


def make_joined(restoring: Restoring, names: tuple[str, ...], head: bytes, containers: Containers) -> dict[str, Any]:
    """Make the variables of a component some of which are huge, within a load."""
    made = [
        _whole(restoring, names, kind, digests) if kind in _WHOLE else KINDS[kind]() for _, kind, digests in containers
    ]
    rest, unpickler = restoring.inner(head, made)
    waiting = [(one, digests) for one, (_, kind, digests) in zip(made, containers, strict=True) if kind not in _WHOLE]
    memo = unpickler.memo.copy() if waiting else {}
    known = [memo.get(position) for position in range(room_for(len(memo)))]
    for container, digests in waiting:
        for digest in digests:
            restoring.fill(container, restoring.inner(_chunk(restoring, names, digest), known)[0])
    values = {name: one for one, (own, _, _) in zip(made, containers, strict=True) for name in own}
    return {name: values[name] if name in values else rest[name] for name in names}


def _whole(restoring: Restoring, names: tuple[str, ...], kind: str, digests: Sequence[bytes]) -> str | bytearray:
    pieces = (_chunk(restoring, names, digest) for digest in digests)
    return "".join(str(piece, *ENCODING) for piece in pieces) if kind == "str" else bytearray().join(pieces)


def _chunk(restoring: Restoring, names: tuple[str, ...], digest: bytes) -> bytes:
    """Return the next chunk, compared with its digest."""
    # Copied, since it may stand in a file: what is compared is what is unpickled.
    chunk = bytes(restoring.next_buffer())
    if blake3(chunk).digest() != digest:
        raise DamagedError(f"a chunk of {names[0]} differs from what was saved: run `jupyter session check`")
    return chunk


def room_for(count: int) -> int:
    """Return for how many objects a memo has room before the chunk's own, so that a few more change nothing."""
    return next(size for size in _SIZES if count <= size)


def prologue(count: int) -> bytes:
    """Return the beginning of a stream that takes objects from its buffers into its memo."""
    steps = b"\x97\x94\x30" * count  # NEXT_BUFFER, MEMOIZE, POP
    return b"\x80\x05\x95" + struct.pack("<Q", len(steps)) + steps
