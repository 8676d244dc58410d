"""What changed from one snapshot of a session to another, by name.

Invariant: pure over records; nothing is read, and nothing is unpickled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from .display import listing, plural, typed
from .errors import SessionNotFoundError
from .snapshot import Component, Snapshot, Variable

_PLAIN = frozenset({"NoneType", "bool", "int", "str", "bytes"})
"""Types of values that nobody tells from others that are equal: no floats, since it matters which NaN one is."""

ChangeKind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one variable.

    Attributes
    ----------
    name : str
    kind : {"added", "removed", "changed"}
    before, after : Variable or None
        None on the side where there is no such variable.
    """

    name: str
    kind: ChangeKind
    before: Variable | None = None
    after: Variable | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A snapshot, and what it changed.

    Attributes
    ----------
    snapshot : Snapshot
    changes : tuple of Change or None
        Against the snapshot that it came from; None if that one is not known any more.
    bytes_new : int
        Plain bytes of the parts that the snapshot it came from does not have.
    """

    snapshot: Snapshot
    changes: tuple[Change, ...] | None
    bytes_new: int


@dataclass(frozen=True, slots=True)
class Undone:
    """What ``%undo_session`` has taken back.

    Attributes
    ----------
    cells : tuple of int or None
        The cells, the earliest first; None for what was saved by hand.
    back : tuple of str
        Names that there were none of before.
    together : tuple of (int, int)
        The first and the last of cells that were saved together, where saving had failed; the last is one of `cells`.
    """

    cells: tuple[int | None, ...]
    back: tuple[str, ...] = ()
    together: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        if self.together:
            first = {last: f"{first} to {last}" for first, last in self.together}
            known = [first.get(cell, str(cell)) for cell in self.cells if cell is not None]
            return f"cells {listing(known)} (saving had failed, so that those of a range were saved together)"
        known = [str(cell) for cell in self.cells if cell is not None]
        if len(self.cells) == 1:
            return f"cell {known[0]}" if known else "what was saved by hand"
        which = f" ({listing(known)})" if known else ""
        return f"{plural(len(self.cells), 'cell')}{which}"


def changes(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Return what differs between two snapshots, sorted by name.

    Values are compared by their digests. One that has only begun or ceased to share objects with others counts as the
    same.
    """
    old, new = ({v.name: v for v in snapshot.variables} for snapshot in (before, after))
    found = [Change(name, "added", None, new[name]) for name in new.keys() - old.keys()]
    found += [Change(name, "removed", old[name], None) for name in old.keys() - new.keys()]
    for name in old.keys() & new.keys():
        if not old[name].digest or old[name].digest != new[name].digest:
            found.append(Change(name, "changed", old[name], new[name]))
    return tuple(sorted(found, key=lambda change: change.name))


def steps(snapshots: Sequence[Snapshot]) -> Iterator[Step]:
    """Yield for each snapshot of one session what it changed.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        All that are at hand, in any order.
    """
    by_version = {snapshot.sequence: snapshot for snapshot in snapshots}
    for snapshot in snapshots:
        if snapshot.parent is None:
            origin: Snapshot | None = Snapshot(snapshot.name)
        else:
            origin = by_version.get(snapshot.parent)
            origin = origin if origin is not None and _is_origin(origin, snapshot) else None
        known = {part.digest for part in origin.parts()} if origin is not None else set()
        new = {part.digest: part.size for part in snapshot.parts() if part.digest not in known}
        changed = changes(origin, snapshot) if origin is not None else None
        yield Step(snapshot, changed, sum(new.values()))


