"""Cases about what is on disk: failures, trust, secrets, damage, interrupted loads (8, 9, 31-35, 37)."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest

from jupyter_session_save.repository import Repository

from .kernels import Kernel, Result
from .machine import Machine, alive, save, wait_for

SUSPENDED = "g = (i for i in range(3)); next(g)"


def refused(kernel: Kernel, cell: str) -> Result:
    """Run a cell that must fail, with one line and no traceback."""
    result = kernel.run(cell, check=False)
    assert result.error is not None, f"{cell} should have failed"
    assert len(result.complaint.splitlines()) == 1, result.complaint
    return result


def snapshots(machine: Machine) -> list[Path]:
    """The files of the session's snapshots, oldest first."""
    found = (p for p in machine.store.glob("sessions/*/*.json") if p.is_file())
    return sorted(found, key=lambda path: int(path.stem))


def test_case_08_a_second_save_never_costs_the_first(machine: Machine) -> None:
    a = machine.begin("import os; data = [1, 2]; noise = os.urandom(2_000_000)")
    save(a)
    first = machine.stored()
    a.run(SUSPENDED)
    facts = save(a)
    assert facts.roots == {"g"}
    second = machine.stored()
    assert {key: second[key] for key in first} == first
    # A real failure: the save is refused as asked, and then the disk refuses.
    refused(a, "%save_session case --strict")
    assert machine.stored() == second
    if sys.platform != "win32":
        a.run("import resource; more = os.urandom(8_000_000)")
        a.run("limits = resource.getrlimit(resource.RLIMIT_FSIZE)")
        a.run("resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))")
        refused(a, "%save_session case")
        a.run("resource.setrlimit(resource.RLIMIT_FSIZE, limits)")
        after = machine.stored()
        assert {key: after[key] for key in second} == second
        assert [key for key in after if key.startswith("sessions/")] == [k for k in second if k.startswith("sessions/")]
    a.sigkill()
    b = machine.load()
    b.check("data == [1, 2]", "len(noise) == 2_000_000", "'more' not in globals()")


@pytest.mark.core
def test_case_09_culprit_is_named(machine: Machine) -> None:
    facts = machine.save(SUSPENDED, "d = {'m': {'lk': [g]}, 'k': 1}; del g")
    (finding,) = facts.placeholders
    assert finding.path == "d['m']['lk'][0]"
    assert "generator" in finding.type
    assert finding.reason
    assert "d['m']['lk'][0]" in facts.text and "generator" in facts.text
    b = machine.load()
    b.check("d['k'] == 1", "type(d['m']['lk'][0]).__name__ == 'Placeholder'", "len(d['m']['lk']) == 1")


TRAP = """\
class Trap:
    def __reduce__(self):
        import os
        return os.mkdir, ({path!r},)

trap = Trap()
"""


@pytest.fixture
def trapped(machine: Machine) -> Path:
    """The directory that comes into being when the saved session is unpickled."""
    sprung = machine.root / "sprung"
    machine.save(TRAP.format(path=str(sprung)), "noise = bytes(range(256)) * 20_000")
    machine.load()
    assert sprung.is_dir(), "the trap is not set"
    sprung.rmdir()
    return sprung


def test_case_31_a_session_signed_by_another_user_is_refused(machine: Machine, trapped: Path) -> None:
    b = machine.kernel(env={"JUPYTER_DATA_DIR": str(machine.root / "jupyter-of-another")})
    b.run("%load_ext jupyter_session_save")
    refused(b, "%load_session case")
    assert not trapped.exists()
    b.check("'sentinel' not in globals()")
    # One explicit act is enough, and needed.
    b.run("loaded = %load_session case --trust")
    alive(b)
    assert trapped.is_dir()


def test_case_31_an_altered_session_is_refused(machine: Machine, trapped: Path) -> None:
    (path,) = snapshots(machine)
    original = path.read_bytes()
    record = json.loads(original)
    record["message"] = "altered"
    path.chmod(0o600)
    path.write_text(json.dumps(record, sort_keys=True, separators=(",", ":")), encoding="utf-8")
    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    refused(b, "%load_session case")
    assert not trapped.exists()
    b.check("'sentinel' not in globals()")
    path.write_bytes(original)
    b.run("%load_session case")
    alive(b)


