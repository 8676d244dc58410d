"""What must be true of every namespace: generated values, generated aliases, generated order."""

from __future__ import annotations

import gc
import pickle
import sys
import types
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from jupyter_session_save.pickling import pickler
from jupyter_session_save.snapshot import Snapshot

from .cells import Notebook, differences, notebook, through
from .repositories import data_keys

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Enough examples for every run; no deadline, since machines differ."""

DEFINITIONS = """\
import collections
import dataclasses
import enum
import functools
import typing
import numpy

class Thing:
    registry = []
    def __init__(self, x=None): self.x = x
    def get(self): return self.x

class Slotted:
    __slots__ = ("x", "y")

@dataclasses.dataclass
class Data:
    x: object = None
    ys: list = dataclasses.field(default_factory=list)

class Pair(typing.NamedTuple):
    x: object
    y: int = 0

class Colour(enum.Enum):
    RED = 1
    BLUE = (2, "b")

class Items(list):
    pass

def closing(value):
    def inner(): return value
    return inner

def defaulting(value):
    def inner(x=value, *, y=value): return x, y, total
    return inner

total = 10
"""

ATOMS: list[Any] = [
    None,
    True,
    0,
    -7,
    10**30,
    1.5,
    float("inf"),
    2j,
    "",
    "a",
    "ü" * 50,
    b"",
    b"x" * 30,
    (),
    range(3),
    ...,
]
Program = list[tuple[str, int, int, int]]
"""Steps: what to make or change, and three numbers that choose from what was made before."""

MAKING = (
    "atom list dict set tuple frozenset array fortran view strided transposed objects bytearray thing slotted data "
    "pair colour items closing defaulting method partial deque defaultdict structured readonly class"
).split()
CHANGING = ["append", "insert", "attribute", "register", "global"]

programs = st.lists(st.tuples(st.sampled_from(MAKING + CHANGING), *[st.integers(0, 30)] * 3), min_size=1, max_size=14)
bindings = st.lists(st.integers(0, 30), min_size=1, max_size=6)
deleted = st.sets(st.sampled_from(["Thing", "Slotted", "Data", "Pair", "Colour", "Items", "closing"]), max_size=2)


def run(a: Notebook, program: Program, names: list[int], gone: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Bind what a program makes to names; nothing else holds on to it afterwards."""
    a.run(DEFINITIONS)
    pool: list[Any] = []
    for step in program:
        _step(a.namespace, pool, *step)
    for number, index in enumerate(names):
        if pool:
            a.namespace[f"v{number}"] = pool[index % len(pool)]
    for name in gone:
        del a.namespace[name]


def _step(ns: dict[str, Any], pool: list[Any], what: str, i: int, j: int, k: int) -> None:
    def one(n: int) -> Any:
        return pool[n % len(pool)] if pool else n

    def of(n: int, *kinds: type) -> Any:
        found = [x for x in pool if type(x) in kinds]
        return found[n % len(found)] if found else None

    if what in CHANGING:
        _change(ns, of, one, what, i, j)
        return
    array = of(i, np.ndarray)
    makers: dict[str, Callable[[], Any]] = {
        "atom": lambda: ATOMS[i % len(ATOMS)],
        "list": lambda: [one(i), one(j)][: k % 3],
        "dict": lambda: {"a": one(i), 3: one(j)} if k % 2 else {},
        "set": lambda: {i % 8, j % 8},
        "tuple": lambda: (one(i), one(j)),
        # Held in a list: which names share an immutable object is not promised.
        "frozenset": lambda: [frozenset([i % 8, "t" * (j % 2)])],
        "array": lambda: np.arange(i * 100 + j).astype(["i8", "f4", "u1", "M8[D]", ">i4"][k % 5]),
        "fortran": lambda: np.asfortranarray(np.arange(i * j * 1.0).reshape(i, j)),
        "view": lambda: None if array is None else array[1:],
        "strided": lambda: None if array is None or array.ndim != 1 else array[:: [2, 3, -1][k % 3]],
        "transposed": lambda: None if array is None else array.T,
        "objects": lambda: _objects([one(i), one(j), None]),
        "bytearray": lambda: bytearray(i),
        "thing": lambda: _made(ns["Thing"], x=one(i), y=one(j)),
        "slotted": lambda: _made(ns["Slotted"], x=one(i)) if k % 2 else ns["Slotted"](),
        "data": lambda: ns["Data"](one(i), [one(j)]),
        "pair": lambda: ns["Pair"](one(i), j),
        "colour": lambda: [*ns["Colour"]][i % 2],
        "items": lambda: ns["Items"]([one(i)]),
        "closing": lambda: ns["closing"](one(i)),
        "defaulting": lambda: ns["defaulting"](one(i)),
        "method": lambda: ns["Thing"](one(i)).get,
        "partial": lambda: ns["functools"].partial(ns["closing"], one(i)),
        "deque": lambda: ns["collections"].deque([one(i)], maxlen=5),
        "defaultdict": lambda: ns["collections"].defaultdict(list, {"k": one(i)}),
        "structured": lambda: np.zeros(i + 1, dtype=[("a", "i4"), ("b", "f8", (2,))]),
        "readonly": lambda: _readonly(np.arange(i + 1)),
        "class": lambda: [ns["Thing"], ns["Data"], ns["Colour"], int, dict][i % 5],
    }
    pool.append(makers[what]())


