"""Compare live variables with stored ones by pickling the live ones; nothing is unpickled.

Invariant: equal values may be called conflicting (sets whose order differs), different ones are never called the
same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import environment
from .components import digest_alone, own_digest
from .digests import digest_of
from .errors import SessionError
from .interrupts import watched
from .pickling import Payload, Placeholder, Scope, collection_paused, dumps
from .pickling.normal import normal
from .reports import LoadPlan, PlanStatus
from .repository import Repository
from .snapshot import Component, Part, Snapshot, Variable

_COMPARED = 1 << 20
"""Streams up to this many bytes are compared opcode by opcode."""


@watched
def statuses(
    namespace: dict[str, Any],
    snapshot: Snapshot,
    names: Iterable[str],
    live: Mapping[str, Any],
    repository: Repository,
) -> dict[str, PlanStatus]:
    """Say for each name what loading it would do to the namespace.

    Parameters
    ----------
    namespace : dict
    snapshot : Snapshot
    names : iterable of str
    live : mapping of str to object
        Kernel objects by tag.
    repository : Repository
        Where the snapshot is.

    Returns
    -------
    dict of str to {"new", "same", "conflicting"}
    """
    wanted = set(names)
    variables = {v.name: v for v in snapshot.variables}
    scope = Scope(namespace, {n: namespace[n] for n in variables if n in namespace}, live)
    found: dict[str, PlanStatus] = {}
    for component in snapshot.components:
        asked = wanted.intersection(component.names)
        found.update((name, "new") for name in asked if name not in namespace)
        present = sorted(asked.intersection(namespace))
        own = {name: own_digest(namespace[name]) for name in present}
        shared = [name for name in present if not own[name]]
        whole = bool(shared) and _same(namespace, component, scope, repository)
        alone = dict[str, bool]()
        if shared and not whole and len(component.names) > 1:
            alone = {
                n: _digest_alone(n, namespace[n], component, scope, repository) == variables[n].digest for n in shared
            }
            if alone.keys() == set(component.names) and all(alone.values()):
                alone = {}  # What differs is what they share.
        for name in present:
            same = own[name] == variables[name].digest if own[name] else alone.get(name, whole)
            # What is there is alive, or was, where all that is stored is that it could not be saved.
            same = same and (variables[name].state != "placeholder" or type(namespace[name]) is Placeholder)
            found[name] = "same" if same else "conflicting"
    return found


def plan(
    namespace: dict[str, Any],
    snapshot: Snapshot,
    names: Mapping[str, str],
    live: Mapping[str, Any],
    repository: Repository,
    *,
    into: str = "",
    kept: Sequence[str] = (),
    removed: Sequence[str] = (),
    notes: Sequence[str] = (),
    state: Sequence[str] = (),
) -> LoadPlan:
    """Say what a load would do.

    Parameters
    ----------
    namespace : dict
    snapshot : Snapshot
    names : mapping of str to str
        Variables to load, and the names under which they would be bound.
    live : mapping of str to object
    repository : Repository
        Asked only whether the data is there.
    into : str
        The object whose attributes the variables would become.
    kept : sequence of str
        Names that would stay bound as they are.
    removed, notes, state : sequence of str
        As `LoadPlan` has them.
    """
    unavailable = _unavailable(snapshot, repository)
    with collection_paused():
        same_names = [name for name, bound in names.items() if bound == name]
        known = statuses(namespace, snapshot, same_names, live, repository)
    staying = set(kept)
    rows: list[tuple[Variable, PlanStatus, str]] = []
    for variable in snapshot.variables:
        if variable.name not in names:
            continue
        status = known.get(variable.name) or ("conflicting" if names[variable.name] in namespace else "new")
        why = ""
        if variable.name in unavailable:
            status, why = "unavailable", unavailable[variable.name]
        elif variable.state == "placeholder":
            why = "; ".join(f"{p.path}: {p.reason}" for p in variable.problems)
        if names[variable.name] in staying:
            why = "; ".join(filter(None, ("what is there is kept", why)))
        rows.append((variable, status, why))
    return LoadPlan(
        snapshot.reference,
        tuple(rows),
        bound=tuple(f"{into}.{v.name}" if into else names[v.name] for v, _, _ in rows),
        kept=tuple(kept),
        removed=tuple(removed),
        notes=tuple(notes),
        state=tuple(state),
    )


def _unavailable(snapshot: Snapshot, repository: Repository) -> dict[str, str]:
    """Return why variables cannot be had: their modules or their bytes are missing."""
    modules = sorted({m for c in snapshot.components for m in c.modules})
    lost = set(environment.not_found(snapshot.environment, modules))
    found: dict[str, str] = {}
    for component in snapshot.components:
        needs = sorted(lost.intersection(component.modules))
        damage = next(filter(None, map(repository.damage, (component.stream, *component.buffers))), "")
        if needs:
            found.update(dict.fromkeys(component.names, environment.needed(snapshot.environment, needs)))
        if damage:
            found.update((name, damage) for name in component.names)
    grown = True
    while grown:
        lost_names = set(found)
        for component in snapshot.components:
            needs = sorted(lost_names.intersection(component.refs))
            if needs:
                found.update((n, f"needs {', '.join(needs)}") for n in component.names if n not in lost_names)
        grown = len(found) > len(lost_names)
    return found


def _same(namespace: dict[str, Any], component: Component, scope: Scope, repository: Repository) -> bool:
    if not all(name in namespace for name in component.names):
        return False
    payload = dumps({n: namespace[n] for n in component.names}, scope)
    try:
        sizes = [b.raw().nbytes for b in payload.buffers]
        if sizes != [b.size for b in component.buffers] or not same_stream(payload, component, repository):
            return False
        pairs = zip(payload.buffers, component.buffers, strict=True)
        return all(_same_buffer(buffer.raw(), part, repository) for buffer, part in pairs)
    finally:
        payload.release()


def _digest_alone(name: str, value: Any, component: Component, scope: Scope, repository: Repository) -> str:
    """Return the digest of a value without the others of its component."""
    patched = [part for part in component.buffers if part.base is not None]

    def named(view: memoryview) -> str:
        alike = (p for p in patched if p.size == view.nbytes and _same_buffer(view, p, repository))
        return next((part.digest for part in alike), "") or digest_of([view])

    payload = dumps({name: value}, scope)
    try:
        return digest_alone(payload, named)
    finally:
        payload.release()


def _same_buffer(view: memoryview, part: Part, repository: Repository) -> bool:
    if part.base is None:
        return digest_of([view]) == part.digest
    try:
        # Its digest names base and patches, which the live bytes cannot be compared with.
        return view.cast("B") == repository.map(part, verify=False)
    except SessionError:
        return False


def same_stream(payload: Payload, component: Component, repository: Repository) -> bool:
    """Whether a fresh stream is the stored one, or stands for equal values."""
    if digest_of(payload.chunks) == component.stream.digest:
        return True
    size = sum(map(len, payload.chunks))
    # Far apart in length, or too long to be taken apart in Python: different enough.
    if size > _COMPARED or abs(size - component.stream.size) > size // 4:
        return False
    try:
        stored = bytes(repository.read(component.stream))
    except SessionError:
        return False
    return normal(b"".join(payload.chunks)) == normal(stored)
