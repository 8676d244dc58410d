"""Which memory stands for bytes of a store that no load has compared, and whether what is saved of it is what was.

A load maps large buffers and compares them afterwards, or never. Whatever is damaged in the file is then in the arrays,
too, and a save that met it as any other bytes would store it as good. What such memory holds and what was written are
told apart by their digests, which a save knows anyway; only where they differ is the file read, unless a check has
read it meanwhile, to tell what the user has changed from what the disk has.

Invariant: nothing here keeps a mapping alive, and memory counts only as long as the mapping that it belongs to.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from .digests import key_of
from .errors import SessionError
from .repository import Repository
from .sharing import address_of
from .snapshot import Part, Variable

DAMAGED = "it holds data that was damaged on disk"
"""How the reason of a problem begins that every later save and load of the data has to tell again."""
ADVICE = "load an earlier version that is whole, or run the statement that made it"


@dataclass(slots=True)
class _Mapped:
    start: int
    size: int
    part: Part
    repository: Repository
    owner: weakref.ref[Any]
    stored_so: bool
    verdict: str | None


_MANY_DEAD = 64


class _Places:
    """What is mapped, by where it begins; living mappings do not overlap."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_start: dict[int, _Mapped] = {}
        self._starts: list[int] | None = []
        self._full = 64

    def add(self, mapped: _Mapped) -> None:
        with self._lock:
            if len(self._by_start) >= self._full:
                self._drop_dead()
                self._full = max(64, 2 * len(self._by_start))
            self._by_start[mapped.start], self._starts = mapped, None

    def living(self) -> list[_Mapped]:
        with self._lock:
            return [one for one in self._by_start.values() if one.owner() is not None]

    def within(self, start: int, end: int) -> list[_Mapped]:
        """Return what overlaps a stretch of memory."""
        with self._lock:
            if self._starts is None:
                self._drop_dead()
                self._starts = sorted(self._by_start)
            found, dead = list[_Mapped](), 0
            for position in range(bisect_left(self._starts, end) - 1, -1, -1):
                one = self._by_start[self._starts[position]]
                if one.owner() is None:
                    dead += 1
                    continue
                if one.start + one.size <= start:
                    break
                found.append(one)
            if dead > _MANY_DEAD:
                self._drop_dead()
            return found

    def is_empty(self) -> bool:
        """Whether no mapping was noted, or none is left."""
        return not self._by_start

    def _drop_dead(self) -> None:
        self._by_start = {at: one for at, one in self._by_start.items() if one.owner() is not None}
        self._starts = None


_places = _Places()


def note(view: memoryview, part: Part, repository: Repository, known: str = "") -> None:
    """Take note of memory that a load hands out without having compared it.

    Parameters
    ----------
    view : memoryview
        As mapped; memory of the process's own is not noted.
    part : Part
        What it was mapped from.
    repository : Repository
    known : str
        What is known to be wrong with it, though it is stored as it was.
    """
    try:
        owner = weakref.ref(view.obj)
    except TypeError:
        return
    start = _address(view)
    if start is None:
        return
    _places.add(_Mapped(start, view.nbytes, part, repository, owner, bool(known), known or None))


class Verdicts:
    """What a check finds of the parts of a store, for the memory that is mapped from them now."""

    def __init__(self, repository: Repository) -> None:
        self._by_digest: dict[str, list[_Mapped]] = {}
        for one in _places.living():
            if one.repository.store.url == repository.store.url and not one.stored_so:
                self._by_digest.setdefault(one.part.digest, []).append(one)

    def note(self, part: Part, found: str) -> None:
        """Take note of what is wrong with a part, ``""`` if it is whole."""
        for one in self._by_digest.get(part.digest, ()):
            one.verdict = _reason(found)


def is_readable(repository: Repository, part: Part) -> bool:
    """Whether a part is there at all: a disk that has gone tells nothing about what is mapped."""
    try:
        for piece in part.pieces():
            repository.store.read(key_of(piece), piece.offset, 1)
    except (KeyError, SessionError):
        return False
    return True


def damage(view: memoryview, stored: Part) -> str:
    """Say what is wrong with bytes that are being saved, if anything.

    Parameters
    ----------
    view : memoryview
    stored : Part
        As what they have been stored.
    """
    at = None if _places.is_empty() else _address(view)
    if at is None:
        return ""
    return next(filter(None, (_verdict(one, stored) for one in _places.within(at, at + view.nbytes))), "")


def known_damage(variable: Variable) -> str:
    """Return what a snapshot says of damage that a variable had when it was saved, ``""`` if it says nothing."""
    return next((p.reason for p in variable.problems if p.reason.startswith(DAMAGED)), "")


def _verdict(one: _Mapped, stored: Part) -> str:
    if not one.stored_so and stored.digest == one.part.digest:
        return ""  # What was written; or the damaged file itself, which every later load tells again.
    if one.verdict is None:
        found = one.repository.damage(one.part, data=True)
        one.verdict = _reason(found) if is_readable(one.repository, one.part) else ""
    return one.verdict


def _reason(found: str) -> str:
    return f"{DAMAGED} when it was loaded ({found})" if found else ""


def _address(view: memoryview) -> int | None:
    if view.readonly:
        return address_of(view)
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(view))
    except (TypeError, ValueError, BufferError):
        return address_of(view)
