"""Every object of the list in tests/support ends as it was declared, and docs/supported.md is that list."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .support import GROUPS, Case, cases
from .support.running import run
from .support.table import PAGE, page


@pytest.mark.parametrize("group", GROUPS)
def test_each_object_comes_back_as_declared(group: str, tmp_path: Path) -> None:
    able = [case for case in cases(group) if not case.missing()]
    if not able:
        pytest.skip("nothing of it is installed")
    failures = run(able, tmp_path)
    report = "\n\n".join(f"{name}: {why}" for name, why in failures.items())
    assert not failures, f"{len(failures)} of {len(able)} cases\n{report}"


def skipped() -> list[tuple[str, Case]]:
    return [(case.missing(), case) for case in cases() if case.missing()]


@pytest.mark.parametrize(("missing", "case"), [pytest.param(m, c, id=c.name) for m, c in skipped()])
def test_cases_that_cannot_run_here_are_marked(missing: str, case: Case) -> None:
    pytest.skip(missing)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.support"


def test_names_tell_cases_apart() -> None:
    names = [case.name for case in cases()]
    assert len(names) == len(set(names))


def test_whatever_is_not_equal_says_why() -> None:
    assert [c.name for c in cases() if c.outcome == "placeholder" and not c.why] == []


def test_the_list_is_long_and_most_of_it_comes_back() -> None:
    outcomes = Counter(case.outcome for case in cases())
    assert outcomes.total() >= 250
    assert outcomes["placeholder"] <= 0.10 * outcomes.total()
