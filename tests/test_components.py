"""Which variables belong together, and what each group is known by."""

from __future__ import annotations

import array
import functools
import itertools
import json
import json.decoder
import math
import os.path
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_session_save.components import Pickled, digests, own_digest, split
from jupyter_session_save.pickling import Payload, Scope, culprit
from jupyter_session_save.snapshot import Component, Part

from .restore import cell, save


def groups(namespace: Mapping[str, Any]) -> set[frozenset[str]]:
    """Return the groups of a namespace; every name must be in exactly one."""
    values = {name: value for name, value in namespace.items() if not name.startswith("__")}
    found = [frozenset(part.names) for part in save(namespace).parts]
    assert sorted(itertools.chain(*found)) == sorted(values)
    return set(found)


def together(namespace: Mapping[str, Any], *names: str) -> bool:
    return frozenset(names) in groups(namespace)


SHARED: dict[str, Any] = {
    "list": [1],
    "dict": {"k": 1},
    "set": {1},
    "bytearray": bytearray(b"x"),
    "array": array.array("i", [1]),
    "numpy array": np.arange(3),
    "tuple of a list": ([1],),
    "bound method": [1].append,
    "partial": functools.partial(print, [1]),
    "iterator": iter([1, 2]),
    "lock": threading.Lock(),
}


@pytest.mark.parametrize("kind", SHARED)
def test_what_can_change_joins_those_that_hold_it(kind: str) -> None:
    held = SHARED[kind]
    assert groups({"a": [held], "b": {"k": held}, "c": [1]}) == {frozenset("ab"), frozenset("c")}


