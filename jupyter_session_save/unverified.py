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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .digests import key_of
from .errors import SessionError
from .fingerprint import address_of
from .repository import Repository
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


_mapped: list[_Mapped] = []
_lock = threading.Lock()


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
    with _lock:
        _mapped[:] = [one for one in _mapped if one.owner() is not None]
        _mapped.append(_Mapped(start, view.nbytes, part, repository, owner, bool(known), known or None))


def judge(repository: Repository, part: Part, found: str) -> None:
    """Take note of what a check has found wrong with a part, ``""`` if it is whole."""
    for one in _living():
        same = one.part.digest == part.digest and one.repository.store.url == repository.store.url
        if same and not one.stored_so:
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
    at = _address(view) if _mapped else None
    if at is None:
        return ""
    for one in _living():
        if one.start < at + view.nbytes and at < one.start + one.size:
            found = _verdict(one, stored)
            if found:
                return found
    return ""


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


def _living() -> Iterator[_Mapped]:
    with _lock:
        living = list(_mapped)
    return (one for one in living if one.owner() is not None)


def _address(view: memoryview) -> int | None:
    if view.readonly:
        return address_of(view)
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(view))
    except (TypeError, ValueError, BufferError):
        return address_of(view)
