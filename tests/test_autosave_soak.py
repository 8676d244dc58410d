"""Many quick cells in one kernel with autosave: memory, files, and what each cell does to the disk stay flat.

``SOAK_CELLS=2000`` in the environment is two hours of work; the suite runs fewer.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .kernels import Kernel
from .machine import Machine

CELLS = int(os.environ.get("SOAK_CELLS", "300"))
WINDOWS = 4
SETUP = """
import random
import numpy as np
noise = random.Random(1)
items = []
alias = items
big = np.zeros(300_000)
view = big[:1000]
tables = {n: np.full(2_000, n) for n in range(20)}
class Box:
    total = 0
    def __init__(self): self.held = []
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
# Exact: what the kernel and its allocator keep, and not what a collection would free.
MEMORY = "__import__('gc').collect() and 0 or int(open('/proc/self/statm').read().split()[1]) * 4096"
WORK = "{k: int(v) for k, v in (line.split(': ') for line in open('/proc/self/io'))}"
PRUNE = (
    "__import__('jupyter_session_save.catalog').catalog.open_repository()"
    ".prune(__import__('jupyter_session_save.retention').retention.parse('last=10'), grace=0)"
)


def files(machine: Machine) -> int:
    return sum(path.is_file() for path in machine.store.rglob("*"))


def measured(kernel: Kernel, machine: Machine) -> dict[str, int]:
    """Prune in the kernel itself, as autosave does, and measure it."""
    work = kernel.get(WORK)
    kernel.submit(PRUNE, silent=True)
    found = {"memory": kernel.get(MEMORY), "files": files(machine)}
    return found | {"written": work["wchar"], "calls": work["syscw"] + work["syscr"], "read": work["rchar"]}


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
@pytest.mark.timeout(3000)
def test_a_long_session_costs_the_same_at_its_end(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    kernel = machine.kernel()
    for cell in ("%load_ext jupyter_session_save", "%autosave_session on --name nb --keep last=10", SETUP):
        kernel.run(cell)
    rows: list[dict[str, int]] = []
    cycles = 0
    before = dict.fromkeys(("written", "calls", "read"), 0)
    for window in range(WINDOWS + 1):
        count = CELLS // WINDOWS if window else 2 * len(CYCLE)
        count -= count % len(CYCLE)
        start = kernel.get(WORK)
        before = {"written": start["wchar"], "calls": start["syscw"] + start["syscr"], "read": start["rchar"]}
        for n in range(count):
            kernel.run(CYCLE[n % len(CYCLE)])
        cycles += count // len(CYCLE)
        now = measured(kernel, machine)
        rows.append(now | {key: (now[key] - value) // count for key, value in before.items()})
    with capsys.disabled():
        print(f"\n{CELLS} cells, each of {WINDOWS} parts:", *rows[1:], sep="\n")
    first, last = rows[1], rows[-1]
    # Memory also goes to what IPython keeps of each cell, in In and in its history.
    assert last["memory"] - first["memory"] < 4e6 + CELLS * 8e3
    assert last["files"] <= first["files"] + 5
    for key in ("written", "calls", "read"):
        assert last[key] <= 1.25 * first[key] + 50, (key, rows)
    kernel.run("assert len(items) <= 50 and alias is items")
    kernel.sigkill()
    kernel = machine.kernel()
    kernel.run("%load_ext jupyter_session_save")
    kernel.run("%load_session nb")
    kernel.check("alias is items", "np.shares_memory(big, view)", f"Box.total == {cycles}")
    assert not kernel.get("[n for n in globals() if n == 'made']")
    assert Path(machine.store).is_dir()
