"""Many quick cells in one kernel with autosave: memory, files, and what each cell does to the disk stay flat.

``SOAK_CELLS=2000`` in the environment is two hours of work; the suite runs fewer. What is measured must depend on the
cells alone: IPython writes its history from a thread when it comes to it, and so keeps it in memory here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jupyter_session_save.lineage import _LINE

from .kernels import Kernel
from .machine import Machine

CELLS = int(os.environ.get("SOAK_CELLS", "300"))
WINDOWS = 4
# All is as large from the beginning as it becomes.
SETUP = """
import random
import numpy as np
noise = random.Random(1)
items = [noise.random() for _ in range(40)]
alias = items
big = np.zeros(300_000)
view = big[:1000]
tables = {n: np.full(2_000, noise.random()) for n in range(20)}
class Box:
    total = 0
    def __init__(self): self.held = [50] * 20
box = Box()
def push(x):
    alias.append(x)
    del alias[:-50]
"""
CYCLE = (
    "push(noise.random())",
    "view[noise.randrange(1000)] = 1",
    "tables[noise.randrange(20)] = np.full(2_000, noise.random())",
    "box.held = [*box.held[-20:], len(items)]; Box.total += 1",
    "len(items), big.sum(), Box.total",
    "made = {'n': noise.random()}",
    "del made",
    "exec('items[:] = items[-40:]')",
)
# A record keeps the statements that changed a value until there are too many of them. All lines are that long at once.
CHANGES = "noise.random(); items[:0] = []; tables[0] = tables[0]; view[0] = 0; box.held *= 1; Box.total += 0; big.sum()"
FULL_LINES = "\n".join([CHANGES] * (_LINE + 1))
COUNTING = """
from collections import Counter
from threading import current_thread, main_thread
from jupyter_session_save.store import LocalStore
asked = Counter()
def counted(name, method):
    def call(*args, **options):
        # Threads ask when they come to it.
        asked[name] += current_thread() is main_thread()
        return method(*args, **options)
    return call
for name in "get map read size exists put list children delete touch age free".split():
    setattr(LocalStore, name, counted(name, getattr(LocalStore, name)))
"""
# Exact: what the kernel and its allocator keep, and not what a collection would free.
MEMORY = "__import__('gc').collect() and 0 or int(open('/proc/self/statm').read().split()[1]) * 4096"
WORK = "{k: int(v) for k, v in (line.split(': ') for line in open('/proc/thread-self/io'))}"
ASKED = "__import__('counting').asked.total()"
PRUNE = (
    "__import__('jupyter_session_save.catalog').catalog.open_repository()"
    ".prune(__import__('jupyter_session_save.retention').retention.parse('last=10'), grace=0)"
)


def files(machine: Machine) -> int:
    return sum(path.is_file() for path in machine.store.rglob("*"))


def work(kernel: Kernel) -> dict[str, int]:
    """What the cells have written and read so far, in bytes, and how often they have asked the store.

    Threads flush and prune whenever the kernel has been idle for a while, which is no matter of the cells.
    """
    done = kernel.get(WORK)
    return {"written": done["wchar"], "read": done["rchar"], "asked": kernel.get(ASKED)}


def kept(kernel: Kernel, machine: Machine) -> dict[str, int]:
    """Prune in the kernel itself, as autosave does, and return what is left."""
    kernel.submit(PRUNE, silent=True)
    return {"memory": kernel.get(MEMORY), "files": files(machine)}


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
@pytest.mark.timeout(3000)
def test_a_long_session_costs_the_same_at_its_end(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.write("counting.py", COUNTING)
    profile = machine.root / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text("c.HistoryManager.hist_file = ':memory:'\n")
    kernel = machine.kernel()
    on = "%autosave_session on --name nb --keep last=10 --max-block 600"
    for cell in ("%load_ext jupyter_session_save", on, SETUP, FULL_LINES, "import counting; del counting"):
        kernel.run(cell)
    rows: list[dict[str, int]] = []
    cycles = 0
    for window in range(WINDOWS + 1):
        count = CELLS // WINDOWS if window else 2 * len(CYCLE)
        count -= count % len(CYCLE)
        before = work(kernel)
        for n in range(count):
            kernel.run(CYCLE[n % len(CYCLE)])
        cycles += count // len(CYCLE)
        after = work(kernel)
        rows.append(kept(kernel, machine) | {key: after[key] - before[key] for key in after})
    with capsys.disabled():
        print(f"\n{CELLS} cells, what each of {WINDOWS} parts took:", *rows[1:], sep="\n")
    first, last = rows[1], rows[-1]
    for key in ("written", "read", "asked"):
        assert max(row[key] for row in rows[1:]) <= 1.25 * min(row[key] for row in rows[1:]), (key, rows)
    # Memory also goes to what IPython keeps of each cell, in In and in its history.
    assert last["memory"] - first["memory"] < 4e6 + CELLS * 8e3
    assert last["files"] <= first["files"] + 5
    kernel.run("assert len(items) <= 50 and alias is items")
    kernel.sigkill()
    kernel = machine.kernel()
    kernel.run("%load_ext jupyter_session_save")
    kernel.run("%load_session nb")
    kernel.check("alias is items", "np.shares_memory(big, view)", f"Box.total == {cycles}")
    assert not kernel.get("[n for n in globals() if n == 'made']")
    assert Path(machine.store).is_dir()
