"""What a save and a load tell the user: frozen records that show themselves as text and HTML.

Invariant: a report holds names, types, sizes and reasons, never a value of the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .display import Table, as_html, as_text, human_bytes, human_seconds, listing, plural
from .snapshot import Problem, Variable

if TYPE_CHECKING:
    from .history import Undone

PlanStatus = Literal["new", "same", "conflicting", "unavailable"]
"""What a load would do to a name: add it, leave it equal, overwrite something different, or be unable to."""

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)`` is called often while a save or load goes on; it may raise to interrupt."""


class Report:
    """Shows itself as text and as HTML, from one layout."""

    __slots__ = ()

    def _title(self) -> str:
        raise NotImplementedError

    def _facts(self) -> list[str]:
        return []

    def _tables(self) -> list[Table]:
        return []

    def __repr__(self) -> str:
        return as_text(self._title(), self._facts(), self._tables())

    def whole(self) -> str:
        """Return the text with every row, however many there are."""
        return as_text(self._title(), self._facts(), self._tables(), whole=True)

    def _repr_html_(self) -> str:
        return as_html(self._title(), self._facts(), self._tables())


class VariablesReport(Report):
    """A report about variables, each in exactly one state."""

    __slots__ = ()
    variables: tuple[Variable, ...]

    @property
    def placeholders(self) -> tuple[Variable, ...]:
        """Variables that hold a placeholder instead of their value, or somewhere inside it."""
        return tuple(v for v in self.variables if v.state == "placeholder")

    @property
    def reconnected(self) -> tuple[Variable, ...]:
        """Variables that are rebuilt from a recipe, such as file handles and database connections."""
        return tuple(v for v in self.variables if v.state == "reconnected")

    @property
    def noted(self) -> tuple[Variable, ...]:
        """Saved variables of which something could not come along."""
        return tuple(v for v in self.variables if v.state == "saved" and v.problems)

    def problem_tables(self) -> list[Table]:
        """Lay out placeholders, reconnected objects and remarks."""
        return [
            _problems("placeholders (the rest of each value is kept):", _of(self.placeholders)),
            _problems("reconnected:", _of(self.reconnected)),
            _problems("saved, with remarks:", _of(self.noted)),
        ]

    def _states(self, done: str) -> str:
        counts = ((done, "saved"), ("reconnected", "reconnected"), ("placeholder", "placeholder"))
        found = [(word, sum(v.state == state for v in self.variables)) for word, state in counts]
        return ", ".join(
            plural(n, word) if word == "placeholder" else f"{n} {word}" for word, n in found if n or word == done
        )


@dataclass(frozen=True, slots=True, repr=False)
class SaveReport(VariablesReport):
    """What a save did.

    Attributes
    ----------
    reference : str
        The new snapshot, such as ``"sales@7"``.
    variables : tuple of Variable
    reused : tuple of str
        Names of which no new byte had to be written.
    bytes_new, bytes_total : int
        Bytes that this save added to the store, and plain bytes of the whole snapshot.
    seconds : float
    notes : tuple of str
        One line each.
    verification : tuple of Problem or None
        What did not come back when the snapshot was loaded in a process of its own; None if not asked.
    state : tuple of str
        Parts of the interpreter's state that were saved, such as ``"random"``.
    again : tuple of str
        Paths of placeholders for which was saved what they stand for.
    """

    reference: str
    variables: tuple[Variable, ...]
    reused: tuple[str, ...]
    bytes_new: int
    bytes_total: int
    seconds: float
    notes: tuple[str, ...] = ()
    verification: tuple[Problem, ...] | None = None
    state: tuple[str, ...] = ()
    again: tuple[str, ...] = ()

    def _title(self) -> str:
        size = human_bytes(self.bytes_total)
        took = human_seconds(self.seconds)
        return f"saved {self.reference}: {plural(len(self.variables), 'variable')}, {size} in {took}"

    def _facts(self) -> list[str]:
        facts = [f"{self._states('saved')}; {human_bytes(self.bytes_new)} written, {len(self.reused)} reused"]
        facts += _state(self.state)
        if self.verification is not None and not self.verification:
            said = "; placeholders are not values" if self.placeholders or self.again else ""
            facts.append(f"verified: every saved value came back in a process of its own{said}")
        return [*facts, *(f"note: {note}" for note in self.notes)]

    def _tables(self) -> list[Table]:
        return [
            _problems("VERIFICATION FAILED, these values do not come back:", self.verification or ()),
            *self.problem_tables(),
            variables_table(self.variables, folded=True),
        ]


@dataclass(frozen=True, slots=True)
class Rerun:
    """What running statements again did.

    Attributes
    ----------
    statements : tuple of (statement, outcome)
        Those that were chosen, in order: each as one line, and what came of it.
    made : tuple of str
        Variables that have their values again.
    refused : tuple of (name, why)
        Those that are still placeholders.
    """

    statements: tuple[tuple[str, str], ...] = ()
    made: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    def tables(self) -> list[Table]:
        """Lay it out."""
        return [
            Table("run again:", ("statement", "outcome"), self.statements),
            Table("not made again:", ("name", "why"), self.refused),
        ]


