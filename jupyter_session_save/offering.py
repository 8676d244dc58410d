"""From which snapshot a kernel that has loaded nothing can go on.

A kernel that begins with nothing and saves by itself begins a line of its own. As long as it was hardly worked in and
holds far less, it does not hide the state from before.

Invariant: only what this user has written is offered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from .display import human_bytes, human_time, one_line, plural
from .errors import SessionError
from .manifest import signed_bytes
from .repository import Repository
from .snapshot import Snapshot
from .trust import Signer

WORKED_IN = 10
"""Snapshots of a line after which it counts as worked in, whatever it holds."""

_LINES = 20


@dataclass(frozen=True, slots=True)
class Offer:
    """A state to go on from.

    Attributes
    ----------
    snapshot : Snapshot
    newer : Snapshot or None
        The newest, if that was passed over.
    earlier : Snapshot or None
        The newest of another line, if that holds more.
    """

    snapshot: Snapshot
    newer: Snapshot | None = None
    earlier: Snapshot | None = None

    @property
    def aside(self) -> str:
        """What there is besides, ``""`` if that is nothing."""
        if self.newer is not None:
            return f"@{self.newer.sequence} is newer, but its kernel began with nothing and holds {_held(self.newer)}"
        if self.earlier is None:
            return ""
        missing = {v.name for v in self.earlier.variables}.difference(v.name for v in self.snapshot.variables)
        return f"@{self.earlier.sequence} holds {plural(len(missing), 'variable')} that it lacks" if missing else ""

    def __str__(self) -> str:
        snapshot = self.snapshot
        after = "" if snapshot.cell is None else f", after cell {snapshot.cell}"
        facts = [_held(snapshot), human_bytes(snapshot.size), *filter(None, [one_line(snapshot.message)])]
        aside = f"; {self.aside}" if self.aside else ""
        return (
            f"the last state of this notebook is from {human_time(snapshot.created)}{after} ({', '.join(facts)}): "
            f"%load_session @{snapshot.sequence} brings it back{aside}"
        )


def on_offer(repository: Repository, name: str, signer: Signer, own: Snapshot | None = None) -> Offer | None:
    """Return the state of a session to go on from, None if there is none.

    Parameters
    ----------
    repository : Repository
    name : str
        The session.
    signer : Signer
    own : Snapshot, optional
        What this kernel has saved itself, and does not count.
    """
    mine = (s for s in _heads(repository, name, own) if signer.verify(signed_bytes(s), s.signature))
    heads = list(islice(mine, _LINES))
    if not heads:
        return None
    chosen = heads[0]
    for head in heads[1:]:
        if chosen.cell is None or _worked_in(chosen):
            break
        if 2 * len(chosen.variables) < len(head.variables) and not _related(chosen, head):
            chosen = head
    if chosen is not heads[0]:
        return Offer(chosen, newer=heads[0])
    # What was saved by hand, or gone back to, hides nothing by chance.
    others = (head for head in heads[1:] if chosen.cell is not None and not _related(chosen, head))
    return Offer(chosen, earlier=next(others, None))


def _heads(repository: Repository, name: str, own: Snapshot | None) -> Iterator[Snapshot]:
    """Yield the newest snapshot of each line that can be read, the newest first."""
    left = repository.versions(name)
    if own is not None:
        left = [v for v in left if v != own.sequence and not own.came_from(v)]
    while left:
        try:
            head = repository.resolve(name, left.pop())
        except SessionError:
            continue
        left = [v for v in left if not head.came_from(v)]
        yield head


def _worked_in(snapshot: Snapshot) -> bool:
    return sum(last - first + 1 for first, last in snapshot.line) + 1 >= WORKED_IN


def _related(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots came from the same beginning."""
    theirs = other.line_on()
    return any(a <= d and c <= b for a, b in one.line_on() for c, d in theirs)


def _held(snapshot: Snapshot) -> str:
    return plural(len(snapshot.variables), "variable")
