"""What this process has stored of the buffers in its memory, so that what stands there still is not hashed again.

A save reads every buffer once, for its fingerprint, at the speed of the memory. Only where that differs from what was
stored last of this place are bytes hashed for their digest and written: the chunks that differ, or all of them.

Invariant: an entry holds no value and proves nothing by itself: what stands there now counts as stored only while its
fingerprint is that of what was stored, whatever object it belongs to, and the store still has that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from types import TracebackType
from typing import Self

from . import bystanders
from .ahead import LEAST as AHEAD
from .ahead import Ahead, Place
from .fingerprint import Fingerprint, in_full, of_all
from .patches import CHUNK
from .pickling import Payload
from .sharing import Shared, address_of
from .snapshot import Part, Snapshot
from .writing import Writer

LEAST = 4 << 10
"""Hashing fewer bytes takes no longer than remembering them."""
_BESIDE = 256 << 10
"""Fewer bytes are read in less time than it takes to hand them to a thread."""
_MOST = 1 << 16
"""Buffers that are remembered, those that were looked up last."""
_MOST_BYTES = 64 << 20
"""Memory that their fingerprints take at most: that of a terabyte."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored of a place.

    Attributes
    ----------
    fingerprint : Fingerprint
    part : Part
        Where it stands.
    durable : bool
        Whether it was made to survive a loss of power.
    """

    fingerprint: Fingerprint
    part: Part
    durable: bool


class Remembered:
    """Places and what was stored of them in one store.

    Attributes
    ----------
    snapshot : Snapshot or None
        The last that was saved there, so that the next save need not read its record apart.
    """

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self._stored: dict[Place, Stored] = {}
        self._size = 0

    def find(self, view: memoryview) -> Stored | None:
        """Return what was stored last of the place where a buffer stands."""
        place = place_of(view)
        return None if place is None else self._stored.get(place)

    def keep(self, place: Place, stored: Stored) -> None:
        """Remember what is stored of a place, and forget what has not been stored for long."""
        if any(piece.pack == "" for piece in stored.part.pieces()):
            return  # It has no place of its own before its commit.
        self._forget(place)
        self._stored[place] = stored
        self._size += len(stored.fingerprint.chunks)
        while len(self._stored) > _MOST or self._size > _MOST_BYTES:
            self._forget(next(iter(self._stored)))

    def _forget(self, place: Place) -> None:
        stored = self._stored.pop(place, None)
        if stored is not None:
            self._size -= len(stored.fingerprint.chunks)


@lru_cache(maxsize=8)
def of_store(url: str) -> Remembered:
    """Return what is remembered of a store; another in its place does no harm, since parts are named by their bytes."""
    return Remembered()


def place_of(view: memoryview) -> Place | None:
    """Return where a buffer stands, None if that cannot be told or is not worth it."""
    address = address_of(view) if view.nbytes >= LEAST else None
    return None if address is None else (address, view.nbytes)


def _nothing() -> None:
    pass


class Buffers:
    """Stores the buffers of one save; a context manager.

    Parameters
    ----------
    writer : Writer
    remembered : Remembered
    pause : callable
        Is called now and then, and may raise to interrupt.
    """

    def __init__(self, writer: Writer, remembered: Remembered, pause: Callable[[], None]) -> None:
        self._writer, self._remembered, self._pause = writer, remembered, pause
        self._alone = not bystanders.are_there()
        self._ahead, self._shared = Ahead(pause), Shared()
        self._places: dict[Place, Part] = {}
        self._fingerprints: dict[Place, Fingerprint] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ahead.stop()

    def meet(self, payload: Payload) -> None:
        """Let threads begin to read what will be put, where something is known to compare it with."""
        for buffer in payload.buffers if self._alone else ():
            view = buffer.raw()
            place = place_of(view) if view.nbytes >= AHEAD else None
            if place is not None and self._remembered.find(view) is not None:
                self._ahead.begin(place, view)

    def put(self, view: memoryview) -> Part:
        """Store what is new of a buffer; it is read until the commit."""
        place = place_of(view)
        if place is None or not self._alone or self._shared.holds(view):
            return self._writer.put([view], to_map=True)
        view = view.cast("B")
        known = self._remembered.find(view)
        if known is None or not self._writer.take_up(known.part, durable=known.durable):
            part = self._writer.put([view], to_map=True)
            if place not in self._places:
                look = partial(self._look, place, view)
                look(_nothing) if view.nbytes < _BESIDE else self._writer.beside(look)
        else:
            part, slices = known.part, self._ahead.take(place, view)
            self._fingerprints[place] = known.fingerprint
            if slices != known.fingerprint.slices:
                fingerprint = self._fingerprints[place] = in_full(view, self._pause, known.fingerprint, slices)
                part = self._differing(view, known.part, fingerprint.changed(known.fingerprint))
        if self._places.setdefault(place, part) != part:
            self._alone = False
        return part

    def keep(self, before: Snapshot, committed: Snapshot) -> None:
        """Remember what was put, now that it has its place; parameters are the snapshot before and after its commit."""
        self._remembered.snapshot = committed
        if not self._alone or bystanders.are_there():
            return  # Somebody may have changed the bytes between two readings.
        pairs = zip(before.components, committed.components, strict=True)
        final = {old: new for one, other in pairs for old, new in zip(one.buffers, other.buffers, strict=True)}
        for place, part in self._places.items():
            if part in final:
                self._remembered.keep(place, Stored(self._fingerprints[place], final[part], durable=True))

    def _look(self, place: Place, view: memoryview, go_on: Callable[[], None]) -> None:
        self._fingerprints[place] = of_all(view, go_on)

    def _differing(self, view: memoryview, base: Part, offsets: list[int]) -> Part:
        if not offsets:
            return base
        if base.pack is not None:
            return self._writer.put([view], to_map=True)
        chunks = [(at, view[at : at + CHUNK]) for at in offsets]
        return self._writer.put_patched(base, view.nbytes, chunks, whole=view)
