from __future__ import annotations

import pickle

import pytest

from jupyter_session_save.listings import SessionList, SnapshotList
from jupyter_session_save.reports import LoadPlan, LoadReport, SaveReport
from jupyter_session_save.snapshot import Component, Part, Problem, Snapshot, Variable

EVIL = "<script>alert(1)</script>"
LOCK = Problem("d['m']['lk'][0]", "generator", "a running generator cannot be saved", "make it again")
VARIABLES = (
    Variable("x", "builtins.int", "", 5),
    Variable("d", "builtins.dict", "3", 120, "placeholder", (LOCK,)),
    Variable("f", "_io.TextIOWrapper", "", 80, "reconnected", (Problem("f", "file", "opened again at 3"),)),
    Variable("t", "torch.Tensor", "(3,)", 80, "saved", (Problem("t", "graph", "without its graph"),)),
    Variable("bare", EVIL, "", 80, "placeholder"),
)


def saved(**changes: object) -> SaveReport:
    values = {
        "reference": "sales@7",
        "variables": VARIABLES,
        "reused": ("x",),
        "bytes_new": 3_400_000,
        "bytes_total": 1_200_000_000,
        "seconds": 0.412,
        **changes,
    }
    return SaveReport(**values)  # type: ignore[arg-type]


def test_a_save_report_says_what_was_saved() -> None:
    lines = repr(saved(notes=("bar was saved too",))).splitlines()
    assert lines[0] == "saved sales@7: 5 variables, 1.2 GB in 0.41 s"
    assert lines[1] == "  2 saved, 1 reconnected, 2 placeholders; 3.4 MB written, 1 reused"
    assert lines[2] == "  note: bar was saved too"


def test_a_report_names_culprits_with_path_type_reason_and_advice() -> None:
    text = repr(saved())
    row = next(line for line in text.splitlines() if "d['m']['lk'][0]" in line)
    assert row.split("  ")[-1] == "a running generator cannot be saved; make it again"
    assert "generator" in row
    assert "opened again at 3" in text
    assert "without its graph" in text
    assert "bare" in text


def test_variables_are_sorted_into_states() -> None:
    report = saved()
    assert [v.name for v in report.placeholders] == ["d", "bare"]
    assert [v.name for v in report.reconnected] == ["f"]
    assert [v.name for v in report.noted] == ["t"]


@pytest.mark.parametrize(
    ("verification", "said", "unsaid"),
    [
        (None, "saved sales@7", "verif"),
        ((), "verified: every saved value came back", "VERIFICATION"),
        ((Problem("x", "int", "came back as 3"),), "came back as 3", "verified:"),
    ],
)
def test_a_save_report_says_how_verification_ended(
    verification: tuple[Problem, ...] | None, said: str, unsaid: str
) -> None:
    text = repr(saved(verification=verification))
    assert said in text
    assert unsaid not in text


def test_a_load_report_says_what_changed() -> None:
    names = tuple(f"v{i}" for i in range(112))
    report = LoadReport("sales@7", VARIABLES[:1], names, ("k",), ("r",), 0.02, ("numpy 1 -> 2",))
    text = repr(report)
    assert text.splitlines()[0] == "loaded sales@7: 1 variable in 20 ms"
    assert "overwrote what differed: v0, v1" in text
    assert "… and 12 more" in text
    assert "kept what was there: k" in text
    assert "removed: r" in text
    assert "note: numpy 1 -> 2" in text


def test_a_quiet_load_report_is_short() -> None:
    assert repr(LoadReport("s@1", (), (), (), (), 0.5)) == "loaded s@1: 0 variables in 0.5 s\n  0 restored"


def test_a_plan_shows_decisions_first() -> None:
    rows = (
        (VARIABLES[0], "new", ""),
        (VARIABLES[1], "conflicting", "an int stands there"),
        (VARIABLES[2], "unavailable", "needs pandas"),
        (VARIABLES[3], "same", ""),
    )
    plan = LoadPlan("sales@7", rows)  # type: ignore[arg-type]
    lines = repr(plan).splitlines()
    assert lines[0] == "plan for sales@7: 1 new, 1 conflicting, 1 unavailable, 1 same"
    assert [line.split()[0] for line in lines[3:]] == ["f", "d", "x", "t"]
    assert "needs pandas" in lines[3]
    assert [v.name for v in plan.placeholders] == ["d"]
    assert [v.name for v in plan.reconnected] == ["f"]
    assert repr(LoadPlan("e@1", ())).splitlines()[0] == "plan for e@1: nothing to load"


def test_a_plan_says_where_names_go_and_what_leaves() -> None:
    rows = ((VARIABLES[0], "new", ""), (VARIABLES[1], "conflicting", "what is there is kept"))
    plan = LoadPlan("s@7", rows, ("old_x", "old_d"), kept=("old_d",), removed=("a", "b"), notes=("n",))  # type: ignore[arg-type]
    lines = repr(plan).splitlines()
    assert lines[2:5] == ["  would keep what is there: old_d", "  would remove: a, b", "  note: n"]
    assert [line.split()[0] for line in lines[6:]] == ["old_d", "old_x"]


def test_notebooks_show_a_hundred_rows_and_the_whole_text_all() -> None:
    listed = SessionList(tuple(Snapshot(f"s{i}", 1, "now") for i in range(120)))
    assert "s99@1" in repr(listed)
    assert "s99@1" in listed._repr_html_()
    assert "s100@1" not in repr(listed)
    assert "… and 20 more" in repr(listed)
    assert "s119@1" in listed.whole()


def snapshot(sequence: int, message: str = "") -> Snapshot:
    part = Part("0" * 64, 2_000_000)
    return Snapshot(
        "sales",
        sequence,
        "2026-02-03T04:05:06+00:00",
        message,
        variables=VARIABLES,
        components=(Component(("x",), part), Component(("d",), part)),
    )


def test_sessions_are_listed() -> None:
    text = repr(SessionList((snapshot(7, "before cleaning"),)))
    assert "1 session" in text
    assert "sales@7" in text
    assert "before cleaning" in text
    assert "2.0 MB" in text
    assert repr(SessionList(())) == "no sessions are saved here"


def test_snapshots_are_listed_with_the_newest_ones_variables() -> None:
    listed = SnapshotList((snapshot(7), snapshot(6, "first")))
    text = repr(listed)
    assert text.splitlines()[0] == "sales: 2 snapshots"
    assert "sales@6" in text
    assert "variables of sales@7:" in text
    assert "_io.TextIOWrapper" in text
    assert [v.name for v in listed.placeholders] == ["d", "bare"]
    assert repr(SnapshotList(())) == "no snapshots"


def test_all_reports_show_themselves_as_safe_html() -> None:
    evil = Variable(EVIL, EVIL, EVIL, 1, "placeholder", (Problem(EVIL, EVIL, EVIL, EVIL),))
    for report in (
        saved(reference=EVIL, variables=(evil,), notes=(EVIL,), verification=evil.problems),
        LoadReport(EVIL, (evil,), (EVIL,), (EVIL,), (EVIL,), 1.0, (EVIL,)),
        LoadPlan(EVIL, ((evil, "conflicting", EVIL),)),
        SessionList((Snapshot(EVIL, 1, EVIL, EVIL),)),
        SnapshotList((Snapshot(EVIL, 1, EVIL, EVIL, variables=(evil,)),)),
    ):
        html = report._repr_html_()
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_reports_are_values() -> None:
    report = saved()
    assert pickle.loads(pickle.dumps(report)) == report
    with pytest.raises(AttributeError):
        report.reference = "other"  # type: ignore[misc]
