"""When there is another look while nothing runs: soon for what takes little and can be given up, later for the rest."""

from __future__ import annotations

import random
from itertools import accumulate
from types import SimpleNamespace

import pytest

from jupyter_session_save import sweeping
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
    rounds = Rounds(lambda: [("a",), ("b",), ("c",)], lambda name: (name,))
    waits = {("a",): 3.0, ("b",): 0.0, ("c",): 2.0}
    assert rounds.next(waits.__getitem__) == ("b",)
    rounds.done(("b",))
    assert rounds.next(waits.__getitem__) is None and rounds.soonest(waits.__getitem__) == 2.0
    rounds.done(("a",))
    rounds.done(("c",))
    assert rounds.soonest(waits.__getitem__) is None


def test_each_component_has_its_turn_whatever_becomes_of_the_others() -> None:
    draw = random.Random(4)
    where: dict[str, tuple[str, ...]] = {}
    rounds = Rounds(lambda: dict.fromkeys(where.values()), where.get)

    def now() -> set[tuple[str, ...]]:
        return set(where.values())

    def store(names: list[str]) -> None:
        """As a save does: some share now, one has gone, and of what is late one name stays where it was."""
        touched = {n for name in names for n in where.get(name, (name,))}
        group = tuple(sorted(draw.sample(sorted(touched), draw.randint(1, len(touched)))))
        for name in touched:
            where[name] = group if name in group else (name,)
        if draw.random() < 0.3:
            where.pop(draw.choice(sorted(touched)))
        rounds.follow(touched)

    waiting = dict[tuple[str, ...], int]()
    for number in range(400):
        store([f"v{draw.randrange(30)}" for _ in range(draw.randint(1, 3))])
        if number == 200:
            rounds.begin()
        for _ in range(draw.randrange(4)):
            if (names := rounds.next(lambda _: 0.0)) is None:
                assert {*rounds._seen} == now()
                rounds.again()
            elif draw.random() < 0.1:
                rounds.put_back(names)
            else:
                assert names in now()
                rounds.done(names)
                waiting.pop(names, None)
        waiting = {names: waiting.get(names, 0) + 1 for names in now()}
        if not rounds._noted:
            assert {*rounds._due, *rounds._seen} == now() and not rounds._due.keys() & rounds._seen.keys()
    assert max(waiting.values()) < 200


def test_what_has_waited_for_long_is_found_without_going_through_all_after_each_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(sweeping, "time", SimpleNamespace(monotonic=lambda: clock.now))
    rounds = Rounds(lambda: [(f"v{n}",) for n in range(1000)], lambda name: (name,))
    asked: list[object] = []

    class Times(dict[tuple[str, ...], float]):
        def get(self, *args: object) -> object:  # type: ignore[override]
            asked.append(args)
            return super().get(*args)  # type: ignore[call-overload]

    assert not rounds.has_waited(300.0)
    rounds._when = Times()
    for number in range(30):
        clock.now += 10.0
        rounds.follow({f"v{number}"})
        assert rounds.has_waited(300.0) == (number == 29)
    assert len(asked) == 1000
    while (names := rounds.next(lambda _: 0.0)) is not None:
        rounds.done(names)
    assert not rounds.has_waited(300.0)
    rounds.again()
    clock.now += 299.0
    assert not rounds.has_waited(300.0)
    clock.now += 1.0
    assert rounds.has_waited(300.0)
