"""What a load has brought back counts as changed only when it is, however it pickles after the load."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from jupyter_session_save import bystanders, reloaded
from jupyter_session_save.pickling import Scope
from jupyter_session_save.reloaded import Loaded, as_loaded

from .kernels import Kernel
from .machine import Machine
from .test_changes import Notebook

ON = "%autosave_session on --name nb"
LOAD = "%load_ext jupyter_session_save"

ODD = {
    "set": "x = {'apple', 'pear', 'fig', 'plum', 'kiwi', 'lime', 'nut'}",
    "sets": "x = {'a': {*'qwertyuiop'}, 'b': frozenset('asdfghjkl')}",
    "many": "x = {f'text {n}' for n in range(60_000)}",
    "frames": (
        "import pandas as pd\nfrom sklearn.model_selection import train_test_split\n"
        "x = train_test_split(pd.DataFrame({'a': range(90_000), 'b': 2.5}), random_state=0)"
    ),
    "linear": (
        "from sklearn.linear_model import LinearRegression\nx = LinearRegression().fit([[1], [2], [3]], [1, 2, 4])"
    ),
    "forest": (
        "from sklearn.ensemble import RandomForestClassifier\n"
        "x = RandomForestClassifier(5, n_jobs=1, random_state=0).fit([[n % 7, n % 5] for n in range(9)], [0, 1, 2] * 3)"
    ),
    "figure": "import matplotlib; matplotlib.use('agg')\nimport matplotlib.pyplot as plt\nx = plt.subplots()",
}


def versions(machine: Machine) -> list[int]:
    return sorted(int(path.stem) for path in (machine.store / "sessions" / "nb").glob("*.json"))


def resumed(machine: Machine, *cells: str, on: bool = True) -> Kernel:
    """A kernel in which the session of one that was killed is loaded."""
    first = machine.kernel()
    second = machine.kernel()
    for cell in (LOAD, ON, *cells):
        first.run(cell)
    first.sigkill()
    for cell in (LOAD, ON, "%load_session nb") if on else (LOAD, "%load_session nb", ON):
        second.run(cell)
    return second


@pytest.mark.parametrize("kind", ODD)
def test_a_loaded_value_is_no_change(machine: Machine, kind: str) -> None:
    kernel = resumed(machine, f"{ODD[kind]}\nn = 0", "n = 1", "n = 2", on=kind in ("set", "forest"))
    before = versions(machine)
    for cell in ("1", "x is None", "n"):
        kernel.run(cell)
    assert versions(machine) == before
    kernel.run("%undo_session")
    kernel.check("n == 1")
    for cell in ("2", "exec('x')", "%undo_session"):
        kernel.run(cell)
    kernel.check("n == 0")


def test_what_an_undo_has_put_back_is_no_change(machine: Machine) -> None:
    kernel = machine.kernel()
    for cell in (LOAD, ON, "x = 0", ODD["set"].replace("x", "s"), "x = 1", "x = 2", "s.add('more')", "%undo_session"):
        kernel.run(cell)
    kernel.check("x == 2 and 'more' not in s")
    kernel.run("1")
    kernel.run("%undo_session")
    kernel.check("x == 1")
    kernel.run("s.discard('fig')")
    kernel.run("exec('pass')")
    kernel.run("%undo_session")
    kernel.check("x == 1 and 'fig' in s")


def test_a_change_after_the_load_is_one(machine: Machine) -> None:
    kernel = resumed(machine, ODD["set"], on=False)
    kernel.run("x.add('more')")
    kernel.sigkill()
    kernel = machine.kernel()
    kernel.run(LOAD)
    kernel.run("%load_session nb")
    kernel.check("'more' in x and len(x) == 8")


def test_what_a_finalizer_of_a_replaced_value_changes_is_a_change(machine: Machine) -> None:
    kernel = machine.kernel()
    dying = "class D:\n    def __del__(self):\n        if 's' in globals(): globals()['s'].append('end')\n"
    made = f"{dying}s = [1]; d = v = 0"
    for cell in (LOAD, ON, made, "s.append(2); d = D(); v = 1", "%undo_session"):
        kernel.run(cell)
    kernel.check("s[:1] == [1]")
    kernel.run("import gc; gc.collect(); v = len(s)")
    kernel.check("s == [1, 'end'] and v == 2")
    kernel.sigkill()
    kernel = machine.kernel()
    kernel.run(LOAD)
    kernel.run("%load_session nb")
    kernel.check("s == [1, 'end']")


def test_what_was_changed_between_the_load_and_autosave_is_saved(machine: Machine) -> None:
    first, second = machine.kernel(), machine.kernel()
    for cell in (LOAD, ON, ODD["set"]):
        first.run(cell)
    first.sigkill()
    for cell in (LOAD, "%load_session nb", "x.add('more')", ON):
        second.run(cell)
    second.sigkill()
    third = machine.kernel()
    third.run(LOAD)
    third.run("%load_session nb")
    third.check("'more' in x")


def without_its_module(machine: Machine, *cells: str) -> Callable[[], object]:
    """Save cells that need a module, remove it, and return what puts it back."""
    text = "class T:\n    def __init__(self, a): self.a = a\n"
    module = machine.write("zmod.py", text)
    kernel = machine.kernel()
    for cell in (LOAD, ON, *cells):
        kernel.run(cell)
    kernel.sigkill()
    module.unlink()
    return lambda: machine.write("zmod.py", text)


def test_a_placeholder_for_what_could_not_be_loaded_takes_nothing_away(machine: Machine) -> None:
    put_back = without_its_module(machine, "import zmod; t = zmod.T(3)", "t.a = 99; x = 1")
    second = machine.kernel()
    for cell in (LOAD, "%load_session nb", ON, "x = 2", "exec('pass')"):
        second.run(cell)
    second.check("type(t).__name__ == 'Placeholder'")
    second.run("%undo_session")
    second.check("x == 1 and type(t).__name__ == 'Placeholder'")
    second.run("x = 2")
    second.sigkill()
    put_back()
    third = machine.kernel()
    third.run(LOAD)
    third.run("%load_session nb")
    third.check("x == 2 and t.a == 99 and type(t) is zmod.T")


def test_what_could_not_be_loaded_is_tried_again_by_the_next_load(machine: Machine) -> None:
    put_back = without_its_module(machine, "import zmod; t = zmod.T(3); l = [1]")
    second = machine.kernel()
    for cell in (LOAD, "%load_session nb", ON, "x = 2", "x = 3", "%undo_session", "at = id(l)"):
        second.run(cell)
    put_back()
    second.run("__import__('importlib').invalidate_caches()")
    second.run("%load_session nb")
    second.check("t.a == 3 and x == 2 and id(l) == at")


@pytest.mark.parametrize("on", [True, False])
def test_an_interrupt_after_the_load_stops_the_cell_and_leaves_it_loaded(machine: Machine, on: bool) -> None:
    first, kernel = machine.kernel(), machine.kernel()
    for cell in (LOAD, ON, ODD["set"]):
        first.run(cell)
    first.sigkill()
    for cell in (LOAD, *([ON] if on else []), "import jupyter_session_save.reloaded as room"):
        kernel.run(cell)
    stopped = "room.dumps = lambda *_: __import__('signal').raise_signal(2)"
    kernel.run(f"own = room.dumps; {stopped}")
    failed = kernel.run("%load_session nb\nafter = 1", check=False)
    assert failed.error is not None and failed.error.name == "KeyboardInterrupt"
    assert "nb@1 is loaded" in failed.complaint and "as it was" not in failed.complaint
    kernel.check("len(x) == 7", "'after' not in globals()")
    kernel.run("room.dumps = own")
    kernel.run("x.add('more')")


def test_a_load_without_a_version_means_where_this_kernel_stands(machine: Machine) -> None:
    kernel = machine.kernel(env={"JPY_SESSION_NAME": str(machine.project / "nb.ipynb")})
    cells = (LOAD, "%autosave_session on", "b = 2", "%save_session lib", "b = 3; d = 5", "%undo_session", "e = 7")
    for cell in (*cells, "%load_session lib", "f = 12", "%load_session"):
        kernel.run(cell)
    kernel.check("(b, e, f) == (2, 7, 12)", "'d' not in globals()")


def looked_at(notebook: Notebook, **options: float) -> Loaded:
    """Tell how the variables pickle that the newest snapshot says were loaded."""
    namespace = notebook.namespace
    values = {name: namespace[name] for name in notebook.names()}
    components = notebook.repository.resolve("nb").components
    return as_loaded(frozenset(values), components, values, Scope(namespace, values, {}), **options)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.setattr(bystanders, "users", list)
    made = Notebook()
    made.run("s = {*range(0, 80, 8)}; big = list(range(9)); arrays = [s]")
    return made


def test_only_what_pickles_otherwise_is_told(notebook: Notebook) -> None:
    assert looked_at(notebook).otherwise == {}
    notebook.execute("big = big[::-1]")
    assert [*looked_at(notebook).otherwise] == [("big",)]
    assert looked_at(notebook, seconds=-1.0).otherwise == {}


def test_nothing_is_told_where_threads_may_have_changed_it(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook.execute("big = big[::-1]")
    monkeypatch.setattr(bystanders, "users", lambda: [threading.main_thread()])
    assert looked_at(notebook).otherwise == {}


def test_large_buffers_are_read_only_where_they_are_not_the_stored_ones(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.run("import numpy as np; frame = [np.arange(9000.0), {*range(0, 80, 8)}, np.ones(9000)]")
    notebook.execute("frame = [*frame, 1]")
    monkeypatch.setattr(reloaded, "_READ", 100_000)
    assert ("frame",) not in looked_at(notebook).otherwise
    monkeypatch.setattr(reloaded, "_READ", 200_000)
    assert len(looked_at(notebook).otherwise["frame",].buffers) == 2


def test_a_loaded_component_is_seen_again_until_a_buffer_of_it_changes(notebook: Notebook) -> None:
    tracker = notebook.tracker
    notebook.run("import numpy as np; pair = {'one': np.arange(9000.0), 'other': np.ones(9000)}")
    stored = notebook.repository.resolve("nb")
    notebook.execute("pair = {'other': pair['other'], 'one': pair['one']}")
    loaded = looked_at(notebook)
    assert [*loaded.otherwise] == [("pair",)]
    tracker.adopt(stored, loaded=loaded)
    for _ in range(2):
        assert notebook.run("pair", whole=True) is None
        notebook.sweep()
        assert not tracker.pending
    notebook.execute("pair['one'][7] = -1")
    notebook.sweep()
    assert tracker.pending
    saved = notebook.run("pair")
    assert saved is not None
    assert np.array_equal(notebook.loaded()["pair"]["one"], notebook.namespace["pair"]["one"])
    assert notebook.loaded()["pair"]["other"].sum() == 9000
