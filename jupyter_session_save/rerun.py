"""Make again what could not be saved: choose the statements that a placeholder needs, and run just those.

Invariant: a name whose value was saved is bound to that same value afterwards, whatever the statements do.
"""

from __future__ import annotations

import linecache
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import SessionNameError, said
from .pickling import Placeholder
from .reports import LoadReport, Rerun
from .snapshot import Problem, Snapshot, Variable
from .statement import Lineage, Statement, shown

_SHELL = frozenset({"get_ipython", "open", "display", "exit", "quit", "__name__", "__builtins__"})
_MISSING: Any = object()


class _Refusal(Exception):  # noqa: N818
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
    """

    steps: list[Statement] = field(default_factory=list)
    needed: dict[str, set[int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)


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
                raise _Refusal("its value was loaded, and a re-run never overwrites one")
            found[name] = planner.chain(name)
        except _Refusal as refusal:
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
    return chains


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
            raise _Refusal("no statement that made it was recorded")
        numbers: set[int] = set()
        remade = {name}
        todo = list(self._lineage.made_by[name])
        while todo:
            number = todo.pop()
            if number in numbers:
                continue
            if number not in self._statements:
                raise _Refusal("a statement that it needs was not kept")
            statement = self._statements[number]
            if statement.refused:
                raise _Refusal(f"{statement.refused}: {shown(statement.text)}")
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
        raise _Refusal(f"it needs {read}, which {why}: {shown(statement.text)}")

    def _check_changes(self, statement: Statement, remade: set[str]) -> None:
        for name in statement.changes:
            now = self._lineage.made_by.get(name, ())
            same = statement.reads.get(name, ())[:1] == now[:1]
            if name in self._kept and name not in remade and same:
                raise _Refusal(f"it would change {name}, which was loaded: {shown(statement.text)}")


def chains_of(
    snapshot: Snapshot, variables: Sequence[Variable], names: Sequence[str], namespace: Mapping[str, Any] | None
) -> Chains:
    """Choose what to run after a load, or if there is no namespace yet, what would be run.

    Parameters
    ----------
    snapshot : Snapshot
    variables : sequence of Variable
        Those that were loaded, or would be.
    names : sequence of str
        The variables that the user named.
    namespace : mapping of str to object, optional

    Raises
    ------
    SessionNameError
        If a name is not among the variables.
    """
    known = {v.name for v in variables}
    for name in names:
        if name not in known:
            raise SessionNameError(
                f"--rerun {name}: no such variable was loaded from {snapshot.reference}; nothing ran"
            )
    broken = {v.name: v for v in variables if v.state == "placeholder"}
    if namespace is None:
        whole = {n for n, v in broken.items() if any(p.path == n for p in v.problems)}
    else:
        whole = {n for n in broken if type(namespace.get(n)) is Placeholder}
    inside = set(broken) - whole
    return plan_chains(snapshot.lineage, names, whole=whole, inside=inside, kept=known - set(broken))


def foretold(snapshot: Snapshot, names: Sequence[str] | None) -> list[str]:
    """Say what a load would run again, one line each."""
    if names is None:
        return []
    chains = chains_of(snapshot, snapshot.variables, names, None)
    lines = [f"would run again: {shown(step.text)}" for step in chains.steps]
    return lines + [f"could not make {name} again: {why}" for name, why in chains.refused.items()]


def watched_by(chains: Chains, snapshot: Snapshot) -> set[str]:
    """Return the loaded values that the statements read, and so may change in a way which their text does not tell.

    Definitions are not among them: to load a class again would make another one.
    """
    read = {name for step in chains.steps for name in step.reads}
    return {
        name
        for component in snapshot.components
        if not component.defines and read.intersection(component.names) and chains.kept.issuperset(component.names)
        for name in component.names
    }


def with_rerun(report: LoadReport, rerun: Rerun, changed: Sequence[str] = ()) -> LoadReport:
    """Return a load's report with what was made again: these variables are no placeholders any more."""
    if changed:
        line = f"loaded once more, since a statement that ran again had changed them: {', '.join(changed)}"
        report = replace(report, notes=(*report.notes, line))
    made = set(rerun.made)
    variables = [
        replace(v, state="reconnected", problems=(Problem(v.name, v.type, "made again by its statements"),))
        if v.name in made
        else v
        for v in report.variables
    ]
    return replace(report, variables=tuple(variables), rerun=rerun)


