"""Load a snapshot into a live namespace, all or nothing.

Invariant: whatever is raised, a KeyboardInterrupt too, every name is then bound as it was before; nothing is
unpickled before the snapshot's signature and the digest of its stream have been checked.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from . import environment, unverified
from .errors import DamagedError, FormatError, StoreError, TrustError
from .history import not_brought_back, standing
from .integrity import DataCheck, checked_first
from .interrupts import watched
from .limits import usual_limit
from .live_parts import LiveParts
from .manifest import signed_bytes
from .namespace import Journal, user_names
from .pickling import Placeholder, Restoring, Scope, collection_paused
from .pickling.abandoned import Young
from .pickling.culprit import root_path
from .repointing import Repointing
from .reports import LoadReport, Progress
from .repository import Repository
from .resuming import Resumption
from .snapshot import OLDER, Component, Part, Problem, Snapshot, Variable, by_variable, types_of, under_name
from .target import Options, Target, select
from .trust import Signer


class StoredComponent:
    """A component of a snapshot, read from the repository when it is asked for.

    Parameters
    ----------
    component : Component
    repository : Repository
    verify : callable
        Says of each buffer whether to compare it with its digest.
    damaged : str
        What the snapshot says of damage that its data had when it was saved.
    """

    def __init__(
        self, component: Component, repository: Repository, *, verify: Callable[[Part], bool], damaged: str = ""
    ) -> None:
        self.names, self.defines = component.names, component.defines
        self._component, self._repository, self._verify, self._damaged = component, repository, verify, damaged

    def stream(self) -> memoryview:
        """Return the pickle stream, compared with its digest."""
        return self._repository.read(self._component.stream)

    def buffers(self) -> Iterable[memoryview]:
        """Return the buffers, copied or mapped, each when it is its turn."""
        return map(self._buffer, self._component.buffers) if self._component.buffers else ()

    def _buffer(self, part: Part) -> memoryview:
        verify = self._verify(part)
        view = self._repository.map(part, verify=verify)
        if self._damaged or not verify:
            unverified.note(view, part, self._repository, self._damaged)
        return view


def stored_components(
    snapshot: Snapshot, components: Iterable[Component], repository: Repository, *, verify: Callable[[Part], bool]
) -> list[StoredComponent]:
    """Return components of a snapshot as a load reads them."""
    told = {v.name: unverified.known_damage(v) for v in snapshot.variables if v.problems}
    found = {name: damage for name, damage in told.items() if damage}
    return [
        StoredComponent(
            c, repository, verify=verify, damaged=next((found[n] for n in c.names if n in found), "") if found else ""
        )
        for c in components
    ]


def _users(components: Iterable[Component], bound: Iterable[str]) -> dict[str, set[str]]:
    """Return the modules that components need, each with the variables for which it is loaded."""
    chosen = set(bound)
    found: dict[str, set[str]] = {}
    for component in components:
        if component.modules:
            names = chosen.intersection(component.names)
            for module in component.modules:
                found.setdefault(module, set()).update(names)
    return found


def check_trust(snapshot: Snapshot, signer: Signer, trusted: bool) -> None:
    """Refuse a snapshot that this user did not sign, unless told that it is trusted."""
    if not trusted and not signer.verify(signed_bytes(snapshot), snapshot.signature):
        raise TrustError(
            f"{snapshot.reference} was not saved by you on this machine, or was altered since; loading it can run "
            "any code: if you know where it comes from, load it with --trust (trust=True)"
        )


@watched
@usual_limit()
def load_into(
    namespace: dict[str, Any],
    snapshot: Snapshot,
    options: Options,
    *,
    repository: Repository,
    signer: Signer,
    live: Mapping[str, Any],
    hidden: Mapping[str, Any],
    progress: Progress | None,
) -> LoadReport:
    """Load a snapshot; parameters as for `SessionManager.load`."""
    started = time.perf_counter()
    check_trust(snapshot, signer, options.trust)
    selection = select(snapshot, options.only, options.exclude)
    not_stored: tuple[str, ...] = ()
    if options.since is not None:
        staying = standing(options.since, snapshot)
        not_stored = not_brought_back(options.since, snapshot, staying.intersection(selection.wanted))
        selection.leave(staying)
    target = Target(namespace, selection, options, hidden)
    conflicts = target.differing(snapshot, live, repository)
    alive = LiveParts(namespace, options.since, snapshot, () if target.renamed else target.bound)
    buffers = [part for c in selection.components for part in c.buffers]
    first = frozenset(buffers) if options.verify_data else checked_first(buffers)
    stored = stored_components(snapshot, selection.components, repository, verify=first.__contains__)
    journal = Journal(namespace)
    parts = snapshot.state if options.resumes else ()
    resumption = Resumption(
        [StoredComponent(c, repository, verify=lambda part: True) for c in parts],
        namespace,
        live,
        lambda error: environment.explain(error, snapshot.environment),
        # Without a part it tells nothing; and in a fresh kernel a library may be there that was not there then.
        whole=options.since is not None and bool(parts),
    )
    added: list[str] = []
    repointing = Repointing()
    restoring: Restoring | None = None
    try:
        resumption.begin()
        added += environment.find_again(snapshot.environment)
        streams = [c.stream for c in selection.components]
        with collection_paused(), repository.whole_packs([*streams, *first]):
            there = {n: namespace[n] for n in selection.left if n in namespace}
            restoring = restore(stored, snapshot, target.view, live, target.publisher(journal), progress, there)
            if alive:
                scope = Scope(namespace, {n: namespace[n] for n in (*target.bound, *there) if n in namespace}, live)
                for made in alive.put_back(restoring.values, target.publisher(journal), journal, scope):
                    restoring.discard(made)
                restoring.settle()
            removed = target.finish(journal, restoring.values)
            resumption.finish(restoring.values)
        notes = [f"added {directory} to sys.path, where modules of yours stand" for directory in added]
        notes += environment.differences(snapshot.environment, _users(selection.components, target.bound))
        notes += [*target.notes(snapshot), *resumption.notes]
        # One that is not even in the snapshot was not stored at all when its cell ended.
        unchosen = {v.name for v in snapshot.variables}.difference(target.bound, selection.left)
        partly = options.only or options.exclude
        chosen = {*target.bound, *selection.left} if partly else {*snapshot.late} - unchosen
        older = [n for n in snapshot.late if n in chosen]
        notes += [OLDER + ", ".join(map(target.shown_as, older))] if older else []
        if options.repoint:
            repointing.walk((name, namespace[name]) for name in user_names(namespace, hidden))
            notes += repointing.notes()
        unchecked = [part for part in buffers if part not in first]
        if unchecked:
            notes += DataCheck(repository, snapshot, unchecked).start()
        # The report is made in here, too: an interrupt until it is there still takes everything back.
        outcomes, lost = _outcomes(snapshot, restoring, target.bound, alive)
        broken = {v.name for v in outcomes if v.state == "placeholder"}.union(by_variable(restoring.problems))
        hints = target.hints(snapshot, outcomes, broken)
        _tell_statements(restoring, target, hints)
        return LoadReport(
            reference=snapshot.reference,
            variables=tuple(target.told(v, hints.get(v.name, "")) for v in outcomes),
            overwritten=(*conflicts, *(name for name in lost if name not in conflicts)),
            kept=tuple(target.kept),
            removed=tuple(removed),
            seconds=time.perf_counter() - started,
            notes=tuple(notes),
            state=resumption.done,
            lost=tuple(sorted(restoring.lost)),
            stayed=tuple(sorted(selection.left)),
            absent=tuple(sorted(n for n in selection.left if type(namespace.get(n)) is Placeholder)),
            not_stored=not_stored,
        )
    except BaseException:
        repointing.undo()
        journal.rollback()
        for directory in added:
            sys.path.remove(directory)
        resumption.undo()
        if restoring is not None:
            restoring.abandon()
        raise
    finally:
        if restoring is not None:
            restoring.forget()


ROUNDS = 3
"""How often a load begins, with more components under guard each time."""


def restore(
    stored: Sequence[StoredComponent],
    snapshot: Snapshot,
    view: dict[str, Any],
    live: Mapping[str, Any],
    publish: Callable[[str, Any], None],
    progress: Progress | None = None,
    there: Mapping[str, Any] = MappingProxyType({}),
) -> Restoring:
    """Unpickle components; those that fail are unpickled again under guard, with all the others.

    All, because what was made in the first round may hold on to half-made classes of the second.
    """
    guarded: frozenset[int] = frozenset()
    for round_ in range(1, ROUNDS + 1):
        restoring = Restoring(
            view,
            stored,
            live=live,
            publish=publish,
            explain=lambda error: environment.explain(error, snapshot.environment),
            guarded=guarded,
            types=types_of(snapshot),
            there=there,
            young=Young(),
        )
        try:
            for position, component in enumerate(stored):
                if progress is not None:
                    progress(component.names[0], position, len(stored))
                restoring.load(position)
        except BaseException:
            restoring.abandon()
            raise
        if guarded.issuperset(restoring.failures) or round_ == ROUNDS:
            break
        guarded = guarded.union(restoring.failures)
        restoring.abandon()
    restoring.settle()
    if guarded or restoring.has_begun_again:
        # Classes that were begun in vain are cycles, and count among the subclasses of their bases until they are gone.
        gc.collect()
    for position, error in restoring.failures.items():
        reason, advice = unreadable(error, snapshot)
        for name, stand_in in unavailable(stored[position].names, types_of(snapshot), reason, advice).items():
            restoring.values[name] = stand_in
            restoring.problems.append(stand_in.problem)
            restoring.stand_ins.append(stand_in)
            restoring.lost.add(name)
            publish(name, stand_in)
    restoring.failures.clear()
    return restoring


def unreadable(error: BaseException, snapshot: Snapshot) -> tuple[str, str]:
    """Return (reason, advice) for a component of which nothing can be restored."""
    if isinstance(error, (DamagedError, FormatError, StoreError)):
        return f"its data cannot be read: {error}", "load an earlier version, or run the statement that made it"
    return environment.explain(error, snapshot.environment)


def unavailable(names: Sequence[str], types: Mapping[str, str], reason: str, advice: str) -> dict[str, Placeholder]:
    """Return placeholders for the variables of a component of which nothing can be read."""
    return {name: Placeholder(Problem(root_path(name), types.get(name, "unknown"), reason, advice)) for name in names}


def _outcomes(
    snapshot: Snapshot, restoring: Restoring, bound: Iterable[str], alive: LiveParts
) -> tuple[list[Variable], list[str]]:
    """Return how each variable has ended, and the names of those in which something live has given way."""
    problems = by_variable(restoring.problems)
    chosen = set(bound)
    found = []
    for variable in snapshot.variables:
        if variable.name in chosen and variable.name not in problems:
            found.append(variable)
        elif variable.name in chosen:
            new = problems[variable.name]
            # What was to be reconnected, and could not be, is told once.
            failed = {p.path for p in new}
            old = (p for p in variable.problems if p.path not in failed)
            found.append(replace(variable, state="placeholder", problems=(*new, *old)))
    told = [alive.told(v, restoring.values.get(v.name), restoring.stand_ins) for v in found]
    return [variable for variable, _ in told], [variable.name for variable, lost in told if lost]


def _tell_statements(restoring: Restoring, target: Target, hints: Mapping[str, str]) -> None:
    """Let placeholders say which statement made what they stand for, and where they are now."""
    for stand_in in restoring.stand_ins:
        for name in by_variable([stand_in.problem]):
            stand_in.made_by = hints.get(name, "")
            stand_in.problem = under_name(stand_in.problem, name, target.shown_as(name))
