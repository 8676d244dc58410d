"""Parts that differ from a blob in a few chunks only.

Invariant: patches lie on the grid of `CHUNK` bytes, and a digest names base and patches (as in a Merkle tree), so
that nothing has to read the whole to name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from blake3 import blake3

from .snapshot import Component, Part

CHUNK = 256 << 10
"""Bytes of a patch; the last one of a part may be shorter."""

LIMIT = 0.25
"""The share of a part that patches may make up: beyond it a new blob is cheaper for all that follow."""


def check_grid(size: int, chunks: Iterable[tuple[int, int]]) -> None:
    """Raise ValueError unless each ``(offset, length)`` is one chunk of a part of `size` bytes."""
    for offset, length in chunks:
        if offset % CHUNK or not 0 <= offset < size or length != min(CHUNK, size - offset):
            raise ValueError(f"{length} bytes at {offset} are not one chunk of {size} bytes: cut at {CHUNK}")


def is_worth_it(base: Part, offsets: Iterable[int]) -> bool:
    """Whether patches at these offsets, with those that the base has, stay within `LIMIT`."""
    covered = {offset for offset, _ in base.patches}.union(offsets)
    return len(covered) * CHUNK <= LIMIT * base.size


def patched(base: Part, chunks: Mapping[int, Part]) -> Part:
    """Return a part that is `base` but for chunks, which replace patches that it has at the same offsets.

    Parameters
    ----------
    base : Part
        A blob, perhaps patched before.
    chunks : mapping of int to Part
        By offset.
    """
    merged = tuple(sorted({**dict(base.patches), **chunks}.items()))
    blob = base.base or base.digest
    return Part(digest_of_list(blob, base.size, merged), base.size, base=blob, patches=merged)


def digest_of_list(base: str, size: int, patches: Sequence[tuple[int, Part]]) -> str:
    """Return the digest that names a patched part."""
    rows = [f"{offset} {patch.size} {patch.digest}" for offset, patch in patches]
    return blake3("\n".join(("patched", f"{size} {base}", *rows)).encode()).hexdigest()


def settled(component: Component, places: Mapping[str, Part]) -> Component:
    """Return a component whose parts, and their patches, have the places that are known by now."""
    stream, *buffers = (_placed(part, places) for part in (component.stream, *component.buffers))
    return replace(component, stream=stream, buffers=tuple(buffers))


def _placed(part: Part, places: Mapping[str, Part]) -> Part:
    if part.base is not None:
        return replace(part, patches=tuple((offset, _placed(patch, places)) for offset, patch in part.patches))
    return places.get(part.digest, part)
