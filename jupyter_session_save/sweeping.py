"""What to look at next while a kernel is idle, when, and how long it must be quiet for what would hold up a cell.

Invariant: every component has its turn, however often a round is cut short; none waits for ever.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable

Names = tuple[str, ...]

STALL = 0.05
"""Seconds of work that cannot be given up half-way: after longer ones a cell would begin noticeably late."""

TRIES = 3
"""How often work that can be given up at any moment is begun anew right after a cell, having been given up for one."""

SHORTLY = 0.25, 2.0
"""Seconds without a cell before such work is begun after that: at first, and at most; they double each time."""

QUIET = 5.0, 300.0
"""Seconds without a cell before other work is begun: at first, and at most; they double each time it is given up."""

_FOR_STALL = 25.0
"""For each second of a stall so many without a cell are enough at first, if these are fewer."""

AGAIN = 0.5, 4.0, 300.0
"""Seconds between two rounds while no cell runs: at first where one takes little time, or much; at most."""

BESIDE = 2.0, 10.0
"""The most while threads or tasks of the user's go on: where a round takes little time, and where it takes long."""

_SHARE = 50.0
"""So many times what a round takes passes until the next, within these bounds."""


class Patience:
    """Remembers what was given up for cells, so that it is not begun anew after each of them."""

    def __init__(self) -> None:
        self._given_up: dict[Hashable, int] = {}

    def gave_way(self, what: Hashable) -> None:
        """Take note that work was given up."""
        self._given_up[what] = self._given_up.get(what, 0) + 1

    def done(self, what: Hashable) -> None:
        """Take note that work was completed."""
        self._given_up.pop(what, None)

    def wait(self, what: Hashable, *, quiet: float, stall: float) -> float:
        """Return for how long not to begin.

        Parameters
        ----------
        what : hashable
            The work.
        quiet : float
            Seconds since the last cell.
        stall : float
            Seconds of the work, at most, that cannot be given up half-way.
        """
        times = self._given_up.get(what, 0)
        if stall > STALL:
            needed = min(min(QUIET[0], _FOR_STALL * stall) * 2.0 ** min(times, 30), QUIET[1])
        else:
            needed = min(SHORTLY[0] * 2.0 ** min(times - TRIES, 30), SHORTLY[1]) if times >= TRIES else 0.0
        return max(0.0, needed - quiet)


FICKLE = 120.0, 3600.0
"""Seconds after which a value that pickles otherwise each time is stored again: at first, and at most; they double."""


class Seldom:
    """When values count as changed of which nobody can tell whether they did."""

    def __init__(self) -> None:
        self._due: dict[Names, tuple[float, float]] = {}

    def is_time_for(self, names: Names) -> bool:
        """Whether such a value shall count as changed now."""
        now = time.monotonic()
        due, wait = self._due.setdefault(names, (now + FICKLE[0], FICKLE[0]))
        if now < due:
            return False
        wait = min(2 * wait, FICKLE[1])
        self._due[names] = now + wait, wait
        return True


class Rhythm:
    """When the next round begins while no cell runs: ever later, and later where rounds take long."""

    def __init__(self) -> None:
        self._wait, self._took, self._beside = 0.0, 0.0, False

    def cell(self) -> None:
        """Begin anew after a cell."""
        self._wait, self._took = 0.0, 0.0

    def took(self, seconds: float) -> None:
        """Take note of the time of a part of the round."""
        self._took += seconds

    def next(self, *, beside: bool) -> float:
        """Return in how many seconds the next round begins, now that one has ended.

        Parameters
        ----------
        beside : bool
            Whether threads or tasks of the user's go on.
        """
        pause, self._took = _SHARE * self._took, 0.0
        # Once more after they have ended: what they did last may have come after this round.
        often, self._beside = beside or self._beside, beside
        most = min(max(BESIDE[0], pause), BESIDE[1]) if often else AGAIN[2]
        self._wait = min(max(2 * self._wait, AGAIN[0], min(pause, AGAIN[1])), most)
        return self._wait


_NOTED = 50
"""After so many cells without a moment's rest the order is made all the same."""


class Rounds:
    """In which order components are looked at, all of them once and then again.

    Parameters
    ----------
    components : callable
        Returns the names of each component that there is now.
    """

    def __init__(self, components: Callable[[], Iterable[Names]]) -> None:
        self._components = components
        # After a cell it is only noted what was seen: the order is made when somebody asks, while nothing runs.
        self._noted: list[tuple[set[str], float]] = []
        self._due: dict[Names, None] = {}
        self._seen: dict[Names, None] = {}
        self._when: dict[Names, float] = {}

    def follow(self, seen: set[str]) -> None:
        """Begin a round of all components that have none of the names seen; what was seen least lately comes first."""
        self._noted.append((seen, time.monotonic()))
        if len(self._noted) > _NOTED:
            self._settle()

    def _settle(self) -> None:
        """Put in order what was noted."""
        if not self._noted:
            return
        there = dict.fromkeys(self._components())
        every = dict.fromkeys([*(names for names in {**self._due, **self._seen} if names in there), *there])
        for seen, when in self._noted:
            self._due = {names: None for names in every if seen.isdisjoint(names)}
            self._seen = {names: None for names in every if names not in self._due}
            self._when.update(dict.fromkeys(self._seen, when))
            every = {**self._due, **self._seen}
        self._noted = []
        self._when = {names: when for names, when in self._when.items() if names in every}

    def again(self) -> None:
        """Begin a round of all."""
        self._settle()
        self._due, self._seen = {**self._due, **self._seen}, {}

    def next(self, wait: Callable[[Names], float]) -> Names | None:
        """Return what to look at of those for which there is nothing to wait, None at the end of the round."""
        self._settle()
        return next((names for names in self._due if not wait(names)), None)

    def soonest(self, wait: Callable[[Names], float]) -> float | None:
        """Return in how many seconds there is something to look at, None if all has been."""
        self._settle()
        return min(map(wait, self._due), default=None)

    def put_back(self, names: Names) -> None:
        """Let others come first."""
        if names in self._due:
            del self._due[names]
            self._due[names] = None

    def done(self, names: Names) -> None:
        """Take note that these were looked at."""
        self._due.pop(names, None)
        self._seen[names] = None
        self._when[names] = time.monotonic()

    def unseen_since(self, moment: float) -> set[str]:
        """Return the names of what was not looked at since a moment of `time.monotonic`."""
        self._settle()
        every = (*self._due, *self._seen)
        return {name for names in every if self._when.get(names, -math.inf) <= moment for name in names}

    def waited(self) -> float:
        """Return for how many seconds a component has waited for its turn, at most, since this was first asked."""
        self._settle()
        now = time.monotonic()
        self._when = {names: self._when.get(names, now) for names in (*self._due, *self._seen)}
        return now - min((self._when[names] for names in self._due), default=now)
