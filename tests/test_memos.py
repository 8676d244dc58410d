"""Sharing found by reference counts is the sharing that the whole memos show."""

from __future__ import annotations

import collections
import functools
import gc
import io
import itertools
import pickle
import random
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_session_save.components import split
from jupyter_session_save.pickling import Scope, memos

from .restore import cell

DEFINITIONS = """
import threading
class Plain:
    def __init__(self, held): self.held = held
    def method(self): return self.held
class Slotted:
    __slots__ = ("held", "also")
    def __init__(self, held): self.held = held
class Listed(list): pass
class Reduced:
    def __init__(self, held): self.held = held
    def __reduce__(self): return Reduced, (self.held,)
class Keyed:
    known = {}
    def __init__(self, key): self.key = key
    def __getstate__(self): return {"key": self.key, "entry": REGISTRY[self.key]}
    def __setstate__(self, state): self.__dict__.update(state)
def closed(held):
    def inner(extra=held): return held, extra
    return inner
def started(held):
    yield held
    yield held
"""

HOLDERS: list[Callable[[dict[str, Any], Any], Any]] = [
    lambda ns, held: [held],
    lambda ns, held: (held,),
    lambda ns, held: ((held,), "text"),
    lambda ns, held: {"k": held, "n": 1},
    lambda ns, held: collections.deque([held, 1]),
    lambda ns, held: collections.defaultdict(list, k=held),
    lambda ns, held: types.SimpleNamespace(held=held),
    lambda ns, held: types.MappingProxyType({"k": held}),
    lambda ns, held: functools.partial(print, held),
    lambda ns, held: iter([held]),
    lambda ns, held: ns["Plain"](held),
    lambda ns, held: ns["Plain"](held).method,
    lambda ns, held: ns["Slotted"](held),
    lambda ns, held: ns["Listed"]([held]),
    lambda ns, held: ns["Reduced"](held),
    lambda ns, held: ns["Keyed"]("ab"[len(type(held).__name__) % 2]),
    lambda ns, held: ns["closed"](held),
    lambda ns, held: ns["started"](held),
    lambda ns, held: [threading.Lock(), held],
    lambda ns, held: np.array([held, None], dtype=object),
    lambda ns, held: pd.Series([held, 1], dtype=object),
    lambda ns, held: held[1:] if isinstance(held, np.ndarray) else [held, held],
    lambda ns, held: [weakref.ref(held)] if type(held).__weakrefoffset__ else [held],
]

LEAVES: list[Callable[[dict[str, Any]], Any]] = [
    lambda ns: [1],
    lambda ns: {},
    lambda ns: {1},
    lambda ns: "text",
    lambda ns: (1, "a"),
    lambda ns: frozenset("ab"),
    lambda ns: bytearray(b"x"),
    lambda ns: np.arange(4.0),
    lambda ns: ns["Plain"],
    lambda ns: ns["Plain"](1),
    lambda ns: threading.Lock(),
    lambda ns: print,
    lambda ns: ns["REGISTRY"]["a"],
]


def namespace(seed: int) -> dict[str, Any]:
    """Make a namespace whose variables hold some things in common, in many ways."""
    rng = random.Random(seed)
    ns = cell(DEFINITIONS)
    ns["REGISTRY"] = {"a": [1], "b": ([2],)}
    made = [rng.choice(LEAVES)(ns) for _ in range(rng.randrange(2, 6))]
    for _ in range(rng.randrange(3, 14)):
        made.append(rng.choice(HOLDERS)(ns, rng.choice(made)))
    if rng.random() < 0.3:
        ring: list[Any] = [rng.choice(made)]
        ring.append(ring)
        made.append(ring)
    for number in range(rng.randrange(2, 8)):
        held = rng.sample(made, rng.randrange(1, min(3, len(made))))
        ns[f"v{number}"] = held[0] if len(held) == 1 else held
    ns["__made__"] = made  # What is weakly referenced must not come and go.
    if rng.random() < 0.5:
        del ns["REGISTRY"]
        ns["Keyed"].__getstate__ = lambda self: {"key": self.key}
    return ns


def groups(ns: dict[str, Any]) -> set[frozenset[str]]:
    values = {name: value for name, value in ns.items() if not name.startswith("__")}
    found = set()
    for part in split(values, Scope(ns, values, {}), tick=lambda name: None):
        found.add(frozenset(part.names))
        part.payload.release()
    return found


@pytest.mark.parametrize("seed", range(150))
def test_the_groups_are_those_of_the_memos(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ns = namespace(seed)
    found = groups(ns)

    def whole(of: Any, objects: object = None) -> list[Any]:
        own = memos._own(of)
        return [obj for obj in memos.reached(of) if id(obj) not in own]

    monkeypatch.setattr(memos, "held_elsewhere", whole)
    monkeypatch.setattr(memos, "among", whole)
    assert found == groups(ns)


def test_namespaces_of_the_test_above_share_and_do_not_share() -> None:
    sizes = collections.Counter(len(group) for seed in range(40) for group in groups(namespace(seed)))
    assert sizes[1] > 40 and sum(count for size, count in sizes.items() if size > 1) > 20


@pytest.fixture(params=["C", "Python"])
def dumped(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    def dump(value: Any) -> Any:
        made: Any = {"C": pickle.Pickler, "Python": pickle._Pickler}[request.param]  # type: ignore[attr-defined]
        one = type("Named", (made,), {})(io.BytesIO(), 5)
        one.dump(value)
        return one

    return dump


def test_all_that_was_pickled_is_reached(dumped: Callable[[Any], Any]) -> None:
    value = [[i] for i in range(100)] + [{"k": "text"}, ("t",)]  # type: ignore[list-item]
    ids = set(map(id, memos.reached(dumped(value))))
    assert ids >= {id(value), *map(id, value)}


def test_what_one_holder_has_is_not_held_elsewhere(dumped: Callable[[Any], Any]) -> None:
    shared: list[int] = []
    value = [[i] for i in range(100)] + [shared]
    held = set(map(id, memos.held_elsewhere(dumped(value))))
    assert id(shared) in held
    assert not held & set(map(id, itertools.islice(value, 100)))


def test_what_two_memos_hold_is_held_elsewhere_though_one_holder_leads_there(dumped: Callable[[Any], Any]) -> None:
    inner = ([1],)
    one, two = dumped([inner]), dumped({"k": inner})
    (held,) = inner
    del inner
    here = id(held)
    del held
    gc.collect()
    for pickler_ in (one, two):
        assert here in map(id, memos.held_elsewhere(pickler_))


def test_a_memo_is_asked_for_a_few_objects(dumped: Callable[[Any], Any]) -> None:
    inside, outside, values = {"k": 1}, {"k": 1}, [{"i": i} for i in range(100)]
    one = dumped([values, inside])
    assert memos.among(one, [outside, inside]) == [inside] and memos.among(one, [inside]) == [inside]
    assert not memos.among(one, [outside]) and not memos.among(one, [])
    assert not memos.among(one, [type(one)])


def test_whom_a_variable_meets_is_asked_about_once_and_with_pauses() -> None:
    asked: list[int] = []
    paused: list[None] = []

    def links(obj: int) -> bool:
        asked.append(obj)
        return obj % 2 == 1

    met = [(n, "one" if n < 10 else "other") for n in range(20)]
    assert memos.owners(met, links, lambda: paused.append(None), each=4) == {"one", "other"}
    assert asked == [0, 1, 10, 11]
    assert len(paused) == 5
