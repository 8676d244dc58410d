"""What a policy keeps."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_session_save.errors import SessionNameError
from jupyter_session_save.retention import DEFAULT, HEADS, Policy, heads, keep, parse
from jupyter_session_save.snapshot import Component, Part, Snapshot

START = datetime.datetime(2026, 2, 3, tzinfo=datetime.UTC)
policies = st.builds(Policy, st.integers(0, 6), st.integers(0, 4), st.integers(0, 4), st.none() | st.integers(0, 4000))


def snapshot(sequence: int, *, minutes: float = 0, cell: int | None = 1, parent: Snapshot | None = None) -> Snapshot:
    shared, own = Part("0" * 64, 1000), Part(f"{sequence:064}", 100)
    return Snapshot(
        "s",
        sequence,
        (START + datetime.timedelta(minutes=minutes)).isoformat(),
        parent=parent.sequence if parent else None,
        line=parent.line_on() if parent else (),
        cell=cell,
        components=(Component(("a",), own, (shared,)),),
    )


def line(*minutes: float) -> list[Snapshot]:
    """A line of autosaves."""
    found: list[Snapshot] = []
    for number, when in enumerate(minutes, 1):
        found.append(snapshot(number, minutes=when, parent=found[-1] if found else None))
    return found


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Saves that go on from any earlier one, some of them asked for, with a clock that jumps."""
    found: list[Snapshot] = []
    for number in range(1, draw(st.integers(0, 25)) + 1):
        parent = draw(st.none() | st.sampled_from(found[-3:])) if found else None
        minutes = draw(st.integers(-5000, 5000))
        found.append(
            snapshot(number, minutes=minutes, cell=draw(st.none() | st.integers(0, 99) | st.just(1)), parent=parent)
        )
    return found


@given(histories(), policies)
def test_what_is_always_kept(history: list[Snapshot], policy: Policy) -> None:
    kept = keep(history, policy)
    versions = {s.sequence for s in history}
    parents = {s.parent for s in history}
    assert kept <= versions
    assert {s.sequence for s in history if s.cell is None} <= kept
    assert versions - parents == heads(history)
    assert set(sorted(heads(history))[-HEADS:]) <= kept
    if policy.size is None:
        autosaves = sorted(s.sequence for s in history if s.cell is not None)
        assert set(autosaves[-policy.last :] if policy.last else ()) <= kept
    assert keep(list(reversed(history)), policy) == kept


@given(histories(), policies)
def test_pruning_again_changes_nothing_and_no_head_is_made_of_what_is_left(
    history: list[Snapshot], policy: Policy
) -> None:
    kept = keep(history, policy)
    left = [s for s in history if s.sequence in kept]
    assert sorted(heads(left))[-HEADS:] == sorted(heads(history))[-HEADS:]
    assert keep(left, policy) == kept


@given(histories(), policies)
def test_a_size_only_takes_away_the_oldest(history: list[Snapshot], policy: Policy) -> None:
    kept, unbounded = keep(history, policy), keep(history, replace(policy, size=None))
    fixed = keep(history, Policy(0, 0, 0))
    assert kept <= unbounded
    dropped, chosen = unbounded - kept, kept - fixed
    assert not dropped or not chosen or max(dropped) < min(chosen)
    if chosen and policy.size is not None:
        assert sum({p.digest: p.size for s in history if s.sequence in kept for p in s.parts()}.values()) <= policy.size


def test_the_last_then_hours_then_days() -> None:
    history = line(*range(0, 60 * 24 * 5, 10))  # Every ten minutes of five days.
    newest = len(history)
    assert keep(history, Policy(4, 0, 0)) == {newest - 3, newest - 2, newest - 1, newest}
    assert keep(history, Policy(1, 3, 0)) == {newest - 12, newest - 6, newest}
    assert keep(history, Policy(0, 0, 9)) == {144, 288, 432, 576, 720}


def test_hours_without_a_save_do_not_count() -> None:
    assert keep(line(0, 5, 6000, 6001, 6100), Policy(0, 3, 0)) == {2, 4, 5}


def test_a_clock_that_jumps_back_makes_nothing_older() -> None:
    history = line(0, 600, 1200, -90_000, -89_999, -89_990)
    assert keep(history, Policy(2, 0, 0)) == {5, 6}
    assert keep(history, Policy(1, 2, 0)) == {3, 6}
    assert keep([replace(s, created="yesterday") for s in history], Policy(1, 5, 5)) == {6}


def test_what_was_gone_back_from_is_kept() -> None:
    history = line(*range(9))
    history.append(snapshot(10, parent=history[2]))
    history.append(snapshot(11, parent=history[-1]))
    assert heads(history) == {9, 11}
    assert keep(history, Policy(1, 0, 0)) == {9, 11}
    # With 4 to 8 and 10 gone it is still known that 3 is no head.
    assert heads([history[2], history[8], history[10]]) == {9, 11}


def test_the_ends_of_old_lines_are_kept_like_any_autosave() -> None:
    history: list[Snapshot] = []
    for start in range(100):  # Kernels that load nothing, each a day after the other.
        named = snapshot(3 * start + 1, minutes=1440 * start, cell=None if start == 5 else 1)
        history += [named, snapshot(named.sequence + 1, minutes=1440 * start + 1, parent=named)]
        history += [snapshot(named.sequence + 2, minutes=1440 * start + 2, parent=history[-1])]
    ends = sorted(heads(history))
    assert len(ends) == 100
    assert keep(history, Policy(1, 0, 0)) == {16, *ends[-HEADS:]}
    assert keep(history, Policy(1, 0, 50)) == {16, *ends[-50:]}
    left = [s for s in history if s.sequence in keep(history, Policy(1, 0, 0))]
    assert keep(left, Policy(1, 0, 0)) == {16, *ends[-HEADS:]}


def test_kernels_in_turns_are_two_lines() -> None:
    history = [snapshot(1), snapshot(2)]
    for number in range(3, 600):
        history.append(snapshot(number, parent=history[-2]))
    assert heads(history) == {598, 599}
    assert len(history[-1].line) <= 256


def test_a_size_counts_what_is_shared_once() -> None:
    history = line(*range(20))
    assert keep(history, Policy(50, size=1000 + 5 * 100)) == {16, 17, 18, 19, 20}
    assert keep(history, Policy(50, size=10)) == {20}


def test_policies_as_text() -> None:
    assert parse(DEFAULT) == Policy(50, 24, 30, 20 * 1000**3) == replace(Policy(), size=20 * 1000**3)
    assert parse(" last = 5 , size=1.5 tb") == Policy(5, 0, 0, 1_500_000_000_000)
    assert parse("daily=7,size=100") == Policy(0, 0, 7, 100)


@pytest.mark.parametrize(
    "text",
    ["", " , ", "last", "last=", "last=-1", "last=1.5", "last=5,last=6", "weekly=3", "size=20GX", "size=GB", "50"],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(SessionNameError, match="last=50,hourly=24"):
        parse(text)
