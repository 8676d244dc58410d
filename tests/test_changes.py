"""The tracker against the live namespace: after each cell the newest snapshot loads equal, with the same sharing."""

from __future__ import annotations

import datetime
import gc
import itertools
import shutil
import threading
import time
import types
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jupyter_session_save import held, records
from jupyter_session_save.changes import Tracker
from jupyter_session_save.errors import StoreError
from jupyter_session_save.examining import stall_of
from jupyter_session_save.loading import load_into
from jupyter_session_save.pickling import GiveWay
from jupyter_session_save.reach import reach_of
from jupyter_session_save.repository import Repository
from jupyter_session_save.retention import HEADS, parse
from jupyter_session_save.snapshot import Snapshot
from jupyter_session_save.store import LocalStore, MemoryStore
from jupyter_session_save.sweeping import FICKLE, QUIET, TRIES
from jupyter_session_save.target import Options
from jupyter_session_save.trust import Signer

SIGNER = Signer(b"k" * 32)


class Notebook:
    """A namespace, a tracker that follows it, and cells."""

    def __init__(self, repository: Repository | None = None) -> None:
        self.repository = repository or Repository(MemoryStore())
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.tracker = self.follow()

    def follow(self) -> Tracker:
        return Tracker(self.namespace, "nb", repository=self.repository, signer=SIGNER, live=dict, hidden=dict)

    def execute(self, code: str) -> None:
        try:
            exec(compile(code, "<cell>", "exec"), self.namespace)
        except Exception as error:
            error.__traceback__ = None

    def run(self, code: str, **options: Any) -> Snapshot | None:
        self.execute(code)
        self.tracker.touch(reach_of(code, str))
        return self.tracker.save(**options)

    def loaded(self, snapshot: Snapshot | None = None) -> dict[str, Any]:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        load_into(
            namespace,
            snapshot or self.repository.resolve("nb"),
            Options(),
            repository=self.repository,
            signer=SIGNER,
            live={},
            hidden={},
            progress=None,
        )
        return namespace

    def sweep(self) -> None:
        self.tracker.sweep_again()
        while self.tracker.sweep(lambda: None):
            pass

    def names(self) -> set[str]:
        return {n for n in self.namespace if not n.startswith("__")}


def canonical(namespace: dict[str, Any]) -> list[Any]:
    """A namespace as plain data in which equal values with equal sharing are equal."""
    seen: dict[int, int] = {}
    keep: list[Any] = []
    arrays: list[Any] = []

    def form(value: Any) -> Any:
        if isinstance(value, int | float | str | bytes | None):
            return repr(value)
        if isinstance(value, types.ModuleType):
            return value.__name__
        if id(value) in seen:
            return ("again", seen[id(value)])
        seen[id(value)] = len(seen)
        keep.append(value)
        if isinstance(value, list | tuple):
            return [type(value).__name__, *map(form, value)]
        if isinstance(value, dict):
            return [(k, form(v)) for k, v in sorted(value.items(), key=repr)]
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return value.tolist()
        if isinstance(value, types.FunctionType):
            cells = [form(cell.cell_contents) for cell in value.__closure__ or ()]
            return [value.__name__, cells, form(value.__defaults__), sorted(value.__code__.co_names)]
        if isinstance(value, types.MethodType):
            return [form(value.__func__), form(value.__self__)]
        if isinstance(value, types.BuiltinFunctionType) or (isinstance(value, type) and value.__module__ != "__main__"):
            return getattr(value, "__qualname__", "")
        if isinstance(value, type):
            own = {k: form(v) for k, v in sorted(vars(value).items()) if not k.startswith("__")}
            return [value.__name__, sorted(own.items())]
        if not hasattr(value, "__dict__"):
            return type(value).__name__
        return [form(type(value)), form(vars(value))]

    forms = [(name, form(namespace[name])) for name in sorted(namespace) if not name.startswith("__")]
    shared = [np.shares_memory(one, other) for one in arrays for other in arrays]
    return [*forms, shared]


