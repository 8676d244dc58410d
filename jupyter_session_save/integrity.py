"""When the bytes of a load are compared with their digests.

At once, before anything sees them: every pickle stream, every buffer that is compressed or short, and of the others
the smallest, up to 8 MiB in all, because that costs milliseconds. In the background, after the load, from a reading
of the file of its own: the others, up to 4 GiB in all; damage is reported loudly. Only when asked for (``--verify-
data``, `jupyter session check`): the rest, because reading it all would undo that a load maps its data, and on a
network disk it would take minutes. Lengths are always compared. What is mapped holds the elements of an array, never
code. Where variables are loaded one by one, every buffer below 8 MiB is compared at once: there is no end of the load
to go on from.

Invariant: nothing that is unpickled is ever used before it was compared.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Sequence

from . import unverified
from .display import one_line, plural
from .packing import is_mappable
from .repository import Repository
from .snapshot import Part, Snapshot

AT_ONCE = 8 << 20
"""Bytes that a load compares before they are used, of what it could use unread."""

IN_BACKGROUND = 4 << 30
"""Bytes compared in the background after one load."""


def checked_at_once(part: Part) -> bool:
    """Whether a buffer of a variable that is loaded by itself is compared before it is used."""
    return part.pack is not None or part.size < AT_ONCE


def checked_first(parts: Iterable[Part]) -> frozenset[Part]:
    """Return which buffers of a whole load are compared before they are used."""
    unique = set(parts)
    chosen = {part for part in unique if not is_mappable(part)}
    total = 0
    for part in sorted(unique - chosen, key=lambda p: (p.size, p.digest)):
        total += part.size
        if total > AT_ONCE:
            break
        chosen.add(part)
    return frozenset(chosen)


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
        verdicts = unverified.Verdicts(self._repository)
        for part in self._parts:
            damage = self._repository.damage(part, data=True)
            if damage and not unverified.is_readable(self._repository, part):
                # Deleted, or on a disk that has gone: what is mapped stays as it is.
                line = f"data of {self._snapshot.reference} was not compared any further with what was saved ({damage})"
                print(one_line(line), file=sys.stderr, flush=True)
                return
            verdicts.note(part, damage)
            if damage:
                names = [n for c in self._snapshot.components if part in c.buffers for n in c.names]
                differ, them = ("differs", "it") if len(names) == 1 else ("differ", "them")
                line = (
                    f"DAMAGED DATA: {', '.join(names)} of {self._snapshot.reference} {differ} from what was saved "
                    f"({damage}); do not use {them}, load an earlier version"
                )
                print(one_line(line), file=sys.stderr, flush=True)
