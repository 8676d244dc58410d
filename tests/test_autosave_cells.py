"""Autosave under every way in which a cell can change a variable, in real kernels that are killed at the reply."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_session_save.repository import Repository

from .kernels import PATIENCE, Kernel
from .machine import Machine, never_idle, wait_for

NAMED = {"JPY_SESSION_NAME": "nb.ipynb"}
LOAD = "%load_ext jupyter_session_save"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "machine")
    machine.write("script.py", "x.append('run'); made = [x]\n")
    machine.write("holder.py", "callbacks = []\ndef fire():\n    for each in callbacks:\n        each()\n")
    yield machine
    machine.close()


def begin(machine: Machine, *cells: str, on: str = "") -> Kernel:
    kernel = machine.kernel(env=NAMED)
    for cell in (LOAD, f"%autosave_session on {on}", *cells):
        kernel.run(cell)
    return kernel


def resumed(machine: Machine, reference: str = "nb") -> Kernel:
    kernel = machine.kernel(env=NAMED)
    kernel.run(LOAD)
    kernel.run(f"loaded = %load_session {reference}")
    return kernel


def versions(machine: Machine) -> list[int]:
    return sorted(int(path.stem) for path in (machine.store / "sessions" / "nb").glob("*.json"))


@pytest.mark.parametrize(
    ("cells", "checks"),
    [
        (["%run -i script.py"], ["x == [1, 'run']", "made[0] is x"]),
        (["y = 2", "%reset -f", "z = 3"], ["'x' not in globals()", "'y' not in globals()", "z == 3"]),
        (["import asyncio", "x.append(await asyncio.sleep(0, 'awaited'))"], ["x == [1, 'awaited']"]),
        (["get_ipython().run_cell('x.append(2); y = [x]')"], ["x == [1, 2]", "y[0] is x"]),
        (["def outer(): get_ipython().run_cell('x.append(3)', store_history=True)", "outer()"], ["x == [1, 3]"]),
        (["get_ipython().user_ns['x'].append(4)"], ["x == [1, 4]"]),
        (["%%time\nx.append(6)"], ["x == [1, 6]"]),
        (["import functools\npush = functools.partial(x.append, 7)", "push()"], ["x == [1, 7]"]),
        (["exec('x.append(8)')", "globals()['w'] = x"], ["x == [1, 8]", "w is x"]),
    ],
    ids="run reset await nested nested-stored user_ns timed partial exec".split(),
)
def test_what_a_cell_did_is_there_after_a_kill_at_its_reply(
    machine: Machine, cells: list[str], checks: list[str]
) -> None:
    kernel = begin(machine, "x = [1]", *cells)
    kernel.sigkill()
    resumed(machine).check(*checks)


def test_what_a_callback_that_a_module_holds_did_is_found_at_idle(machine: Machine) -> None:
    kernel = begin(machine, "x = [1]", "import holder\nholder.callbacks.append(lambda: x.append(2))")
    count = len(versions(machine))
    kernel.run("holder.fire()")
    wait_for(lambda: len(versions(machine)) > count, "the save")
    kernel.sigkill()
    resumed(machine).check("x == [1, 2]")


def test_what_a_subshell_did_is_saved_soon(machine: Machine) -> None:
    never = "import jupyter_session_save.sweeping as own; own.AGAIN = 1e6, 1e6, 1e6"
    kernel = begin(machine, "x = [1]", never, "1 + 1")
    if not kernel.get("getattr(get_ipython().kernel, '_supports_kernel_subshells', False)"):
        pytest.skip("this kernel has no subshells")
    count = len(versions(machine))
    kernel.run_in_subshell("x.append('subshell')")
    wait_for(lambda: len(versions(machine)) > count, "the save")
    kernel.sigkill()
    resumed(machine).check("x == [1, 'subshell']")


SLOW = """
import time
from types import SimpleNamespace
from jupyter_session_save import examining
from jupyter_session_save.pickling import pickler
now = 0.0
examining.time = pickler.time = SimpleNamespace(perf_counter=lambda: now, thread_time=time.thread_time)
class Slow(list):
    def __reduce__(self):
        global now
        now += 0.5
        return Slow, (list(self),)
