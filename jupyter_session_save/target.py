"""What a load takes from a snapshot, and where its values go.

Invariant: to choose changes nothing, and what is bound goes through the journal.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from .chains import refusals, with_statement
from .compare import statuses
from .environment import LOAD_AGAIN
from .errors import SessionNameError
from .history import changes
from .namespace import Journal, choose, user_names
from .repository import Repository
from .snapshot import Component, Snapshot, Variable, under_name
from .statement import how_made


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
    wanted = choose(names, only, exclude) if only or exclude else names
    where = {name: c for c in snapshot.components for name in c.names}
    taken: list[Component] = []
    needed: set[str] = set()
    todo = list(wanted)
    while todo:
        component = where.pop(todo.pop(), None)
        if component is None:
            continue
        taken.append(component)
        if len(component.names) > 1:
            for name in component.names:
                where.pop(name, None)
        if component.refs or component.mentions:
            todo += component.refs + component.mentions
            needed.update(component.refs, component.mentions)
    # Definitions first, then what refers to nothing: by the time that user code runs, its globals are there.
    components = sorted(taken, key=lambda c: (not c.defines, bool(c.refs)))
    excluded = set(names) - set(choose(names, (), exclude)) if exclude else set()
    return Selection(components, wanted, sorted(needed.difference(wanted, excluded)))


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
        if keyword.iskeyword(options.into):
            raise SessionNameError(f"{options.into!r} is a word of Python's own: give a name, such as {options.into}_")
        for what in (options.prefix, options.into):
            if what and not f"{what}x".isidentifier():
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

    def told(self, variable: Variable, how: str) -> Variable:
        """Return a variable as a report shows it: under the name that was bound, with how it was made."""
        if not self.renamed and variable.state != "placeholder":
            return variable
        told = with_statement(variable, how)
        name = self.shown_as(variable.name)
        return replace(told, name=name, problems=tuple(under_name(p, variable.name, name) for p in told.problems))

    def hints(self, snapshot: Snapshot, outcomes: Sequence[Variable], broken: Collection[str]) -> dict[str, str]:
        """Say of what holds placeholders how it was made, and what to type if a re-run would be accepted."""
        now = {v.name: v for v in (*snapshot.variables, *outcomes)}
        lineage, refused = snapshot.lineage, refusals(snapshot.lineage, list(now.values()), snapshot.components)
        waits = {n for n, v in now.items() if v.problems and all(p.advice.endswith(LOAD_AGAIN) for p in v.problems)}
        return {
            n: how_made(lineage, n, snapshot.reference, refused=refused.get(n, ""), waits=n in waits) for n in broken
        }

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
