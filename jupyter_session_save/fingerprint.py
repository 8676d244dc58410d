"""Cheap evidence that bytes are the ones seen before: XXH3-128 of streams, and of each chunk of a buffer.

Invariant: a fingerprint says "same as when last looked at" of one place; it is never a name for bytes.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from xxhash import xxh3_128, xxh3_128_digest

from .patches import CHUNK
from .sharing import address_of

SLICE = 32 << 20
"""A multiple of `patches.CHUNK`."""
_LENGTH = 16
_MAPPING = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \S+\s*(.*)\n")
_OF_ITS_OWN = re.compile(rb"(?:Anonymous|Swap): +([0-9]+) kB")
"""Pages that a process has copied to write to them. `Private_Dirty` also counts those of a file just written."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of one buffer.

    Attributes
    ----------
    size : int
        Bytes.
    chunks : bytes
        16 for each `patches.CHUNK`.
    slices : bytes
        16 for each `SLICE`, empty if they were not asked for: they tell no more than the chunks, but a thread that
        reads slices hardly needs the interpreter.
    """

    size: int
    chunks: bytes
    slices: bytes = field(default=b"", compare=False)

    def changed(self, before: Fingerprint) -> list[int]:
        """Return the offsets of the chunks that are not as before; of equal sizes only."""
        pairs = range(0, len(self.chunks), _LENGTH)
        return [
            at // _LENGTH * CHUNK for at in pairs if self.chunks[at : at + _LENGTH] != before.chunks[at : at + _LENGTH]
        ]


def of_buffer(view: memoryview, pause: Callable[[], None]) -> Fingerprint:
    """Return the fingerprint of a buffer; `pause` is called for every `SLICE` and may raise."""
    view = view.cast("B")
    found = []
    for start in range(0, view.nbytes, CHUNK):
        if start % SLICE == 0:
            pause()
        found.append(xxh3_128_digest(view[start : start + CHUNK]))
    return Fingerprint(view.nbytes, b"".join(found))


def of_slices(view: memoryview, pause: Callable[[], None]) -> bytes:
    """Return the fingerprints of the slices of a buffer; `pause` is called for each and may raise."""
    view, found = view.cast("B"), []
    for start in range(0, view.nbytes, SLICE):
        pause()
        found.append(xxh3_128_digest(view[start : start + SLICE]))
    return b"".join(found)


def of_all(view: memoryview, pause: Callable[[], None]) -> Fingerprint:
    """Return the fingerprint of a buffer with its slices; `pause` is called for each and may raise."""
    view = view.cast("B")
    chunks, slices = [], []
    for start in range(0, view.nbytes, SLICE):
        pause()
        slice_of, end = xxh3_128(), min(start + SLICE, view.nbytes)
        for at in range(start, end, CHUNK):
            chunk = view[at : min(at + CHUNK, end)]
            # The second time it comes from the processor's cache.
            chunks.append(xxh3_128_digest(chunk))
            slice_of.update(chunk)
        slices.append(slice_of.digest())
    return Fingerprint(view.nbytes, b"".join(chunks), b"".join(slices))


def in_full(view: memoryview, pause: Callable[[], None], before: Fingerprint, slices: bytes) -> Fingerprint:
    """Return the fingerprint of a buffer with its slices, reading only those that are not as before.

    Parameters
    ----------
    view : memoryview
    pause : callable
    before : Fingerprint
        Of the same place.
    slices : bytes
        `of_slices`, a moment ago.
    """
    view = view.cast("B")
    chunks, found = [], []
    for number, start in enumerate(range(0, view.nbytes, SLICE)):
        at, length = number * _LENGTH, -(-min(SLICE, view.nbytes - start) // CHUNK) * _LENGTH
        part, known = view[start : start + SLICE], before.chunks[start // CHUNK * _LENGTH :][:length]
        same = slices[at : at + _LENGTH] == before.slices[at : at + _LENGTH] and len(known) == length
        anew = None if same else of_all(part, pause)
        chunks.append(known if anew is None else anew.chunks)
        found.append(slices[at : at + _LENGTH] if anew is None else anew.slices)
    return Fingerprint(view.nbytes, b"".join(chunks), b"".join(found))


def of_stream(chunks: Iterable[bytes]) -> bytes:
    """Return the fingerprint of a stream."""
    hasher = xxh3_128()
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.digest()


class Mappings:
    """Which bytes of this process are a file's, mapped and never written to; Linux says so without reading them."""

    def __init__(self) -> None:
        self._clean: list[tuple[int, int, bytes]] | None = None

    def are_clean(self, view: memoryview, name: str) -> bool:
        """Whether a buffer lies in a mapping of a file of this name that nobody has written to.

        Parameters
        ----------
        view : memoryview
        name : str
            The last part of the file's path, such as the digest of a blob.
        """
        start = address_of(view)
        if start is None or not sys.platform.startswith("linux"):
            return False
        if self._clean is None:
            self._clean = list(_clean_mappings())
        end, ending = start + view.nbytes, b"/" + name.encode()
        return any(low <= start and end <= high and path.endswith(ending) for low, high, path in self._clean)


def _clean_mappings() -> Iterable[tuple[int, int, bytes]]:
    with contextlib.suppress(OSError):
        text = Path("/proc/self/smaps").read_bytes()
        heads = list(_MAPPING.finditer(text))
        for position, head in enumerate(heads):
            until = heads[position + 1].start() if position + 1 < len(heads) else len(text)
            own = _OF_ITS_OWN.findall(text, head.end(), until)
            if head[4] and head[3].endswith(b"p") and len(own) == 2 and not any(map(int, own)):
                yield int(head[1], 16), int(head[2], 16), head[4]
