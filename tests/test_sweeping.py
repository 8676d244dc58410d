"""When there is another look while nothing runs: soon for what takes little and can be given up, later for the rest."""

from __future__ import annotations

from itertools import accumulate

import pytest

from jupyter_session_save.sweeping import AGAIN, BESIDE, QUIET, SHORTLY, STALL, TRIES, Patience, Rhythm, Rounds


def test_what_was_changed_a_second_after_a_cell_is_seen_in_the_next() -> None:
    rhythm = Rhythm()
    waits = []
    for _ in range(12):
        rhythm.took(0.002)
        waits.append(rhythm.next(beside=False))
    moments = [*accumulate(waits)]
    assert min(at for at in moments if at > 1.0) < 2.0
    assert waits == sorted(waits) and waits[-1] == AGAIN[2]
    rhythm.cell()
    assert rhythm.next(beside=False) == AGAIN[0]


@pytest.mark.parametrize(("takes", "expected"), [(0.002, BESIDE[0]), (0.1, 5.0), (3.0, BESIDE[1])])
def test_beside_threads_the_rounds_go_on_as_often_as_they_take_a_small_part_of_the_time(
    takes: float, expected: float
) -> None:
    rhythm = Rhythm()
    for _ in range(12):
        rhythm.took(takes)
        wait = rhythm.next(beside=True)
    assert wait == pytest.approx(expected)
    rhythm.took(takes)
    assert rhythm.next(beside=False) == pytest.approx(expected)  # For what they did last.
    rhythm.took(takes)
    assert rhythm.next(beside=False) > wait


def test_work_that_can_be_given_up_at_any_moment_needs_no_long_quiet() -> None:
    patience = Patience()
    waits = []
    for _ in range(20):
        waits.append(patience.wait("work", quiet=0.0, stall=STALL))
        patience.gave_way("work")
    assert waits[: TRIES + 1] == [0.0] * TRIES + [SHORTLY[0]] and max(waits) == waits[-1] == SHORTLY[1]
    assert patience.wait("work", quiet=SHORTLY[1], stall=STALL) == 0.0
    patience.done("work")
    assert patience.wait("work", quiet=0.0, stall=STALL) == 0.0


def test_work_that_stalls_waits_for_a_quiet_in_proportion() -> None:
    patience = Patience()
    short, long = (patience.wait("work", quiet=0.0, stall=stall) for stall in (0.08, 5.0))
    assert 0.0 < short < QUIET[0] == long
    patience.gave_way("work")
    assert patience.wait("work", quiet=0.0, stall=5.0) == 2 * QUIET[0]
    for _ in range(20):
        patience.gave_way("work")
    assert patience.wait("work", quiet=0.0, stall=0.08) == QUIET[1]


def test_a_round_tells_when_the_first_of_those_that_wait_may_be_looked_at() -> None:
    rounds = Rounds(lambda: [("a",), ("b",), ("c",)])
    rounds.follow(set())
    waits = {("a",): 3.0, ("b",): 0.0, ("c",): 2.0}
    assert rounds.next(waits.__getitem__) == ("b",)
    rounds.done(("b",))
    assert rounds.next(waits.__getitem__) is None and rounds.soonest(waits.__getitem__) == 2.0
    rounds.done(("a",))
    rounds.done(("c",))
    assert rounds.soonest(waits.__getitem__) is None
