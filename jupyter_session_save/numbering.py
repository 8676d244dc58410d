"""The next free version of each session, without listing them for every save.

A number that somebody has noted down, or builds on, must not come to mean another snapshot. So whoever removes the
newest of a session leaves its number there, until a later one is stored or a year has passed.

Invariant: a version that is handed out was, a moment ago, greater than all that were stored or left there.
"""

from __future__ import annotations

import contextlib
import re

from .errors import SessionError, StoreError
from .manifest import read
from .names import LAST, session_prefix, snapshot_key
from .snapshot import Snapshot
from .store import Store

LEFT = 365 * 86400.0
"""Seconds for which the number of a removed snapshot is left where no later one follows."""

_GONE = re.compile(r"([1-9][0-9]{0,17})\.gone")
_GIVEN = re.compile(rf"(?!{LAST}\.gone)([1-9][0-9]{{0,17}})\.(?:json|gone)")
"""The last of all is never left, so that no planted file keeps a session from being saved."""


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
            known = (last_given(self._store, name), stamp)
            self._newest[name] = known
        return known[0] + 1

    def took(self, name: str, version: int) -> None:
        """Take note of a version that this process has stored."""
        self._newest[name] = (version, self._stamp(name))

    def forget(self, name: str) -> None:
        """List the versions the next time."""
        self._newest.pop(name, None)

    def _stamp(self, name: str) -> object:
        return self._store.stamp(session_prefix(name))


def last_given(store: Store, name: str) -> int:
    """Return the greatest version that a session has or had, 0 if it is new."""
    return max(_numbers(store, name, _GIVEN), default=0)


def retire(store: Store, name: str, version: int) -> None:
    """Leave the number of a snapshot that is about to be removed, if it is the last that was given."""
    if LAST > version >= last_given(store, name):
        # Without room, or a right, for an empty file: what was asked for is to remove something.
        with contextlib.suppress(StoreError):
            store.put(f"{session_prefix(name)}{version}.gone", [], durable=False, overwrite=True)


def forget_retired(store: Store, name: str) -> None:
    """Remove numbers that were left and are of no more use."""
    left = _numbers(store, name, _GONE)
    # Listed later, and greater: who removes that one leaves its number before.
    last = last_given(store, name) if left else 0
    for version in left:
        key = f"{session_prefix(name)}{version}.gone"
        with contextlib.suppress(KeyError):
            if version < last or store.age(key) >= LEFT:
                store.delete(key)


def _numbers(store: Store, name: str, pattern: re.Pattern[str]) -> list[int]:
    return [int(match[1]) for match in filter(None, map(pattern.fullmatch, store.children(session_prefix(name))))]


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
