"""The cases as a page: what `docs/supported.md` says of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import get_args

from . import TRIED, Case, Outcome, cases

PAGE = Path(__file__).resolve().parents[2] / "docs" / "supported.md"
_PUBLISHED = Path(__file__).with_name("published.json")

_OF_KISHU = """
## the classes of Kishu's evaluation

The authors of Kishu tried these classes, some of them modules, and published the list. All that install on Python 3.11
are in one of the cases above.

| library | class | case |
|---|---|---|"""

_HEAD = """# What comes back

Every object below is made in a kernel, saved with all others of its group, and the kernel killed. A fresh kernel loads
them, and there each must print what it prints in a kernel that never died: its value, what it does when it is used, and
the same again after a change. The outcome was declared beforehand.

*equal*: nothing can tell the difference. *reconnected*: made again from what it stands for, such as a file or a
database, in the state that it was in. *placeholder*: it cannot be kept; the rest of the value is.

Libraries that are too large for every run of the tests, or need much to install, were tried by hand in the version that
stands beside their name: there the case is skipped where they are not installed. At the end stands where the classes of
a published list are.

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
    lines += [_OF_KISHU, *(f"| {r['library']} | {r['class']} | {r.get('case') or r['reason']} |" for r in published())]
    return "\n".join(lines) + "\n"


def published() -> list[dict[str, str]]:
    """Return the classes of Kishu's evaluation: each with the case that has it and what makes it there, or a reason."""
    found: list[dict[str, str]] = json.loads(_PUBLISHED.read_text(encoding="utf-8"))
    return found


def _row(case: Case) -> str:
    remarks = [case.why, f"Python {case.python} or later" if case.python else "", _needs(case)]
    return f"| {case.name} | {case.outcome} | {'; '.join(filter(None, remarks))} |".replace("  ", " ")


def _needs(case: Case) -> str:
    named = (f"{name} ({TRIED[name]})" if name in TRIED else name for name in case.needs)
    return f"needs {', '.join(named)}" if case.needs else ""