"""


def test_what_takes_too_long_is_named_until_it_is_saved_at_idle(machine: Machine) -> None:
    # By a clock of its own: a busy machine may take any time for the other.
    machine.write("slowly.py", SLOW)
    kernel = begin(
        machine,
        "from slowly import Slow",
        "slow = Slow([1]); quick = [1]",
        on="--max-block 0.2",
    )
    wait_for(lambda: len(versions(machine)) >= 3, "the save at idle")
    with never_idle(kernel):
        kernel.run("slow.append(2); quick.append(2)")
        told = kernel.run("%autosave_session").text
        assert "older than the last cell, because saving takes long: slow\n" in told
        kernel.sigkill()
    kernel = machine.kernel(env=NAMED)
    assert "older than this cell: slow)" in kernel.run(LOAD).text
    assert "note: older than this cell: slow\n" in kernel.run("%load_session").text
    kernel.check("slow == [1]", "quick == [1, 2]")
    assert "older than" not in kernel.run("%load_session --only quick").text


def test_what_cells_let_two_slow_variables_share_they_share_after_a_kill(machine: Machine) -> None:
    pairs = ["ab", "cd", "ef", "gh", "ij"]
    kernel = begin(
        machine,
        "import time\nclass Slow(list):\n    def __reduce__(self): time.sleep(0.03); return Slow, (list(self),)",
        "inner = [0]; a, b = Slow([inner]), Slow([inner]); del inner",
        "c, d, e, f, g, h, i, j = map(Slow, ([number] for number in range(8))); quick = ['q']",
        on="--max-block 0.01",
    )
    for cell in (
        "shared = ['cd']; c.append(shared); d.append(shared); del shared",
        "e.append(['ef'])",
        "f.append(e[-1])",
        "g.append(quick)",
        "h.append(g[-1])",
        "def link(): i.append(j)",
        "link()",
    ):
        kernel.run(cell)

    def together() -> bool:
        newest = Repository.open(machine.store).newest("nb")
        groups = [set(c.names) for c in newest.components] if newest is not None else []
        return all(any(group.issuperset(pair) for group in groups) for pair in pairs)

    wait_for(together, "all that share being stored together")
    kernel.sigkill()
    kernel = resumed(machine)
    kernel.check(*(f"{pair[0]}[-1] is {pair[1]}[-1]" for pair in pairs[:-1]), "i[-1] is j", "g[-1] is quick")


WATCH = """
from jupyter_session_save.changes import Tracker
from jupyter_session_save.pickling import chunked

reached, looked_at = chunked.reached, Tracker._looked_at

def counted(pickler):
    objects = reached(pickler)
    tell(f"step {len(objects)}")
    return objects

def watched(tracker, tracked, *rest):
    if "big" not in tracked.component.names:
        return looked_at(tracker, tracked, *rest)
    tell("begun")
    try:
        found = looked_at(tracker, tracked, *rest)
    except BaseException as error:
        tell(type(error).__name__)
        raise
    tell("changed" if found is None else "same")
    return found

def tell(line):
    with open("told", "a") as file:
        print(line, file=file)

chunked.reached, Tracker._looked_at = counted, watched
"""


def test_a_sweep_over_three_million_objects_gives_way_to_a_cell(machine: Machine) -> None:
    machine.write("watch.py", WATCH)
    path = machine.write("told", "")

    def told(line: str) -> bool:
        return line in path.read_text(encoding="utf-8").splitlines()

    kernel = begin(machine, "big = [[[n], [n]] for n in range(1_000_000)]", "import watch", on="--max-block 600")
    wait_for(lambda: told("begun"), "the sweep")

    def gave_way() -> bool:
        kernel.run("x = 1")  # Again, in case that the sweep is over when it comes.
        return told("GiveWay")

    wait_for(gave_way, "giving way")
    wait_for(lambda: told("same"), "the rest of the sweep")
    assert not told("changed")
    steps = [int(line.split()[1]) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("step")]
    assert sum(steps) > 3_000_000
    assert max(steps) < 200_000
    assert len(versions(machine)) == 3


def test_old_autosaves_go_in_the_background(machine: Machine) -> None:
    kernel = begin(machine, "import jupyter_session_save.autosave as own; own.PRUNED_AFTER = 3", on="--keep last=2")
    for number in range(9):
        kernel.run(f"x = [{number}]")
    wait_for(lambda: len(versions(machine)) < 9, "the prune")
    kernel.sigkill()
    resumed(machine).check("x == [8]")


def test_a_damaged_newest_snapshot_costs_one_cell_and_nothing_else(machine: Machine) -> None:
    kernel = begin(machine, "x = ['first']", "x.append('second')")
    request = kernel.submit("x.append('third')\nopen('inside', 'w').close()\nimport time; time.sleep(1000)")
    wait_for((machine.project / "inside").exists, "the cell")
    kernel.sigkill()
    assert request and versions(machine) == [1, 2]
    newest = machine.store / "sessions" / "nb" / "2.json"
    newest.write_bytes(newest.read_bytes()[:-40])
    kernel = machine.kernel(env=NAMED)
    kernel.run(LOAD)
    kernel.run("%autosave_session on")
    complaint = kernel.run("%load_session", check=False).complaint
    assert "nb@1 can be read" in complaint and "Traceback" not in complaint
    kernel.run("y = 'after the failure'")
    assert versions(machine) == [1, 2]
    kernel.run("%load_session nb@1")
    kernel.check("x == ['first']")
    kernel.run("x.append('on')")
    kernel.sigkill()
    assert 1 in versions(machine)
    resumed(machine, "nb@1").check("x == ['first']")
    resumed(machine).check("x == ['first', 'on']")


COUNTING = """
import jupyter_session_save.changes as own, jupyter_session_save.examining as looks
import jupyter_session_save.writing as puts
own.read, own.swept = [], 0
def counted(function, size):
    def call(*args, **options):
        if size(*args) > 1_000_000: own.read.append(size(*args))
        return function(*args, **options)
    return call
