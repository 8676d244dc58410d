"""Removing blobs and packs that no snapshot refers to.

Invariant: a record goes before what it refers to, and records are listed after that: so whoever puts a record and then
still finds the record it builds on may rely on all that both refer to.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from .digests import key_of
from .errors import SessionNotFoundError, StoreError
from .names import snapshot_key, stored_names, stored_versions
from .numbering import forget_retired
from .snapshot import Snapshot
from .store import Store

GRACE = 3600.0
"""Seconds for which anything new is left alone, since a save under way may be about to refer to it."""

_DATA = re.compile(r"(?:blobs|packs)/([0-9a-f]{2})/\1[0-9a-f]{62}")
_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed of one session.

    Attributes
    ----------
    name : str
    kept : int
        Snapshots that stay; those that cannot be read are not counted, and stay.
    removed : tuple of int
        Versions.
    """

    name: str
    kept: int
    removed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pruning:
    """What was removed of all of them.

    Attributes
    ----------
    sessions : tuple of Pruned
    freed : int
        Bytes.
    note : str
        Why no bytes were freed, if that has a reason.
    """

    sessions: tuple[Pruned, ...]
    freed: int
    note: str = ""


def records(store: Store) -> Iterator[tuple[str, int]]:
    """Yield name and version of every record that is stored; StoreError if some may be out of reach."""
    for name in stored_names(store):
        try:
            yield from ((name, version) for version in stored_versions(store, name))
        except StoreError as error:
            if error.errno != errno.ENOTDIR:  # a file holds no records
                raise


def check_removable(store: Store, name: str, versions: Collection[int]) -> None:
    """Refuse to remove snapshots of which one cannot be removed, before any of them is.

    Raises
    ------
    StoreError
        If a directory or the like stands in place of a record.
    """
    for version in versions:
        try:
            store.exists(snapshot_key(name, version))
        except StoreError as error:
            if error.errno != errno.ELOOP:  # what goes is the link itself
                refused = StoreError(f"{error}, then delete again; nothing was deleted")
                refused.errno = error.errno
                raise refused from error


def used(
    store: Store, read: Callable[[str, int], Snapshot], *, without: Collection[tuple[str, int]] = ()
) -> set[str] | None:
    """Return the keys of all blobs and packs that any snapshot refers to.

    Parameters
    ----------
    store : Store
    read : callable
        Returns a snapshot, or raises SessionNotFoundError if it was deleted meanwhile.
    without : collection of (str, int)
        Names and versions that do not count.

    Returns
    -------
    set of str or None
        None if snapshots came and went so fast that nobody knows.
    """
    for _ in range(_ROUNDS):
        found: set[str] = set()
        done = set(without)
        # One that has gone may have been what another, put after the list was made, builds on.
        with contextlib.suppress(SessionNotFoundError):
            while todo := sorted(set(records(store)) - done):
                for name, version in todo:
                    found.update(map(key_of, read(name, version).parts()))
                done.update(todo)
            return found
    return None


def exclusive(store: Store, read: Callable[[str, int], Snapshot], sessions: Collection[Pruned]) -> int:
    """Return the bytes of what only the removed snapshots refer to."""
    removed = {(session.name, version) for session in sessions for version in session.removed}
    alone: set[str] = set()
    for name, version in removed:
        with contextlib.suppress(SessionNotFoundError):
            alone.update(map(key_of, read(name, version).parts()))
    total = 0
    for key in alone - (used(store, read, without=removed) or alone):
        with contextlib.suppress(KeyError):
            total += store.size(key)
    return total


def collect(store: Store, read: Callable[[str, int], Snapshot], *, grace: float) -> int:
    """Remove what nothing refers to; parameters and errors as for `Repository.collect`."""
    # Candidates first: what is written from here on is not among them.
    candidates = []
    for prefix in ("blobs/", "packs/"):
        for key in filter(_DATA.fullmatch, store.list(prefix)):
            with contextlib.suppress(KeyError):
                if store.age(key) >= grace:
                    candidates.append(key)
    needed = used(store, read)
    freed = store.sweep(grace)
    for name in stored_names(store):
        with contextlib.suppress(StoreError):
            forget_retired(store, name)
    if needed is None:
        return freed
    for key in candidates:
        if key not in needed:
            with contextlib.suppress(KeyError):
                size = store.size(key)
                # Again: a writer that takes it up has touched it.
                if store.age(key) >= grace:
                    store.delete(key)
                    freed += size
    return freed
