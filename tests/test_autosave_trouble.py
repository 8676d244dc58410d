"""Autosave on full, limited and slow disks, under a clock that jumps, and beside other kernels and tasks."""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_session_save import records
from jupyter_session_save.changes import Tracker
from jupyter_session_save.reach import reach_of
from jupyter_session_save.repository import Repository
from jupyter_session_save.retention import Policy, heads

from .cells import notebook
from .kernels import Kernel
from .machine import Machine, wait_for
from .mounts import limited, mounted

ON = "%autosave_session on --name nb --max-block 600"
WARNING = "autosave of nb failed"


def begin(machine: Machine, *cells: str) -> Kernel:
    kernel = machine.kernel()
    for cell in ("%load_ext jupyter_session_save", ON, *cells):
        kernel.run(cell)
    return kernel


def resumed(machine: Machine, reference: str = "nb") -> Kernel:
    kernel = machine.kernel()
    kernel.run("%load_ext jupyter_session_save")
    kernel.run(f"%load_session {reference}")
    return kernel


def versions(machine: Machine) -> list[int]:
    return sorted(int(path.stem) for path in (machine.store / "sessions" / "nb").glob("*.json"))


@pytest.fixture
def small_disk(machine: Machine) -> Iterator[Path]:
    """A file system of 16 MB for the store."""
    machine.store.mkdir()
    with mounted(machine.store, "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        yield machine.store
        machine.close()


@pytest.fixture
def quota(machine: Machine) -> Iterator[Path]:
    """A file system for the store on which 16 MB may be used of the 64 that are free."""
    machine.store.mkdir()
    with limited(machine.store, machine.root / "image", 16 << 20):
        yield machine.store
        machine.close()


BIG = "import numpy as np\nbig = np.random.default_rng({0}).random(1_000_000)"


def goes_on_and_recovers(machine: Machine, kernel: Kernel, why: str, more_room: str) -> None:
    kernel.run("import jupyter_session_save.autosave as own; own.RETRY = 0.5, 2.0")
    count = len(versions(machine))
    for number in range(3):
        # Silent, whatever the store says.
        assert not kernel.run(f"small.append({number}); {BIG.format(number)}".replace("\n", "; ")).outputs
    assert why in kernel.run("%autosave_session").text
    assert kernel.log().count(WARNING) == 1
    refused = kernel.run("%save_session byhand", check=False).complaint
    assert why in refused and "\n" not in refused
    assert len(versions(machine)) == count
    kernel.run(more_room)
    wait_for(lambda: len(versions(machine)) > count, "another try")
    kernel.run("small.append('on')")
    kernel.sigkill()
    assert Repository.open(machine.store).check() == []
    resumed(machine).check(
        "small == [0, 1, 2, 'on']", "np.array_equal(big, np.random.default_rng(2).random(1_000_000))", "kept[0] == 1"
    )


def test_a_full_disk_costs_nothing_that_a_cell_has_touched(machine: Machine, small_disk: Path) -> None:
    kernel = begin(machine, "import numpy as np, os\nsmall = []; kept = np.ones(200_000)")
    ballast = small_disk / ".ballast"
    ballast.write_bytes(b"x" * (11 << 20))
    goes_on_and_recovers(machine, kernel, "free and this save needs at least", f"os.unlink({str(ballast)!r})")


def test_a_quota_costs_nothing_that_a_cell_has_touched(machine: Machine, quota: Path) -> None:
    kernel = begin(machine, "import numpy as np, os\nsmall = []; kept = np.ones(200_000)")
    ballast = quota / ".ballast"
    ballast.write_bytes(b"x" * (11 << 20))
    goes_on_and_recovers(machine, kernel, "the disk quota is used up: ", f"os.unlink({str(ballast)!r})")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_limit_for_files_costs_nothing_that_a_cell_has_touched(machine: Machine) -> None:
    kernel = begin(machine, "import numpy as np, resource\nsmall = []; kept = np.ones(200_000)")
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))"
    kernel.run(limit.format(4 << 20))
    why = "the file would be larger than this file system or your limits allow: choose another store"
    goes_on_and_recovers(machine, kernel, why, limit.format("resource.getrlimit(resource.RLIMIT_FSIZE)[1]"))


GONE = "is gone: bring back the disk that it was on, or make the directory again for a new one, as %autosave_session"


