"""Which components changed since the last save or load, and a snapshot of what did.

What a cell names, what that leads to, and what was bound anew are looked at after the cell; everything else by a
sweep when there is time. Looking means pickling again, which is quick, and comparing fingerprints.

Invariant: "changed" may be wrong, "unchanged" never, of whatever is looked at; nothing of the baseline moves unless
a snapshot with it was committed; no value is kept alive from one call to the next.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf
from typing import Any

from . import around, held, lives
from .baseline import baseline
from .components import split
from .errors import StoreError
from .escaping import Escaping
from .examining import Examiner, PausingScope, TooLong, Tracked, stall_of
from .following import Following
from .interpreter import Surroundings, collect
from .interrupts import check, watched
from .late import Late
from .pickling import GiveWay, collection_paused
from .reach import Reach
from .records import Records
from .reloaded import Loaded
from .repository import Repository
from .snapshot import OLDER, Snapshot
from .standing import Standing, group_of, groups, standing_of
from .statement import Lineage
from .sweeping import Names, Patience, Rounds, Seldom
from .touching import Touching
from .trust import Signer

_BATCH = 0.01
"""Seconds of looking at components, at least, for each time that all names are gone through."""


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
    unsettled : list of str
        What a loss of power could still take away, for ``Repository.settle``.
    looked : int
        How many components sweeps have looked at.
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
        self._live, self._hidden = live, hidden
        self.current: Snapshot | None = None
        self.unsettled: list[str] = []
        self.looked = 0
        self._late, self._begun = Late(), 0.0
        self._where: dict[str, Tracked] = {}
        self._standing = Standing()
        self._bindings = Following()
        self._ids: Mapping[str, int] = {}
        self._unstored: frozenset[str] = frozenset()
        self._touched: set[str] = set()
        self._everything = self._doubtful = self._went_back = False
        self._state: around.States = {}
        self._rounds = Rounds(lambda: groups(self._where), lambda name: group_of(self._where, name))
        self._patience, self._seldom = Patience(), Seldom()
        self._records, self._newest = Records(name, lineage), held.Watched(repository.store)

    def adopt(self, snapshot: Snapshot, bound: Iterable[str] | None = None, loaded: Loaded | None = None) -> None:
        """Take a snapshot, which the namespace holds at this moment, as the baseline.

        Parameters
        ----------
        snapshot : Snapshot
        bound : iterable of str, optional
            The names that it was loaded into, or saved from; by default all of its names. What else there is in the
            namespace counts as new.
        loaded : Loaded, optional
            What of it was loaded.
        """
        names = {v.name for v in snapshot.variables}.intersection(self._namespace)
        names &= names if bound is None else set(bound)
        where = baseline(snapshot, frozenset(names), self._where, loaded or Loaded())
        for tracked in {id(t): t for t in where.values()}.values():
            lives.note(tracked.component, tracked.variables, self._namespace)
        self.current, self._where = snapshot, where
        # Else a kernel that dies now would go on with what was left behind.
        self._went_back = self.repository.versions(self.name)[-1:] != [snapshot.sequence]
        self._state = {c.names[0]: around.Stored(c) for c in snapshot.state}
        self._ids, self._unstored = {name: id(self._namespace[name]) for name in where}, frozenset()
        self._touched, self._everything, self._doubtful = set(), False, False
        self._late = Late()
        self._rounds.begin()

    def touch(self, reach: Reach) -> None:
        """Take note of what code that has run can have touched."""
        self._touched |= reach.names
        self._everything |= reach.everything

    @property
    def late(self) -> Mapping[str, float]:
        """Names whose stored value may be older than the last cell, as saving them would block for so many seconds."""
        return self._late.seconds

    @property
    def pending(self) -> bool:
        """Whether anything is known to want a save."""
        return bool(self._touched or self._everything or self._doubtful or self._went_back or self.late)

    @property
    def fickle(self) -> tuple[str, ...]:
        """Names of values that pickle otherwise each time, so that looking does not tell whether they changed."""
        return tuple(sorted(n for n, tracked in self._where.items() if tracked.fickle))

    def until_save(self, *, whole: bool, quiet: float) -> float | None:
        """Return in how many seconds an idle kernel should save.

        Parameters
        ----------
        whole : bool
            Whether it is about a save of all that there is, or of what was touched.
        quiet : float
            Seconds since the last cell.

        Returns
        -------
        float or None
            None if there is no need.
        """
        if not (self.late or self._doubtful if whole else self._touched or self._everything or self._went_back):
            return None
        work = self._work(whole=whole)
        names = work if isinstance(work, tuple) else self._where if whole or self._everything else ()
        return self._patience.wait(work, quiet=quiet, stall=stall_of(names, self._where))

    def gave_way(self, *, whole: bool) -> None:
        """Take note that a save was given up for a cell."""
        work = self._work(whole=whole)
        self._patience.gave_way(work)
        if isinstance(work, tuple):
            self._late = self._late.taking(work, time.perf_counter() - self._begun)

    def _work(self, *, whole: bool) -> Names | bool:
        """Return what a save is about: what is late comes by itself and first, as the rest takes longer."""
        return self._late.next(self._where) if whole and self.late else whole

    @watched
    def save(
        self,
        *,
        cell: int | None = None,
        limit: float = inf,
        largest: int = 0,
        pause: Callable[[], None] = lambda: None,
        whole: bool = False,
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
        whole : bool
            Save what is late, one component at a time; look at everything if nothing is late and a sweep has found a
            change, since others may share now what changed.

        Returns
        -------
        Snapshot or None
            None if nothing had changed.

        Raises
        ------
        SessionError, OSError
            If the store refuses. What was touched stays so.
        """
        arguments = cell, limit, largest, pause, whole
        self._begun = time.perf_counter()
        try:
            return self._save(*arguments)
        except StoreError as error:
            parent = held.unless_replaced(self.repository.store, self.current)
            if error.errno != errno.ENOENT or not (self._where or parent is not self.current):
                raise
            # What this builds on was removed: nothing counts as stored any more.
            self.current, self._where, self._ids, self._state, self._late = parent, {}, {}, {}, Late()
            self._rounds.begin()
            return self._save(*arguments)

    def _save(
        self, cell: int | None, limit: float, largest: int, pause: Callable[[], None], whole: bool
    ) -> Snapshot | None:
        # One view of the names, whatever threads do to the live one meanwhile.
        view = dict(self._namespace)
        ids = self._bindings.look(view, self._hidden())
        work = self._work(whole=whole)
        late = self._late.still(ids, limit, work if isinstance(work, tuple) else None)
        live = self._live()
        differing = self._bindings.differing(self._ids).union(n for n in self._unstored if n in ids)
        touching = Touching(self._stand(), ids, differing, Escaping(self._namespace, view, live.get("shell")))
        everything = self._everything or (work is True and self._doubtful)
        mentioned = self._touched | self._late.with_those_beside(late.keys())
        touched = touching.reached(mentioned, view, everything=everything)
        values, _ = collect(Surroundings(self._namespace, live.get("shell")))
        scope = self._scope(view, live, pause)
        with self.repository.writer(lambda size: pause(), durable=False) as writer, collection_paused():
            state = around.examine_state(values, scope, writer, self._state)
            same_state = around.same_state(state, self._state)
            if not touched and not self._went_back and same_state and late.keys() == self.late.keys():
                self._touched, self._everything = set(), False
                self._doubtful = self._doubtful and not everything
                return None
            while True:
                values = {n: view[n] for n in touching.in_order(touched) if n not in late}
                examiner = Examiner(values, scope, self._where, self.repository, writer, limit=limit, largest=largest)
                scope.serve(examiner)
                try:
                    found = [examiner.examine(group) for group in split(values, scope, tick=examiner.begin)]
                except TooLong as stop:
                    late.update(dict.fromkeys(touching.with_its_component(stop.name), stop.seconds))
                    continue
                more = touching.beyond(found, touched)
                if not more:
                    break
                touched |= more
            late.update(examiner.late)
            standing = touching.merged(found, touched, late)
            older = OLDER + ", ".join(sorted(late)) if late else ""
            made = self._records.next(
                standing, ids, state, self.current, cell, older, anyway=self._went_back or not same_state
            )
            committed = None
            if made is not None:
                check()
                committed = writer.commit(made, sign=self._signer.sign, parent_record=self.current)
            # In place, since a thread takes from it.
            self.unsettled.extend(writer.unsettled)
        if committed is not None:
            standing = standing.placed(committed)
            state = {c.names[0]: replace(state[c.names[0]], component=c) for c in committed.state}
        where = standing.where
        for tracked in found:
            lives.note(tracked.component, tracked.variables, view)
        behind = self._late.after(late, ids, touched, where)
        unstored = frozenset(late).union(() if len(where) == len(ids) else ids.keys() - where.keys())
        doubtful = (self._doubtful and not everything) or (self._late.several and not late)
        # Before the components change: one interrupt too early, and the same ones are only noted again.
        self._rounds.follow(touched)
        # Without a call in between, so that an interrupt comes before all of them or after.
        self._where, self._standing, self._ids, self._unstored, self._doubtful = (
            where,
            standing,
            ids,
            unstored,
            doubtful,
        )
        self._touched, self._everything, self._late = set(), False, behind
        if committed is not None:
            self.current, self._state, self._went_back = committed, state, False
        self._bindings.differing(ids)
        self._patience.done(work)
        return committed

    def _stand(self) -> Standing:
        """Return what is tracked, gone through only after a load and the like."""
        if self._standing.where is not self._where:
            self._standing = standing_of(self._where)
        return self._standing

    def _scope(self, view: Mapping[str, Any], live: Mapping[str, Any], pause: Callable[[], None]) -> PausingScope:
        """Return what a pickle sees of the namespace, which was looked at just now."""
        definitions = {name: view[name] for name in self._bindings.definitions}
        names = self._bindings.containers
        return PausingScope(
            self._namespace,
            self._bindings.ids,
            live,
            pause,
            definitions=definitions,
            containers=lambda: [view[name] for name in names],
        )

    @watched
    def sweep(self, pause: Callable[[], None], *, quiet: float = inf, only: frozenset[str] | None = None) -> bool:
        """Look at the next components that no cell has named, and take note of what changed.

        Parameters
        ----------
        pause : callable
            As for `save`.
        quiet : float
            Seconds since the last cell.
        only : frozenset of str, optional
            Names whose components are all looked at, whatever else waits; by default a few of all, as far as it is
            quiet enough.

        Returns
        -------
        bool
            Whether there may be more to look at now.
        """
        waiting = self._waiting(quiet) if only is None else lambda names: float(only.isdisjoint(names))
        if (names := self._rounds.next(waiting)) is None:
            gone, self._went_back = self._went_back, self._went_back or self._newest.is_gone(self.current)
            return self._went_back and not gone
        began, view = time.thread_time(), dict(self._namespace)
        self._bindings.look(view, self._hidden())
        scope = self._scope(view, self._live(), pause)
        # Going through all names for each of 20,000 small components would take far longer than looking at them; those
        # that are wanted now are looked at while nothing else runs.
        until = inf if only is not None else (ready := time.thread_time()) + max(ready - began, _BATCH)
        while names is not None:
            self._look_at(names, view, scope)
            pause()
            names = self._rounds.next(waiting) if time.thread_time() < until else None
        return True

    def _look_at(self, names: Names, view: Mapping[str, Any], scope: PausingScope) -> None:
        tracked = self._where.get(names[0])
        values = {n: view[n] for n in names if n in view}
        if tracked is not None and tracked.component.names == names and len(values) == len(names):
            try:
                renewed = self._looked_at(tracked, values, scope)
            except GiveWay:
                self._patience.gave_way(names)
                self._rounds.put_back(names)
                raise
            if renewed is None or (renewed.fickle and self._seldom.is_time_for(names)):
                # What it shares now with others can be told only from all of them together.
                self._touched.update(names)
                self._doubtful = True
            else:
                self._where.update(dict.fromkeys(names, renewed))
                if renewed.reads != tracked.reads:
                    self._standing = Standing()
        self._patience.done(names)
        self._rounds.done(names)
        self.looked += 1

    def until_sweep(self, *, quiet: float) -> float | None:
        """Return in how many seconds there is something to look at, None if all has been."""
        return self._rounds.soonest(self._waiting(quiet))

    def _waiting(self, quiet: float) -> Callable[[Names], float]:
        """Return for how many seconds not to look at a component."""
        return lambda names: self._patience.wait(names, quiet=quiet, stall=stall_of(names[:1], self._where))

    def unknown_since(self, moment: float) -> Reach:
        """Return what has to be looked at to know all that has changed, if no code has run since a moment."""
        everything = self._everything or self._doubtful or bool(self.late) or self.current is None
        return Reach(frozenset(self._rounds.unseen_since(moment)), everything)

    def has_unseen(self, seconds: float) -> bool:
        """Whether a component has not been looked at for so many seconds, since this was first asked."""
        return self._rounds.has_waited(seconds)

    def sweep_again(self) -> None:
        """Begin a sweep of all."""
        self._rounds.again()

    def _looked_at(self, tracked: Tracked, values: dict[str, Any], scope: PausingScope) -> Tracked | None:
        with collection_paused():
            examiner = Examiner(values, scope, self._where, self.repository, None)
            scope.serve(examiner)
            return examiner.look(tracked)
