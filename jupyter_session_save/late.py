"""Which variables are stored older than they are, since saving them would hold up a cell, and which is saved next.

Invariant: what a cell may have made share objects with one of them is looked at again together with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from .examining import Tracked
from .sweeping import Names


@dataclass(frozen=True, slots=True)
class Late:
    """What is late.

    Attributes
    ----------
    seconds : mapping of str to float
        For each name what saving it takes, as far as that is known.
    ids : mapping of str to int
        The ids of their values.
    beside : frozenset of str
        Names that cells touched together with them, and that were stored without them.
    several : bool
        Whether cells touched two of them together.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    ids: Mapping[str, int] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()
    several: bool = False

    def next(self, where: Mapping[str, Tracked]) -> Names:
        """Return the names of what is saved next while nothing runs: what takes least, so that a short quiet helps."""
        first = min(self.seconds, key=lambda name: (self.seconds[name], name), default="")
        return tuple(name for name in self.seconds if self._together(name, first, where))

    def still(self, ids: Mapping[str, int], limit: float, turn: Names | None) -> dict[str, float]:
        """Return what a save leaves as it is: what takes longer than a limit, or all but those whose turn it is."""
        left = (n for n, s in self.seconds.items() if (s > limit if turn is None else n not in turn))
        return {n: self.seconds[n] for n in left if n in ids and ids[n] == self.ids[n]}

    def with_those_beside(self, still: AbstractSet[str]) -> set[str]:
        """Return what is late no longer, and the names that may share objects with it."""
        freed = self.seconds.keys() - still
        return freed.union(self.beside) if freed else freed

    def after(
        self, late: Mapping[str, float], ids: Mapping[str, int], touched: AbstractSet[str], where: Mapping[str, Tracked]
    ) -> Late:
        """Return what is late after a save that has looked at what was touched, but for what is late."""
        if not late:
            return Late()
        both = sorted(touched & late.keys())
        beside = self.beside | (touched - late.keys()) if both else self.beside
        known = {n: ids[n] for n in late}
        made = Late(dict(late), known, frozenset(beside), self.several)
        return replace(made, several=self.several or any(not made._together(n, both[0], where) for n in both))

    def taking(self, names: Iterable[str], seconds: float) -> Late:
        """Return the same after so many seconds were not enough for some."""
        return replace(self, seconds={**self.seconds, **{n: max(self.seconds[n], seconds) for n in names}})

    def _together(self, name: str, other: str, where: Mapping[str, Tracked]) -> bool:
        tracked = where.get(other)
        stored = tracked is not None and name in tracked.component.names
        return stored or self.ids[name] == self.ids[other]