@pytest.mark.skipif(sys.platform == "win32", reason="moves open files")
def test_a_store_that_has_disappeared_is_named_and_not_made_anew(machine: Machine) -> None:
    disk, away = machine.root / "disk", machine.root / "away"
    machine.store = disk / "s"
    kernel = machine.kernel(env={"JPY_SESSION_NAME": "nb.ipynb"})
    for cell in ("%load_ext jupyter_session_save", "%autosave_session on", "x = 1", "x = 2"):
        kernel.run(cell)
    disk.rename(away)
    assert GONE in kernel.run("%autosave_session").text
    lines = ["%load_session", "%load_session nb@1", "%sessions", "%sessions @", "%sessions nb", "%diff_session @1"]
    lines += ["%undo_session", "%delete_session nb@1", "%save_session", "%save_session other"]
    lines += ["%autosave_session on --name other"]
    for line in ("x = 3", *lines, "x = 4"):
        said = kernel.run(line, check=False).complaint
        assert said == "" if "%" not in line else GONE in said and len(said.splitlines()) == 1
        assert not disk.exists()
    assert GONE in kernel.run("%autosave_session").text
    # The disk is back.
    away.rename(disk)
    kernel.run("%undo_session")
    kernel.check("x == 2")
    kernel.run("%save_session")
    # And again, for good.
    disk.rename(away)
    kernel.run("%autosave_session off")
    assert GONE in kernel.run("%save_session", check=False).complaint
    kernel.run("%autosave_session on")
    kernel.run("y = 1")
    kernel.sigkill()
    assert Repository.open(machine.store, create=False).check() == []
    resumed(machine).check("y == 1")


@pytest.mark.skipif(sys.platform == "win32", reason="moves open files")
def test_without_autosave_a_store_that_has_disappeared_is_begun_anew_in_a_directory_made_by_hand(
    machine: Machine,
) -> None:
    disk = machine.root / "disk"
    machine.store = disk / "s"
    kernel = machine.kernel()
    for cell in ("%load_ext jupyter_session_save", "x = 1", "%save_session nb"):
        kernel.run(cell)
    disk.rename(machine.root / "away")
    assert GONE in kernel.run("%save_session nb", check=False).complaint
    assert not disk.exists()
    machine.store.mkdir(parents=True)
    kernel.run("%save_session nb")
    resumed(machine).check("x == 1")


@pytest.mark.skipif(sys.platform == "win32", reason="moves open files")
def test_an_undo_names_all_cells_that_could_only_be_saved_together(machine: Machine) -> None:
    kernel = begin(machine, "x = 1")
    machine.store.rename(machine.root / "away")
    for cell in ("x = 2", "print(x)", "x = 3"):
        kernel.run(cell)
    (machine.root / "away").rename(machine.store)
    kernel.run("x = 4")
    why = " (saving had failed, so that those of a range were saved together): the variables are those of nb@1 again"
    assert kernel.run("%undo_session").text.startswith(f"took back cells 4 to 7{why}")
    kernel.check("x == 1")
    kernel.run("x = 5")
    assert kernel.run("%undo_session").text.startswith("took back cell 9: ")
    kernel.run("%load_session nb@2")
    kernel.check("x == 4")
    kernel.run("x = 6")
    assert kernel.run("%undo_session 2").text.startswith(f"took back cells 4 to 7, 12{why}")
    # What is saved by hand after a failure is known to hold everything.
    machine.store.rename(machine.root / "away")
    kernel.run("x = 7")
    (machine.root / "away").rename(machine.store)
    kernel.run("%save_session nb")
    kernel.run("x = 8")
    # Whether it is time yet for another try after the one that failed.
    assert re.match("took back cells? (15 to )?16[ :]", kernel.run("%undo_session").text)
    kernel.check("x == 7")


def test_no_cell_waits_for_the_disk_and_a_kill_meanwhile_loses_nothing(machine: Machine) -> None:
    sync = (
        "from jupyter_session_save.store import LocalStore\n"
        "def slow(store, keys, reached=[]):\n"
        "    import pathlib, threading\n"
        "    if not list(keys): return\n"
        "    pathlib.Path('reached').touch()\n"
        "    threading.Event().wait()\n"
        "LocalStore.sync = slow"
    )
    kernel = begin(machine, sync, "x = [1]")
    wait_for((machine.project / "reached").exists, "the first sync")
    for number in range(3):
        kernel.run(f"x.append({number})")
    kernel.sigkill()
    resumed(machine).check("x == [1, 0, 1, 2]")