@dataclass(frozen=True, slots=True, repr=False)
class LoadReport(VariablesReport):
    """What a load did.

    Attributes
    ----------
    reference : str
    variables : tuple of Variable
        Those that were put into the namespace, with the state that each ended in.
    overwritten : tuple of str
        Names whose old value differed.
    kept : tuple of str
        Names left alone because something stood there already.
    removed : tuple of str
        Names taken out by ``--replace``.
    seconds : float
    notes : tuple of str
    state : tuple of str
        Parts of the interpreter's state that were restored.
    lost : tuple of str
        Names of stored values of which the next save would have placeholders only.
    stayed : tuple of str
        Names that were left alone because the namespace held the very values already.
    absent : tuple of str
        Those of them that are placeholders.
    not_stored : tuple of str
        Those of them that had another value, which was not stored.
    rerun : Rerun or None
        What ``--rerun`` did; None if it was not asked for.
    undone : Undone or None
        What ``%undo_session`` has taken back; None for any other load.
    """

    reference: str
    variables: tuple[Variable, ...]
    overwritten: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    stayed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    not_stored: tuple[str, ...] = ()
    rerun: Rerun | None = None
    undone: Undone | None = None

    def _title(self) -> str:
        took = human_seconds(self.seconds)
        if self.undone is not None:
            return f"took back {self.undone}: the variables are those of {self.reference} again, in {took}"
        return f"loaded {self.reference}: {plural(len(self.variables), 'variable')} in {took}"

    def _facts(self) -> list[str]:
        facts = [] if self.undone and not self.variables else [self._states("restored")]
        facts += _state(self.state)
        if self.undone and self.undone.back:
            facts.append(f"brought back: {listing(self.undone.back)}")
        if self.overwritten:
            facts.append(f"overwrote what differed: {listing(self.overwritten)}")
        if self.kept:
            facts.append(f"kept what was there: {listing(self.kept)}")
        if self.not_stored:
            names = listing(self.not_stored)
            facts.append(f"could not be brought back, since no value was stored, and stay as they are: {names}")
        stayed = len(self.stayed) - len(self.not_stored)
        if stayed:
            number = plural(len(self.absent), "placeholder")
            among = f", {number} among them: {listing(self.absent)}" if self.absent else ""
            facts.append(f"{plural(stayed, 'variable')} stayed, since nothing in them differs{among}")
        if self.removed:
            facts.append(f"removed: {listing(self.removed)}")
        if self.rerun is not None:
            facts.append(f"made again: {listing(self.rerun.made) or 'nothing'}")
        return [*facts, *(f"note: {note}" for note in self.notes)]

    def _tables(self) -> list[Table]:
        rerun = self.rerun.tables() if self.rerun is not None else []
        return [*rerun, *self.problem_tables(), variables_table(self.variables, folded=True)]


@dataclass(frozen=True, slots=True, repr=False)
class LoadPlan(Report):
    """What a load would do, found without unpickling anything.

    Attributes
    ----------
    reference : str
    rows : tuple of (Variable, status, why)
        `status` is one of ``"new"``, ``"same"``, ``"conflicting"``, ``"unavailable"``.
    bound : tuple of str
        What each row would be bound as, such as ``"old_x"`` or ``"old.x"``; empty if all keep their names.
    kept : tuple of str
        Names that would be left alone because something stands there already.
    removed : tuple of str
        Names that ``--replace`` would take out.
    notes : tuple of str
        One line each.
    state : tuple of str
        Parts of the interpreter's state that would be restored.
    """

    reference: str
    rows: tuple[tuple[Variable, PlanStatus, str], ...]
    bound: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    state: tuple[str, ...] = ()

    @property
    def placeholders(self) -> tuple[Variable, ...]:
        """Variables that were placeholders when they were saved."""
        return tuple(v for v, _, _ in self.rows if v.state == "placeholder")

    @property
    def reconnected(self) -> tuple[Variable, ...]:
        """Variables that would be rebuilt from a recipe."""
        return tuple(v for v, _, _ in self.rows if v.state == "reconnected")

    def _title(self) -> str:
        counts: dict[str, int] = {}
        for _, status, _ in self.rows:
            counts[status] = counts.get(status, 0) + 1
        found = ", ".join(f"{n} {status}" for status, n in counts.items()) or "nothing to load"
        return f"plan for {self.reference}: {found}"

    def _facts(self) -> list[str]:
        facts = ["nothing was unpickled and nothing was changed"]
        if self.kept:
            facts.append(f"would keep what is there: {listing(self.kept)}")
        if self.removed:
            facts.append(f"would remove: {listing(self.removed)}")
        facts += [f"would restore {line}" for line in _state(self.state)]
        return [*facts, *(f"note: {note}" for note in self.notes)]

    def _tables(self) -> list[Table]:
        # What needs a decision comes first, so that a long table does not hide it.
        order = {"unavailable": 0, "conflicting": 1, "new": 2, "same": 3}
        bound = self.bound or [v.name for v, _, _ in self.rows]
        rows = sorted(zip(bound, self.rows, strict=True), key=lambda pair: order[pair[1][1]])
        cells = tuple((name, v.type, v.shape, human_bytes(v.size), status, why) for name, (v, status, why) in rows)
        return [Table("", ("name", "type", "shape", "size", "status", "why"), cells, frozenset({3}))]


def _state(names: Sequence[str]) -> list[str]:
    return [f"state: {', '.join(names)}"] if names else []


def _of(variables: Iterable[Variable]) -> list[Problem]:
    """Problems of variables; one without a stated problem is named by itself."""
    return [p for v in variables for p in (v.problems or (Problem(v.name, v.type, ""),))]


def _problems(heading: str, problems: Sequence[Problem]) -> Table:
    rows = tuple(
        (p.path, p.type, f"{p.reason}; {p.advice}" if p.reason and p.advice else p.reason or p.advice) for p in problems
    )
    return Table(heading, ("where", "type", "why, and what to do"), rows)


def variables_table(variables: Sequence[Variable], *, heading: str = "variables", folded: bool = False) -> Table:
    """Lay out variables with their types, shapes, sizes and states."""
    rows = tuple((v.name, v.type, v.shape, human_bytes(v.size), v.state) for v in variables)
    return Table(heading, ("name", "type", "shape", "size", "state"), rows, frozenset({3}), folded)
