"""Huge containers in chunks load to what they load to in one stream, and cost what has changed."""

from __future__ import annotations

import datetime
import random
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_session_save.changes import Tracker
from jupyter_session_save.pickling import GiveWay, Scope, chunked, dumps, joining
from jupyter_session_save.reach import EVERYTHING
from jupyter_session_save.repository import Repository
from jupyter_session_save.store import MemoryStore

from .cells import Notebook, describe, differences
from .restore import cell, save


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few items be many."""
    monkeypatch.setattr(chunked, "MANY", 20)
    monkeypatch.setattr(chunked, "SAMPLE", 4)
    monkeypatch.setattr(chunked, "OBJECTS", 24)
    monkeypatch.setattr(chunked, "STEP", 8)


DEFINITIONS = """
class Plain:
    def __init__(self, held): self.held = held
class Slotted:
    __slots__ = ("held", "also")
    def __init__(self, held): self.held = self.also = held
class Stated:
    def __init__(self, held): self.held = held
    def __getstate__(self): return {"held": self.held}
"""

HOLDERS = (
    lambda ns, held: [held],
    lambda ns, held: {"k": held},
    lambda ns, held: (held, 1),
    lambda ns, held: ns["Plain"](held),
    lambda ns, held: ns["Slotted"](held),
    lambda ns, held: ns["Stated"](held),
    lambda ns, held: [held, "text", 1.5, None, datetime.date(2020, 1, 1)],
    lambda ns, held: held,
)


def built(seed: int, kind: str, sharing: float, depth: int = 0) -> dict[str, Any]:
    """A huge container whose items hold lists, some of them shared among items, other variables, or with itself.

    It stands so many levels deep in other objects.
    """
    rng, namespace = random.Random(seed), cell(DEFINITIONS)
    pool: list[Any] = [[n] for n in range(3)]
    holders = rng.sample(HOLDERS, 3)
    container: Any = [] if kind == "list" else {}
    pool.append(container)
    for n in range(60):
        held = rng.choice(pool) if rng.random() < sharing else [n]
        item = rng.choice(holders)(namespace, held)
        if rng.random() < sharing:
            pool.append(item)
        if kind == "list":
            container.append(item)
        else:
            container[n] = item
    others = [rng.choice(pool[:-1] if rng.random() < 0.5 else [container[7], [container[3]]]) for _ in range(2)]
    namespace["big"] = container
    for _ in range(depth):
        namespace["big"] = rng.choice(HOLDERS)(namespace, namespace["big"])
        pool.append(namespace["big"])
    if depth:
        container[5] = rng.choice(pool) if rng.random() < sharing else 5
        others.append(rng.choice(pool[-depth:]))
    namespace |= {f"other{n}": other for n, other in enumerate(others[: rng.randrange(4)])}
    return namespace


def shape(namespace: Mapping[str, Any]) -> list[Any]:
    """Every object that can change, numbered as it is met, and what it holds."""
    numbers: dict[int, int] = {}
    keep: list[Any] = []

    def walk(value: Any) -> Any:
        if isinstance(value, (str, int, float, type(None), datetime.date)):
            return value
        if id(value) in numbers:
            return ("seen", numbers[id(value)])
        numbers[id(value)] = len(numbers)
        keep.append(value)
        kind = type(value).__name__
        if isinstance(value, dict):
            return (kind, [(key, walk(item)) for key, item in value.items()])
        if isinstance(value, (list, tuple)):
            return (kind, [walk(item) for item in value])
        if isinstance(value, (set, frozenset)):
            return (kind, sorted(map(repr, map(walk, value))))
        names = ("held", "also") if kind == "Slotted" else ("held",)
        return (kind, [walk(getattr(value, name)) for name in names])

    return [(name, walk(namespace[name])) for name in sorted(namespace) if name.startswith(("big", "other"))]


def chunks_of(namespace: Mapping[str, Any]) -> int:
    """How many chunks the component of ``big`` is pickled in."""
    return next(len(part.blobs) for part in save(namespace).parts if "big" in part.names)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**9),
    kind=st.sampled_from(("list", "dict")),
    sharing=st.sampled_from((0.0, 0.02, 0.1, 0.5)),
    depth=st.integers(0, 3),
)
def test_chunks_and_one_stream_load_to_the_same_graph(seed: int, kind: str, sharing: float, depth: int) -> None:
    namespace = built(seed, kind, sharing, depth)
    in_chunks = shape(save(namespace).load())
    many, chunked.MANY = chunked.MANY, 1 << 60
    try:
        whole = save(namespace)
    finally:
        chunked.MANY = many
    assert all(not part.blobs for part in whole.parts)
    assert in_chunks == shape(whole.load()) == shape(namespace)


def test_both_ways_are_among_those_graphs() -> None:
    for depth in (0, 2):
        found = [chunks_of(built(seed, "list", sharing, depth)) for seed in range(20) for sharing in (0.0, 0.02)]
        assert len([count for count in found if count > 2]) > 10
        assert found.count(0) > 10


@pytest.mark.parametrize(
    "code",
    [
        "big = [[n] for n in range(100)]",
        "big = [{'id': n, 'name': f'n{n}', 'tags': ('a', 'b')} for n in range(100)]",
        "big = {f'k{n}': [n] for n in range(100)}",
        "big = {(n, str(n)) for n in range(100)}",
        "big = [f'text {n}' for n in range(100)]",
        "big = [b'%d' % n for n in range(100)]",
        "import datetime\nbig = [(datetime.datetime(2020, 1, 1, n % 24), n) for n in range(100)]",
        "import decimal\nbig = [[decimal.Decimal(n)] for n in range(100)]",
        "import enum\nclass Color(enum.Enum):\n    RED = 1\nbig = [[Color.RED, n] for n in range(100)]",
        "class P:\n    def __init__(self, n): self.n = [n]\nbig = [P(n) for n in range(100)]",
        "class P:\n    __slots__ = ('n',)\n    def __init__(self, n): self.n = [n]\nbig = [P(n) for n in range(100)]",
        "big = [[n, float('nan')] for n in range(100)]",
        "big = [float('nan') for n in range(100)]",
        "big = [[n] for n in range(100)]\nfirst, last, other = big[0], big[-1], big",
        "big = [[n] for n in range(100)]\nbig[50].append(big)",
        "import weakref\nbig = [{n} for n in range(100)]\nheld = weakref.ref(big[7])",
    ],
)
def test_what_is_pickled_in_chunks(code: str) -> None:
    namespace = cell(code)
    saved = save(namespace)
    assert sum(len(part.blobs) for part in saved.parts) >= 2
    fresh = saved.load()
    assert type(fresh["big"]) is type(namespace["big"])
    assert len(fresh["big"]) == 100
    assert (
        repr(fresh["big"])[:60] == repr(namespace["big"])[:60] or "0x" in repr(namespace["big"]) or "big = {(" in code
    )
    for name in {"first", "last", "other"} & namespace.keys():
        index = {"first": 0, "last": -1}.get(name)
        assert fresh[name] is (fresh["big"] if index is None else fresh["big"][index])
    if "held" in namespace:
        assert fresh["held"]() in fresh["big"]
        assert any(fresh["held"]() is item for item in fresh["big"])
    if "append(big)" in code:
        assert fresh["big"][50][1] is fresh["big"]


@pytest.mark.parametrize(
    "code",
    [
        "big = [[n] for n in range(50)] * 2",
        "shared = []\nbig = [(shared, n) for n in range(100)]\ndel shared",
        "inner = []\nshared = (inner,)\nbig = [[shared, n] for n in range(100)]\ndel shared, inner",
        "text = 'x' * 10_000\nbig = [[text, n] for n in range(100)]\ndel text",
        "row = 1, 'x' * 10_000\nbig = [[row, n] for n in range(100)]\ndel row",
        "class P:\n    def __getstate__(self): return STATE\nSTATE = {'a': [1]}\nbig = [P() for n in range(100)]",
        "import numpy\nbig = [numpy.arange(9)[n:] for n in range(100)]",
        "def make():\n    class P: pass\n    return P\nP = make()\nbig = [P() for n in range(100)]\ndel P",
        "big = [(lambda: 1) for n in range(100)]",
        "import math\nbig = [[n, math.nan] for n in range(100)]",
        "class M(type):\n    __hash__ = None\nclass P(metaclass=M): pass\nbig = [P() for n in range(100)]",
        "class P:\n    def __init__(self, n): self.n = n\n    def __hash__(self): return 1\nbig = {*map(P, range(99))}",
    ],
)
def test_what_may_share_is_pickled_in_one_stream(code: str) -> None:
    namespace = cell(code)
    assert chunks_of(namespace) == 0
    assert len(save(namespace).load()["big"]) == len(namespace["big"])


@pytest.mark.parametrize(
    ("code", "same"),
    [
        ("big = [(n, [n]) for n in range(100)]\nother = {row[0]: row for row in big}", "other[5][1] is big[5][1]"),
        ("big = [((n, [n]),) for n in range(100)]\nother = [r[0] for r in big]", "other[5][1] is big[5][0][1]"),
        ("big = [slice([n]) for n in range(100)]\nother = big[:]", "other[5].stop is big[5].stop"),
        ("class P: pass\nbig = {n: frozenset((P(),)) for n in range(100)}\nother = {*big.values()}", "big[5] in other"),
        ("big = [[n].append for n in range(100)]\nother = big[:]", "other[5].__self__ is big[5].__self__"),
    ],
)
def test_huge_containers_that_share_what_cannot_change_share_what_is_in_it(code: str, same: str) -> None:
    saved = save(cell(code))
    assert ("big", "other") in {tuple(part.names) for part in saved.parts}
    assert eval(same, saved.load())


INDEX = """
class Index:
    def __init__(self, items): self.items = items; self.count = len(items)
    def __setstate__(self, state): self.__init__(state['items'])