def _change(ns: dict[str, Any], of: Any, one: Any, what: str, i: int, j: int) -> None:
    if what == "append":
        target = of(i, list, ns["Items"], ns["collections"].deque)
        if target is not None:
            target.append(one(j))
    elif what == "insert":
        target = of(i, dict, ns["collections"].defaultdict)
        if target is not None:
            target["later"] = one(j)
    elif what == "attribute":
        target = of(i, ns["Thing"], ns["Data"], ns["Slotted"], types.FunctionType)
        if target is not None:
            target.y = one(j)
    elif what == "register":
        ns["Thing"].registry.append(one(j))
    else:
        ns["total"] = one(j)


def _made(cls: type, **attributes: Any) -> Any:
    made = cls()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def _objects(items: list[Any]) -> Any:
    made = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):
        made[position] = item
    return made


def _readonly(array: Any) -> Any:
    array.flags.writeable = False
    return array


def digests(snapshot: Snapshot) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {c.names: (c.stream.digest, *(b.digest for b in c.buffers)) for c in snapshot.components}


@quick
@given(programs, bindings, deleted)
@example([("array", 3, 0, 0), ("view", 0, 0, 0), ("strided", 1, 0, 2)], [0, 1, 2], set())
@example([("list", 0, 0, 0), ("append", 0, 0, 0), ("tuple", 0, 0, 0), ("append", 0, 1, 0)], [0, 1], set())
@example([("thing", 0, 0, 0), ("register", 0, 0, 0), ("defaulting", 0, 0, 0)], [0, 1], {"Thing"})
def test_a_namespace_comes_back_with_its_identities(program: Program, names: list[int], gone: set[str]) -> None:
    with notebook() as a:
        run(a, program, names, gone)
        b = a.resume()
        assert b.get("closing").__globals__ is b.namespace if "closing" not in gone else True


@quick
@given(programs, bindings, deleted)
def test_the_lanes_agree(program: Program, names: list[int], gone: set[str]) -> None:
    with notebook() as a:
        run(a, program, names, gone)
        before = a.described()
        plain = through(pickler._c_lane, a).described()
        assert not differences(before, plain)
        assert not differences(plain, through(pickler._c_lane, a, guarded=True).described())
        assert not differences(plain, through(pickler._dill_lane, a, guarded=True).described())
        assert not differences(before, a.described())


@quick
@given(programs, bindings, deleted)
def test_saving_twice_writes_nothing_new(program: Program, names: list[int], gone: set[str]) -> None:
    with notebook() as a:
        run(a, program, names, gone)
        first = a.save()
        stored = data_keys(a.repository)
        again = a.save()
        assert data_keys(a.repository) == stored
        assert again.bytes_new < first.bytes_new
        assert set(again.reused) == {v.name for v in first.variables}
        assert digests(a.repository.resolve("s", 1)) == digests(a.repository.resolve("s", 2))
        assert {v.digest for v in first.variables} == {v.digest for v in again.variables}
        assert all(status == "same" for _, status, _ in a.plan().rows)


@quick
@given(programs, bindings, deleted)
@example([("colour", 0, 0, 0)], [0, 0], set())
@example([("thing", 0, 0, 0), ("atom", 0, 0, 0), ("slotted", 0, 0, 1)], [2], set())
def test_a_loaded_namespace_is_the_same_and_data_is_not_stored_again(
    program: Program, names: list[int], gone: set[str]
) -> None:
    # Equal sets may come in another order, and then count as different.
    assume(not any("set" in step[0] for step in program))
    with notebook() as a:
        run(a, program, names, gone)
        a.save()
        b = a.fresh()
        b.load()
        assert {v.name: status for v, status, _ in b.plan().rows if status != "same"} == {}
        report = b.save()
        snapshot = a.repository.resolve("s", 2)
        # Classes name their attributes with strings that the interpreter shares and a pickle does not.
        defining = {n for c in snapshot.components if c.defines for n in c.names}
        if gone:
            return  # An instance brings a class with it that has no name any more.
        assert {v.name for v in report.variables} - set(report.reused) <= defining


@quick
@given(programs, bindings)
def test_saving_leaves_every_reference_count(program: Program, names: list[int]) -> None:
    with notebook() as a:
        run(a, program, names)
        a.save()  # What the first save leaves behind once (imports, caches) is not a leak.
        gc.collect()
        held = _reachable(a.namespace)
        before = [sys.getrefcount(each) for each in held]
        a.save()
        gc.collect()
        after = [sys.getrefcount(each) for each in held]
        assert [(type(o), x, y) for o, x, y in zip(held, before, after, strict=True) if x != y] == []
        arrays = [x for x in held if isinstance(x, np.ndarray)]
        del held
        assert all(x.flags.owndata or x.base is not None for x in arrays)


