"""Cells, undo, branches, prunes and kills in any order, against descriptions of the namespace after each cell."""

from __future__ import annotations

import gc
import sys
import time

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from jupyter_session_save.changes import Tracker
from jupyter_session_save.errors import SessionNotFoundError
from jupyter_session_save.history import cells_back
from jupyter_session_save.reach import EVERYTHING, Reach, reach_of
from jupyter_session_save.repository import Repository
from jupyter_session_save.retention import HEADS, Policy, heads
from jupyter_session_save.snapshot import Snapshot
from jupyter_session_save.store import MemoryStore

from .cells import Notebook, differences

SETUP = """
import numpy as np

class Box:
    kept = []
    count = 0
    def __init__(self, item): self.item = item
    def put(self, item): self.item = item
    def keep(self, item):
        self.kept.append(item)
        Box.count += 1

class Lid(Box):
    __slots__ = ("seal",)

def maker(item):
    calls = 0
    def push(x=1):
        nonlocal calls
        calls += 1
        item.append((calls, x))
    return push

def default(x, to=[]):
    to.append(x)
    return to

def swap():
    global a, b
    a, b = b, a

def rebind():
    global made
    made = [c, len(default.__defaults__[0])]

grid = np.zeros((30, 30))
row = grid[3]
a, b, c, d = [1], {"k": []}, [2, [3]], Box([4])
"""

NAMES = st.sampled_from("abcd")
VALUES = st.sampled_from(
    [
        "[]", "[1, 2]", "{'k': []}", "3", "'text'", "np.arange(3.0)", "Box([])", "Lid({})", "maker([1])", "maker(c)",
        "default", "lambda: c", "(1, [2])", "Box", "Box(a).put", "{'deep': {'deeper': [np.zeros(4)]}}", "grid[5:7]",
        "np.zeros(200_000)", "row", "default.__defaults__[0]", "[Box(b), Lid(b)]", "iter([1, 2])", "None",
    ]
)  # fmt: skip
CELLS = st.sampled_from(
    [
        "{0} = {1}", "{0} = [{1}, {1}]", "{0}.append({1})", "{0}['k'] = {1}", "{0}['k'].append(5)", "{0}[0] = 7",
        "{0}.put({1})", "{0}.item = {1}", "{0}.item.append(6)", "{0}(4)", "{0}({1})", "del {0}", "{0}.keep({1})",
        "{0}.append(1); 1 / 0; {0}.append(2)", "{0} = {1}; raise KeyError", "swap()", "rebind()", "row[:] += 1",
        "grid[3, 4] = 5", "row = row.copy()", "{0} = {1}[:2]", "exec('{0}.append(3)')", "globals()['{0}'] = {1}",
        "globals().pop('{0}', None)", "{0} = {1}.put", "for {0} in ({1}, 2): pass", "default({1})", "{0} = Box({1})",
        "Box.count += 1", "Box.kept = []", "Box.extra = {1}", "class Box(Box): more = 1", "del {0}[:]",
        "(lambda x: x.append(9))({0})",
        "{0}, {1} = {1}, {0}", "len({0})", "None", "{0} = type({1})", "{0} = {0}", "{0} += [1]", "default.note = {1}",
        "del default.__defaults__[0][:]", "{0} = maker({1})", "next({0})", "{0}.__dict__['x'] = {1}",
        "import copy; {0} = copy.deepcopy({1})", "{0}.sort(key=id)", "{0} = [*{1}]", "{0}.clear()",
        "setattr({0}, 'y', {1})",
    ]
)  # fmt: skip


