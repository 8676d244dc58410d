"""Make again what could not be saved: choose the statements that a placeholder needs, and run just those.

Invariant: a name whose value was saved is bound to that same value afterwards, whatever the statements do.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from .chains import Chains, plan_chains, with_statements
from .display import listing
from .errors import SessionNameError, said
from .history import is_absent
from .live_parts import is_whole
from .namespace import choose
from .pickling import Placeholder
from .reports import LoadReport, Rerun
from .rewinding import is_definition, keep, take_on
from .snapshot import Problem, Snapshot, Variable
from .statement import Lineage, Statement, shown

_MISSING: Any = object()


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
            stand_ins = [v.name for v in variables if v.state == "placeholder"]
            there = f"placeholders are {listing(stand_ins, 10)}" if stand_ins else "nothing in it is a placeholder"
            raise SessionNameError(
                f"--rerun {name}: no such variable was loaded from {snapshot.reference}: {there}; nothing ran"
            )
    broken = {v.name: v for v in variables if v.state == "placeholder"}
    if namespace is None:
        whole = {n for n, v in broken.items() if any(p.path == n for p in v.problems)}
    else:
        whole = {n for n in broken if type(namespace.get(n)) is Placeholder}
        broken = {n: v for n, v in broken.items() if not _lives(v, namespace)}
    inside = set(broken) - whole
    return plan_chains(snapshot.lineage, names, whole=whole, inside=inside, kept=known - set(broken))


def with_stayed(
    report: LoadReport,
    snapshot: Snapshot,
    namespace: Mapping[str, Any],
    *,
    only: Sequence[str],
    exclude: Sequence[str],
) -> tuple[LoadReport, list[Variable]]:
    """Count the placeholders that stayed as loaded.

    Returns
    -------
    report : LoadReport
        With those that were asked for among its variables.
    there : list of Variable
        What else stayed, and so is there like what was loaded.
    """
    asked = set(choose([v.name for v in snapshot.variables], only, exclude))
    stayed = [v for v in snapshot.variables if v.name in report.stayed]
    broken = {v.name for v in stayed if v.state == "placeholder" and not _lives(v, namespace)}
    told = with_statements(snapshot.variables, snapshot.lineage, snapshot.reference, snapshot.components)
    counted = [v for v in told if v.name in broken & asked]
    names = {v.name for v in counted}
    left, absent = (tuple(n for n in those if n not in names) for those in (report.stayed, report.absent))
    report = replace(report, variables=(*report.variables, *counted), stayed=left, absent=absent)
    return report, [v for v in stayed if v.name not in broken]


def _lives(variable: Variable, namespace: Mapping[str, Any]) -> bool:
    """Whether what could not be stored of a value is there all the same, in the kernel that made it."""
    if is_absent(variable):
        return type(namespace.get(variable.name)) is not Placeholder
    return is_whole(variable, namespace)


def foretold(snapshot: Snapshot, names: Sequence[str] | None) -> list[str]:
    """Say what a load would run again, one line each."""
    if names is None:
        return []
    chains = chains_of(snapshot, snapshot.variables, names, None)
    lines = []
    for step in chains.steps:
        past = {
            s.number: (s, n) for (number, n), makers in chains.earlier.items() if number == step.number for s in makers
        }
        lines += [f"may run first, for {n} as it was: {shown(s.text)}" for s, n in past.values()]
        lines.append(f"would run again: {shown(step.text)}")
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


def without(snapshot: Snapshot, names: Collection[str]) -> Snapshot:
    """Return a snapshot less the components of some names, as if it held no values of them."""
    return replace(snapshot, components=tuple(c for c in snapshot.components if not set(names).intersection(c.names)))


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


def make_again(
    report: LoadReport,
    chains: Chains,
    namespace: dict[str, Any],
    lineage: Lineage,
    *,
    flags: int,
    settle: Callable[[], Sequence[str]],
) -> LoadReport:
    """Run the statements of chains after a load; parameters as for `run_again`.

    Parameters
    ----------
    report : LoadReport
        Of the load.
    settle : callable
        Puts right what the statements have changed, whether they succeed or not; returns the names.

    Raises
    ------
    KeyboardInterrupt
        Nothing was made again then.
    """
    before = dict(namespace)
    try:
        try:
            rerun = run_again(chains, namespace, lineage, source=report.reference, flags=flags)
        finally:
            changed = settle()
        return with_rerun(report, rerun, changed)
    except BaseException:
        # Not all names: what was put right may be bound to other objects now.
        for name in chains.needed:
            namespace.pop(name, None)
        namespace.update({name: before[name] for name in chains.needed if name in before})
        raise


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
    definitions = [before[n] for n in {n for s in chains.steps for n in s.reads} if is_definition(before.get(n))]
    unchanged = [back for back in map(keep, definitions) if back is not None]
    try:
        for step in chains.steps:
            users = [name for name, needed in chains.needed.items() if step.number in needed]
            if all(failed.keys() & chains.needed[name] for name in users):
                outcomes.append((shown(step.text), "not run: a statement before it failed"))
                failed[step.number] = ""
                continue
            filename = f"<{source} statement {step.number}>"
            past = {n: makers for (number, n), makers in chains.earlier.items() if number == step.number}
            with ExitStack() as put_back:
                outcomes += _as_they_were(past, namespace, before, filename, flags, put_back)
                error = runner.run(step, filename, flags)
            if error is not None:
                failed[step.number] = error
            outcomes.append((shown(step.text), f"failed: {error}" if error else "ran"))
        for name, needed in chains.needed.items():
            if not failed.keys() & needed:
                made[name] = runner.value(name, lineage.made_by[name][0])
    finally:
        for back in unchanged:
            back()
        _put_back(namespace, before)
    refused = dict(chains.refused)
    for name in chains.needed:
        if made.get(name, _MISSING) is _MISSING or type(made[name]) is Placeholder:
            made.pop(name, None)
            refused[name] = "a statement that it needs failed"
    namespace.update(made)
    return Rerun(tuple(outcomes), tuple(sorted(made)), tuple(sorted(refused.items())))


def _as_they_were(
    past: Mapping[str, Sequence[Statement]],
    namespace: dict[str, Any],
    before: dict[str, Any],
    filename: str,
    flags: int,
    put_back: ExitStack,
) -> list[tuple[str, str]]:
    """Give loaded values the contents that they once had, until a stack is left; return statements and outcomes."""
    remarks = []
    for name, makers in past.items():
        back = keep(before[name])
        runner = _Runner(namespace, before, ())
        failed = None
        # Where the contents could not be put in place, nothing is made: it may be a file that would be opened again.
        for maker in makers if back is not None else ():
            failed = failed or runner.run(maker, filename, flags)
            remarks.append((shown(maker.text), f"failed: {failed}" if failed else f"ran, for {name} as it was then"))
        earlier = runner.value(name, makers[0].number) if makers and not failed else _MISSING
        if back is not None and earlier is not _MISSING and take_on(before[name], earlier):
            put_back.callback(back)
        else:
            remarks.append((name, "used as it is now, though it has been changed since"))
    return remarks


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