NAMES = st.sampled_from("abcde")
SETUP = """
import numpy as np
class Box:
    kept = []
    def __init__(self, item): self.item = item
    def put(self, item): self.item = item
    def keep(self, item): self.kept.append(item)
def maker(item):
    def push(x): item.append(x)
    return push
def default(x, to=[]): to.append(x); return to
def swap():
    global a, b
    a, b = b, a
def touch_c(): c.append(1)
"""
BINDINGS = st.sampled_from(
    [
        "[]", "[1, 2]", "{'k': []}", "3", "'text'", "np.zeros(9000)", "np.arange(3.0)", "Box([])", "maker([1])",
        "default",         "lambda: c", "(1, [2])", "Box", "Box.__init__", "{'deep': {'deeper': [np.zeros(9000)]}}",
    ]
)  # fmt: skip
CHANGES = st.sampled_from(
    [
        "{0} = {1}", "{0} = [{1}]", "{0}.append({1})", "{0}['k'] = {1}", "{0}['k'].append(5)", "{0}[0] = 7",
        "{0}.put({1})", "{0}.item = {1}", "{0}(4)", "{0}({1})", "del {0}", "{0}.append(1); 1 / 0; {0}.append(2)",
        "swap()", "touch_c()", "{0} = {1}[:2]", "exec('{0}.append(3)')", "globals()['{0}'] = {1}", "{0}.keep({1})",
        "{0} = {1}.put", "for {0} in ({1}, 2): pass", "default({1})", "{0} = Box({1})", "{0} = maker({1})",
        "class Box(Box): more = 1", "(lambda x: x.append(9))({0})", "{0}, {1} = {1}, {0}", "len({0})", "1 + 1",
        "globals().pop('{0}')", "{0} = type({1})", "{0} = {0}", "{0} += [1]",
    ]
)  # fmt: skip


