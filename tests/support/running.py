"""Run the cases of a group together: made in kernel A, saved, killed, loaded in kernel B, and compared with a kernel R.

Kernel R made the same objects and never died. One save for all cases, so that a group costs three kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..kernels import PATIENCE, Kernel, KernelError, Result
from ..machine import Facts, Machine, read_report
from ..machine import save as save_case
from . import Case

_WORST = ("saved", "reconnected", "placeholder")
_STATES = {"saved": "equal", "reconnected": "reconnected", "placeholder": "placeholder"}


def run(cases: Sequence[Case], root: Path) -> dict[str, str]:
    """Run cases and return what is wrong with each that fails, by its name.

    Parameters
    ----------
    cases : sequence of Case
        Those that can run here.
    root : Path
        A directory for the kernels.
    """
    temporary = root / "tmp"
    temporary.mkdir()
    machine = Machine(root / "machine", {"TMPDIR": str(temporary), "MPLBACKEND": "agg"})
    try:
        return _run(cases, machine)
    finally:
        machine.close()


def _run(cases: Sequence[Case], machine: Machine) -> dict[str, str]:
    suffixes = {case.name: f"{number:03}" for number, case in enumerate(cases)}
    assert len(suffixes) == len(cases), "two cases of one name"
    failures: dict[str, str] = {}
    elsewhere = machine.root / "reference"
    elsewhere.mkdir()
    first, reference = machine.begin(), machine.kernel(cwd=elsewhere)
    for case in cases:
        cell = case.source(case.make, suffixes[case.name])
        for kernel, request in [(kernel, kernel.submit(cell)) for kernel in (first, reference)]:
            made = kernel.finish(request)
            if made.error is not None:
                failures[case.name] = f"cannot be made: {made.complaint}"
    saved = save_case(first)
    first.sigkill()
    resumed = machine.load()
    loaded = read_report(resumed, "loaded")
    for case in cases:
        if case.name not in failures:
            wrong = _compare(case, suffixes[case.name], reference, resumed, saved, loaded)
            if wrong:
                failures[case.name] = wrong
    return failures


def _compare(case: Case, suffix: str, reference: Kernel, resumed: Kernel, saved: Facts, loaded: Facts) -> str:
    wrong = [_state(case, suffix, saved, "save"), _state(case, suffix, loaded, "load")]
    parts = (case.check, case.mutate, case.mutate and case.check)
    cell = "\n".join(case.source(part, suffix) for part in parts if part)
    try:
        requests = [(kernel, kernel.submit(cell)) for kernel in (reference, resumed)]
        expected, found = (kernel.finish(request, timeout=PATIENCE / 2) for kernel, request in requests)
    except KernelError as error:
        return "\n".join(filter(None, [*wrong, f"the kernel did not answer: {error}"]))
    if expected.error is not None:
        wrong.append(f"fails in a kernel that never died: {expected.complaint}")
    elif not expected.text:
        wrong.append("prints nothing")
    elif case.outcome == "placeholder":
        wrong.append(_missing(expected, found))
    elif found.error is not None:
        wrong.append(f"printed {found.text!r} instead of {expected.text!r}, and then {found.complaint}")
    elif found.text != expected.text:
        wrong.append(f"expected {expected.text}   found {found.text}")
    return "\n".join(filter(None, wrong))


def _state(case: Case, suffix: str, facts: Facts, when: str) -> str:
    """Compare the worst state of the case's variables with the declared one."""
    states = {name: state for name, state in facts.states.items() if name.endswith(f"_{suffix}")}
    if not states:
        return f"no variable in the report of the {when}"
    worst = _STATES[max(states.values(), key=_WORST.index)]
    about = [p for p in facts.placeholders if p.root in states]
    if case.outcome == "placeholder" and any(not (p.reason and p.advice) for p in about):
        return f"a placeholder without a reason or advice at the {when}: {about}"
    # Some values only fail to be made again; then the save cannot know.
    if worst == case.outcome or (when == "save" and worst == "equal" and case.outcome == "placeholder"):
        return ""
    return f"{worst} at the {when}, declared {case.outcome}: {states} {about}"


def _missing(expected: Result, found: Result) -> str:
    """What still prints is the same; where the culprit is used, the error says that it is a placeholder."""
    if found.error is None:
        return "" if found.text == expected.text else f"a wrong value: expected {expected.text}   found {found.text}"
    if "placeholder" not in found.complaint.lower():
        return f"used as if nothing were missing: {found.complaint}"
    return "" if expected.text.startswith(found.text) else f"a wrong value: {found.text!r}, not {expected.text!r}"