looks.of_buffer = counted(looks.of_buffer, lambda view, *_: view.nbytes)
puts.Writer.put = counted(puts.Writer.put, lambda writer, chunks: sum(memoryview(c).nbytes for c in chunks))
puts.Writer.put_patched = counted(puts.Writer.put_patched, lambda writer, base, size, *_: size)
def again(tracker, again=own.Tracker.sweep_again):
    own.swept += 1
    again(tracker)
own.Tracker.sweep_again = again
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell which pages were written to")
def test_one_element_of_a_loaded_array_is_stored_as_its_chunk(machine: Machine) -> None:
    begin(machine, "import numpy as np\nbig = np.arange(4_000_000.0); clean = np.arange(3_000_000.0)").sigkill()
    before = sum(map(len, machine.stored().values()))
    kernel = begin(machine, "%load_session", COUNTING)
    for cell in ("other = 1", "float(big[5] + clean[5])", "def f(): return clean", "f().sum(); None"):
        kernel.run(cell)
    wait_for(lambda: kernel.get("own.swept") > 1, "a sweep of everything")
    # Neither at a cell that names them, nor at idle, is a page of them read or written, nor any part asked for.
    assert kernel.get("own.read") == []
    kernel.run("big[2_000_000] = -1")
    assert set(kernel.get("own.read")) <= {32_000_000}
    kernel.sigkill()
    assert sum(map(len, machine.stored().values())) - before < 1_000_000
    kernel = resumed(machine)
    kernel.check("big[2_000_000] == -1", "big[1_999_999] == 1_999_999", "clean[-1] == 2_999_999", "big.flags.writeable")


def test_what_pickles_otherwise_each_time_is_not_stored_after_each_cell(machine: Machine) -> None:
    # In a module, since a variable that counts would change whenever the other is looked at.
    machine.write("counter.py", "import itertools\ncount = itertools.count()\n")
    kernel = begin(
        machine,
        "import counter\nclass Counts(list):\n"
        "    def __reduce__(self): return Counts, (list(self),), {'n': next(counter.count)}",
        "x = Counts([1]); y = [1]",
    )

    def known() -> bool:
        status = "%autosave_session"
        return "only every few minutes at idle: x\n" in kernel.run(status).text

    wait_for(known, "the sweep")
    count = len(versions(machine))
    for cell in ("1 + 1", "len(y)", "z = 1"):
        kernel.run(cell)
    assert len(versions(machine)) == count + 1
    # Only what names it stores it, as nobody can tell whether it changed.
    kernel.run("x.append(2)")
    kernel.sigkill()
    resumed(machine).check("x == [1, 2]", "z == 1")


def test_a_terminal_saves_after_each_cell_and_sweeps_a_little(machine: Machine) -> None:
    pexpect = pytest.importorskip("pexpect")
    shell = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--no-banner", "--simple-prompt", "--no-confirm-exit"],
        env={**machine.environment(), "TERM": "dumb"},
        cwd=str(machine.project),
        encoding="utf-8",
        timeout=PATIENCE,
    )
    count = 0

    def run(cell: str) -> None:
        nonlocal count
        count += 1
        shell.expect_exact(f"In [{count}]: ")
        shell.sendline(cell)

    try:
        # What a sweep has is as much time as it needs, on a busy machine too.
        for cell in (LOAD, "import jupyter_session_save.autosave as own; own.TERMINAL = 600.0", "del own"):
            run(cell)
        for cell in ("%autosave_session on --name nb", "x = [1]; y = {i: [i] for i in range(20)}", "z = x"):
            run(cell)
        run("import threading; threading.Timer(0, x.append, [2]).run()")
        # What nobody names is looked at after cells.
        run("(lambda hidden: hidden.append(3))(__import__('gc') and y[7])")
        for number in range(5):
            run(f"other = {number}")
        shell.expect_exact(f"In [{count + 1}]: ")
    finally:
        shell.kill(9)
        shell.close()
    resumed(machine).check("x == [1, 2]", "z is x", "y[7] == [7, 3]", "other == 4")
