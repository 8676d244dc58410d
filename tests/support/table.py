"""The cases as a page: what `docs/supported.md` says of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

from . import Case, Outcome, cases

PAGE = Path(__file__).resolve().parents[2] / "docs" / "supported.md"

_HEAD = """# What comes back

Every object below is made in a kernel, saved with all others of its group, and the kernel killed. A fresh kernel loads
them, and there each must print what it prints in a kernel that never died: its value, what it does when it is used, and
the same again after a change. The outcome was declared beforehand.

*equal*: nothing can tell the difference. *reconnected*: made again from what it stands for, such as a file or a
database, in the state that it was in. *placeholder*: it cannot be kept; the rest of the value is.

This page is written by `python -m tests.support`; `tests/test_support.py` runs the list.
"""


def page() -> str:
    """Return the whole page."""
    all_cases = list(cases())
    counts = Counter(case.outcome for case in all_cases)
    lines = [_HEAD, "| outcome | objects | |", "|---|---:|---:|"]
    lines += [f"| {o} | {counts[o]} | {counts[o] / len(all_cases):.1%} |" for o in get_args(Outcome)]
    lines.append(f"| all | {len(all_cases)} | |")
    for group in dict.fromkeys(case.group for case in all_cases):
        rows = [case for case in all_cases if case.group == group]
        lines += ["", f"## {group}", "", "| object | outcome | remarks |", "|---|---|---|", *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(case: Case) -> str:
    remarks = [case.why, f"Python {case.python} or later" if case.python else "", _needs(case)]
    return f"| {case.name} | {case.outcome} | {'; '.join(filter(None, remarks))} |".replace("  ", " ")


def _needs(case: Case) -> str:
    return f"needs {', '.join(case.needs)}" if case.needs else ""
