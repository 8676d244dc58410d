"""What is tracked, made anew only where it differs: as if all had been gone through."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

import pytest

from jupyter_session_save.examining import Tracked
from jupyter_session_save.snapshot import Component, Part, Snapshot, State, Variable
from jupyter_session_save.standing import Standing, standing_of


def tracked(draw: random.Random, names: list[str]) -> Tracked:
    """Return a component as it may be stored."""
    plain = draw.random() < 0.3
    component = Component(
        tuple(names),
        Part(str(draw.random()), 1),
        refs=("v1",) if draw.random() < 0.2 else (),
        modules=tuple(draw.sample(["numpy", "pandas", "torch"], draw.choice([0, 0, 1, 2]))),
    )
    state: State = "placeholder" if draw.random() < 0.2 else "saved"
    rows = tuple(Variable(name, "int" if plain else "list", "", 1, state) for name in names)
    return Tracked(component, rows, reads=frozenset({"v2", "v3"}) if draw.random() < 0.3 else frozenset())


def as_sets(standing: Standing) -> dict[str, Any]:
    """Return what a standing says, whatever the order is in which it came to be known."""
    values = ((f.name, getattr(standing, f.name)) for f in fields(standing))
    return {name: dict(value) if hasattr(value, "keys") else value for name, value in values}


@pytest.mark.parametrize("seed", range(10))
def test_it_says_what_going_through_all_would_find(seed: int) -> None:
    draw = random.Random(seed)
    standing, snapshot = Standing(), Snapshot("s")
    for number in range(80):
        some = [f"v{draw.randrange(40)}" for _ in range(draw.randint(1, 4))]
        touched = {
            n for name in some for n in (standing.where[name].component.names if name in standing.where else [name])
        }
        left, where = sorted(touched), dict(standing.where)
        while left:
            group, left = left[: draw.randint(1, 3)], left[3:]
            match draw.randrange(5):
                case 0:
                    for name in group:
                        where.pop(name, None)
                case 1:  # Late: one leaves, and the others are stored as they were.
                    where[group[0]] = tracked(draw, group[:1])
                case _:
                    where.update(dict.fromkeys(group, tracked(draw, group)))
        before, standing = standing, standing.after(where, touched)
        assert as_sets(standing) == as_sets(standing_of(where))
        assert standing.names == sorted(where) == [v.name for v in standing.variables()]
        assert before.identical(snapshot)
        assert standing.identical(snapshot) == (
            {*map(id, standing.components.values())} == {*map(id, snapshot.components)}
            and len(standing.rows) == len(snapshot.variables)
        )
        made = standing.mentioning(dict.fromkeys(where, 0))
        places = (replace(c) if draw.random() < 0.1 or number % 9 == 0 else c for c in made)
        snapshot = Snapshot("s", components=tuple(places), variables=standing.variables())
        standing = standing.placed(snapshot)
        assert [*standing.components.values()] == [*snapshot.components]
        assert all(standing.components[t.component.names] is t.component for t in standing.where.values())
        assert as_sets(standing) == as_sets(standing_of(standing.where))
