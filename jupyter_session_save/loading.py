"""Load a snapshot into a live namespace, all or nothing.

Invariant: whatever is raised, a KeyboardInterrupt too, every name is then bound as it was before; nothing is
unpickled before the snapshot's signature and the digest of its stream have been checked.
"""

from __future__ import annotations

import gc
import keyword
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType, SimpleNamespace
from typing import Any

from . import environment
from .compare import statuses
from .errors import DamagedError, FormatError, SessionNameError, StoreError, TrustError
from .history import changes, standing
from .integrity import DataCheck, checked_first
from .interrupts import watched
from .limits import usual_limit
from .lineage import with_statement
from .manifest import signed_bytes
from .namespace import Journal, choose, user_names
from .pickling import Restoring, collection_paused, unavailable
from .repointing import Repointing
from .reports import LoadReport, Progress
from .repository import Repository
from .resuming import Resumption
from .snapshot import Component, Part, Snapshot, Variable, by_variable, types_of, under_name
from .statement import how_made
from .trust import Signer


@dataclass(frozen=True, slots=True)
class Options:
    """How to load; see `SessionManager.load`."""

    only: Sequence[str] = ()
    exclude: Sequence[str] = ()
    prefix: str = ""
    into: str = ""
    keep: bool = False
    replace: bool = False
    trust: bool = False
    verify_data: bool = False
    state: bool = True
    since: Snapshot | None = None
    repoint: bool = False

    @property
    def resumes(self) -> bool:
        """Whether the load takes the session up again, with its state, and not some values from it."""
        return self.state and not (self.only or self.prefix or self.into)


class StoredComponent:
    """A component of a snapshot, read from the repository when it is asked for.

    Parameters
    ----------
    component : Component
    repository : Repository
    verify : callable
        Says of each buffer whether to compare it with its digest.
    """

    def __init__(self, component: Component, repository: Repository, *, verify: Callable[[Part], bool]) -> None:
        self.names, self.defines = component.names, component.defines
        self._component, self._repository, self._verify = component, repository, verify

    def stream(self) -> memoryview:
        """Return the pickle stream, compared with its digest."""
        return self._repository.read(self._component.stream)

    def buffers(self) -> Iterable[memoryview]:
        """Return the buffers, copied or mapped, each when it is its turn."""
        return (self._repository.map(part, verify=self._verify(part)) for part in self._component.buffers)


@dataclass(slots=True)
class Selection:
    """Which components a load takes, and which names of them it binds."""

    components: list[Component]
    wanted: list[str]
    needed: list[str] = field(default_factory=list)
    left: frozenset[str] = frozenset()

    def leave(self, names: frozenset[str]) -> None:
        """Take out what the namespace holds already."""
        self.components = [c for c in self.components if not names.issuperset(c.names)]
        self.wanted, self.needed = ([n for n in chosen if n not in names] for chosen in (self.wanted, self.needed))
        self.left = names


def select(snapshot: Snapshot, only: Sequence[str], exclude: Sequence[str]) -> Selection:
    """Choose the names to load, and the components that they and their references stand in."""
    names = [v.name for v in snapshot.variables]
    wanted = choose(names, only, exclude)
    where = {name: c for c in snapshot.components for name in c.names}
    taken: dict[tuple[str, ...], Component] = {}
    needed: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        component = where.get(name)
        if component is None or component.names in taken:
            continue
        taken[component.names] = component
        todo += component.refs + component.mentions
        needed.update(component.refs, component.mentions)
    # Definitions first, then what refers to nothing: by the time that user code runs, its globals are there.
    components = sorted(taken.values(), key=lambda c: (not c.defines, bool(c.refs)))
    excluded = set(names) - set(choose(names, (), exclude)) if exclude else set()
    return Selection(components, wanted, sorted(needed.difference(wanted, excluded)))


