"""What stands among the keys of what it leads to is found there after a load, too."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_session_save.pickling import pickler

from .restore import cell, save

NODE = """
class N:
    key, more = None, ()
    def __init__(self, key, more=()):
        self.links, self.key, self.more = set(), key, more
    def __hash__(self):
        return hash((self.key, self.more))
    def __eq__(self, other):
        return (self.key, self.more) == (other.key, other.more)
"""

CYCLES = {
    "set": ("x = N(1); x.links.add(x)", "x in x.links and N(1) in x.links"),
    "frozenset": ("x = N(1); x.links = frozenset([x, N(2)])", "x in x.links and N(2) in x.links"),
    "inside out": ("n = N(1); x = frozenset([n]); n.links = [x]; del n", "N(1) in x and next(iter(x)).links[0] is x"),
    "dict": ("x = N(1); x.links = {x: 2}", "x.links[N(1)] == 2"),
    "tuple as a key": ("x = N(1); x.links = {(x, 2): 3}", "x.links[N(1), 2] == 3"),
    "frozenset in a frozenset": ("x = N(1); x.links = {frozenset([x])}", "frozenset([N(1)]) in x.links"),
    "hash of more than numbers": ("x = N(1, (N(2), 'a')); x.links.add(x)", "N(1, (N(2), 'a')) in x.links"),
    "edges": (
        "a, b = N(1), N(2)\nx = N('edge', (a, b))\nfor n in (a, b): n.links.add(x)",
        "x in a.links and N('edge', (N(1), N(2))) in b.links",
    ),
    "slots": (
        "class S(N):\n    __slots__ = ('own',)\nx = S(1)\nx.own = {x: [1]}\nx.links |= {x, N(3)}",
        "x.own[N(1)] == [1] and x in x.links and N(3) in x.links",
    ),
    "through other variables": ("x = N(1); y = [x]; z = {x: y}; x.links = z", "z[x] is y and x.links is z"),
}


@pytest.mark.parametrize("name", CYCLES)
def test_elements_that_lead_to_their_container_are_found_in_it(name: str) -> None:
    make, check = CYCLES[name]
    namespace = cell(NODE + make)
    assert eval(check, namespace)
    before = list(vars(namespace["N"](1)))
    saved = save(namespace)
    assert not saved.problems
    fresh = saved.load()
    assert eval(check, fresh)
    assert list(vars(fresh["N"](1))) == before


def test_attributes_keep_their_order() -> None:
    assert list(vars(save(cell(NODE + CYCLES["set"][0])).load()["x"])) == ["links", "key", "more"]


@pytest.mark.parametrize(("make", "times"), [("x = {N(n): N(-n) for n in range(9)}", 1), (CYCLES["dict"][0], 2)])
def test_only_cycles_are_pickled_again(make: str, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dumped, count = pickler._dumped, []

    def counted(kind: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        count.extend(["x"] if "x" in values else [])
        return dumped(kind, values, *args, **kwargs)

    monkeypatch.setattr(pickler, "_dumped", counted)
    save(cell(NODE + make))
    assert len(count) == times