def test_case_31_altered_bytes_never_become_a_value(machine: Machine, trapped: Path) -> None:
    packs = {p: p.read_bytes() for p in machine.store.rglob("packs/*/*") if p.is_file()}
    for pack, original in packs.items():
        pack.chmod(0o600)
        data = bytearray(original)
        for place in range(0, len(data), 8):
            data[place] ^= 0xFF
        pack.write_bytes(data)
    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    result = b.run("%load_session case", check=False)
    assert not trapped.exists()
    assert b.get("'sentinel' not in globals() or type(sentinel).__name__ == 'Placeholder'")
    assert any(pack.name in result.complaint + result.text for pack in packs), "the damaged file is not named"
    for pack, original in packs.items():
        pack.write_bytes(original)
    b.run("%load_session case")
    alive(b)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege on Windows")
def test_case_31_a_symbolic_link_is_not_followed(machine: Machine, trapped: Path) -> None:
    (path,) = snapshots(machine)
    elsewhere = machine.root / "elsewhere.json"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)
    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    refused(b, "%load_session case")
    assert not trapped.exists()
    path.unlink()
    shutil.move(elsewhere, path)
    b.run("%load_session case")
    alive(b)


@pytest.mark.core
def test_case_32_a_deleted_secret_is_in_no_file(machine: Machine) -> None:
    a = machine.begin("API_KEY = 'sk-CANARY'", "API_KEY", "del API_KEY", "def f():\n    return 1")
    save(a, "-m 'first words'")
    save(a)
    a.sigkill()
    repository = Repository.open(machine.store)
    kept = list(machine.stored().values())
    for snapshot in repository.snapshots("case"):
        for component in snapshot.components:
            kept += [bytes(repository.read(part)) for part in (component.stream, *component.buffers)]
    assert kept and not any(b"sk-CANARY" in data for data in kept)
    for path in (machine.root / "jupyter").rglob("*"):
        assert path.is_dir() or b"sk-CANARY" not in path.read_bytes()
    if os.name == "posix":
        assert {mode for path, mode in machine.modes().items() if Path(path).is_dir()} == {0o700}
        assert {mode for path, mode in machine.modes().items() if Path(path).is_file()} == {0o600}
    machine.load().check("f() == 1", "'API_KEY' not in globals()")


def test_case_33_two_projects_with_the_same_names_stay_apart(machine: Machine) -> None:
    places = [machine.root / name / "analysis.ipynb" for name in ("one", "two")]
    for value, place in enumerate(places):
        place.parent.mkdir()
        with machine.kernel(cwd=place.parent, env={"JPY_SESSION_NAME": str(place)}) as a:
            for cell in (
                "%load_ext jupyter_session_save",
                f"sentinel = 1; x = {value}",
                "saved = %save_session",
            ):
                a.run(cell)
            a.sigkill()
    for value, place in enumerate(places):
        with machine.kernel(cwd=place.parent, env={"JPY_SESSION_NAME": str(place)}) as b:
            b.run("%load_ext jupyter_session_save")
            b.run("loaded = %load_session")
            alive(b)
            b.check(f"x == {value}")


@pytest.mark.parametrize(
    "junk", [b"", b"\x80\x04junk, not a session", b'{"format": 1, "name": "ca'], ids=["empty", "junk", "cut"]
)
def test_case_34_a_junk_file_gets_one_line(machine: Machine, junk: bytes) -> None:
    a = machine.begin("x = 1")
    save(a)
    a.run("x = 2")
    save(a)
    a.sigkill()
    newest = snapshots(machine)[-1]
    newest.chmod(0o600)
    newest.write_bytes(junk)
    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    complaint = refused(b, "%load_session case").complaint
    assert newest.name in complaint and " not " in complaint
    b.check("'sentinel' not in globals()")
    b.run("loaded = %load_session case@1")
    alive(b)
    b.check("x == 1")


def test_case_34_a_store_that_is_none_gets_one_line(machine: Machine) -> None:
    machine.save("x = 1")
    marker = machine.store / "format.json"
    original = marker.read_bytes()
    marker.chmod(0o600)
    marker.write_bytes(b"junk")
    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    complaint = refused(b, "%load_session case").complaint
    assert "format.json" in complaint and " not " in complaint
    marker.write_bytes(original)
    b.run("%load_session case")
    alive(b)


WRONG = """\
class Wrong:
    def __init__(self):
        self.v = 1

    def __reduce__(self):
        return dict, ()
"""


def test_case_35_a_verified_save_flags_a_wrong_reduce(machine: Machine) -> None:
    a = machine.begin(
        WRONG,
        "w = Wrong(); inside = {'k': [Wrong()]}",
        "import math; right = {'k': [1, math.nan, print]}; also = right",
    )
    facts = save(a, "--verify")
    flagged = a.get("[(p.path, p.reason) for p in saved.verification]")
    a.sigkill()
    assert {re.split(r"\W", path)[0] for path, reason in flagged} == {"w", "inside"}
    assert "w" in facts.text
    b = machine.load()
    b.check("right['k'][0] == 1", "also is right", "isinstance(Wrong(), Wrong)")