def test_a_clock_that_jumps_back_changes_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    days = iter([20, 1, 25, 2, 10, 3])

    def now(zone: datetime.tzinfo) -> datetime.datetime:
        return datetime.datetime(2026, 3, next(days), tzinfo=zone)

    clock = SimpleNamespace(datetime=SimpleNamespace(now=now), UTC=datetime.UTC)
    monkeypatch.setattr(records, "datetime", clock)
    with notebook() as a:
        tracker = Tracker(a.namespace, "s", repository=a.repository, signer=a.signer, live=dict, hidden=dict)
        for number in range(6):
            a.run(f"x = [{number}]")
            tracker.touch(reach_of(f"x = [{number}]", str))
            tracker.save(cell=number)
        assert a.repository.versions("s") == [1, 2, 3, 4, 5, 6]
        a.repository.prune(Policy(last=2, hourly=1, daily=1), grace=-60)
        assert {5, 6} <= set(a.repository.versions("s"))
        assert a.repository.check() == []
        b = a.fresh()
        b.load("s")
        assert b["x"] == [5]


def test_two_kernels_on_one_notebook_each_go_on_from_their_own(machine: Machine) -> None:
    one = begin(machine, "x = ['one']", "y = 1")
    two = resumed(machine)
    two.run(ON)
    for number in range(3):
        one.run(f"x.append({number})")
        two.run(f"x.append('two {number}')")
    parents = {s.sequence: s.parent for s in Repository.open(machine.store).snapshots("nb")}
    assert len(parents) == 8
    one.sigkill()
    two.sigkill()
    repository = Repository.open(machine.store)
    ends = sorted(heads(repository.snapshots("nb")))
    assert len(ends) == 2
    repository.prune(Policy(last=1, hourly=0, daily=0), grace=-60)
    assert set(ends) <= set(versions(machine))
    found = []
    for version in ends:
        kernel = resumed(machine, f"nb@{version}")
        kernel.check("y == 1")
        found.append(kernel.get("x"))
        kernel.close()
    assert sorted(found, key=str) == [["one", "two 0", "two 1", "two 2"], ["one", 0, 1, 2]]


def test_a_session_that_one_kernel_deletes_and_makes_anew_mixes_with_no_other(machine: Machine) -> None:
    one, two = begin(machine, "x = ['one']", "y = [x]"), begin(machine)
    two.run("%delete_session nb")
    two.run("x = ['two']; y = [x]")
    for number in range(2):
        one.run(f"x.append({number})")
        two.run(f"x.append({number})")
    one.sigkill()
    two.sigkill()
    repository = Repository.open(machine.store)
    assert versions(machine) == [3, 4, 5, 6, 7]  # @1 and @2 may stand in somebody's notes
    assert repository.check() == []
    kernel = machine.kernel()
    kernel.run("%load_ext jupyter_session_save")
    found = []
    for version in sorted(heads(repository.snapshots("nb"))):
        kernel.run(f"%load_session nb@{version}")
        kernel.check("y[0] is x")
        found.append(kernel.get("x"))
    assert found == [["one", 0, 1], ["two", 0, 1]]


def test_a_copied_notebook_mixes_with_nothing(machine: Machine) -> None:
    def named(name: str) -> Kernel:
        kernel = machine.kernel(env={"JPY_SESSION_NAME": str(machine.project / name)})
        kernel.run("%load_ext jupyter_session_save")
        kernel.run("%autosave_session on")
        return kernel

    one, copy = named("sales.ipynb"), named("sales-Copy1.ipynb")
    one.run("x = 'original'")
    copy.run("x = 'copy'")
    names = Repository.open(machine.store).names()
    assert len(names) == 2
    for name, value in zip(sorted(names, key=lambda n: "Copy" in n), ("original", "copy"), strict=True):
        resumed(machine, name).check(f"x == {value!r}")


def test_what_a_task_does_between_cells_is_found(machine: Machine) -> None:
    kernel = begin(
        machine,
        "import asyncio, os\nseen = []\n"
        "async def work(out=seen):\n"
        "    while not os.path.exists('go'): await asyncio.sleep(0.01)\n"
        "    out.append('between')\n"
        "    open('done', 'w').close()\n",
        "task = asyncio.ensure_future(work()); None",
        # While there are tasks, no sweep waits for as long as it would.
        "import jupyter_session_save.sweeping as own; own.AGAIN = 1e6, 1e6, 1e6; own.BESIDE = 0.2, 0.2",
        "other = 1",
    )
    count = len(versions(machine))
    machine.write("go", "")
    wait_for((machine.project / "done").exists, "the task")
    wait_for(lambda: len(versions(machine)) > count, "the sweep")
    kernel.sigkill()
    resumed(machine).check("seen == ['between']", "other == 1")
