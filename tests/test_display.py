from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_session_save import display
from jupyter_session_save.display import (
    ProgressMeter,
    Table,
    as_html,
    as_text,
    columns_of,
    human_bytes,
    human_seconds,
    human_time,
    listing,
    one_line,
    plural,
    progress_html,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_951, "100 kB"),
        (999_600, "1.0 MB"),
        (1_500_000_000, "1.5 GB"),
        (2_000_000_000_000_000, "2000 TB"),
    ],
)
def test_bytes_are_humanised(count: int, text: str) -> None:
    assert human_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0 ms"),
        (0.0412, "41 ms"),
        (0.1, "0.1 s"),
        (0.412, "0.41 s"),
        (3.04, "3 s"),
        (42.4, "42 s"),
        (99.7, "1 min 40 s"),
        (125, "2 min 5 s"),
        (3_720, "1 h 2 min"),
    ],
)
def test_seconds_are_humanised(seconds: float, text: str) -> None:
    assert human_seconds(seconds) == text


def test_times_are_local_and_others_are_left_alone() -> None:
    assert len(human_time("2026-02-03T04:05:06.789+00:00")) == len("2026-02-03 04:05")
    assert human_time("yesterday") == "yesterday"
    assert human_time("0001-01-01T00:00:00+23:59") == "0001-01-01T00:00:00+23:59"


def test_plural() -> None:
    assert [plural(n, "variable") for n in (0, 1, 2)] == ["0 variables", "1 variable", "2 variables"]


def test_long_listings_say_how_many_more() -> None:
    assert listing(["a", "b"]) == "a, b"
    assert listing([f"v{i}" for i in range(112)]).endswith(", v99, … and 12 more")


def test_text_stays_on_its_line() -> None:
    assert one_line("a\nb\tc") == "a b c"
    assert one_line("\x1b[31mred") == "\\x1b[31mred"
    assert one_line("\u202eevil") == "\\u202eevil"
    assert one_line("ünïcode 名") == "ünïcode 名"


def test_text_is_cut_to_columns() -> None:
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"
    assert one_line("名名名", 4) == "名…"
    assert columns_of("e\u0301") == 1


def test_tables_are_aligned_and_bounded() -> None:
    rows = tuple((f"n{i}", "名" * (i % 3), str(10**i)) for i in range(105))
    lines = as_text("title", ["fact"], [Table("head", ("name", "wide", "size"), rows, frozenset({2}))]).splitlines()
    assert lines[:3] == ["title", "  fact", "  head"]
    assert lines[-1].strip() == "… and 5 more"
    assert {columns_of(line) for line in lines[3:-1]} == {columns_of(lines[3])}
    assert len(lines) == 3 + 1 + display.LIMIT + 1


def test_the_last_column_is_never_cut() -> None:
    advice = "x" * 500
    text = as_text("t", [], [Table("", ("a", "b"), (("y" * 500, advice),))])
    assert advice in text
    assert "y" * 100 not in text


def test_the_whole_text_cuts_nothing() -> None:
    table = Table("", ("a", "b"), tuple((f"{i}" * 80, "x") for i in range(display.LIMIT + 30)))
    text = as_text("t", [], [table], whole=True)
    assert "…" not in text
    assert len(text.splitlines()) == 1 + 1 + display.LIMIT + 30
    assert "… and 30 more" in as_text("t", [], [table])


def test_empty_and_folded_tables() -> None:
    tables = [Table("empty", ("a",), ()), Table("folded", ("a",), (("x",),), folded=True)]
    assert as_text("t", [], tables) == "t"
    html = as_html("t", [], tables)
    assert "empty" not in html
    assert "<details><summary>folded</summary>" in html


def test_everything_in_html_is_escaped() -> None:
    evil = "<script>alert('x')</script>\"&"
    html = as_html(evil, [evil], [Table(evil, (evil,), ((evil,),)), Table(evil, ("",), ((evil,),), folded=True)])
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 7
    assert "<script" not in progress_html(evil, 0.5)


def test_html_takes_the_colours_of_the_page() -> None:
    html = as_html("t", ["f"], [Table("h", ("c",), tuple(("x",) for _ in range(110)))])
    assert "currentColor" in html
    assert "… and 10 more" in html
    assert "<style" not in html
    assert "#" not in html
    assert "white" not in html


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [100.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    return now


def test_progress_is_silent_at_first_and_then_not_too_often(clock: Any) -> None:
    shown: list[tuple[str, float]] = []
    meter = ProgressMeter(lambda line, share: shown.append((line, share)), after=1.0)
    meter("saving df", 1, 100)
    assert not shown
    assert not meter.shown
    clock[0] += 1.1
    meter("saving df", 45, 100)
    meter("saving df", 46, 100)
    assert shown == [(" 45%  saving df", 0.45)]
    clock[0] += 0.3
    meter("a\nb", 7, 0)
    meter("late", 200, 100)
    assert shown[1] == ("  0%  a b", 0.0)
    clock[0] += 0.3
    meter("late", 200, 100)
    assert shown[2] == ("100%  late", 1.0)
    assert meter.shown