class Cells(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.notebook = Notebook()
        self.notebook.run(SETUP)

    def cell(self, code: str) -> None:
        self.notebook.run(code)

    @rule(name=NAMES, value=BINDINGS)
    def bind(self, name: str, value: str) -> None:
        self.cell(f"{name} = {value}")

    @rule(change=CHANGES, one=NAMES, other=NAMES)
    def change(self, change: str, one: str, other: str) -> None:
        self.cell(change.format(one, other))

    @rule(change=CHANGES, one=NAMES, other=NAMES)
    def change_behind_the_cell(self, change: str, one: str, other: str) -> None:
        if "{1}" in change:
            return  # What comes to be shared so is found with the value that changes by it, or by an explicit save.
        self.notebook.execute(change.format(one, other))
        self.notebook.sweep()
        self.notebook.tracker.save(whole=True)

    @rule()
    def look_again(self) -> None:
        self.notebook.sweep()
        assert not self.notebook.tracker.pending
        assert self.notebook.run("1 + 1") is None

    @rule()
    def start_anew(self) -> None:
        snapshot = self.notebook.repository.resolve("nb")
        fresh = Notebook(self.notebook.repository)
        fresh.namespace.update(self.notebook.loaded(snapshot))
        # A function's globals are the namespace that it was loaded into.
        load_into(
            fresh.namespace,
            snapshot,
            Options(),
            repository=fresh.repository,
            signer=SIGNER,
            live={},
            hidden={},
            progress=None,
        )
        fresh.tracker.adopt(snapshot)
        self.notebook = fresh

    @invariant()
    def newest_is_equal(self) -> None:
        loaded = self.notebook.loaded()
        assert canonical(loaded) == canonical(self.notebook.namespace)


TestCells = Cells.TestCase
TestCells.settings = settings(
    max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


def test_nothing_is_written_for_nothing(notebook: Notebook) -> None:
    assert notebook.run("1 + 1") is None
    assert notebook.run("x = [1]") is not None
    for code in ("x", "len(x)", "y = 1; del y", "x.append(1); x.pop()", "x = x"):
        assert notebook.run(code) is None, code


def test_a_function_reaches_what_it_names_even_if_that_comes_later(notebook: Notebook) -> None:
    notebook.run("def f(): later.append(1)")
    notebook.run("def g(): f()")
    notebook.run("later = []")
    notebook.run("g()")
    assert notebook.loaded()["later"] == [1]


@pytest.mark.parametrize(
    "code",
    [
        "def f(): exec('x.append(1)')\nf()",
        "def f(): globals()['x'].append(1)\nf()",
        "def f(): return f.__globals__['x'].append(1)\nf()",
        "import sys; sys._getframe().f_globals['x'].append(1)",
        "eval('x').append(1)",
    ],
)
def test_code_that_names_nothing_reaches_everything(notebook: Notebook, code: str) -> None:
    notebook.run("x = ['mark']")
    notebook.run(code)
    assert notebook.loaded()["x"] == ["mark", 1]


def test_a_suspended_generator_reaches_what_it_holds(notebook: Notebook) -> None:
    notebook.run("x = []\ndef push(to):\n    while True:\n        to.append(1)\n        yield\ng = push(x); next(g)")
    notebook.run("next(g)")
    assert notebook.loaded()["x"] == [1, 1]


def test_what_was_touched_stays_so_until_it_is_saved(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook.run("x = [1]")

    def refuse(*args: Any, **options: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(MemoryStore, "put", refuse)
        with pytest.raises(OSError, match="disk full"):
            notebook.run("x.append(2)")
    notebook.run("1 + 1")
    assert notebook.loaded()["x"] == [1, 2]


def test_giving_way_moves_nothing(notebook: Notebook) -> None:
    def stop() -> None:
        raise GiveWay

    notebook.run("x = list(range(100_000))")
    with pytest.raises(GiveWay):
        notebook.run("x.append(2)", pause=stop)
    assert len(notebook.loaded()["x"]) == 100_000
    notebook.run("1 + 1")
    assert len(notebook.loaded()["x"]) == 100_001


def test_a_variable_that_takes_long_is_late_and_the_others_are_not(notebook: Notebook) -> None:
    notebook.run("slow = list(range(300_000)); alias = slow")
    notebook.run("slow.append(1); quick = 1", limit=1e-4)
    assert set(notebook.tracker.late) >= {"slow", "alias"}
    loaded = notebook.loaded()
    assert len(loaded["slow"]) == 300_000
    notebook.tracker.save()
    assert not notebook.tracker.late
    loaded = notebook.loaded()
    assert len(loaded["slow"]) == 300_001 and loaded["alias"] is loaded["slow"] and loaded["quick"] == 1


SLOW = """
class Slow:
    reduced = []
    def __init__(self, number): self.number = number
    def __reduce__(self):
        import time
        Slow.reduced.append(self.number)
        time.pass_by(0.01)
        return Slow, (self.number,)
class Stated:
    def __init__(self, number): self.number = number
    def __getstate__(self):
        import time
        Slow.reduced.append(self.number)
        time.pass_by(0.01)
        return {"number": self.number}
"""
"""Instances whose reduces take 10 ms each, by a clock that only they move."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "pass_by", lambda seconds: now.__setitem__(0, now[0] + seconds), raising=False)
    return now


@pytest.mark.parametrize("kind", ["Slow", "Stated"])
def test_a_new_variable_of_slow_reducers_holds_up_the_cell_no_longer_than_it_may(
    notebook: Notebook, clock: list[float], kind: str
) -> None:
    notebook.run(SLOW)
    began = clock[0]
    notebook.run(f"quick = 1; slow = [{kind}(i) for i in range(600)]; alias = slow", limit=1.0)
    reduced = notebook.namespace["Slow"].reduced
    assert clock[0] - began < 1.1 and set(notebook.tracker.late) == {"slow", "alias"}
    assert notebook.loaded()["quick"] == 1
    reduced.clear()
    notebook.run("quick = 2", limit=1.0)
    assert not reduced and set(notebook.tracker.late) == {"slow", "alias"}

    def message_waits() -> None:
        if len(reduced) >= 50:
            raise GiveWay

    with pytest.raises(GiveWay):
        notebook.tracker.save(whole=True, pause=message_waits)
    assert len(reduced) == 50
    notebook.tracker.save(whole=True)
    loaded = notebook.loaded()
    assert not notebook.tracker.late and loaded["alias"] is loaded["slow"] and loaded["slow"][-1].number == 599


def test_what_is_late_is_stored_one_by_one_what_takes_least_first(notebook: Notebook, clock: list[float]) -> None:
    notebook.run(SLOW)
    reduced = notebook.namespace["Slow"].reduced
    notebook.run(
        "held = [7]; brief = [Slow(i) for i in range(30)] + [held]\nlong = [Slow(i) for i in range(40)] + [held]",
        limit=0.2,
    )
    assert set(notebook.tracker.late) == {"brief", "long"}

    def interrupted() -> None:
        if len(reduced) >= 65:
            raise GiveWay

    # Each is pickled alone and then with what it shares, and of neither it is known yet what it takes.
    for _ in range(2):
        reduced.clear()
        try:
            notebook.tracker.save(whole=True, pause=interrupted)
        except GiveWay:
            notebook.tracker.gave_way(whole=True)
    assert set(notebook.tracker.late) == {"long"}
    notebook.tracker.save(whole=True)
    assert not notebook.tracker.late and notebook.tracker.until_save(whole=True, quiet=0.0) == 0.0
    notebook.tracker.save(whole=True)
    assert not notebook.tracker.pending
    loaded = notebook.loaded()
    assert loaded["brief"][-1] is loaded["held"] is loaded["long"][-1]


def test_what_shares_with_a_late_variable_shares_with_it_once_it_is_stored(
    notebook: Notebook, clock: list[float]
) -> None:
    notebook.run(SLOW)
    notebook.run("inside = [1]; slow = [Slow(i) for i in range(30)] + [inside]; taken = {}", limit=0.1)
    notebook.run("taken[0] = slow[0]", limit=0.1)
    assert set(notebook.tracker.late) == {"slow"} and notebook.loaded()["inside"] == [1]
    notebook.tracker.save(whole=True)
    loaded = notebook.loaded()
    assert loaded["slow"][-1] is loaded["inside"] and loaded["slow"][0] is loaded["taken"][0]
    assert not notebook.tracker.pending


def test_a_variable_known_to_take_long_is_not_late_once_it_is_of_another_type(
    notebook: Notebook, clock: list[float]
) -> None:
    notebook.run(SLOW)
    notebook.run("slow = [Slow(i) for i in range(30)]")
    notebook.run("slow.append(1)", limit=0.1)
    assert set(notebook.tracker.late) == {"slow"} and len(notebook.namespace["Slow"].reduced) == 30
    notebook.run("slow = None", limit=0.1)
    assert not notebook.tracker.late and notebook.loaded()["slow"] is None


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("swept", [False, True])
def test_a_session_that_another_has_deleted_and_made_anew_is_not_built_on(
    notebook: Notebook, by_hand: bool, swept: bool
) -> None:
    notebook.run("a = [1]")
    notebook.run("b = {'a': a}")
    other = Notebook(Repository(notebook.repository.store))
    if by_hand:
        for version in (1, 2):
            notebook.repository.store.delete(f"sessions/nb/{version}.json")  # past `delete`, so the numbers come again
    else:
        other.repository.delete("nb")
    if swept:
        other.repository.collect(grace=-60)
    theirs = [other.run("a = 'theirs'"), other.run("c = 3")]
    mine = notebook.run("a.append(2)")
    assert mine is not None
    assert mine.came_from(2) == (not by_hand)
    assert [s.sequence for s in theirs if s] == ([1, 2] if by_hand else [3, 4])
    assert mine.sequence > (2 if by_hand else 4)
    assert notebook.loaded(mine)["b"] == {"a": [1, 2]}
    for snapshot in theirs:
        assert snapshot is not None
        assert other.loaded(snapshot)["a"] == "theirs"
    again = notebook.run("d = 4")
    assert again is not None
    assert again.came_from(mine.sequence)
    assert canonical(notebook.loaded(again)) == canonical(notebook.namespace)
    assert other.run("c = 5") is not None
    assert canonical(other.loaded()) == canonical(other.namespace)
    assert notebook.repository.check() == []


def test_a_late_variable_that_is_deleted_leaves_nothing_to_do(notebook: Notebook, clock: list[float]) -> None:
    notebook.run(SLOW)
    notebook.run("slow = [Slow(i) for i in range(30)]", limit=0.1)
    assert set(notebook.tracker.late) == {"slow"}
    notebook.run("del slow", limit=0.1)
    assert not notebook.tracker.pending and notebook.tracker.until_save(whole=True, quiet=0.0) is None


def test_a_late_variable_that_is_bound_anew_is_not_late(notebook: Notebook) -> None:
    notebook.run("slow = list(range(300_000))", limit=1e-4)
    assert set(notebook.tracker.late) == {"slow"}
    notebook.run("slow = 1", limit=1.0)
    assert not notebook.tracker.late
    assert notebook.loaded()["slow"] == 1


def test_a_variable_above_the_cap_is_a_placeholder(notebook: Notebook) -> None:
    snapshot = notebook.run("import numpy as np; big = np.zeros(1_000_000); small = [1]", largest=1_000_000)
    assert snapshot is not None
    (big,) = (v for v in snapshot.variables if v.name == "big")
    assert big.state == "placeholder" and "autosave_max_variable" in big.problems[0].reason and len(big.problems) == 1
    assert notebook.loaded()["small"] == [1]
    notebook.run("big[0] = 1", largest=0)
    assert notebook.loaded()["big"][0] == 1


def test_what_was_saved_by_hand_stays_stored_however_large_it_is() -> None:
    notebook = Notebook()
    notebook.run("import numpy as np; big = np.zeros(1_000_000); small = [big]")
    assert notebook.run("exec('x = 1')", largest=1_000_000) is not None
    loaded = notebook.loaded()
    assert loaded["small"][0] is loaded["big"] and len(loaded["big"]) == 1_000_000
    notebook.run("exec('big[7] = 2')", largest=1_000_000)
    assert type(notebook.loaded()["big"]).__name__ == "Placeholder"


def test_a_variable_that_is_the_attributes_of_an_instance_stays_that(notebook: Notebook) -> None:
    notebook.run("class Plain: pass\np = Plain(); p.x = 1; held = [p]")
    notebook.run("d = vars(p)")
    notebook.run("d['y'] = 2")
    loaded = notebook.loaded()
    assert loaded["d"] is vars(loaded["held"][0]) and loaded["p"].y == 2
    notebook.run("d = {'apart': 1}")
    assert vars(notebook.loaded()["p"]) == {"x": 1, "y": 2}


def test_a_change_behind_a_cell_is_all_that_the_next_cell_pays_for(notebook: Notebook) -> None:
    notebook.run("x = [1]; y = [2]; z = [3]")
    notebook.execute("x.append(y)")
    notebook.sweep()
    pickled: list[str] = []
    notebook.namespace["z"].append(type("Told", (), {"__reduce__": lambda self: pickled.append("z") or (list, ())})())
    notebook.run("1 + 1")
    loaded = notebook.loaded()
    assert loaded["x"] == [1, [2]] and not pickled
    # With whom it shares now is for the idle time.
    assert notebook.tracker.pending
    notebook.tracker.save(whole=True)
    loaded = notebook.loaded()
    assert loaded["x"][1] is loaded["y"] and pickled and not notebook.tracker.pending


def test_a_value_that_pickles_otherwise_each_time_is_stored_again_now_and_then(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.run(
        "import itertools\ncount = itertools.count()\nclass Fickle:\n    value = 0\n"
        "    def __reduce__(self, count=count): return Fickle.again, (self.value, next(count))\n"
        "    @staticmethod\n    def again(value, _):\n        made = Fickle(); made.value = value\n        return made"
    )
    notebook.run("x = [Fickle()]")
    notebook.execute("x[0].value = 7")
    notebook.sweep()
    assert "x" in notebook.tracker.fickle and not notebook.tracker.pending
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + FICKLE[0] + 1)
    notebook.sweep()
    notebook.tracker.save()
    assert notebook.loaded()["x"][0].value == 7
    notebook.execute("x[0].value = 8")
    notebook.sweep()
    assert notebook.loaded()["x"][0].value == 7


def test_what_was_given_up_for_cells_waits_for_a_longer_quiet(notebook: Notebook) -> None:
    def stop() -> None:
        raise GiveWay

    def begins(quiet: float) -> bool:
        notebook.tracker.sweep_again()
        try:
            return notebook.tracker.sweep(stop, quiet=quiet)
        except GiveWay:
            return True

    notebook.run("x = list(range(100_000))")
    begun = [begins(0.0) for _ in range(20)]
    assert any(begun[:TRIES]) and not any(begun[2 * TRIES :])
    assert begins(QUIET[1])


def test_what_is_pickled_on_another_thread_is_not_taken_for_a_stall(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = threading.get_ident()
    times = {True: itertools.count(1000), False: itertools.count()}
    monkeypatch.setattr(time, "thread_time", lambda: float(next(times[threading.get_ident() == main])))
    notebook.run("deep = []\nfor n in range(5000): deep = [deep]\nflat = [[1]]")
    notebook.sweep()
    assert 0 < stall_of(["flat"], notebook.tracker._where) < 100
    assert stall_of(["deep"], notebook.tracker._where) < 100


def test_no_value_is_kept_alive(notebook: Notebook) -> None:
    notebook.run("class Thing: pass\nthing = Thing(); thing.items = [1]\nimport numpy as np; a = np.zeros(100_000)")
    notebook.sweep()
    thing, array = weakref.ref(notebook.namespace["thing"]), weakref.ref(notebook.namespace["a"])
    cls = weakref.ref(notebook.namespace["Thing"])
    gc.disable()
    try:
        # What a save leaves behind must hold no value: finalizers run when the user's code says so, and memory is free.
        notebook.execute("del thing, a")
        assert thing() is None and array() is None
    finally:
        gc.enable()
    notebook.execute("del Thing")
    gc.collect()
    assert cls() is None


def test_what_it_builds_on_may_be_removed(notebook: Notebook) -> None:
    notebook.run("x = [1]; y = ['text']; def_ = lambda: x")
    notebook.run("z = x")
    for version in notebook.repository.versions("nb"):
        notebook.repository.delete("nb", version)
    notebook.repository.collect(grace=-60)
    saved = notebook.run("z.append(2)")
    assert saved is not None and saved.parent == 2
    found = notebook.loaded(saved)
    assert found["x"] is found["z"] and found["x"] == [1, 2] and found["y"] == ["text"] and found["def_"]() == [1, 2]
    assert notebook.repository.check() == []


def test_a_removed_session_is_written_again_though_nothing_changes(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.run("x = [1]; y = ['text']")
    saved = notebook.run("z = x")
    other = Notebook(notebook.repository)

    def wants_one() -> bool:
        notebook.sweep()
        return notebook.tracker.until_save(whole=False, quiet=QUIET[1]) == 0.0

    monkeypatch.setattr(held, "LOOKED_AFTER", 0.0)
    assert not wants_one()
    theirs = other.run("x = 'theirs'")
    assert saved is not None and theirs is not None
    notebook.repository.delete("nb", saved.sequence)
    assert not wants_one(), "a later one stands"
    notebook.repository.delete("nb")
    notebook.repository.collect(grace=-60)
    monkeypatch.setattr(held, "LOOKED_AFTER", 1e9)
    assert not wants_one(), "not so often"
    monkeypatch.setattr(held, "LOOKED_AFTER", 0.0)
    assert wants_one()
    again = notebook.tracker.save()
    assert again is not None and again.sequence > theirs.sequence
    found = notebook.loaded()
    assert found["x"] is found["z"] and found["y"] == ["text"]
    assert notebook.repository.check() == [] and not wants_one()


def test_a_store_that_vanishes_and_comes_back_empty_gets_everything_anew(tmp_path: Path) -> None:
    notebook = Notebook(Repository.open(tmp_path / "store"))
    notebook.run("import numpy; big = numpy.zeros(1 << 20); x = [big]")
    shutil.rmtree(tmp_path / "store")
    for cell in ("y = 1", "pass"):
        with pytest.raises(StoreError, match="is gone: bring back the disk"):
            notebook.run(cell)
    (tmp_path / "store").mkdir()
    assert notebook.run("pass") is not None
    # And where no cell runs between the two.
    shutil.rmtree(tmp_path / "store")
    (tmp_path / "store").mkdir()
    assert notebook.run("y = 2") is not None
    found = Notebook(Repository.open(tmp_path / "store", create=False)).loaded()
    assert found["x"][0] is found["big"] and found["y"] == 2


def test_many_kernels_that_load_nothing_leave_as_many_files_as_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All within an hour, of which each would keep some of its own.
    noon = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
    clock = SimpleNamespace(datetime=SimpleNamespace(now=lambda _: noon), UTC=datetime.UTC)
    monkeypatch.setattr(records, "datetime", clock)
    repository = Repository(LocalStore(tmp_path / "store"))
    counts = []
    for number in range(100):
        notebook = Notebook(repository)
        for cell in (f"x = [{number}]", "y = [x]"):
            notebook.run(cell, cell=1)
        if number == 3:
            assert notebook.tracker.current is not None
            named = repository.resolve("nb", notebook.tracker.current.sequence)
            with repository.writer() as writer:
                kept = writer.commit(replace(named, cell=None, parent=named.sequence), sign=SIGNER.sign).sequence
        if number % 10 == 9:
            repository.prune(parse("last=5,hourly=2,daily=2,size=1GB"), grace=-60)
            counts.append(sum(path.is_file() for path in (tmp_path / "store").rglob("*")))
    assert len(set(counts[3:])) == 1, counts
    versions = repository.versions("nb")
    assert kept in versions and len(versions) <= HEADS + 5
    assert notebook.loaded()["y"] == [[99]] and notebook.loaded(repository.resolve("nb", kept))["y"] == [[3]]


def test_chunks_of_a_large_array_are_stored_and_not_the_array(notebook: Notebook) -> None:
    store = notebook.repository.store
    notebook.run("import numpy as np; big = np.random.default_rng(0).random(8_000_000)")
    before = sum(store.size(key) for key in store.list(""))
    notebook.run("big[4_000_000] = 5")
    after = sum(store.size(key) for key in store.list(""))
    assert after - before < 1_000_000
    loaded = notebook.loaded()["big"]
    assert loaded[4_000_000] == 5 and np.array_equal(loaded, notebook.namespace["big"])


def test_two_trackers_of_one_session_lose_nothing() -> None:
    one = Notebook()
    other = Notebook(one.repository)
    for number in range(3):
        one.run(f"x = [{number}]")
        other.run(f"y = [{number}]")
    snapshots = one.repository.snapshots("nb")
    assert [s.sequence for s in snapshots] == [6, 5, 4, 3, 2, 1]
    assert [s.parent for s in snapshots] == [4, 3, 2, 1, None, None]