def test_case_35_a_verified_save_says_when_all_is_well(machine: Machine) -> None:
    a = machine.begin("data = {'k': [1.5, 'x', None]}", "class C:\n    pass\nc = C(); c.d = data")
    save(a, "--verify")
    a.check("saved.verification is not None", "len(saved.verification) == 0")
    save(a)
    a.check("saved.verification is None")
    a.sigkill()
    machine.load().check("c.d is data")


SLOW = """\
class Slow:
    def __getstate__(self):
        return {'k': 1}
    def __setstate__(self, state):
        import pathlib, time
        if pathlib.Path('wait').exists():
            pathlib.Path('loading').touch()
            time.sleep(600)
        self.__dict__.update(state)
"""


def test_case_37_an_interrupted_load_leaves_the_namespace_alone(machine: Machine) -> None:
    machine.save(
        SLOW,
        "big = [bytes([i]) * 32_000_000 for i in range(8)]; many = [{'i': i} for i in range(100_000)]",
        "a1 = [1]; slow = Slow(); z1 = {'slow': slow, 'l': [a1]}",
    )
    machine.write("wait", "")
    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    b.run("a1 = ['mine']; many = 'mine'; own = {'k': a1}")
    b.run("before = {k: id(v) for k, v in globals().items() if k[0] != '_'}; before['before'] = id(before)")
    request = b.submit("%load_session case")
    wait_for((machine.project / "loading").exists, "the load's slow step")
    b.interrupt()
    error = b.finish(request).error
    assert error is not None and error.name == "KeyboardInterrupt"
    b.check("{k: id(v) for k, v in globals().items() if k[0] != '_'} == before")
    b.check("a1 == ['mine']", "own['k'] is a1", "'slow' not in globals()", "'sentinel' not in globals()")
    (machine.project / "wait").unlink()
    b.run("%load_session case")
    alive(b)
    b.check("z1['slow'] is slow", "slow.k == 1", "z1['l'][0] is a1", "len(many) == 100_000", "len(big) == 8")


def test_case_37_a_load_can_be_interrupted_anywhere(machine: Machine) -> None:
    machine.save(
        "big = [bytes([i]) * 16_000_000 for i in range(8)]; many = [{'i': i} for i in range(200_000)]",
        "import numpy as np; arrays = [np.full(1_000_000, i) for i in range(8)]; keep = 'theirs'",
    )
    b = machine.fresh()
    b.run("%load_ext jupyter_session_save")
    begun = machine.project / "begun"
    # The cell outlasts the load, since an interrupt between two cells is the kernel's own affair.
    cell = "import pathlib, time\npathlib.Path('begun').touch()\n%load_session case\ntime.sleep(600)"
    for tenths in range(8):
        b.run("%reset -f")
        b.run("keep = 'mine'")
        request = b.submit(cell)
        wait_for(begun.exists, "the cell's first line")
        time.sleep(tenths / 10)
        b.interrupt()
        error = b.finish(request).error
        assert error is not None and error.name == "KeyboardInterrupt"
        if b.get("keep") == "mine":
            b.check("'sentinel' not in globals()", "'many' not in globals()", "'big' not in globals()")
        else:
            b.check("keep == 'theirs'", "sentinel == 1", "len(many) == 200_000", "len(big) == 8")
        begun.unlink()
    b.run("loaded = %load_session case")
    alive(b)
    b.check("keep == 'theirs'", "len(many) == 200_000", "all(len(x) == 16_000_000 for x in big)")


def test_case_30_the_last_completed_cell_survives_and_a_failed_restore_replaces_nothing(machine: Machine) -> None:
    a = machine.begin("%autosave_session on --name case", "done = [1]", "done.append(2)")
    a.submit("done.append(3); open('inside', 'w').close(); __import__('time').sleep(10_000)")
    wait_for((machine.project / "inside").exists, "the cell")
    a.sigkill()
    newest = max(snapshots(machine), key=lambda path: int(path.stem))
    good = newest.read_bytes()
    newest.write_bytes(good[: len(good) // 2])
    before = machine.stored()
    b = machine.fresh()
    for cell in ("%load_ext jupyter_session_save", "%autosave_session on --name case"):
        b.run(cell)
    assert b.run("%load_session case", check=False).error is not None
    b.run("poor = 1")
    assert machine.stored() == before
    newest.write_bytes(good)
    b.run("%load_session case")
    b.check("done == [1, 2]", "sentinel == 1")
