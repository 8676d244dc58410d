"""When the bytes of a load are compared with their digests.

At once, before anything sees them: every pickle stream, every part of a pack, and blobs below 8 MiB, because that
costs milliseconds. In the background, after the load, from a reading of the file of its own: larger blobs, up to
4 GiB in all; damage is reported loudly. Only when asked for (``--verify-data``, `jupyter session check`): the rest,
because reading it all would undo that a load maps its data, and on a network disk it would take minutes.
Lengths are always compared. A large blob holds the elements of an array, never code.

Invariant: nothing that is unpickled is ever used before it was compared.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

from .display import plural
from .repository import Repository
from .snapshot import Part, Snapshot

AT_ONCE = 8 << 20
"""Blobs below this many bytes are compared before they are used."""

IN_BACKGROUND = 4 << 30
"""Bytes compared in the background after one load."""


def checked_at_once(part: Part) -> bool:
    """Whether a buffer is compared before it is used."""
    return part.pack is not None or part.size < AT_ONCE


class DataCheck:
    """Compares large blobs with their digests while the user goes on working.

    Parameters
    ----------
    repository : Repository
    snapshot : Snapshot
    parts : sequence of Part
    """

    def __init__(self, repository: Repository, snapshot: Snapshot, parts: Sequence[Part]) -> None:
        self._repository, self._snapshot = repository, snapshot
        unique = sorted({p.digest: p for p in parts}.values(), key=lambda p: p.size)
        total, self._parts = 0, list[Part]()
        for part in unique:
            total += part.size
            if total <= IN_BACKGROUND:
                self._parts.append(part)
        self._left = len(unique) - len(self._parts)

    def start(self) -> list[str]:
        """Begin, and return what a report says about it."""
        if self._parts:
            threading.Thread(target=self._run, name="session-data-check", daemon=True).start()
        if not self._left:
            return []
        were, them = ("was", "it") if self._left == 1 else ("were", "them")
        arrays = plural(self._left, "large array")
        return [f"{arrays} {were} mapped without reading {them}: --verify-data compares {them}, too"]

    def _run(self) -> None:
        for part in self._parts:
            damage = self._repository.damage(part, data=True)
            if damage:
                names = [n for c in self._snapshot.components if part in c.buffers for n in c.names]
                differ, them = ("differs", "it") if len(names) == 1 else ("differ", "them")
                line = (
                    f"DAMAGED DATA: {', '.join(names)} of {self._snapshot.reference} {differ} from what was saved "
                    f"({damage}); do not use {them}, load an earlier version"
                )
                print(line, file=sys.stderr, flush=True)
