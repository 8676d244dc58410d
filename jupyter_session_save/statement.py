"""What a snapshot remembers of the statements that made its variables, and the JSON of it.

Invariant: only text, names and numbers; a statement whose text was masked says in `refused` why it cannot be run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .display import typed


@dataclass(frozen=True, slots=True)
class Statement:
    """One top-level statement of a cell.

    Attributes
    ----------
    number : int
        Its place in the order in which the statements ran.
    text : str
        Python source, with IPython's syntax already translated; secrets in it are masked.
    binds : tuple of str
        Names that it bound.
    reads : mapping of str to tuple of int
        Names that it read, also through the functions it called, each with the statements that had made that value:
        the one that bound the name, then those that changed it in place.
    changes : tuple of str
        Names whose values it certainly changed in place.
    refused : str
        Why it cannot be run again, ``""`` if it can.
    """

    number: int
    text: str
    binds: tuple[str, ...] = ()
    reads: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Lineage:
    """How the variables of a snapshot were made.

    Attributes
    ----------
    statements : tuple of Statement
        In the order in which they ran.
    made_by : mapping of str to tuple of int
        For each variable the statement that bound it, then those that changed it in place, or `OMITTED`.
    """

    statements: tuple[Statement, ...] = ()
    made_by: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.statements or self.made_by)

    def of(self, name: str) -> list[Statement]:
        """Return the statements that made a variable, as far as they are kept."""
        numbers = set(self.made_by.get(name, ()))
        return [s for s in self.statements if s.number in numbers]

    def tells_as(self, other: Lineage, names: Iterable[str]) -> bool:
        """Whether another lineage says the same of how variables were made, whatever the numbers are.

        A cell that moves a generator on changes nothing else of what is stored.
        """
        return all([s.text for s in self.of(name)] == [s.text for s in other.of(name)] for name in names)


MADE_BY = "made by: "

OMITTED = 0
"""Stands for the statements that changed a value in place where they were too many to be kept."""

_OFTEN = "too many statements changed it since"


def shown(text: str) -> str:
    """Return a statement as one short line."""
    first, *rest = text.strip().splitlines() or [""]
    return f"{first[:117]}..." if rest or len(first) > 120 else first


def how_made(lineage: Lineage, name: str, session: str, *, refused: str = "", waits: bool = False) -> str:
    """Say in one line which statement made a variable and how to run it again, ``""`` if it is not known.

    Parameters
    ----------
    lineage : Lineage
    name : str
        The variable.
    session : str
        The session's name or reference, as it is to be typed.
    refused : str
        Why it would not be made again, if that is known.
    waits : bool
        Whether another load is what makes it, and running the statement again would fail as the load did.
    """
    own = lineage.of(name)
    if not own:
        return ""
    more = f" (and {len(own) - 1} more)" if len(own) > 1 else ""
    omitted = _OFTEN if OMITTED in lineage.made_by[name] else ""
    refused = next((s.refused for s in own if s.refused), omitted or refused)
    # Only that one: the rest is in use by now, and a load of it would take back what was done since.
    again = f"%load_session {typed(session)} --only {name} --rerun {name} makes {name} again"
    how = "" if waits else f"; run it yourself: {refused}" if refused else f"; {again}"
    return f"{MADE_BY}{shown(own[0].text)}{more}{how}"


def statement_row(s: Statement) -> tuple[Any, ...]:
    """Return a statement as a row of plain JSON."""
    return (s.number, s.text, s.binds, dict(s.reads), s.changes, s.refused)


def lineage_from(raw: Any) -> Lineage:
    """Read a lineage from JSON; ValueError or TypeError if it is not one."""
    statements = []
    for number, text, binds, reads, changes, refused in raw["statements"]:
        names = (text, refused, *binds, *changes)
        if not isinstance(number, int) or not all(isinstance(n, str) for n in names):
            raise ValueError("a statement is malformed")
        statements.append(Statement(number, text, tuple(binds), _numbers(reads), tuple(changes), refused))
    return Lineage(tuple(statements), _numbers(raw["made_by"]))


def _numbers(raw: dict[str, list[int]]) -> dict[str, tuple[int, ...]]:
    found = {name: tuple(numbers) for name, numbers in raw.items()}
    if not all(isinstance(n, int) for numbers in found.values() for n in numbers):
        raise ValueError("a number is malformed")
    return found
