"""Kernels with autosave, killed after cells, during cells and at random instants; the next one goes on from there.

Each kernel loads what the one before it has left, is compared with an uninterrupted run, and goes on until it is
killed in its turn. ``EVERY_CRASH=1`` in the environment kills after and during every cell, and at 200 instants.
"""

from __future__ import annotations

import collections
import functools
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_session_save.repository import Repository

from . import phases
from .cells import differences, settled
from .kernels import Kernel
from .machine import Machine, wait_for
from .test_notebooks import OURS, cells_of, variables_of

EVERY = bool(os.environ.get("EVERY_CRASH"))
INSTANTS = 200 if EVERY else 8
# However busy the machine is: no variable is left for later.
ON = "%autosave_session on --name nb --max-block 600"
PHASES = "__import__('tests.phases').phases"


def differing(kernel: Kernel, machine: Machine, whole: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    return differences(settled(variables_of(kernel, machine.root / "variables.json")), settled(whole))


@pytest.fixture(scope="module")
def shared(shared_environment: dict[str, str]) -> dict[str, str]:
    """One thread for each fit: several kernels at once have none to spare."""
    return {**shared_environment, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture
def machine(tmp_path: Path, shared: dict[str, str]) -> Iterator[Machine]:
    machine = Machine(tmp_path / "machine", shared)
    yield machine
    machine.close()


@pytest.fixture(scope="module")
def states(
    tmp_path_factory: pytest.TempPathFactory, shared: dict[str, str]
) -> Callable[[tuple[str, ...]], list[dict[str, str]]]:
    """The variables after each cell of a run that nothing interrupts and nothing saves."""

    @functools.cache
    def run(cells: tuple[str, ...]) -> list[dict[str, str]]:
        machine = Machine(tmp_path_factory.mktemp("uninterrupted") / "machine", shared)
        with machine.kernel() as kernel:
            found = []
            for cell in cells:
                kernel.run(cell, check=False)
                found.append(variables_of(kernel, machine.root / "variables.json"))
            return found

    return run


def resumed(machine: Machine, *, first: bool) -> Kernel:
    """A fresh kernel with the newest snapshot, and the next one starting."""
    kernel = machine.fresh()
    machine._spare = machine.kernel()
    kernel.run(OURS[0])
    kernel.run(ON)
    if not first:
        kernel.run("%load_session nb")
    return kernel


@pytest.mark.parametrize("name", ["quickstart", "wine", "classifier", "words"])
def test_a_notebook_survives_kills_after_its_cells_and_during_them(
    machine: Machine, states: Callable[[tuple[str, ...]], list[dict[str, str]]], name: str
) -> None:
    cells = cells_of(name)
    whole = states(cells)
    flag = machine.project / "in the cell"
    endless = f"\nopen({str(flag)!r}, 'w').close(); __import__('time').sleep(10_000)"
    cuts = range(len(cells)) if EVERY else sorted(random.Random(name).sample(range(2, len(cells)), 2))
    kernel, done = resumed(machine, first=True), 0
    for cut in cuts:
        for cell in cells[done : cut + 1]:
            kernel.run(cell)
        if cut + 1 < len(cells) and (EVERY or cut == cuts[0]):
            # It has done all that the next cell does when it dies, and none of it counts.
            # A file that a cell writes is not the kernel's to take back: this does, as words.ipynb fills a database.
            found = shutil.copytree(machine.project, machine.root / f"as cell {cut} left it")
            kernel.submit(cells[cut + 1].rstrip().removesuffix(";") + endless)
            wait_for(flag.exists, "the next cell")
            kernel.sigkill()
            for path in machine.project.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(found, machine.project, dirs_exist_ok=True)
        kernel.sigkill()
        kernel, done = resumed(machine, first=False), cut + 1
        assert not differing(kernel, machine, whole[cut]), f"after cell {cut}"


PRUNE = f"{PHASES}.prune()"
CYCLE = (
    "items.append(noise.random()); del items[:-30]",
    "view[noise.randrange(1000)] = step",
    "box.put(alias[-1])",
    "push(step)",
    "items.append('before'); 1 / 0; items.append('after')",
    "register(step)",
    "big[noise.randrange(len(big))] += 1",
    "exec('alias.append(noise.random())')",
    "globals()[f'made{step % 5}'] = [step, items]; globals().pop(f'made{(step - 24) % 5}', None)",
    PRUNE,
    "tables[step % 4] = np.full(40_000, noise.random())",
    "Box = type('Box', (Box,), {'version': step}) if step % 36 == 11 else Box; box = Box(items)",
    "None",
)
SETUP = """
import random
import numpy as np
step = 0
noise = random.Random(5)
items = [1]
alias = items
big = np.zeros(400_000)
view = big[1000:2000]
tables = {}
class Box:
    total = 0
    def __init__(self, held): self.held = held
    def put(self, item):
        self.held.append(item)
        Box.total += 1
box = Box(items)
def maker():
    count, kept = 0, items
    def push(item):
        nonlocal count
        count += 1
        kept.append((count, item))
    return push
push = maker()
def register(item, to={}):
    to[item % 9] = item
    return to
"""
CELLS = (SETUP, *(f"step = {n}\n{CYCLE[n % len(CYCLE)]}" for n in range(1, 130)))
AT_ONCE = 20


def test_a_kernel_may_be_killed_at_any_instant(
    machine: Machine, states: Callable[[tuple[str, ...]], list[dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = states(tuple(cell.replace(PRUNE, "None") for cell in CELLS))
    moments = random.Random(11)
    killed: collections.Counter[str] = collections.Counter()
    finished = -1
    while killed.total() < INSTANTS:
        kernel = followed(machine, load_first=moments.random() < 0.5)
        at = newest_is_right(kernel, machine, whole, least=finished) + 1
        if at + AT_ONCE > len(CELLS):
            finished = -1
            kernel.sigkill()
            shutil.rmtree(machine.store)
            continue
        # Those sent at once run one after the other, without a pause between them.
        requests = [kernel.submit(cell) for cell in CELLS[at : at + AT_ONCE]]
        replied = moments.randrange(len(requests))
        for request in requests[:replied]:
            kernel.finish(request)
        time.sleep(moments.uniform(0, 0.04))
        kernel.sigkill()
        killed[phases.read(machine.root / "phase")] += 1
        finished = at + replied - 1
    newest_is_right(followed(machine), machine, whole, least=finished)
    with capsys.disabled():
        print("\nkilled", *(f"{count} times in {what}" for what, count in sorted(killed.items())), sep="; ")


def followed(machine: Machine, *, load_first: bool = True) -> Kernel:
    """A fresh kernel that notes its phases and went on from the newest snapshot, and the next one starting."""
    kernel = machine.fresh()
    machine._spare = machine.kernel()
    kernel.run(f"{PHASES}.follow(get_ipython(), {str(machine.root / 'phase')!r})")
    kernel.run(OURS[0])
    there = any((machine.store / "sessions").glob("nb/*.json"))
    # What a kernel is told to keep before it loads and after it is all the same.
    for step in ("%load_session nb", ON) if load_first else (ON, "%load_session nb"):
        if there or step == ON:
            kernel.run(step)
    kernel.run(f"{PHASES}.follow(get_ipython(), '')")
    return kernel


def newest_is_right(kernel: Kernel, machine: Machine, whole: list[dict[str, str]], *, least: int) -> int:
    """Compare what a kernel has loaded with the reference; return the number of the last cell in it."""
    if not kernel.get("'step' in globals()"):
        assert least < 0, f"cell {least} was finished, and nothing came back"
        return -1
    at = int(kernel.get("step"))
    assert at >= least, f"cell {least} was finished, and {at} came back"
    assert not differing(kernel, machine, whole[at]), f"cell {at}"
    assert Repository.open(machine.store).check() == []
    return at