def _users(components: Iterable[Component], bound: Iterable[str]) -> dict[str, set[str]]:
    """Return the modules that components need, each with the variables for which it is loaded."""
    chosen = set(bound)
    found: dict[str, set[str]] = {}
    for component in components:
        for module in component.modules:
            found.setdefault(module, set()).update(chosen.intersection(component.names))
    return found


def check_trust(snapshot: Snapshot, signer: Signer, trusted: bool) -> None:
    """Refuse a snapshot that this user did not sign, unless told that it is trusted."""
    if not trusted and not signer.verify(signed_bytes(snapshot), snapshot.signature):
        raise TrustError(
            f"{snapshot.reference} was not saved by you on this machine, or was altered since; loading it can run "
            "any code: if you know where it comes from, load it with --trust (trust=True)"
        )


@watched()
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
    if options.since is not None:
        selection.leave(standing(options.since, snapshot))
    target = Target(namespace, selection, options, hidden)
    conflicts = target.differing(snapshot, live, repository)
    buffers = [part for c in selection.components for part in c.buffers]
    first = frozenset(buffers) if options.verify_data else checked_first(buffers)
    stored = [StoredComponent(c, repository, verify=first.__contains__) for c in selection.components]
    journal = Journal(namespace)
    parts = snapshot.state if options.resumes else ()
    resumption = Resumption(
        [StoredComponent(c, repository, verify=lambda part: True) for c in parts],
        namespace,
        live,
        lambda error: environment.explain(error, snapshot.environment),
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
            removed = target.finish(journal, restoring.values)
            resumption.finish(restoring.values)
        notes = [f"added {directory} to sys.path, where modules of yours stand" for directory in added]
        notes += environment.differences(snapshot.environment, _users(selection.components, target.bound))
        notes += [*target.notes(snapshot), *resumption.notes]
        if options.repoint:
            repointing.walk((name, namespace[name]) for name in user_names(namespace, hidden))
            notes += repointing.notes()
        unchecked = [part for part in buffers if part not in first]
        if unchecked:
            notes += DataCheck(repository, snapshot, unchecked).start()
        # The report is made in here, too: an interrupt until it is there still takes everything back.
        _tell_statements(snapshot, restoring, target)
        outcomes = _outcomes(snapshot, restoring, target.bound)
        return LoadReport(
            reference=snapshot.reference,
            variables=tuple(target.told(v, snapshot) for v in outcomes),
            overwritten=tuple(conflicts),
            kept=tuple(target.kept),
            removed=tuple(removed),
            seconds=time.perf_counter() - started,
            notes=tuple(notes),
            state=resumption.done,
            stayed=tuple(sorted(selection.left)),
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
            publish(name, stand_in)
    restoring.failures.clear()
    return restoring


def unreadable(error: BaseException, snapshot: Snapshot) -> tuple[str, str]:
    """Return (reason, advice) for a component of which nothing can be restored."""
    if isinstance(error, (DamagedError, FormatError, StoreError)):
        return f"its data cannot be read: {error}", "load an earlier version, or run the statement that made it"
    return environment.explain(error, snapshot.environment)


def _outcomes(snapshot: Snapshot, restoring: Restoring, bound: Iterable[str]) -> list[Variable]:
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
    return found


def _tell_statements(snapshot: Snapshot, restoring: Restoring, target: Target) -> None:
    """Let placeholders say which statement made what they stand for, and where they are now."""
    for stand_in in restoring.stand_ins:
        for name in by_variable([stand_in.problem]):
            stand_in.made_by = how_made(snapshot.lineage, name, snapshot.reference, renamed=target.renamed)
            stand_in.problem = under_name(stand_in.problem, name, target.shown_as(name))


class Target:
    """Where the values of one load go.

    A load under other names (`prefix`, `into`) has a namespace of its own for the globals of its functions, so that
    they go on with the values that they were saved with.
    """

    def __init__(
        self, namespace: dict[str, Any], selection: Selection, options: Options, hidden: Mapping[str, Any]
    ) -> None:
        self._namespace, self._options, self._selection = namespace, options, selection
        self.renamed = bool(options.prefix or options.into)
        self._user = set(user_names(namespace, hidden))
        for what in (options.prefix, options.into):
            if what and (not f"{what}x".isidentifier() or keyword.iskeyword(options.into)):
                raise SessionNameError(f"{what!r} cannot be used as a Python name: choose letters, digits and _")
        present = set(namespace)
        taken = {n for n in selection.wanted if options.keep and self.name_of(n) in present}
        self.kept = sorted({self.name_of(n) for n in taken})
        # Under other names, what the others need stays in the namespace of their own.
        self.extra = [] if self.renamed else [n for n in selection.needed if n not in present]
        self.bound = [n for n in selection.wanted if n not in taken] + self.extra
        self.view = namespace
        if self.renamed:
            self.view = {"__name__": "__main__", "__builtins__": namespace.get("__builtins__", __builtins__)}

    def name_of(self, name: str) -> str:
        """Return the name under which a variable is bound."""
        return self._options.into or self._options.prefix + name

    def told(self, variable: Variable, snapshot: Snapshot) -> Variable:
        """Return a variable as a report shows it: under the name that was bound."""
        if not self.renamed and variable.state != "placeholder":
            return variable
        told = with_statement(variable, snapshot.lineage, snapshot.reference, renamed=self.renamed)
        name = self.shown_as(variable.name)
        return replace(told, name=name, problems=tuple(under_name(p, variable.name, name) for p in told.problems))

    def shown_as(self, name: str) -> str:
        """Return what the user types to get at a variable."""
        return f"{self._options.into}.{name}" if self._options.into else self._options.prefix + name

    def publisher(self, journal: Journal) -> Callable[[str, Any], None]:
        """Return what is told of each value as soon as it exists."""
        bound = set(self.bound)
        if self.renamed:
            return self.view.__setitem__

        def publish(name: str, value: Any) -> None:
            if name in bound:
                journal.bind(name, value)

        return publish

    def finish(self, journal: Journal, values: Mapping[str, Any]) -> list[str]:
        """Bind what is bound under other names, and remove what a replacing load removes."""
        if self._options.into and not self.kept:
            journal.bind(self._options.into, SimpleNamespace(**{n: values[n] for n in self.bound}))
        elif self._options.prefix:
            for name in self.bound:
                journal.bind(self.name_of(name), values[name])
        removed = self.removed()
        for name in removed:
            journal.unbind(name)
        return removed

    def removed(self) -> list[str]:
        """Return the names that a replacing load takes out."""
        if not self._options.replace:
            return []
        return sorted(self._user.difference(self.kept, self._selection.left, map(self.name_of, self.bound)))

    def differing(self, snapshot: Snapshot, live: Mapping[str, Any], repository: Repository) -> list[str]:
        """Return the names that are bound to something else than what the load will bind."""
        if self._options.into:
            return [self._options.into] if self._options.into in self._namespace and not self._options.keep else []
        present = [n for n in self.bound if self.name_of(n) in self._namespace]
        if self.renamed:
            return [self.name_of(n) for n in present]
        if self._options.since is not None:
            # Some are loaded again only because they share or refer.
            moved = {change.name for change in changes(self._options.since, snapshot)}
            return [n for n in present if n in moved]
        known = statuses(self._namespace, snapshot, present, live, repository) if present else {}
        return [name for name, status in known.items() if status != "same"]

    def notes(self, snapshot: Snapshot) -> list[str]:
        """Say what came along or stayed out."""
        lines = []
        if self.extra and not self.renamed:
            lines.append(f"loaded too, because the others need them: {', '.join(self.extra)}")
        stayed = sorted(set(self._selection.needed).difference(self.extra)) if not self.renamed else []
        if stayed:
            lines.append(f"already there and left alone, though the others refer to them: {', '.join(stayed)}")
        return lines
