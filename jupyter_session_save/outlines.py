"""What pruning needs to know of each snapshot, taken from its record once.

Invariant: an outline is never used for a record whose bytes are others than those it was taken from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .digests import digest_of
from .snapshot import Component, Environment, Part, Snapshot
from .statement import Lineage


class Outlines:
    """Outlines of records, by the digest of their bytes.

    An outline is a snapshot without its variables, whose parts all stand in one component. It takes a few kilobytes
    where the record takes a hundred, since equal parts are the same object in all of them.

    Parameters
    ----------
    read : callable
        Returns the bytes of the record of a name and version.
    parse : callable
        Returns the snapshot in them.
    """

    def __init__(self, read: Callable[[str, int], bytes], parse: Callable[[str, int, bytes], Snapshot]) -> None:
        self._read, self._parse = read, parse
        self._known: dict[str, Snapshot] = {}
        self._before: dict[str, Snapshot] = {}
        self._parts: dict[Part, Part] = {}

    def __call__(self, name: str, version: int) -> Snapshot:
        """Return the outline of a snapshot; what cannot be read raises as for the snapshot itself."""
        data = self._read(name, version)
        digest = digest_of([data])
        found = self._known.get(digest) or self._before.get(digest)
        if found is None:
            found = self._outline(self._parse(name, version, data))
        self._known[digest] = found
        return found

    def age(self) -> None:
        """Forget what has not been asked for since this was called last."""
        self._before, self._known = self._known, {}
        self._parts = {part: part for snapshot in self._before.values() for part in snapshot.parts()}

    def _outline(self, snapshot: Snapshot) -> Snapshot:
        parts = tuple(self._parts.setdefault(part, part) for part in snapshot.parts())
        whole = (Component((), parts[0], parts[1:]),) if parts else ()
        return replace(
            snapshot, variables=(), components=whole, state=(), environment=Environment(), lineage=Lineage(), message=""
        )