def standing(held: Snapshot, wanted: Snapshot) -> frozenset[str]:
    """Return the names that need no loading to go from one snapshot to another.

    Parameters
    ----------
    held : Snapshot
        What the namespace is equal to.
    wanted : Snapshot
        What it is to become.

    Returns
    -------
    frozenset of str
        Names whose component is the same in both, and so is all that it refers to; those that stand alone in what is
        wanted, and share objects now but have not changed; those of components that hold something which is not stored
        by value, if none of them has changed; and those whose value is there and was not stored in what is wanted.
    """
    same = set(map(_identity, held.components))
    there = {v.name for v in held.variables}
    absent = {v.name for v in wanted.variables if is_absent(v)} & there
    alive = _alive(held, wanted)
    parted = _parted(held, wanted, alive)
    staying = [
        c
        for c in wanted.components
        if _identity(c) in same
        or absent.issuperset(c.names)
        or alive.issuperset(c.names)
        or not parted.isdisjoint(c.names)
    ]
    moved = {name for c in wanted.components for name in c.names} - {name for c in staying for name in c.names}
    while True:
        left = [c for c in staying if not moved.intersection(c.refs)]
        if len(left) == len(staying):
            return frozenset(name for c in staying for name in c.names) | _plain(held, wanted)
        # What refers to something that is made anew is made anew, too, or it would hold on to the old one.
        moved |= {name for c in staying for name in c.names} - {name for c in left for name in c.names}
        staying = left


def _plain(held: Snapshot, wanted: Snapshot) -> frozenset[str]:
    """Return the names of numbers and texts that have not changed: they are stored together and share nothing."""
    there = {name for c in held.components for name in c.names}  # A variable without one is not what it was stored as.
    before = {v.name: v for v in held.variables if v.name in there}
    found = (v for v in wanted.variables if v.type in _PLAIN and v.digest)
    return frozenset(v.name for v in found if _is_equal(v, before.get(v.name)))


def _alive(held: Snapshot, wanted: Snapshot) -> set[str]:
    """Return the names of components that hold something which is not stored by value, where no value has changed.

    To load them would cost what nobody can make again. Variables that are nothing else share no more than that.
    """
    before = {v.name: v.digest for v in held.variables}
    after = {v.name: v for v in wanted.variables if v.digest and before.get(v.name) == v.digest}
    where = {name: number for number, c in enumerate(held.components) for name in c.names}
    found: set[str] = set()
    staying: list[tuple[tuple[str, ...], set[int]]] = []
    for component in wanted.components:
        equal = [after[name] for name in component.names if name in after and name in where]
        if len(equal) < len(component.names) or all(v.state == "saved" for v in equal):
            continue
        # What is in several components now has ceased to share, which a load brings back.
        places = {where[v.name] for v in equal if not _is_outside(v)}
        if len(places) <= 1:
            staying.append((component.names, places))
    # So it does where several of them are one now, and share what they did not.
    counts = Counter(chain.from_iterable(places for _, places in staying))
    for names, places in staying:
        if all(counts[place] == 1 for place in places):
            found.update(names)
    return found


def _is_outside(variable: Variable) -> bool:
    """Whether the very value is not stored, but made again from a recipe or not at all."""
    return variable.state != "saved" and any(p.path == variable.name for p in variable.problems)


def _parted(held: Snapshot, wanted: Snapshot, alive: Collection[str]) -> set[str]:
    """Return names that stand alone in what is wanted, and only have come to share objects with others since.

    One of those that share with each other: whether two of them would share nothing no record tells. None if one of
    them is in a component that stays for what is alive in it.
    """
    sharing = {v.name for v in wanted.variables if v.name in alive and not _is_outside(v)}
    before = {v.name: v for v in held.variables}
    alone = {c.names[0] for c in wanted.components if len(c.names) == 1}
    kept = {
        v.name: v
        for v in wanted.variables
        if v.name in alone and v.digest and _is_equal(v, before.get(v.name)) and not _is_outside(v)
    }
    found: set[str] = set()
    for component in held.components:
        largest = max((kept[n] for n in component.names if n in kept), key=lambda v: (v.size, v.name), default=None)
        if largest is not None and len(component.names) > 1 and sharing.isdisjoint(component.names):
            found.add(largest.name)
    return found


def _is_equal(one: Variable, other: Variable | None) -> bool:
    return other is not None and one.digest == other.digest and one.problems == other.problems


