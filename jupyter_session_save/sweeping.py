"""What to look at next while a kernel is idle, when, and how long it must be quiet for what would hold up a cell.

Invariant: every component has its turn, however often a round is cut short; none waits for ever.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Hashable, Iterable

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

    Among 100,000 components only those are gone through that a cell has named or that had their turn.

    Parameters
    ----------
    every : callable
        Returns the names of each component that there is now.
    one : callable
        Returns the names of the component that has a name now, None if there is none.
    """

    def __init__(self, every: Callable[[], Iterable[Names]], one: Callable[[str], Names | None]) -> None:
        self._every, self._one = every, one
        # After a cell it is only noted what was seen: the order is made when somebody asks, while nothing runs.
        self._noted: list[tuple[Collection[str], float]] = []
        self._known = False
        # Of each name the component that it was in, and both parts of a round, least lately seen first.
        self._of: dict[str, Names] = {}
        self._due: dict[Names, None] = {}
        self._seen: dict[Names, None] = {}
        self._when: dict[Names, float] = {}
        self._asked, self._oldest = math.inf, -math.inf

    def begin(self) -> None:
        """Begin a round of all components, which are others than before."""
        self._known, self._noted = False, []

    def follow(self, seen: Collection[str]) -> None:
        """Begin a round of all components that have none of the names seen; what was seen least lately comes first.

        Of other names the components must be the same as before.
        """
        if len(self._noted) >= _NOTED:
            self._settle()
        self._noted.append((seen, time.monotonic()))

    def _settle(self) -> None:
        """Put in order what was noted."""
        if not self._known:
            there = dict.fromkeys(self._every())
            every = dict.fromkeys([*(names for names in {**self._due, **self._seen} if names in there), *there])
            self._of = self._places(name for names in every for name in names)
            self._due, self._seen, self._known = every, {}, True
            self._when = {names: when for names, when in self._when.items() if names in every}
            self._asked, self._oldest = math.inf, -math.inf
        named = set().union(*(seen for seen, _ in self._noted))
        for names in {self._of.pop(name) for name in named if name in self._of}:
            # A name may have left a component of which others are still there.
            if not any(self._one(name) == names for name in names):
                self._drop(names)
        self._of |= self._places(named)
        for seen, when in self._noted:
            self._turn()
            for names in dict.fromkeys(self._of[name] for name in seen if name in self._of):
                self._due.pop(names, None)
                self._seen[names], self._when[names] = None, when
        self._noted = []

    def _places(self, names: Iterable[str]) -> dict[str, Names]:
        return {name: one for name in names if (one := self._one(name)) is not None}

    def _drop(self, names: Names) -> None:
        self._due.pop(names, None)
        self._seen.pop(names, None)
        self._when.pop(names, None)

    def _turn(self) -> None:
        """Let what was seen follow what is still due."""
        if self._due:
            self._due.update(self._seen)
        else:
            self._due = self._seen
        self._seen = {}

    def again(self) -> None:
        """Begin a round of all."""
        self._settle()
        self._turn()

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

    def has_waited(self, seconds: float) -> bool:
        """Whether a component has waited for its turn for so many seconds, since this was first asked."""
        self._settle()
        now = time.monotonic()
        if now - self._oldest < seconds:
            return False
        self._asked = min(self._asked, now)
        due, seen = ([self._when.get(names, self._asked) for names in part] for part in (self._due, self._seen))
        # No time becomes earlier, so all need not be gone through again soon.
        self._oldest = min(due + seen, default=now)
        return bool(due) and now - min(due) >= seconds
