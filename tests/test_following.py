"""Which names are the user's, from one look to the next: as if all were gone through each time."""

from __future__ import annotations

import random
from typing import Any

import pytest

from jupyter_session_save import following
from jupyter_session_save.bindings import Bound, bound
from jupyter_session_save.following import Following
from jupyter_session_save.namespace import user_names


class Odd:
    """A key that is no text, and that nobody may compare."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("somebody compared a key")


def step(draw: random.Random, namespace: dict[Any, Any], hidden: dict[str, Any]) -> None:
    """Change a namespace as a cell, a shell or a thread may."""
    name = draw.choice(["_", "_1", "_i2", "_own", "In", "exit", "__name__", *(f"v{n}" for n in range(12))])
    match draw.randrange(8):
        case 0 | 1 | 2:
            namespace[name] = draw.choice([[], 1, "text", len, Odd, step, hidden.get("exit")])
        case 3:
            namespace.pop(name, None)
        case 4:
            namespace[name] = namespace.pop(name, 0)
        case 5:
            namespace[Odd()] = 1
        case 6:
            namespace["_oh"][draw.choice([1, "own", "i2"])] = namespace.get(draw.choice(["_1", "_own", "_i2"]))
        case _:
            hidden[name] = namespace.get(name)


@pytest.mark.parametrize("seed", range(20))
def test_the_names_are_those_that_a_look_at_all_finds(seed: int) -> None:
    draw = random.Random(seed)
    hidden: dict[str, Any] = {"exit": object()}
    namespace: dict[Any, Any] = {"_oh": {}, "_ih": [], "exit": hidden["exit"], Odd(): 0}
    followed, known = Following(), dict[str, int]()
    for _ in range(60):
        for _ in range(draw.randrange(4)):
            step(draw, namespace, hidden)
        before, copy = followed.ids, dict(followed.ids)
        ids = followed.look(dict(namespace), hidden)
        assert before == copy
        assert ids == {name: id(namespace[name]) for name in user_names(namespace, hidden)}
        assert followed.definitions == {n for n in ids if n in namespace and namespace[n] in (Odd, step)}
        assert followed.differing(known) >= {n for n in {*known, *ids} if known.get(n) != ids.get(n)}
        if draw.random() < 0.3:
            known = ids  # type: ignore[assignment]


def test_new_names_come_in_the_order_in_which_they_were_made() -> None:
    followed, namespace = Following(), {"a": 1, "b": [2]}
    followed.look(dict(namespace), {})
    del namespace["a"]
    namespace |= {"z": 1, "b": 3, "y": 2, "x": 4}
    assert [*followed.look(dict(namespace), {})] == ["b", "z", "y", "x"]


def test_only_what_differs_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def asking(name: str, *rest: Any) -> bool:
        asked.append(name)
        return True

    monkeypatch.setattr(following, "is_users", asking)
    followed, namespace = Following(), {f"v{n}": [n] for n in range(10_000)}
    first = followed.look(dict(namespace), {})
    assert len(asked) == len(first) == 10_000
    asked.clear()
    assert followed.look(dict(namespace), {}) is first and not asked
    namespace |= {"v7": [1], "new": [2]}
    del namespace["v3"], namespace["v8000"]
    followed.look(dict(namespace), {})
    assert sorted(asked) == ["new", "v7"]


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 9000])
def test_blocks_of_names_end_where_they_do(size: int) -> None:
    namespace = {f"v{n}": [n] for n in range(size)}
    before, moved = bound(namespace, Bound())
    assert list(moved) == list(namespace)
    later = {**namespace, **{name: [] for name in (*list(namespace)[-1:], *list(namespace)[:1])}, "new": []}
    now, moved = bound(later, before)
    assert set(moved) == {n for n in later if later[n] is not namespace.get(n)}
    assert (now.names, now.ids) == ([*later], [*map(id, later.values())])
    assert bound(later, now) == (now, {})
    reused = Bound(now.names, now.ids, [id(int)] * len(now.kinds))
    assert set(bound(later, reused)[1]) == set(later)


def test_a_name_that_was_bound_to_something_else_in_between_may_differ() -> None:
    followed, value = Following(), [1]
    known = followed.look({"a": value, "b": 1}, {})
    assert not followed.differing(known)
    followed.look({"a": len, "b": 1}, {})
    followed.look({"a": value, "b": 1}, {})
    assert followed.differing(known) == {"a"}


def test_a_thousand_inputs_and_outputs_are_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {n: [n] for n in range(1000)}
    hidden = {f"_i{n}": f"input {n}" for n in range(1000)} | {f"_{n}": value for n, value in outputs.items()}
    namespace: dict[str, Any] = {"_oh": outputs, **hidden, "x": 1}
    followed = Following()
    followed.look(dict(namespace), hidden)
    asked: list[str] = []
    monkeypatch.setattr(following, "is_users", lambda name, *_: asked.append(name) or True)
    namespace |= {"_5": [5], "_i7": "mine", "x": 2}
    assert {"x", "_5", "_i7"} <= followed.look(dict(namespace), hidden).keys()
    assert {"x", "_5", "_i7"} <= {*asked} and len(asked) < 10