"""


@pytest.mark.parametrize(
    ("code", "same"),
    [
        ("held = iter(big); next(held)", "next(held) is big[1]"),
        ("held = reversed(big)", "next(held) is big[99]"),
        ("held = enumerate(big); next(held)", "next(held)[1] is big[1]"),
        (f"{INDEX}held = Index(big)", "held.items is big and held.count == 100"),
        (f"{INDEX}    def __reduce__(self): return Index, (self.items,)\nheld = Index(big)", "held.count == 100"),
    ],
)
def test_what_looks_at_a_container_when_it_is_loaded_finds_it_filled(code: str, same: str) -> None:
    saved = save(cell(f"big = [[n] for n in range(100)]\n{code}"))
    assert ("big", "held") in {tuple(part.names) for part in saved.parts}
    assert eval(same, saved.load())


@pytest.mark.parametrize(
    "code",
    [
        "held = big.append",
        "held = lambda: big\nheld.of = big",
        f"{INDEX}held = [Index([])]\nbig[3].append(held)\nheld[0].big = [1]",
        "import collections\nheld = collections.deque([big])",
    ],
)
def test_what_only_holds_a_container_leaves_it_in_chunks(code: str) -> None:
    assert chunks_of(cell(f"big = [[n] for n in range(100)]\n{code}")) > 2


@pytest.mark.parametrize(
    "code",
    [
        "big = {'name': 'a', 'rows': rows, 'when': datetime.date(2020, 1, 1), 'kinds': {1, 2}}",
        "class Owner: pass\nbig = Owner(); big.rows = rows; big.also = {'rows': rows}; big.call = print; big.me = big",
        "class Owner: __slots__ = ('rows', '__dict__')\nbig = Owner(); big.rows = rows; big.text = 'text'",
        "import dataclasses\n@dataclasses.dataclass\nclass Owner: rows: list\nbig = Owner(rows)",
        "big = (1, [rows, {n: [n] for n in range(15)}])",
        "big = {'one': rows, 'other': {n: [n] for n in range(100)}}; other = rows",
    ],
)
def test_a_container_within_small_ones_and_plain_instances_is_in_chunks(code: str) -> None:
    namespace = cell(f"import datetime\nrows = [[n] for n in range(100)]\n{code}\ndel rows")
    saved = save(namespace)
    assert next(len(part.blobs) for part in saved.parts if "big" in part.names) > 2
    loaded, names = saved.load(), ("big", "other")
    before, after = ({n: space[n] for n in names if n in space} for space in (namespace, loaded))
    assert not differences(describe(before), describe(after))


@pytest.mark.parametrize(
    "code",
    [
        "import fractions\nbig = [rows, float('nan')]",
        "import collections\nbig = collections.OrderedDict(rows=rows)",
        "big = [rows, (n for n in ())]",
        "class Own:\n    def __reduce__(self): return Own, ()\nbig = [rows, Own()]",
        "class Part:\n    def __getstate__(self): return {}\nbig = Part(); big.rows = rows",
        "class Part:\n    def __init__(self): self.__reduce_ex__ = lambda n: (Part, ())\nbig = Part(); big.rows = rows",
        "class Hashed:\n    def __hash__(self): return self.n\nbig = Hashed(); big.n = 1; big.rows = rows",
        "big = [[rows] for n in range(15)] + [iter(rows)]",
        "big = [get_ipython, __builtins__, rows]",
    ],
)
def test_one_that_stands_beside_or_in_something_else_is_not(code: str) -> None:
    namespace = cell(f"rows = [[n] for n in range(100)]\nget_ipython = None\n{code}\ndel rows")
    assert chunks_of(namespace) == 0


def test_a_list_that_changes_between_two_chunks_is_pickled_again() -> None:
    namespace = cell("big = [[n] for n in range(5000)]")
    steps: list[int] = []

    class Meanwhile(Scope):
        def pause(self) -> None:
            steps.append(0)
            if len(steps) == 20:
                namespace["big"].insert(0, -1)

    values = {"big": namespace["big"]}
    payload = dumps(values, Meanwhile(namespace, {}, {}))
    assert len(steps) > 20 and payload.inner
    again = dumps(values, Scope(namespace, {}, {}))
    assert [*map(bytes, payload.buffers)] == [*map(bytes, again.buffers)]


def test_a_list_with_a_bad_item_has_a_placeholder_in_its_place() -> None:
    namespace = cell("import sys\nbig = [[n] for n in range(100)]\nbig[70] = [sys._getframe()]")
    saved = save(namespace)
    assert [p.path for p in saved.problems] == ["big[70][0]"]
    fresh = saved.load()["big"]
    assert fresh[69] == [69]
    assert type(fresh[70][0]).__name__ == "Placeholder"


FAILING = """
class P:
    def __init__(self, n): self.n = n
    def __setstate__(self, state):
        if state['n'] == 71: raise ValueError('no')
        self.__dict__.update(state)