def _reachable(namespace: dict[str, Any]) -> list[Any]:
    """Mutable objects and definitions below a namespace."""
    found: dict[int, Any] = {}
    todo = [v for k, v in namespace.items() if not k.startswith("__") and not isinstance(v, types.ModuleType)]
    while todo:
        value = todo.pop()
        kinds = (list, dict, set, np.ndarray, bytearray, types.FunctionType)
        ours = isinstance(value, kinds) or type(value).__module__ == "__main__"
        if id(value) in found or not (ours or type(value) is tuple) or value is namespace:
            continue
        if ours:
            found[id(value)] = value
        if not isinstance(value, types.FunctionType):
            todo += gc.get_referents(value)
    return list(found.values())


@quick
@given(programs, bindings)
def test_notebook_classes_stay_picklable_for_others(program: Program, names: list[int]) -> None:
    with notebook() as a:
        run(a, program, names)
        mine = a.run("mine = [Thing(1), Data(2), Pair(3), Colour.RED, Items([4]), closing, Thing(5).get]")["mine"]
        plain, forking = pickle.dumps(mine), bytes(ForkingPickler.dumps(mine))
        a.save()
        assert pickle.dumps(mine) == plain
        assert bytes(ForkingPickler.dumps(mine)) == forking
        b = a.fresh()
        b.load()
        theirs = pickle.loads(pickle.dumps(b["mine"]))
        assert [type(x) for x in theirs[:5]] == [b[n] for n in ("Thing", "Data", "Pair", "Colour", "Items")]
        assert theirs[3] is b["Colour"].RED
        assert theirs[5] is b["closing"]
        assert ForkingPickler.loads(ForkingPickler.dumps(b["mine"]))[1] == b["Data"](2)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(enabled: bool) -> None:
    with notebook("import signal\nclass Bad:\n    def __reduce__(self): signal.raise_signal(signal.SIGINT)") as a:
        was = gc.isenabled()
        (gc.enable if enabled else gc.disable)()
        try:
            a.save()
            a.fresh().load()
            a.plan()
            assert gc.isenabled() is enabled
            a.enter()
            with pytest.raises(KeyboardInterrupt):
                a.run("bad = Bad()").save()
            assert gc.isenabled() is enabled
        finally:
            (gc.enable if was else gc.disable)()


@pytest.mark.parametrize("size", [10, 50_000, 500_000])
def test_arrays_are_free_after_a_save_and_after_a_load(size: int) -> None:
    # By reference counts, since `resize` also counts what a tracer (coverage) holds.
    source = f"import sys\nimport numpy as np\narr = np.arange({size}); held = [bytearray({size})]"
    with notebook(source) as a:
        a.run("count = sys.getrefcount(arr)")
        for _ in range(2):
            a.save()
            a.check("sys.getrefcount(arr) == count")
            a.run("arr[0] = 7; held[0].append(1); arr[0] = 0; held[0].pop()")
            a.check("arr.flags.writeable", "arr.flags.owndata")
        a.run(f"arr.resize({size} + 1, refcheck=False)")
        a.save()
        b = a.fresh()
        b.load()
        b.run("arr[0] = 9; held[0].append(2)")
        b.check("arr[0] == 9 and arr.flags.writeable")
        if size * 8 < 64 * 1024:
            b.check("arr.flags.owndata")
        b.check("sys.getrefcount(arr) == count")
        a.enter()
        a.check("arr[0] == 0")


def test_what_is_written_after_a_load_does_not_reach_the_store() -> None:
    with notebook("import numpy as np\nbig = np.zeros(400_000); small = np.zeros(4000); view = big[10:]") as a:
        a.save()
        b = a.fresh()
        b.load()
        b.run("big[:] = 5; small[:] = 6")
        b.check("view[0] == 5")
        c = a.fresh()
        c.load()
        c.check("not big.any()", "not small.any()")
        assert a.repository.check() == []


def test_an_interrupt_at_any_moment_of_a_save_changes_nothing() -> None:
    with notebook(DEFINITIONS + "xs = [Thing([i]) for i in range(20)]; ys = {i: [i] for i in range(20)}") as a:
        before = a.described()
        a.save()
        for moment in range(1, 200):
            ticks = iter(range(moment))

            def progress(*_: object, ticks: Any = ticks) -> None:
                if next(ticks, None) is None:
                    raise KeyboardInterrupt

            try:
                a.save(progress=progress)
            except KeyboardInterrupt:
                continue
            break
        else:
            pytest.fail("the save has no end")
        assert moment > 5
        assert not differences(before, a.described())
        assert a.repository.versions("s") == [1, 2]
