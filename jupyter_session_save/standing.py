"""All that is tracked, gathered as the next record and the next cell need it, and made anew only where it differs.

Invariant: it says just what going through all that is tracked would find; of what is tracked only what does not count
here, such as how long it takes to look at, may be renewed in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain, compress
from operator import attrgetter, is_not
from typing import TypeVar

from .examining import Tracked
from .snapshot import Component, Snapshot, Variable
from .sweeping import Names

K = TypeVar("K")
V = TypeVar("V")

_PLAIN = frozenset({"NoneType", "bool", "int", "float", "complex", "str", "bytes"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What is tracked.

    Attributes
    ----------
    where : dict of str to Tracked
        How each name is stored.
    components : mapping of Names to Component
        Each component once.
    rows : mapping of str to Variable
    names : list of str
        All of them, sorted.
    broken : mapping of str to Variable
        Those that are not saved as they are.
    modules : frozenset of str
        What all components need.
    reading, referring, plain : mapping of Names to Tracked
        Those with functions that use globals; those that refer to names; those of numbers, short texts and the like.
    """

    where: dict[str, Tracked] = field(default_factory=dict)
    components: Mapping[Names, Component] = field(default_factory=dict)
    rows: Mapping[str, Variable] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    broken: Mapping[str, Variable] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    reading: Mapping[Names, Tracked] = field(default_factory=dict)
    referring: Mapping[Names, Tracked] = field(default_factory=dict)
    plain: Mapping[Names, Tracked] = field(default_factory=dict)

    def identical(self, before: Snapshot) -> bool:
        """Whether a snapshot holds just these components."""
        # What has not changed is the very same record. That functions find names which they missed is no change yet.
        if len(self.components) != len(before.components) or len(self.rows) != len(before.variables):
            return False
        others = list(map(is_not, self.components.values(), before.components))
        return {*map(id, compress(self.components.values(), others))} == {*map(id, compress(before.components, others))}

    def mentioning(self, ids: Mapping[str, int]) -> tuple[Component, ...]:
        """Return the components with their mentions of names that there are now."""
        found = dict(self.components)
        found.update((names, tracked.mentioning(ids)) for names, tracked in self.reading.items())
        return tuple(found.values())

    def variables(self) -> tuple[Variable, ...]:
        """Return the records of all variables, sorted by name."""
        return tuple(map(self.rows.__getitem__, self.names))

    def placed(self, committed: Snapshot) -> Standing:
        """Return the same with the final places of its parts, which a snapshot has that was made of it."""
        others = map(is_not, committed.components, self.components.values())
        moved = {c.names: c for c in compress(committed.components, others)}
        where = dict(self.where)
        for names, component in moved.items():
            there = [n for n in names if n in where and where[n].component.names == names]
            where.update(dict.fromkeys(there, where[there[0]].at(component)))
        return self.after(where, {name for names in moved for name in names})

    def after(self, where: dict[str, Tracked], touched: AbstractSet[str]) -> Standing:
        """Return what is tracked when some names may be stored otherwise than before, or be gone.

        Parameters
        ----------
        where : dict of str to Tracked
            How each name is stored now.
        touched : set of str
            The names that are not tracked as before, at least.
        """
        changed = [name for name in touched if self.where.get(name) is not where.get(name)]
        before = {t.component.names: t for t in map(self.where.get, changed) if t is not None}
        fresh = {t.component.names: t for t in map(where.get, changed) if t is not None}
        # A name may have left a component in which others still are.
        gone = {names: t for names, t in before.items() if all(where.get(n) is not t for n in names)}
        components = _renewed(self.components, gone, {names: t.component for names, t in fresh.items()})
        reading, referring, plain = (
            _renewed(table, gone.keys() | fresh.keys(), {names: t for names, t in fresh.items() if belongs(t)})
            for table, belongs in ((self.reading, _reads), (self.referring, _refers), (self.plain, _is_plain))
        )
        found = {v.name: v for t in fresh.values() for v in t.variables if where.get(v.name) is t}
        rows = _renewed(self.rows, [name for name in changed if name not in where], found)
        broken = _renewed(self.broken, changed, {name: v for name, v in found.items() if v.state != "saved"})
        modules, needed = self.modules, _modules(t.component for t in fresh.values())
        if not _modules(t.component for t in gone.values()) <= needed:
            modules = _modules(components.values())
        return Standing(
            where, components, rows, self._sorted(rows, found), broken, modules | needed, reading, referring, plain
        )

    def _sorted(self, rows: Mapping[str, Variable], found: Iterable[str]) -> list[str]:
        """Return all names in order, given the ones that may be new: in the time that it takes to put these in."""
        added = sorted(name for name in found if name not in self.rows)
        names = self.names
        if len(rows) != len(names) + len(added):
            names = list(filter(rows.__contains__, names))
        # Two runs that are in order are merged.
        return sorted([*names, *added]) if added else names


def standing_of(where: dict[str, Tracked]) -> Standing:
    """Go through all that is tracked."""
    return Standing().after(where, where.keys())


def groups(where: Mapping[str, Tracked]) -> Iterable[Names]:
    """Return the names of each component."""
    return dict.fromkeys(tracked.component.names for tracked in where.values())


def group_of(where: Mapping[str, Tracked], name: str) -> Names | None:
    """Return the names of the component that a variable is stored in, None if it is in none."""
    return where[name].component.names if name in where else None


def _renewed(table: Mapping[K, V], gone: Iterable[K], fresh: Mapping[K, V]) -> dict[K, V]:
    """Return a table without some, but for what is fresh, which keeps its place where it has one."""
    renewed = {**table, **fresh}
    for key in gone:
        if key not in fresh:
            renewed.pop(key, None)
    return renewed


def _reads(tracked: Tracked) -> bool:
    return bool(tracked.reads)


def _refers(tracked: Tracked) -> bool:
    return bool(tracked.component.refs)


def _is_plain(tracked: Tracked) -> bool:
    return all(v.type in _PLAIN for v in tracked.variables)


def _modules(components: Iterable[Component]) -> frozenset[str]:
    return frozenset(chain.from_iterable(map(attrgetter("modules"), components)))
