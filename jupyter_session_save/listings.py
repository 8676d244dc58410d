"""What looking at a store tells the user: sessions, snapshots, and what differs between two of them.

Invariant: names, types and sizes come from records; values are shown only where the user asked what differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .chains import with_statements
from .display import Table, human_bytes, human_time, listing, plural, typed
from .history import Change, Step
from .reports import Report, VariablesReport, variables_table
from .snapshot import Snapshot, Variable

_NAMED = 6
"""Names shown of what one snapshot changed."""


@dataclass(frozen=True, slots=True, repr=False)
class SessionList(Report):
    """The sessions of a store.

    Attributes
    ----------
    snapshots : tuple of Snapshot
        The newest of each session that can be read.
    refused : tuple of str
        Why newer ones cannot be read.
    """

    snapshots: tuple[Snapshot, ...]
    refused: tuple[str, ...] = ()

    def _title(self) -> str:
        return (
            plural(len(self.snapshots), "session") if self.snapshots or self.refused else "no sessions are saved here"
        )

    def _facts(self) -> list[str]:
        return list(self.refused)

    def _tables(self) -> list[Table]:
        return [_snapshots(self.snapshots)]


@dataclass(frozen=True, slots=True, repr=False)
class SnapshotList(VariablesReport):
    """The snapshots of one session.

    Attributes
    ----------
    snapshots : tuple of Snapshot
        Newest first.
    steps : tuple of Step
        What each of them changed.
    refused : tuple of str
        Why others cannot be read.
    """

    snapshots: tuple[Snapshot, ...]
    steps: tuple[Step, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def variables(self) -> tuple[Variable, ...]:  # type: ignore[override]
        """The variables of the newest snapshot."""
        if not self.snapshots:
            return ()
        newest = self.snapshots[0]
        return tuple(with_statements(newest.variables, newest.lineage, newest.reference, newest.components))

    def _title(self) -> str:
        if not self.snapshots:
            return "no snapshots"
        return f"{self.snapshots[0].name}: {plural(len(self.snapshots), 'snapshot')}"

    def _facts(self) -> list[str]:
        return list(self.refused)

    def _tables(self) -> list[Table]:
        newest = self.snapshots[0].reference if self.snapshots else ""
        return [
            _line(self.steps) if self.steps else _snapshots(self.snapshots),
            variables_table(self.variables, heading=f"variables of {newest}:"),
            *self.problem_tables(),
        ]


@dataclass(frozen=True, slots=True, repr=False)
class SessionDiff(Report):
    """What differs between two snapshots.

    Attributes
    ----------
    before, after : str
        The snapshots, such as ``"sales@7"``.
    changes : tuple of Change
    values_before, values_after : mapping of str to str
        Small plain values as text, by name.
    """

    before: str
    after: str
    changes: tuple[Change, ...]
    values_before: Mapping[str, str] = field(default_factory=dict)
    values_after: Mapping[str, str] = field(default_factory=dict)

    def named(self, kind: str) -> tuple[str, ...]:
        """Return the names that were ``"added"``, ``"removed"`` or ``"changed"``."""
        return tuple(change.name for change in self.changes if change.kind == kind)

    def _facts(self) -> list[str]:
        if self.before != self.after:
            return []
        name, same = typed(self.before.rpartition("@")[0]), typed(self.before)
        others = f"name two snapshots, of those that %sessions {name} lists"
        return [f"it was compared with itself: {others}; %load_session {same} --dry-run compares it with now"]

    def _title(self) -> str:
        counts = ((kind, len(self.named(kind))) for kind in ("added", "removed", "changed"))
        found = ", ".join(f"{count} {kind}" for kind, count in counts if count) or "nothing differs"
        return f"from {self.before} to {self.after}: {found}"

    def _tables(self) -> list[Table]:
        rows = tuple(
            (
                c.name,
                c.kind,
                _side(c.before, self.values_before.get(c.name, "")),
                _side(c.after, self.values_after.get(c.name, "")),
            )
            for c in self.changes
        )
        return [Table("", ("name", "what", self.before, self.after), rows)]


def _side(variable: Variable | None, value: str) -> str:
    if variable is None:
        return ""
    return value or " ".join(filter(None, (variable.type, variable.shape, human_bytes(variable.size))))


def _line(steps: Sequence[Step]) -> Table:
    """Lay out a session's snapshots, without its name, with what each came from and changed."""
    rows = tuple(
        (
            f"@{s.snapshot.sequence}",
            human_time(s.snapshot.created),
            f"cell {s.snapshot.cell}" if s.snapshot.cell is not None else "a save",
            _origin(s.snapshot),
            str(len(s.snapshot.variables)),
            human_bytes(s.snapshot.size),
            human_bytes(s.bytes_new),
            _changed(s),
            s.snapshot.message,
        )
        for s in steps
    )
    columns = ("snapshot", "saved", "after", "from", "variables", "size", "new", "changed", "message")
    return Table("", columns, rows, frozenset({4, 5, 6}))


def _origin(snapshot: Snapshot) -> str:
    return "" if snapshot.parent is None else f"@{snapshot.parent}"


def _changed(step: Step) -> str:
    if step.changes is None or step.snapshot.parent is None:
        return ""
    signs = {"added": "+", "removed": "-", "changed": ""}
    return listing([f"{signs[c.kind]}{c.name}" for c in step.changes], limit=_NAMED) or "nothing"


def _snapshots(snapshots: Sequence[Snapshot]) -> Table:
    rows = tuple(
        (s.reference, human_time(s.created), str(len(s.variables)), human_bytes(s.size), s.message) for s in snapshots
    )
    return Table("", ("snapshot", "saved", "variables", "size", "message"), rows, frozenset({2, 3}))