def apart(held: Snapshot, wanted: Snapshot | None) -> frozenset[str]:
    """Return the names that go, or are loaded, to get from one snapshot to another; none if there is no other."""
    if wanted is None:
        return frozenset()
    return frozenset(v.name for v in held.variables) - standing(held, wanted)


def not_brought_back(held: Snapshot, wanted: Snapshot, names: Collection[str]) -> tuple[str, ...]:
    """Return those names, sorted, of which no value was stored, and that have been bound to something else since."""
    before = {v.name: v for v in held.variables}
    found = [v for v in wanted.variables if v.name in names and v.name in before and is_absent(v)]
    # One of the same kind may well be the same.
    return tuple(sorted(v.name for v in found if not (is_absent(old := before[v.name]) and old.type == v.type)))


def cells_back(
    held: Snapshot, cells: int, read: Callable[[int], Snapshot], there: Callable[[], Iterable[int]]
) -> Snapshot | None:
    """Return the snapshot from before the last cells that changed something, None if there is none.

    Parameters
    ----------
    held : Snapshot
        Where to begin.
    cells : int
        How many cells to go back; those that changed nothing do not count.
    read : callable
        Returns the snapshot of a version.
    there : callable
        Returns the versions that there are.

    Raises
    ------
    SessionNotFoundError
        If one on the way was deleted, or another stands under its number; it says where one can go.
    """
    at = held
    for _ in range(cells):
        start = at
        while _of_one_cell(at, start):
            if at.parent is None:
                return None
            try:
                at = _origin(at, at.parent, read)
            except SessionNotFoundError:
                if at.parent in (versions := [*there()]):
                    raise
                raise SessionNotFoundError(_deleted(at, versions)) from None
    return at


def cells_between(held: Snapshot, target: Snapshot, read: Callable[[int], Snapshot]) -> tuple[int | None, ...]:
    """Return the cells that `cells_back` goes back, the earliest first; None for what was saved by hand."""
    found: list[int | None] = []
    at = held
    while at.sequence != target.sequence:
        start = last = at
        while at.sequence != target.sequence and _of_one_cell(at, start) and at.parent is not None:
            last, at = at, _origin(at, at.parent, read)
        found.append(last.cell)
    return tuple(reversed(found))


def is_absent(variable: Variable) -> bool:
    """Whether nothing of a value was stored."""
    return variable.state == "placeholder" and any(p.path == variable.name for p in variable.problems)


def _origin(snapshot: Snapshot, parent: int, read: Callable[[int], Snapshot]) -> Snapshot:
    found = read(parent)
    if not _is_origin(found, snapshot):
        raise SessionNotFoundError(
            f"{snapshot.reference} did not come from the {found.reference} that is there now, which was stored later "
            "under the number of one that was removed: load the version that you want"
        )
    return found


def _deleted(snapshot: Snapshot, versions: Iterable[int]) -> str:
    """Say that what a snapshot came from was deleted, and from when the nearest is that is left."""
    name = snapshot.name
    older = max((v for v in versions if snapshot.came_from(v)), default=None)
    line = f"{name}@{snapshot.parent}, which {snapshot.reference} came from, was deleted"
    if older is None:
        return f"{line}, and so was all before it: %sessions {typed(name)} shows what there is"
    back = typed(f"{name}@{older}")
    return f"{line}: the nearest one before it is {name}@{older}, %load_session {back} goes there"


def _is_origin(parent: Snapshot, snapshot: Snapshot) -> bool:
    """Whether a record is the parent that another one means: after a removal by hand a number is given again."""
    # Neither alone tells: a new session has the line of the first one, and two may be stored within a second.
    return parent.created <= snapshot.created and snapshot.line in ((), parent.line_on())


def _of_one_cell(snapshot: Snapshot, start: Snapshot) -> bool:
    """Whether a snapshot shows what the same cell as another's has left, or the very same values."""
    if snapshot is start or (snapshot.cell is not None and snapshot.cell == start.cell):
        return True
    return set(map(_identity, snapshot.components)) == set(map(_identity, start.components))


def _identity(component: Component) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    return component.names, component.stream.digest, tuple(b.digest for b in component.buffers)
