"""What is in a store already, and stays there while a snapshot is written that refers to it.

Invariant: before anything counts as there it was touched, so that a collection that runs meanwhile leaves it.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Collection

from .digests import key_of
from .errors import StoreError
from .names import snapshot_key, stored_versions
from .snapshot import Part, Snapshot
from .store import Store

LOOKED_AFTER = 60.0
"""Seconds, at least, between two looks whether a record is still there."""


class Held:
    """The blobs and packs that one save has found or written.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sizes: dict[str, int] = {}

    def took(self, key: str, size: int) -> None:
        """Note what is being written."""
        self._sizes[key] = size

    def has(self, part: Part) -> bool:
        """Whether a part is there in full; if so, a collection meanwhile leaves it."""
        key = key_of(part)
        if key not in self._sizes:
            try:
                # Touch before looking: a collection looks at the age last of all before it deletes.
                self._store.touch(key)
                self._sizes[key] = self._store.size(key)
            except KeyError:
                return False
        size = self._sizes[key]
        return size == part.size if part.pack is None else size >= part.offset + part.stored

    def hold(self, parts: Collection[Part], *, fresh: set[str], unsure: set[str]) -> None:
        """Make sure that parts are there and stay there, and survive a loss of power if they should.

        Parameters
        ----------
        parts : collection of Part
        fresh : set of str
            Keys to make durable.
        unsure : set of str
            The same, of which only those count that the parts stand in.

        Raises
        ------
        StoreError
            If something was removed meanwhile, or the store refuses.
        """
        for part in parts:
            if part.pack == "":
                raise ValueError(f"the part {part.digest} was put by another writer: put it with this one")
            if not self.has(part):
                raise self.removed(key_of(part))
        keys = set(map(key_of, parts))
        try:
            self._store.sync(sorted(fresh | keys & unsure))
        except KeyError as error:
            raise self.removed(error.args[0]) from None
        for key in sorted(keys):
            if not self._store.exists(key):
                raise self.removed(key)

    def removed(self, key: str) -> StoreError:
        """Return what to raise of something that should be there."""
        error = StoreError(f"{key} was removed from {self._store.url} during the save: save again")
        error.errno = errno.ENOENT
        return error


def stands(store: Store, record: Snapshot) -> bool:
    """Whether a record is still there, and not another one under its number."""
    try:
        return record.signature.encode() in store.get(snapshot_key(record.name, record.sequence))
    except KeyError:
        return False


def unless_replaced(store: Store, record: Snapshot | None) -> Snapshot | None:
    """Return a record that others may build on: one that stands, or was removed and nothing stands in its place."""
    if record is None or stands(store, record) or not store.exists(snapshot_key(record.name, record.sequence)):
        return record
    return None


class Watched:
    """Notices that somebody has removed the newest record of a session.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store, self._looked = store, time.monotonic()

    def is_gone(self, record: Snapshot | None) -> bool:
        """Whether a record is gone and none that is newer is there; looks only now and then."""
        now = time.monotonic()
        if record is None or now - self._looked < LOOKED_AFTER:
            return False
        self._looked = now
        if self._store.exists(snapshot_key(record.name, record.sequence)):
            return False
        return max(stored_versions(self._store, record.name), default=0) < record.sequence