def run_again(chains: Chains, namespace: dict[str, Any], lineage: Lineage, *, source: str, flags: int) -> Rerun:
    """Run the statements of chains in a live namespace.

    Parameters
    ----------
    chains : Chains
    namespace : dict
    lineage : Lineage
    source : str
        The snapshot's reference; names the code in tracebacks.
    flags : int
        Compiler flags of the session's cells.

    Returns
    -------
    Rerun

    Raises
    ------
    KeyboardInterrupt
        All names are then bound as before.
    """
    before = dict(namespace)
    loaded = {(name, lineage.made_by.get(name, (0,))[0]) for name in chains.kept}
    runner = _Runner(namespace, before, loaded)
    failed: dict[int, str] = {}
    outcomes: list[tuple[str, str]] = []
    made: dict[str, Any] = {}
    try:
        for step in chains.steps:
            users = [name for name, needed in chains.needed.items() if step.number in needed]
            if all(failed.keys() & chains.needed[name] for name in users):
                outcomes.append((shown(step.text), "not run: a statement before it failed"))
                failed[step.number] = ""
                continue
            error = runner.run(step, f"<{source} statement {step.number}>", flags)
            if error is not None:
                failed[step.number] = error
            outcomes.append((shown(step.text), f"failed: {error}" if error else "ran"))
        for name, needed in chains.needed.items():
            if not failed.keys() & needed:
                made[name] = runner.value(name, lineage.made_by[name][0])
    finally:
        _put_back(namespace, before)
    refused = dict(chains.refused)
    for name in chains.needed:
        if made.get(name, _MISSING) is _MISSING or type(made[name]) is Placeholder:
            made.pop(name, None)
            refused[name] = "a statement that it needs failed"
    namespace.update(made)
    return Rerun(tuple(outcomes), tuple(sorted(made)), tuple(sorted(refused.items())))


class _Runner:
    """Runs statements, each with the values that its names had when it ran first."""

    def __init__(self, namespace: dict[str, Any], before: dict[str, Any], loaded: Collection[tuple[str, int]]) -> None:
        self._namespace, self._before, self._loaded = namespace, before, loaded
        self._values: dict[tuple[str, int], Any] = {}

    def run(self, statement: Statement, filename: str, flags: int) -> str | None:
        """Run one statement and return what went wrong, None if nothing did."""
        for name, made in statement.reads.items():
            value = self._values.get((name, made[0] if made else 0), self._before.get(name, _MISSING))
            if value is _MISSING:
                self._namespace.pop(name, None)
            else:
                self._namespace[name] = value
        text = f"{statement.text}\n"
        # Functions that it defines have their source, as those of a cell.
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        try:
            exec(compile(text, filename, "exec", flags=flags, dont_inherit=True), self._namespace)  # noqa: S102
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return said(error)
        for name in statement.binds:
            earlier = statement.reads.get(name, ()) if name in statement.changes else ()
            binder = (*earlier, statement.number)[0]
            if (name, binder) not in self._loaded:
                self._values[name, binder] = self._namespace.get(name, _MISSING)
        return None

    def value(self, name: str, binder: int) -> Any:
        """Return the value of a name as its statements left it."""
        return self._values.get((name, binder), _MISSING)


def _put_back(namespace: dict[str, Any], before: dict[str, Any]) -> None:
    for name in [n for n in namespace if n not in before]:
        del namespace[name]
    namespace.update(before)