"""


def test_an_item_that_cannot_be_loaded_is_a_placeholder_in_its_place() -> None:
    namespace = cell(FAILING + "big = {f'k{n}': [P(n)] for n in range(100)}")
    saved = save(namespace)
    assert sum(len(part.blobs) for part in saved.parts) >= 2
    fresh, problems = saved.attempt()
    assert [p.path for p in problems] == ["big['k71'][0]"]
    assert fresh["big"]["k72"][0].n == 72
    assert type(fresh["big"]["k72"][0]) is fresh["P"]


@pytest.mark.parametrize(
    ("made", "path"), [("[P(n) for n in range(100)]", "big[71]"), ("{*map(P, range(100))}", "big")]
)
def test_in_lists_and_sets_too(made: str, path: str) -> None:
    saved = save(cell(f"{FAILING}big = {made}"))
    assert sum(len(part.blobs) for part in saved.parts) >= 2
    fresh, problems = saved.attempt()
    assert [p.path[: len(path)] for p in problems] == [path]
    assert sorted(item.n for item in fresh["big"] if type(item) is fresh["P"]) == [*range(71), *range(72, 100)]


def test_a_chunk_that_differs_from_its_digest_is_never_unpickled() -> None:
    saved = save(cell("big = [[n] for n in range(100)]"))
    (part,) = saved.parts
    damaged = bytearray(part.blobs[1])
    damaged[-5] ^= 1
    part.blobs[1] = bytes(damaged)  # type: ignore[index]
    with pytest.raises(AssertionError, match="differs from what was saved"):
        saved.attempt()


def test_a_chunk_that_is_missing_is_said_in_one_line() -> None:
    saved = save(cell("big = [[n] for n in range(100)]"))
    del saved.parts[0].blobs[-1]  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="the snapshot lacks a buffer of it"):
        saved.attempt()


def test_a_chunk_that_changes_after_it_was_compared_is_loaded_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = save(cell("big = [[n] for n in range(100)]"))
    (part,) = saved.parts
    file = bytearray(part.blobs[1])
    part.blobs[1] = memoryview(file)  # type: ignore[index]

    def compare(chunk: bytes) -> Any:
        found = blake3(chunk)
        file[:] = bytes(len(file))
        return found

    monkeypatch.setattr(joining, "blake3", compare)
    fresh, problems = saved.attempt()
    assert problems == []
    assert fresh["big"] == [[n] for n in range(100)]
    assert not any(file)


def test_more_names_for_what_it_holds_leave_the_other_chunks_as_they_are() -> None:
    namespace = cell(f"{FAILING}big = [{{'id': n, 'held': P([n])}} for n in range(100)]")
    before = next(part for part in save(namespace).parts if "big" in part.names)
    namespace["row"] = namespace["big"][99]
    after = next(part for part in save(namespace).parts if "big" in part.names)
    assert after.names == ("big", "row")
    assert len(set(before.blobs) - set(after.blobs)) == 1


def test_room_in_the_memo_grows_in_steps() -> None:
    assert [joining.room_for(n) for n in (1, 16, 17, joining.MOST)] == [16, 16, 256, joining.MOST]


def test_each_chunk_gives_room_for_something_better_to_do() -> None:
    namespace = cell("big = [[n] for n in range(1000)]")
    steps: list[int] = []
    longest = 0

    class Pausing(Scope):
        def pause(self) -> None:
            steps.append(0)

    reached = chunked.reached

    def counted(pickler: Any) -> list[Any]:
        nonlocal longest
        found = reached(pickler)
        longest = max(longest, len(found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunked, "reached", counted)
        payload = dumps({"big": namespace["big"]}, Pausing(namespace, {}, {}))
    assert len(steps) > len(payload.buffers) > 50
    assert longest < 100

    class Leaving(Scope):
        def pause(self) -> None:
            raise GiveWay

    with pytest.raises(GiveWay):
        dumps({"big": namespace["big"]}, Leaving(namespace, {}, {}))


@pytest.mark.parametrize("item", ["(n, str(n))", "{'k': [n]}", "str(n)"])
def test_the_objects_of_a_chunk_are_gone_through_once(monkeypatch: pytest.MonkeyPatch, item: str) -> None:
    again: list[Any] = []
    kinds: list[int] = []
    note, counter = chunked._Apart._note, chunked.Counter
    monkeypatch.setattr(chunked._Apart, "_note", lambda self, held: again.extend(held) or note(self, held))
    monkeypatch.setattr(chunked, "Counter", lambda of: kinds.append(1) or counter(of))
    namespace = cell(f"big = [{item} for n in range(100, 1000)]")
    items = set(map(id, namespace["big"]))
    payload = dumps({"big": namespace["big"]}, Scope(namespace, {}, {}))
    # Nothing holds an item but the container, and no reducer was asked, so there are none but known types.
    assert len(payload.buffers) > 10 and items.isdisjoint(map(id, again))
    assert len(kinds) == 1  # what is pickled before all chunks


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Notebook, Tracker]]:
    main = sys.modules["__main__"]
    monkeypatch.setattr("jupyter_session_save.changes.collect", lambda *_: ({}, []))
    notebook = Notebook(Repository(MemoryStore()))
    signer = notebook.signer
    tracker = Tracker(notebook.namespace, "s", repository=notebook.repository, signer=signer, live=dict, hidden=dict)
    yield notebook, tracker
    sys.modules["__main__"] = main


def saved_parts(tracker: Tracker) -> set[str]:
    assert tracker.current is not None
    return {part.digest for part in tracker.current.parts()}


def test_an_append_and_a_change_store_one_chunk(tracked: tuple[Notebook, Tracker]) -> None:
    notebook, tracker = tracked
    notebook.run("big = [{'id': n, 'tags': [n]} for n in range(5000)]\nfirst = big[0]")
    tracker.touch(EVERYTHING)
    assert tracker.save() is not None
    before = saved_parts(tracker)
    assert len(before) > 100
    for code in (
        "big.append({'id': -1, 'tags': []})",
        "first['id'] = 7",
        "big[2500]['tags'].append(1)",
        "row = big[-1]",
    ):
        notebook.run(code)
        tracker.touch(EVERYTHING)
        assert tracker.save() is not None, code
        after = saved_parts(tracker)
        # One chunk, what names the chunks, and what is no part of the list.
        assert len(after - before) <= 3, code
        before = after
    tracker.touch(EVERYTHING)
    assert tracker.save() is None
    fresh = notebook.fresh()
    fresh.load("s", state=False)
    assert fresh["big"] == notebook["big"]
    assert fresh["big"][0] is fresh["first"]
    assert fresh["big"][-1] is fresh["row"]
    loaded = Tracker(fresh.namespace, "s", repository=fresh.repository, signer=fresh.signer, live=dict, hidden=dict)
    assert tracker.current is not None
    loaded.adopt(tracker.current)
    loaded.touch(EVERYTHING)
    assert loaded.save() is None


def test_a_sweep_finds_a_changed_item(tracked: tuple[Notebook, Tracker]) -> None:
    notebook, tracker = tracked
    notebook.run("big = [[n] for n in range(5000)]")
    tracker.touch(EVERYTHING)
    tracker.save()
    while tracker.sweep(lambda: None):
        pass
    assert not tracker.pending
    notebook["big"][17].append(0)
    tracker.sweep_again()
    while tracker.sweep(lambda: None):
        pass
    assert tracker.pending


def test_what_something_else_holds_is_found_wherever_it_stands() -> None:
    objects = [[i] for i in range(30)]
    held = [objects[i] for i in (0, 7, 8, 9, 23, 29)]
    found = chunked._held(objects, chunked.LISTED)
    assert list(map(id, found)) == list(map(id, held))
