"""Which statements have to run so that what could not be saved is there again.

Invariant: nothing runs here, and no statement is chosen that its record refuses or that would change what was loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from .history import is_absent
from .snapshot import Component, Variable, brought_along
from .statement import MADE_BY, Lineage, Statement, how_made, shown

_SHELL = frozenset({"get_ipython", "open", "display", "exit", "quit", "__name__", "__builtins__"})


class _RefusedError(Exception):
    """Why a variable cannot be made again."""


@dataclass(slots=True)
class Chains:
    """What to run for which variable.

    Attributes
    ----------
    steps : list of Statement
        In the order in which they ran.
    needed : dict of str to set of int
        For each variable that will be made again, the statements that it needs.
    refused : dict of str to str
        For each that cannot be, why.
    kept : set of str
        Variables whose values were loaded.
    earlier : dict of (int, str) to list of Statement
        For a statement and a loaded value that it reads, and that was changed in place afterwards: what makes the
        value as it was; none if that is not known.
    """

    steps: list[Statement] = field(default_factory=list)
    needed: dict[str, set[int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    earlier: dict[tuple[int, str], list[Statement]] = field(default_factory=dict)


def plan_chains(
    lineage: Lineage, names: Sequence[str], *, whole: Collection[str], inside: Collection[str], kept: Collection[str]
) -> Chains:
    """Choose what to run.

    Parameters
    ----------
    lineage : Lineage
    names : sequence of str
        The variables that the user named; none means all that are placeholders.
    whole : collection of str
        Variables that are placeholders.
    inside : collection of str
        Variables that hold one.
    kept : collection of str
        Variables whose values were loaded.
    """
    planner = _Planner(lineage, whole, inside, kept)
    chains = Chains()
    wanted = list(names or sorted(whole))
    found: dict[str, tuple[set[int], set[str]]] = {}
    for name in [*wanted, *sorted(set(whole).difference(wanted))]:
        try:
            if name in kept and name not in inside:
                raise _RefusedError("its value is there, and a re-run never overwrites one")
            found[name] = planner.chain(name)
        except _RefusedError as refusal:
            if name in wanted:
                chains.refused[name] = str(refusal)
    if not names:
        for name in sorted(inside):
            chains.refused[name] = (
                f"only a part of it is a placeholder: name it (--rerun {name}) to make all of it anew"
            )
    chosen = {name for name in wanted if name in found}
    for name, (_, remade) in found.items():
        # What depends on it, and what it depends on, must be made of the same objects.
        if name not in chosen and remade.intersection(wanted) & set(found):
            chosen.add(name)
    for name in sorted(chosen):
        for one in found[name][1]:
            if one not in chains.needed:
                chains.needed[one] = found[name][0] if one not in found else found[one][0]
    for name in list(chains.needed):
        chains.refused.pop(name, None)
    chains.kept = {*kept, *inside}.difference(chains.needed)
    numbers = set().union(*chains.needed.values())
    chains.steps = [s for s in lineage.statements if s.number in numbers]
    for step in chains.steps:
        for name, made in step.reads.items():
            if name in chains.kept and planner.has_changed_since(name, made):
                chains.earlier[step.number, name] = planner.earlier(name, made)
    return chains


def refusals(lineage: Lineage, variables: Sequence[Variable], components: Iterable[Component]) -> dict[str, str]:
    """Say of each placeholder that would not be made again, if it were loaded with what it needs, why not."""
    broken = {v.name: v for v in variables if v.state == "placeholder"}
    if not broken:
        return {}
    whole = {name for name, v in broken.items() if is_absent(v)}
    known = {v.name for v in variables}
    where = {name: component for component in components for name in component.names}
    found = {}
    for name in broken:
        there = {name, *brought_along(name, where)} & known
        planner = _Planner(lineage, there & whole, there.intersection(broken) - whole, there.difference(broken))
        try:
            planner.chain(name)
        except _RefusedError as refusal:
            found[name] = str(refusal)
    return found


def with_statements(
    variables: Sequence[Variable], lineage: Lineage, session: str, components: Iterable[Component]
) -> list[Variable]:
    """Add to the advice on placeholders which statement made them, and whether it would run again after a load."""
    refused = refusals(lineage, variables, components)
    return [with_statement(v, how_made(lineage, v.name, session, refused=refused.get(v.name, ""))) for v in variables]


def with_statement(variable: Variable, how: str) -> Variable:
    """Add to the advice on a placeholder how it was made, in place of what was said of that before."""
    if not how or variable.state != "placeholder":
        return variable
    kept = [p.advice.partition(MADE_BY)[0].removesuffix("; ") for p in variable.problems]
    advice = ["; ".join(filter(None, (said, how))) for said in kept]
    problems = [replace(p, advice=said) for p, said in zip(variable.problems, advice, strict=True)]
    return replace(variable, problems=tuple(problems))


class _Planner:
    """Follows statements to what they need."""

    def __init__(
        self, lineage: Lineage, whole: Collection[str], inside: Collection[str], kept: Collection[str]
    ) -> None:
        self._lineage, self._whole = lineage, set(whole)
        self._kept = set(kept) | set(inside)
        self._statements = {s.number: s for s in lineage.statements}

    def chain(self, name: str) -> tuple[set[int], set[str]]:
        """Return the statements that make a variable, and the placeholders that they make with it."""
        if name not in self._lineage.made_by:
            raise _RefusedError("no statement that made it was recorded")
        numbers: set[int] = set()
        remade = {name}
        todo = list(self._lineage.made_by[name])
        while todo:
            number = todo.pop()
            if number in numbers:
                continue
            if number not in self._statements:
                raise _RefusedError("a statement that it needs was not kept")
            statement = self._statements[number]
            if statement.refused:
                raise _RefusedError(f"{statement.refused}: {shown(statement.text)}")
            numbers.add(number)
            for other in self._whole.intersection(statement.binds) - remade:
                # What one call made belongs together, such as the two ends of a pair of sockets.
                if self._lineage.made_by.get(other, ())[:1] == (number,):
                    remade.add(other)
                    todo += self._lineage.made_by[other]
            for read, made in statement.reads.items():
                todo += self._before(statement, read, made, remade)
        for number in sorted(numbers):
            self._check_changes(self._statements[number], remade)
        return numbers, remade

    def has_changed_since(self, name: str, made: tuple[int, ...]) -> bool:
        """Whether statements have changed a value in place after those that had made it."""
        now = self._lineage.made_by.get(name, ())
        return bool(made) and now[:1] == made[:1] and now != made

    def earlier(self, name: str, made: tuple[int, ...]) -> list[Statement]:
        """Return the statements that make another value as a loaded one was, none if they are not known or not safe."""
        numbers: set[int] = set()
        todo = list(made)
        while todo:
            number = todo.pop()
            if number in numbers:
                continue
            statement = self._statements.get(number)
            if statement is None or statement.refused or self._kept.intersection(statement.changes) - {name}:
                return []
            numbers.add(number)
            for read, by in statement.reads.items():
                now = self._lineage.made_by.get(read, ())
                if read == name or read not in self._kept or now[:1] != by[:1]:
                    todo += by
                    if not by and read not in _SHELL and read not in self._kept:
                        return []
                elif now != by:
                    return []
        return [self._statements[number] for number in sorted(numbers)]

    def _before(self, statement: Statement, read: str, made: tuple[int, ...], remade: set[str]) -> Iterable[int]:
        """Return the statements that must run for a name that a statement reads."""
        if read in remade or (read in statement.binds and not made):
            return made
        now = self._lineage.made_by.get(read, ())
        if read in self._whole and now[:1] == made[:1] and now:
            remade.add(read)
            return now
        if read in self._kept and now[:1] == made[:1]:
            return ()
        if made:
            return made
        if read in _SHELL:
            return ()
        why = "has another value by now" if read in self._kept else "is not here"
        raise _RefusedError(f"it needs {read}, which {why}: {shown(statement.text)}")

    def _check_changes(self, statement: Statement, remade: set[str]) -> None:
        for name in statement.changes:
            now = self._lineage.made_by.get(name, ())
            same = statement.reads.get(name, ())[:1] == now[:1]
            if name in self._kept and name not in remade and same:
                raise _RefusedError(f"it would change {name}, whose value was saved: {shown(statement.text)}")
