"""Long chains of instances, pickled without recursion: the states last."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from jupyter_session_save.pickling import Scope
from jupyter_session_save.pickling.pickler import _c_lane, _flat_lane

from .cells import Held, Notebook, notebook, restore, through

CHAIN = """\
class Node:
    def __init__(self, n):
        self.n, self.next, self.previous, self.held = n, None, None, [n]
class Slotted(Node):
    __slots__ = ("own",)
class Keyed:
    def __init__(self, key): self.key = key
    def __hash__(self): return hash(self.key)
    def __eq__(self, other): return self.key == other.key
first = last = Node(0)
for n in range(1, 1500):
    node = (Slotted if n % 3 else Node)(n)
    if n % 3:
        node.own = [n]
    last.next, node.previous = node, last
    last = node
del node
aliases = [first.next.held, last]
keyed = {Keyed("a"): first, Keyed("b"): Keyed("c")}
by_node = {first: 1, last: {2}}
"""
SHALLOW = 120
"""Frames of C and Python on top of those that a test has used."""


@pytest.fixture
def a() -> Iterator[Notebook]:
    with notebook(CHAIN) as made:
        yield made


def frames() -> int:
    frame, count = sys._getframe(), 0
    while frame.f_back is not None:
        frame, count = frame.f_back, count + 1
    return count


def check(b: Notebook) -> None:
    b.run(
        """
        seen, at = [], first
        while at is not None:
            assert at.next is None or at.next.previous is at
            assert at.held == [at.n] and getattr(at, "own", at.held) == [at.n]
            seen.append(type(at).__name__)
            last_seen, at = at, at.next
        """
    )
    b.check("len(seen) == 1500", "seen.count('Slotted') == 1000", "last_seen is last", "aliases[1] is last")
    b.check("aliases[0] is first.next.held", "keyed[Keyed('a')] is first", "keyed[Keyed('b')] == Keyed('c')")
    b.check("by_node[first] == 1", "by_node[last] == {2}")


def test_a_chain_comes_back_with_its_states(a: Notebook) -> None:
    check(through(_flat_lane, a))


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the limit counts frames of C only up to Python 3.11")
def test_no_link_takes_a_frame(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {n: a[n] for n in ("first", "last")}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(frames() + SHALLOW)
    try:
        scope = Scope(a.namespace, {n: v for n, v in a.namespace.items() if not n.startswith("__")}, {})
        with pytest.raises(RecursionError):
            _c_lane(values, scope, False)
        payload = _flat_lane(values, scope, False)
    finally:
        sys.setrecursionlimit(limit)
    assert not payload.problems
    payload.release()


def test_what_fails_costs_only_itself(a: Notebook) -> None:
    a.run(
        """
        class Broken:
            def __getstate__(self): return 1
            def __setstate__(self, state): raise ValueError("no")
        last.held = Broken()
        """
    )
    a.enter()
    names = tuple(n for n in a.namespace if not n.startswith("__"))
    scope = Scope(a.namespace, {n: a.namespace[n] for n in names}, {})
    held = Held(_flat_lane({n: a.namespace[n] for n in names}, scope, False), names)
    b = a.fresh()
    with pytest.raises(ValueError, match="no"):
        restore([held], a.fresh().namespace)
    assert restore([held], b.namespace, guarded=frozenset({0})).problems
    b.check("last.n == 1499", "first.next.previous is first", "'placeholder' in repr(last.held)")
