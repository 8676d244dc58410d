"""The next free version of each session, without listing them for every save.

Invariant: a version that is handed out was, a moment ago, greater than all that were stored.
"""

from __future__ import annotations

import contextlib

from .errors import SessionError
from .manifest import read
from .names import quote, snapshot_key, stored_versions
from .snapshot import Snapshot
from .store import Store


class Numbering:
    """Remembers the newest version of each session until somebody else writes there.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest: dict[str, tuple[int, object]] = {}

    def next(self, name: str) -> int:
        """Return the version that a snapshot should try to take."""
        stamp = self._stamp(name)
        known = self._newest.get(name)
        if known is None or stamp is None or known[1] != stamp:
            # The stamp is older than the list: what comes between them is found out the next time.
            known = (max(stored_versions(self._store, name), default=0), stamp)
            self._newest[name] = known
        return known[0] + 1

    def took(self, name: str, version: int) -> None:
        """Take note of a version that this process has stored."""
        self._newest[name] = (version, self._stamp(name))

    def forget(self, name: str) -> None:
        """List the versions the next time."""
        self._newest.pop(name, None)

    def _stamp(self, name: str) -> object:
        return self._store.stamp(f"sessions/{quote(name)}/")


def line_of(store: Store, snapshot: Snapshot, parent: Snapshot | None) -> tuple[tuple[int, int], ...]:
    """Return the ranges of versions that a snapshot came from.

    Parameters
    ----------
    store : Store
    snapshot : Snapshot
        About to be committed.
    parent : Snapshot, optional
        An earlier one that is known; it is read if it is another than the parent.
    """
    number = snapshot.parent
    if number is None:
        return ()
    if parent is None or (parent.name, parent.sequence) != (snapshot.name, number):
        parent = Snapshot(snapshot.name, number)
        with contextlib.suppress(SessionError, KeyError):
            parent = read(store.get(snapshot_key(snapshot.name, number)), source="")
    return parent.line_on()