class Autosaved(RuleBasedStateMachine):
    """One notebook with autosave, and what was in it at each version."""

    def __init__(self) -> None:
        super().__init__()
        self._main = sys.modules["__main__"]
        # What was there before takes no part in the collections that follow, which are many.
        gc.collect()
        gc.freeze()
        self.states: dict[int, dict[str, str]] = {}
        self.cells = 0
        self.begin(Notebook(Repository(MemoryStore())))
        self.cell(SETUP)

    def teardown(self) -> None:
        sys.modules["__main__"] = self._main
        gc.unfreeze()

    def begin(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.repository = notebook.repository
        self.tracker = Tracker(
            notebook.namespace, "s", repository=self.repository, signer=notebook.signer, live=dict, hidden=dict
        )

    @property
    def held(self) -> Snapshot:
        assert self.tracker.current is not None
        return self.tracker.current

    def execute(self, code: str) -> None:
        self.cells += 1
        try:
            self.notebook.run(code)
        except Exception as error:
            error.__traceback__ = None

    def cell(self, code: str) -> None:
        self.execute(code)
        self.tracker.touch(reach_of(code, str))
        self.tracker.save(cell=self.cells)
        self.saved()

    def saved(self) -> None:
        """The newest snapshot loads equal, in a kernel of its own."""
        self.states[self.held.sequence] = self.notebook.described()
        if self.held.sequence not in self.repository.versions("s"):
            return  # Gone back to, and then pruned, since others came from it.
        try:
            self.is_at(self.loaded(self.held.sequence), self.held.sequence)
        finally:
            self.notebook.enter()

    def loaded(self, version: int) -> Notebook:
        fresh = self.notebook.fresh()
        fresh.load("s", version, state=False)
        return fresh

    def is_at(self, notebook: Notebook, version: int) -> None:
        assert not differences(notebook.described(), self.states[version])

    def go(self, target: Snapshot, held: Snapshot) -> None:
        """What both have in components that refer to nothing stays the very same object."""
        same = {(c.names, c.stream, c.buffers) for c in target.components}
        untouched = {
            c.names: [self.notebook.namespace[name] for name in c.names]
            for c in held.components
            if not c.refs and (c.names, c.stream, c.buffers) in same
        }
        report = self.notebook.load("s", target.sequence, since=held, replace=True, state=False)
        self.tracker.adopt(target, frozenset(v.name for v in report.variables).union(report.stayed))
        for names, values in untouched.items():
            assert all(self.notebook.namespace[n] is value for n, value in zip(names, values, strict=True)), names
        self.is_at(self.notebook, target.sequence)

    def look(self) -> None:
        """Look at each component by itself, as a move does right after a cell, and at all together if any changed."""
        unknown = self.tracker.unknown_since(time.monotonic())
        if not unknown.everything:
            self.tracker.sweep_again()
            while self.tracker.sweep(lambda: None, only=unknown.names):
                pass
            unknown = self.tracker.unknown_since(time.monotonic())
        self.tracker.touch(Reach(everything=unknown.everything))

    def caught_up(self, *, by_looking: bool = False) -> Snapshot:
        if by_looking:
            self.look()
        else:
            self.tracker.touch(EVERYTHING)
        known = self.states[self.held.sequence]
        if self.tracker.save(cell=self.cells) is not None:
            # Looking at everything may put plain values together that were looked at one by one.
            self.saved()
        assert not differences(self.states[self.held.sequence], known)
        return self.held

    @rule(cell=CELLS, one=NAMES, other=NAMES)
    def run(self, cell: str, one: str, other: str) -> None:
        self.cell(cell.format(one, other))

    @rule(name=NAMES, value=VALUES)
    def bind(self, name: str, value: str) -> None:
        self.cell(f"{name} = {value}")

    @rule(first=CELLS, second=CELLS, one=NAMES, other=NAMES)
    def run_two_at_once(self, first: str, second: str, one: str, other: str) -> None:
        assume("{1}" not in first or "class" not in second)
        self.cell(f"{first.format(one, other)}\n{second.format(other, one)}")

    @rule(name=NAMES)
    def change_behind_the_cells_and_undo_at_once(self, name: str) -> None:
        self.execute(f"{name}.append('behind')")
        self.look()
        self.tracker.save(cell=self.cells)
        self.saved()
        self.undo(1, by_looking=True)

    @rule(count=st.integers(1, 4), by_looking=st.booleans())
    def undo(self, count: int, by_looking: bool) -> None:
        held = self.caught_up(by_looking=by_looking)
        try:
            target = cells_back(
                held,
                count,
                lambda version: self.repository.resolve("s", version),
                lambda: self.repository.versions("s"),
            )
        except SessionNotFoundError:
            return  # pruned
        if target is not None:
            self.go(target, held)

    @rule(data=st.data())
    def branch(self, data: st.DataObject) -> None:
        held = self.caught_up()
        version = data.draw(st.sampled_from(self.repository.versions("s")))
        self.go(self.repository.resolve("s", version), held)

    @rule(last=st.integers(1, 3))
    def prune(self, last: int) -> None:
        before = heads(self.repository.snapshots("s"))
        self.repository.prune(Policy(last=last, hourly=0, daily=0, size=None), grace=-60)
        assert self.repository.check() == []
        assert set(sorted(before)[-HEADS:]) <= set(self.repository.versions("s"))

    @rule(first=st.booleans())
    def kill(self, first: bool) -> None:
        version = self.repository.versions("s")[-1]
        fresh = self.notebook.fresh()
        if not first:
            fresh.run("leftover = 1")
        fresh.load("s", state=False, replace=True)
        self.is_at(fresh, version)
        self.begin(fresh)
        self.tracker.adopt(self.repository.resolve("s", version))

    @rule(name=NAMES)
    def change_behind_the_cells(self, name: str) -> None:
        self.execute(f"{name}.append('behind')")
        self.tracker.sweep_again()
        while self.tracker.sweep(lambda: None):
            pass
        self.tracker.save(cell=self.cells)
        self.saved()

    @rule()
    def save_by_hand(self) -> None:
        self.notebook.save("s", parent=self.held.sequence)
        snapshot = self.repository.resolve("s")
        self.tracker.adopt(snapshot)
        self.saved()


TestAutosaved = Autosaved.TestCase
TestAutosaved.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