@pytest.mark.parametrize(
    "held",
    [
        "text " * 2000,
        b"bytes" * 2000,
        10**50,
        2.5,
        (1, "a", (2.0, None)),
        range(5),
        print,
        len,
        os.path.join,
        json.JSONDecoder,
        math,
        Path("a/b"),
        np.float64,
        np.dtype("f8"),
        Ellipsis,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_cannot_change_joins_nobody(held: Any) -> None:
    assert groups({"a": [held], "b": {"k": held}}) == {frozenset("a"), frozenset("b")}


def test_definitions_of_the_notebook_join_nobody() -> None:
    ns = cell("class K:\n    def m(self): return K\ndef f(): return [K]\nx = [K(), f]; y = [K(), f, K]\nn = {'k': K}")
    assert groups(ns) == {frozenset({name}) for name in ("K", "f", "x", "y", "n")}


def test_an_instance_joins_even_without_its_class() -> None:
    ns = cell("class K: pass\nk = K(); held = [k]; also = {1: k}; other = K()")
    assert groups(ns) == {frozenset({"k", "held", "also"}), frozenset({"K"}), frozenset({"other"})}


def test_links_are_transitive() -> None:
    one, two, three = [1], [2], [3]
    ns = {"a": [one], "b": [one, two], "c": (two, three), "d": {"k": three}, "e": [4]}
    assert together(ns, "a", "b", "c", "d")
    assert together(ns, "e")


def test_a_closure_joins_with_what_it_closes_over() -> None:
    ns = cell("def make(d):\n    def inc(): d['n'] += 1\n    return inc\nd = {'n': 1}\ninc = make(d)\nother = make({})")
    assert together(ns, "d", "inc")


def test_arrays_join_with_their_views_only() -> None:
    base = np.arange(10.0)
    ns = {"a": base, "v": base[2:4], "w": base[::-1], "copy": base.copy(), "row": np.eye(3)[0]}
    assert groups(ns) == {frozenset({"a", "v", "w"}), frozenset({"copy"}), frozenset({"row"})}


def test_groups_do_not_depend_on_the_order_of_names() -> None:
    shared, also = [1], {2: 3}
    values = {"a": [shared], "b": [shared, also], "c": also, "d": [[1]], "e": (shared,)}
    expected = {frozenset("abce"), frozenset("d")}
    for order in itertools.permutations(values):
        assert groups({name: values[name] for name in order}) == expected


def test_plain_values_are_gathered_and_imports_go_by_their_root() -> None:
    ns = {
        "n": 1, "x": 2.5, "t": "text", "b": b"bytes", "z": 1j, "none": None, "yes": True,
        "long": "x" * 5000, "long_bytes": b"x" * 5000,
        "json": json, "dumps": json.dumps, "Decoder": json.decoder.JSONDecoder, "np": np, "eye": np.eye,
        "items": [1],
    }  # fmt: skip
    assert groups(ns) == {
        frozenset({"n", "x", "t", "b", "z", "none", "yes"}),
        frozenset({"json", "dumps", "Decoder"}),
        frozenset({"np", "eye"}),
        frozenset({"long"}),
        frozenset({"long_bytes"}),
        frozenset({"items"}),
    }


def test_a_subclass_of_a_plain_type_is_not_plain() -> None:
    ns = cell("class Text(str): pass\nt = Text('a'); t.note = []; u = t; n = 1")
    assert groups(ns) == {frozenset({"Text"}), frozenset({"t", "u"}), frozenset({"n"})}


def test_most_plain_values_stay_in_their_group_when_others_come() -> None:
    ns: dict[str, Any] = {f"name_{i}": i for i in range(2000)}
    before = groups(ns)
    assert len(before) > 4
    after = groups({**ns, "one_more": 1})
    assert len(after - before) == 1


def test_each_name_is_told_before_it_is_pickled() -> None:
    ns = {"a": [1], "b": {"k": 2}, "n": 1, "m": 2}
    told: list[str] = []
    parts = list(split(ns, Scope(ns, ns, {}), tick=told.append))
    assert set(told) >= {"a", "b"} and {"n", "m"} & set(told)
    assert {name for part in parts for name in part.names} == set(ns)


def stopped() -> Any:
    """Return what cannot be saved."""
    made = (i for i in "ab")
    next(made)
    return made


@pytest.mark.parametrize("size", [1, 60_000])
def test_every_variable_of_a_group_says_what_it_lost(size: int) -> None:
    bad, shared = stopped(), [1]
    large = [[i] for i in range(size)]
    ns: dict[str, Any] = {name: [shared, *large, {"k": bad}] for name in "abcd"}
    saved = save({**ns, "sound": [shared]})
    assert {frozenset(part.names) for part in saved.parts} == {frozenset({"a", "b", "c", "d", "sound"})}
    assert {problem.path for problem in saved.problems} == {f"{name}[{size + 1}]['k']" for name in "abcd"}
    fresh = saved.load()
    assert all(fresh[name][-1]["k"] is fresh["a"][-1]["k"] for name in "abcd")


def test_what_the_search_cannot_reach_is_not_called_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(culprit, "LIMIT", 50)
    bad, shared = stopped(), [1]
    large = [[i] for i in range(100)]
    saved = save({"a": [shared, *large, [bad]], "b": [shared, large], "c": [shared], "d": [shared, [large, bad]]})
    assert {problem.path for problem in saved.problems} == {"a", "d[1][1]"}


@pytest.mark.parametrize("stop", ["n", "a", "b", "c"])
def test_an_interrupt_lets_go_of_the_live_arrays(stop: str) -> None:
    data = bytearray(100_000)
    shared = np.frombuffer(data, np.uint8)
    ns = {"n": 1, "a": [shared], "b": [shared], "c": np.zeros(100_000)}

    def tick(name: str) -> None:
        if name == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for _ in split(ns, Scope(ns, ns, {}), tick=tick):
            pass
    ns["c"].resize(100_001, refcheck=False)  # type: ignore[attr-defined]
    del shared
    ns.clear()
    data.append(1)  # A buffer that is still exported would forbid it.


def test_a_payload_is_empty_once_the_next_is_asked_for() -> None:
    ns = {"a": np.zeros(50_000), "b": [1]}
    parts = split(ns, Scope(ns, ns, {}), tick=lambda name: None)
    first = next(parts)
    assert first.names == ("a",) and first.payload.buffers and first.payload.size >= 400_000
    next(parts)
    assert not first.payload.buffers and not first.payload.chunks and first.payload.size == 0


VALUES: list[Any] = [
    None, True, False, 1, 1.0, 1 + 0j, "1", b"1", 0, 0.0, -0.0, float("inf"), "", b"", "\udc80", json, np,
    json.dumps, json.loads, len, json.JSONDecoder, int, float, str,
]  # fmt: skip


def test_what_shares_nothing_has_a_digest_of_its_own() -> None:
    found = [own_digest(value) for value in VALUES]
    assert all(len(digest) == 32 for digest in found)
    assert len(set(found)) == len(VALUES)
    assert found == [own_digest(value) for value in VALUES]


@pytest.mark.parametrize("value", [[1], {}, (1,), "x" * 5000, object(), range(3), np.float64(1), float("nan")])
def test_what_may_share_has_none(value: Any) -> None:
    assert own_digest(value) == ""


def test_digests_follow_every_part_of_a_component() -> None:
    values: dict[str, Any] = {"n": 1, "items": [1]}
    group = Pickled(("n", "items"), Payload())

    def found(stream: str, *buffers: str) -> dict[str, str]:
        component = Component(("n", "items"), Part(stream, 1), tuple(Part(b, 1) for b in buffers))
        return digests(group, values, component)

    one = found("a", "b")
    assert one["n"] == own_digest(1) and len(one["items"]) == 32 and one["items"] != one["n"]
    assert found("a", "b") == one
    for other in (found("c", "b"), found("a", "c"), found("a"), found("b", "a")):
        assert other["n"] == one["n"] and other["items"] != one["items"]
