"""Save a live namespace as a snapshot: select, split, pickle, write, commit.

Invariant: the namespace and its values are the same before and after, and nothing shows in the repository until
the snapshot is whole.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, Any

from . import environment, remembered, unverified
from .chains import with_statements
from .components import Pickled, digests, split
from .describe import describe
from .display import human_bytes
from .errors import SaveError
from .held import stands
from .interpreter import Surroundings, collect, outputs
from .interrupts import check, watched
from .lacking import saved_again, unsaved_globals
from .limits import usual_limit
from .names import quote
from .namespace import choose, user_names
from .pickling import Scope, collection_paused
from .pickling.culprit import root_path
from .pickling.scope import type_name
from .pickling.traces import patches, told
from .remembered import Buffers, Remembered
from .reports import Progress, SaveReport
from .repository import Repository
from .resuming import names_of, write_state
from .snapshot import Component, Part, Problem, Snapshot, State, Variable, by_variable
from .statement import Lineage
from .trust import Signer
from .writing import Writer

if TYPE_CHECKING:
    from .lineage import Recorder


@watched
@usual_limit()
def save_namespace(
    namespace: dict[str, Any],
    name: str,
    *,
    repository: Repository,
    signer: Signer,
    live: Mapping[str, Any],
    hidden: Mapping[str, Any],
    message: str = "",
    only: Sequence[str] = (),
    exclude: Sequence[str] = (),
    strict: bool = False,
    history: bool = False,
    parent: int | None = None,
    progress: Progress | None = None,
    recorder: Recorder | None = None,
) -> SaveReport:
    """Save the user's variables; parameters as for `SessionManager.save`.

    Returns
    -------
    SaveReport
    """
    started = time.perf_counter()
    quote(name)
    # Before anything else: what is pickled may draw random numbers or change options. A choice of names has no state.
    around = Surroundings(namespace, live.get("shell"), history and not only)
    state, unread = ({}, []) if only else collect(around)
    # One view of the names, whatever threads do to the live one meanwhile.
    view = dict(namespace)
    shown = outputs(around) if around.history else {}
    view.update(shown)
    users = [*user_names(dict(namespace), hidden), *shown]
    names = choose(users, (), exclude)
    wanted = choose(names, only, ()) if only else names
    scope = Scope(namespace, {n: view[n] for n in names}, live)
    saved = _Saved(view, scope, wanted, progress, users)
    known = remembered.of_store(repository.store.url)
    with (
        repository.writer(saved.wrote) as writer,
        Buffers(writer, known, partial(saved.wrote, 0)) as buffers,
        collection_paused(),
    ):
        previous = _newest(repository, known, name)
        if previous is not None:
            writer.know(previous)
        saved.write(state, writer, buffers)
        lineage = saved.explain(name, recorder)
        if strict and saved.problems:
            culprits = "; ".join(f"{p.path} ({p.type}): {p.reason}" for p in saved.problems[:10])
            more = f"; and {len(saved.problems) - 10} more" if len(saved.problems) > 10 else ""
            raise SaveError(
                f"not saved, these would become placeholders: {culprits}{more}; remove them, --exclude their "
                "variables, or save without --strict"
            )
        made = Snapshot(
            name=name,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            message=message,
            parent=parent,
            environment=environment.to_save(saved.modules),
            variables=tuple(sorted(saved.variables, key=lambda v: v.name)),
            components=tuple(saved.components),
            state=tuple(saved.state),
            lineage=lineage,
        )
        # Libraries are looked through while threads go on writing.
        notes = (*saved.notes(), *unread)
        check()
        snapshot = writer.commit(made, sign=signer.sign)
        buffers.keep(made, snapshot)
        written = writer.written
    return SaveReport(
        reference=snapshot.reference,
        variables=snapshot.variables,
        reused=tuple(sorted(_reused(snapshot, previous))),
        bytes_new=written,
        bytes_total=snapshot.size,
        seconds=time.perf_counter() - started,
        notes=notes,
        state=names_of(snapshot.state),
        again=tuple(sorted({one.path for one in saved.again})),
    )


def _newest(repository: Repository, known: Remembered, name: str) -> Snapshot | None:
    last = known.snapshot
    if last is not None and last.name == name and repository.versions(name)[-1:] == [last.sequence]:
        return last if stands(repository.store, last) else repository.newest(name)
    return repository.newest(name)


class _Saved:
    """What one save has gathered so far."""

    def __init__(
        self,
        values: dict[str, Any],
        scope: Scope,
        wanted: Sequence[str],
        progress: Progress | None,
        users: Sequence[str],
    ) -> None:
        self._values, self._scope, self._progress, self._users = values, scope, progress, users
        self._wanted = list(wanted)
        self._used: list[tuple[tuple[str, ...], AbstractSet[str]]] = []
        self._all = set(wanted)
        self._bytes, self._name = 0, ""
        self.components: list[Component] = []
        self.variables: list[Variable] = []
        self.problems: list[Problem] = []
        self.again: list[Problem] = []
        self.modules: set[str] = set()
        self.state: list[Component] = []
        self._state_notes: list[str] = []

    def write(self, state: Mapping[str, Any], writer: Writer, buffers: Buffers) -> None:
        """Pickle and write the state and the wanted variables, and then those that they turn out to need."""
        needed: set[str] = set()
        for component, notes in write_state(state, self._scope, writer):
            self.state.append(component)
            self._state_notes += notes
            self.modules.update(component.modules)
            needed.update(component.refs, component.mentions)
        names = self._wanted
        while names:
            values = {n: self._values[n] for n in names if n in self._values}
            for group in split(values, self._scope, tick=self._tick, meet=buffers.meet):
                self._write(group, writer, buffers)
                needed |= group.payload.refs | group.payload.mentions
            names = sorted(needed - self._all)
            self._all.update(names)
            needed = set()

    def explain(self, session: str, recorder: Recorder | None) -> Lineage:
        """Return which statements made the variables, and say it of those that could not be saved."""
        if recorder is None:
            return Lineage()
        broken = [v.name for v in self.variables if v.state != "saved"]
        lineage = recorder.lineage([v.name for v in self.variables], broken)
        self.variables = with_statements(self.variables, lineage, session, self.components)
        return lineage

    def notes(self) -> Iterator[str]:
        """Say what was saved beyond what was asked for."""
        extra = sorted(self._all.difference(self._wanted))
        if extra:
            yield f"saved too, because the others need them: {', '.join(extra)}"
        unnamed = [key for key in list(self._values) if type(key) is not str]
        if unnamed:
            kinds = ", ".join(sorted({type_name(type(key)) for key in unnamed}))
            yield f"not saved: {len(unnamed)} keys of the namespace that are no names (of type {kinds})"
        yield from saved_again(self.again)
        yield from unsaved_globals(self._used, self._all, self._users)
        yield from self._state_notes
        found = patches(self._scope.namespace)
        if found:
            yield told(found)

    def wrote(self, size: int) -> None:
        """Take note that bytes are being hashed or written."""
        self._bytes += size
        self._tick(self._name)

    def _tick(self, name: str) -> None:
        self._name = name
        if self._progress is not None:
            written = f" ({human_bytes(self._bytes)} written)" if self._bytes else ""
            self._progress(f"{name}{written}", len(self.variables), len(self._all))

    def _write(self, group: Pickled, writer: Writer, buffers: Buffers) -> None:
        payload = group.payload
        self._name = group.names[0]
        stream = writer.put(payload.chunks)
        # Written in the background: the views keep the arrays alive until the commit.
        views = [buffer.raw() for buffer in payload.buffers]
        inner = payload.inner
        parts = [writer.put([v], to_map=True) if i in inner else buffers.put(v) for i, v in enumerate(views)]
        component = component_of(group, stream, parts)
        self.components.append(component)
        self.modules |= payload.modules
        self.problems += payload.problems
        self.again += payload.again
        if payload.globals:
            self._used.append((group.names, payload.globals))
        self.variables += variables_of(group, component, self._values)


def component_of(group: Pickled, stream: Part, buffers: Sequence[Part]) -> Component:
    """Return the record of a group whose bytes are stored."""
    payload = group.payload
    return Component(
        names=group.names,
        stream=stream,
        buffers=tuple(buffers),
        refs=tuple(sorted(payload.refs.difference(group.names))),
        modules=tuple(sorted(payload.modules - {"", "builtins", "__main__"})),
        defines=payload.defines,
        mentions=tuple(sorted(payload.mentions.difference(group.names))),
    )


def variables_of(group: Pickled, component: Component, values: Mapping[str, Any]) -> list[Variable]:
    """Return the records of a group's variables."""
    payload = group.payload
    size = payload.size // len(group.names)
    digest_by_name = digests(group, values, component)
    payload.remarks += _damage(group, component, values)
    if not (payload.problems or payload.reconnected or payload.remarks):
        return [Variable(n, *describe(values[n]), size, "saved", (), digest_by_name[n]) for n in group.names]
    placeholders = by_variable(payload.problems)
    reconnected, remarks = by_variable(payload.reconnected), by_variable(payload.remarks)
    variables = []
    for name in group.names:
        state: State = "saved"
        if name in reconnected:
            state = "reconnected"
        if name in placeholders:
            state = "placeholder"
        problems = (*placeholders.get(name, ()), *reconnected.get(name, ()), *remarks.get(name, ()))
        variables.append(Variable(name, *describe(values[name]), size, state, problems, digest_by_name[name]))
    return variables


def _damage(group: Pickled, component: Component, values: Mapping[str, Any]) -> list[Problem]:
    """Say which variables hold what a load has mapped from a damaged file, since nothing else tells it afterwards."""
    views = (buffer.raw() for buffer in group.payload.buffers)
    pairs = zip(views, component.buffers, strict=True)
    found = [unverified.damage(view, part) if part.digest else "" for view, part in pairs]
    if not any(found):
        return []
    problems = []
    for name in group.names:
        alone = group.alone.get(name)
        held = found if alone is None else [found[b] for b in alone.buffers if isinstance(b, int)]
        reason = next(filter(None, held), "")
        if reason:
            problems.append(Problem(root_path(name), type_name(type(values[name])), reason, unverified.ADVICE))
    return problems


def _reused(snapshot: Snapshot, previous: Snapshot | None) -> Iterator[str]:
    """Yield the names whose components were stored before with the same bytes."""
    if previous is None:
        return
    before = {(c.names, c.stream.digest, tuple(b.digest for b in c.buffers)) for c in previous.components}
    for c in snapshot.components:
        if (c.names, c.stream.digest, tuple(b.digest for b in c.buffers)) in before:
            yield from c.names
