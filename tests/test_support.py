"""Every object of the list in tests/support ends as it was declared, and docs/supported.md is that list."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .support import GROUPS, TRIED, Case, cases, installed
from .support.running import run
from .support.table import PAGE, page, published


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


def test_libraries_that_are_not_here_say_with_which_version_they_were_tried() -> None:
    absent = {name for case in cases() for name in case.needs if not installed(name)}
    assert absent - TRIED.keys() == set()


def test_every_published_class_is_in_a_case_or_cannot_be_had() -> None:
    by_name = {case.name: case for case in cases()}
    rows = published()
    assert len(rows) == 159
    lacking = [
        r for r in rows if "reason" not in r and (r["case"] not in by_name or r["by"] not in by_name[r["case"]].make)
    ]
    assert lacking == []
    assert {r["library"] for r in rows if "reason" in r} == {"dataprep"}
