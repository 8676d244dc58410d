"""Which names have to be looked at after code has run that mentioned some.

Invariant: with a name comes all that shares objects with it, that it refers to, and that its functions use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from .components import is_plain
from .escaping import Escaping
from .examining import Tracked
from .standing import Standing

_PER_GROUP = 256


@dataclass(frozen=True, slots=True)
class Touching:
    """What there is and what is known of it.

    Attributes
    ----------
    standing : Standing
        What is tracked.
    ids : mapping of str to int
        The names that there are, and the ids of their values.
    differing : set of str
        Names that are bound to something else than what was stored, and those that are gone.
    escaping : Escaping
    """

    standing: Standing
    ids: Mapping[str, int]
    differing: AbstractSet[str]
    escaping: Escaping

    @property
    def where(self) -> Mapping[str, Tracked]:
        """How each name was stored last."""
        return self.standing.where

    def reached(self, mentioned: Iterable[str], view: Mapping[str, Any], *, everything: bool) -> set[str]:
        """Return the names, present or gone, that have to be looked at."""
        rebound = set(self.differing)
        always = set() if everything else self.escaping.always()
        if everything or always is None:
            return set(self.ids) | rebound
        if rebound:
            # What refers to a definition by its name is pickled otherwise once that name means something else.
            for tracked in self.standing.referring.values():
                if not rebound.isdisjoint(tracked.component.refs):
                    rebound = rebound.union(tracked.component.names)
        mentioned = always.union(mentioned)
        reached = self._escaped(self._closure(rebound.union(n for n in mentioned if n in self.ids)))
        if any(n in view and n not in self.where and is_plain(view[n]) for n in reached):
            reached |= self._open_plain_group(view)
        return reached

    def beyond(self, found: Iterable[Tracked], touched: set[str]) -> set[str]:
        """Return what the functions and references that were just pickled lead to beyond what was looked at."""
        leads: set[str] = set()
        for tracked in found:
            if tracked.leads_everywhere:
                return self.ids.keys() - touched
            leads.update(tracked.component.refs, tracked.reads)
        leads = {n for n in leads if n in self.ids} - touched
        return self._escaped(self._closure(leads) - touched) - touched if leads else set()

    def in_order(self, touched: set[str]) -> list[str]:
        """Return the touched names that are there, as their components had them before the new ones."""
        known = [n for n in filter(touched.__contains__, self.where) if n in self.ids]
        new = touched.difference(known)
        return known + list(filter(new.__contains__, self.ids)) if new else known

    def with_its_component(self, name: str) -> tuple[str, ...]:
        """Return the names that are stored together with one, or stand for the same object."""
        tracked = self.where.get(name)
        if tracked is not None:
            return tuple(n for n in tracked.component.names if n in self.ids)
        return tuple(other for other, known in self.ids.items() if known == self.ids[name])

    def merged(self, found: Iterable[Tracked], touched: set[str], late: Mapping[str, float]) -> Standing:
        """Put what was looked at in the place of what it was before."""
        where = dict(self.where)
        for name in touched:
            if name not in self.ids:
                where.pop(name, None)
        # Not touched, or late: as it was stored last.
        where.update((n, t) for t in found for n in t.component.names if n not in late)
        return self.standing.after(where, touched)

    def _escaped(self, reached: set[str]) -> set[str]:
        """Add what the values that were reached lead to in other ways than by names."""
        while True:
            more = self.escaping.beyond(reached, self.where)
            if more is None:
                return reached | self.ids.keys() | self.where.keys()
            more = self._closure(more) - reached
            if not more:
                return reached
            reached |= more

    def _closure(self, start: Iterable[str]) -> set[str]:
        """Follow names to what shares objects with them, what they refer to, and what their functions use."""
        reached: set[str] = set()
        todo = list(start)
        while todo:
            name = todo.pop()
            if name in reached:
                continue
            reached.add(name)
            tracked = self.where.get(name)
            if tracked is not None:
                if tracked.leads_everywhere:
                    return set(self.ids) | (self.where.keys() - self.ids.keys()) | set(start)
                todo += tracked.component.names
                todo += tracked.component.refs
                todo += [n for n in tracked.reads if n in self.ids]
        return reached

    def _open_plain_group(self, view: Mapping[str, Any]) -> set[str]:
        """Return the names of a group of plain values with room for more, so that not each becomes its own."""
        for names in self.standing.plain:
            if len(names) < _PER_GROUP and all(n in view and is_plain(view[n]) for n in names):
                return set(names)
        return set()
