"""Which components changed since the last save or load, and a snapshot of what did.

What a cell names, what that leads to, and what was bound anew are looked at after the cell; everything else by a
sweep when there is time. Looking means pickling again, which is quick, and comparing fingerprints.

Invariant: "changed" may be wrong, "unchanged" never, of whatever is looked at; nothing of the baseline moves unless
a snapshot with it was committed; no value is kept alive from one call to the next.
"""

from __future__ import annotations

import contextlib
import datetime
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from . import environment
from .components import is_plain, split
from .examining import Examiner, StateParts, TooLong, Tracked, examine_state, same_component
from .interpreter import Surroundings, collect
from .namespace import user_names
from .pickling import Scope, collection_paused
from .reach import Reach
from .repository import Repository
from .snapshot import Environment, Snapshot
from .statement import Lineage
from .trust import Signer
from .writing import Writer

_PER_GROUP = 256
_LATE = "older than this cell: "
_FLEETING = frozenset({"prompt number"})
"""State that is different after each cell, and for which alone no snapshot is made."""


class Tracker:
    """Follows one namespace from snapshot to snapshot of one session.

    Parameters
    ----------
    namespace : dict
    name : str
        The session.
    repository : Repository
    signer : Signer
    live, hidden, lineage : callable
        Return what `SessionManager` takes under these names, as it is now; `lineage` is as `Recorder.lineage`.

    Attributes
    ----------
    current : Snapshot or None
        The last snapshot that was saved or loaded: the parent of the next, and the baseline.
    late : dict of str to float
        Names whose stored value may be older than the last cell, because saving them would have blocked for so many
        seconds.
    unsettled : list of str
        What a loss of power could still take away, for ``Repository.settle``.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        name: str,
        *,
        repository: Repository,
        signer: Signer,
        live: Callable[[], Mapping[str, Any]],
        hidden: Callable[[], Mapping[str, Any]],
        lineage: Callable[..., Lineage] = lambda *_: Lineage(),
    ) -> None:
        self._namespace, self.name = namespace, name
        self.repository, self._signer = repository, signer
        self._live, self._hidden, self._lineage = live, hidden, lineage
        self.current: Snapshot | None = None
        self.late: dict[str, float] = {}
        self.unsettled: list[str] = []
        self._late_ids: dict[str, int] = {}
        self._where: dict[str, Tracked] = {}
        self._ids: dict[str, int] = {}
        self._touched: set[str] = set()
        self._everything = False
        self._state: StateParts = {}
        self._unswept: deque[tuple[str, ...]] = deque()
        self._environments: dict[frozenset[str], Environment] = {}

    def adopt(self, snapshot: Snapshot, bound: Iterable[str] | None = None) -> None:
        """Take a snapshot, which the namespace holds at this moment, as the baseline.

        Parameters
        ----------
        snapshot : Snapshot
        bound : iterable of str, optional
            The names that it was loaded into, or saved from; by default all of its names. What else there is in the
            namespace counts as new.
        """
        names = {v.name for v in snapshot.variables}.intersection(self._namespace)
        names &= names if bound is None else set(bound)
        variables = {v.name: v for v in snapshot.variables}
        where: dict[str, Tracked] = {}
        for component in snapshot.components:
            if names.issuperset(component.names):
                known = self._where.get(component.names[0])
                rows = tuple(variables[name] for name in component.names)
                kept = known is not None and same_component(known.component, component)
                tracked = known.at(component) if kept and known is not None else Tracked(component, rows)
                where.update(dict.fromkeys(component.names, tracked))
        self.current, self._where = snapshot, where
        self._state = {c.names[0]: (b"", c) for c in snapshot.state}
        self._ids = {name: id(self._namespace[name]) for name in where}
        self._touched, self._everything = set(), False
        self.late, self._late_ids = {}, {}
        self._unswept = deque(self._components())

    def touch(self, reach: Reach) -> None:
        """Take note of what code that has run can have touched."""
        self._touched |= reach.names
        self._everything |= reach.everything

    @property
    def pending(self) -> bool:
        """Whether anything is known to want a save."""
        return bool(self._touched or self._everything or self.late)

    def changed_names(self, before: Snapshot | None) -> tuple[str, ...]:
        """Return the names that the current snapshot adds, changes or drops, compared with another."""
        old = {} if before is None else {v.name: v.digest for v in before.variables}
        new = {} if self.current is None else {v.name: v.digest for v in self.current.variables}
        return tuple(sorted(n for n in old.keys() | new.keys() if old.get(n) != new.get(n)))

    def save(
        self,
        *,
        cell: int | None = None,
        limit: float = float("inf"),
        largest: int = 0,
        pause: Callable[[], None] = lambda: None,
    ) -> Snapshot | None:
        """Look at what was touched, and commit a snapshot if anything differs from the baseline.

        Parameters
        ----------
        cell : int, optional
            Execution count of the cell after which this happens.
        limit : float
            Seconds that one component may take; what takes longer is left for later and becomes `late`.
        largest : int
            Bytes that one component may have; of a larger one a placeholder is stored. 0 means no limit.
        pause : callable
            Is called often, and may raise, `GiveWay` for example: then nothing has happened.

        Returns
        -------
        Snapshot or None
            None if nothing had changed.

        Raises
        ------
        SessionError, OSError
            If the store refuses. What was touched stays so.
        """
        # One view of the names, whatever threads do to the live one meanwhile.
        view = dict(self._namespace)
        names = user_names(view, self._hidden())
        ids = {name: id(view[name]) for name in names}
        late = {n: s for n, s in self.late.items() if s > limit and self._late_ids[n] == ids.get(n)}
        touched = self._reached(ids, view, self._touched.union(self.late.keys() - late.keys()))
        live = self._live()
        values, _ = collect(Surroundings(self._namespace, live.get("shell")))
        scope = _PausingScope(self._namespace, {n: view[n] for n in names}, live, pause)
        with self.repository.writer(lambda size: pause(), durable=False) as writer, collection_paused():
            state = examine_state(values, scope, writer, self._state)
            if not touched and _same_state(state, self._state):
                self._touched, self._everything = set(), False
                return None
            while True:
                values = {n: view[n] for n in self._in_order(touched, ids) if n not in late}
                examiner = Examiner(values, scope, self._where, self.repository, writer, limit=limit, largest=largest)
                scope.watch = examiner.hurry
                try:
                    found = [examiner.examine(group) for group in split(values, scope, tick=examiner.begin)]
                except TooLong as stop:
                    late.update(self._with_its_component(stop.name, stop.seconds))
                    continue
                more = self._reached_from(found, touched, ids)
                if not more:
                    break
                touched |= more
            late.update(examiner.late)
            where = self._merged(found, late, ids)
            committed = self._commit(writer, where, state, ids, cell, _LATE + ", ".join(sorted(late)) if late else "")
            unsettled = writer.unsettled
        if committed is not None:
            where = _placed(where, committed)
            state = {c.names[0]: (state[c.names[0]][0], c) for c in committed.state}
        late_ids = {n: ids[n] for n in late if n in ids}
        known = {n: i for n, i in ids.items() if n in where and n not in late}
        unswept = deque(names for names in self._components_of(where) if touched.isdisjoint(names))
        # Without a call in between, so that an interrupt comes before all of them or after.
        self._where, self._ids, self._unswept = where, known, unswept
        self._touched, self._everything, self.late, self._late_ids = set(), False, late, late_ids
        if committed is not None:
            self.current, self._state, self.unsettled = committed, state, [*self.unsettled, *unsettled]
        return committed

    def sweep(self, pause: Callable[[], None]) -> bool:
        """Look at the next component that no cell has named, and take note if it changed.

        Returns
        -------
        bool
            Whether there is more to look at.
        """
        while self._unswept:
            names = self._unswept.popleft()
            # At the end of the queue, should there be no time for it now.
            self._unswept.append(names)
            tracked = self._where.get(names[0])
            values = {n: self._namespace[n] for n in names if n in self._namespace}
            if tracked is not None and tracked.component.names == names and len(values) == len(names):
                view = dict(self._namespace)
                every = {n: view[n] for n in user_names(view, self._hidden())}
                scope = _PausingScope(self._namespace, every, self._live(), pause)
                with collection_paused():
                    examiner = Examiner(values, scope, self._where, self.repository, None)
                    renewed = examiner.look(tracked)
                if renewed is None:
                    # What it shares now with others can be told only from all of them together.
                    self._touched.update(names)
                    self._everything = True
                    self._unswept.clear()
                    return False
                self._where.update(dict.fromkeys(names, renewed))
            with contextlib.suppress(ValueError):
                self._unswept.remove(names)
            return bool(self._unswept)
        return False

    def sweep_again(self) -> None:
        """Begin a sweep of all components."""
        self._unswept = deque(self._components())

    def _components(self) -> Iterator[tuple[str, ...]]:
        return self._components_of(self._where)

    @staticmethod
    def _components_of(where: Mapping[str, Tracked]) -> Iterator[tuple[str, ...]]:
        yield from dict.fromkeys(t.component.names for t in where.values())

    def _reached(self, ids: Mapping[str, int], view: Mapping[str, Any], mentioned: Iterable[str]) -> set[str]:
        """Return the names, present or gone, that have to be looked at."""
        known = self._ids
        rebound = {n for n, i in ids.items() if known.get(n) != i} | (self._where.keys() - ids.keys())
        if self._everything:
            return set(ids) | rebound
        if rebound:
            # What refers to a definition by its name is pickled otherwise once that name means something else.
            for tracked in self._where.values():
                if not rebound.isdisjoint(tracked.component.refs):
                    rebound = rebound.union(tracked.component.names)
        start = rebound.union(n for n in mentioned if n in ids)
        reached = self._closure(start, ids)
        if any(n in view and n not in self._where and is_plain(view[n]) for n in reached):
            reached |= self._open_plain_group(view)
        return reached

    def _closure(self, start: Iterable[str], ids: Mapping[str, int]) -> set[str]:
        """Follow names to what shares objects with them, what they refer to, and what their functions use."""
        reached: set[str] = set()
        todo = list(start)
        while todo:
            name = todo.pop()
            if name in reached:
                continue
            reached.add(name)
            tracked = self._where.get(name)
            if tracked is not None:
                if tracked.leads_everywhere:
                    return set(ids) | (self._where.keys() - ids.keys()) | set(start)
                todo += tracked.component.names
                todo += tracked.component.refs
                todo += [n for n in tracked.reads if n in ids]
        return reached

    def _reached_from(self, found: Iterable[Tracked], touched: set[str], ids: Mapping[str, int]) -> set[str]:
        """Return what the functions and references that were just pickled lead to beyond what was looked at."""
        leads: set[str] = set()
        for tracked in found:
            if tracked.leads_everywhere:
                return ids.keys() - touched
            leads.update(tracked.component.refs, tracked.reads)
        leads = {n for n in leads if n in ids} - touched
        return self._closure(leads, ids) - touched if leads else set()

    def _open_plain_group(self, view: Mapping[str, Any]) -> set[str]:
        """Return the names of a group of plain values with room for more, so that not each becomes its own."""
        for tracked in self._where.values():
            names = tracked.component.names
            if len(names) < _PER_GROUP and all(n in view and is_plain(view[n]) for n in names):
                return set(names)
        return set()

    def _in_order(self, touched: set[str], ids: Mapping[str, int]) -> list[str]:
        """Return the touched names that are there, as their components had them before the new ones."""
        known = [n for n in self._where if n in touched and n in ids]
        before = set(known)
        return known + [n for n in ids if n in touched and n not in before]

    def _with_its_component(self, name: str, seconds: float) -> dict[str, float]:
        tracked = self._where.get(name)
        return dict.fromkeys((name,) if tracked is None else tracked.component.names, seconds)

    def _merged(
        self, found: Iterable[Tracked], late: Mapping[str, float], ids: Mapping[str, int]
    ) -> dict[str, Tracked]:
        """Put what was looked at in the place of what it was before."""
        fresh = {n: t for t in found for n in t.component.names if n not in late}
        where: dict[str, Tracked] = {}
        for name, tracked in self._where.items():
            if name in fresh:
                where[name] = fresh.pop(name)
            elif name in ids:
                # Not touched, or late: as it was stored last.
                where[name] = tracked
        return where | fresh

    def _commit(
        self,
        writer: Writer,
        where: Mapping[str, Tracked],
        state: StateParts,
        ids: Mapping[str, int],
        cell: int | None,
        message: str,
    ) -> Snapshot | None:
        tracked = list({id(t): t for t in where.values()}.values())
        components = tuple(t.mentioning(ids) for t in tracked)
        variables = {v.name: v for t in tracked for v in t.variables if where.get(v.name) is t}
        before = self.current
        if before is None and not variables and not message:
            return None
        same = before is not None and _identical(tracked, before) and len(variables) == len(before.variables)
        if same and before and _same_state(state, self._state) and message in ("", before.message):
            return None
        modules = frozenset(m for c in components for m in c.modules)
        if modules not in self._environments:
            self._environments = {modules: environment.current(modules)}
        return writer.commit(
            Snapshot(
                name=self.name,
                created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                parent=None if self.current is None else self.current.sequence,
                message=message,
                cell=cell,
                environment=self._environments[modules],
                variables=tuple(variables[name] for name in sorted(variables)),
                components=components,
                state=tuple(component for _, component in state.values()),
                lineage=self._lineage(variables, [n for n, v in variables.items() if v.state != "saved"]),
            ),
            sign=self._signer.sign,
            parent_record=before,
        )


class _PausingScope(Scope):
    """Lets a pickle be given up for something better."""

    def __init__(
        self,
        namespace: dict[str, Any],
        saved: Mapping[str, Any],
        live: Mapping[str, Any],
        pause: Callable[[], None],
    ) -> None:
        super().__init__(namespace, saved, live)
        self._pause = pause
        self.watch: Callable[[], None] = lambda: None

    def pause(self) -> None:
        self._pause()
        self.watch()


def _same_state(one: StateParts, other: StateParts) -> bool:
    return {n: id(c) for n, (_, c) in one.items() if n not in _FLEETING} == {
        n: id(c) for n, (_, c) in other.items() if n not in _FLEETING
    }


def _identical(tracked: Iterable[Tracked], before: Snapshot) -> bool:
    # What has not changed is the very same record. That functions now find names which they missed is no change yet.
    return {id(t.component) for t in tracked} == set(map(id, before.components))


def _placed(where: Mapping[str, Tracked], committed: Snapshot) -> dict[str, Tracked]:
    """Return what is tracked with the final places of its parts."""
    by_name = {c.names: c for c in committed.components}
    placed = {id(t): t.at(by_name[t.component.names]) for t in where.values()}
    return {name: placed[id(t)] for name, t in where.items()}
