"""Kernels that autosave and prunes that tidy up at the same time, each killed at random moments."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_session_save.digests import digest_of, key_of
from jupyter_session_save.repository import Repository
from jupyter_session_save.retention import Policy, heads
from jupyter_session_save.snapshot import Snapshot

from .repositories import data_keys, values

COMMON = """
import random, sys
from jupyter_session_save import patches, writing
from jupyter_session_save.digests import digest_of
from jupyter_session_save.errors import SessionError, StoreError
from jupyter_session_save.repository import Repository
from jupyter_session_save.retention import Policy
from jupyter_session_save.snapshot import Component, Snapshot
writing.BLOB, patches.CHUNK = 4000, 200
repository = Repository.open(sys.argv[1])
"""

KERNEL = (
    COMMON
    + """
def save(known):
    with repository.writer(durable=False) as writer:
        if known is None:
            components = tuple(Component((name,), writer.put([bytes(data)])) for name, data in state.items())
        else:
            at, name = noise.randrange(40) * 200, f"v{noise.randrange(20)}"
            state["big"][at] ^= 1
            state[name][0] ^= 1
            parts = {c.names[0]: c for c in known.components}
            chunk, whole = (at, memoryview(bytes(state["big"][at:at + 200]))), memoryview(bytes(state["big"]))
            big = writer.put_patched(parts["big"].stream, 8000, [chunk], whole=whole)
            parts["big"] = Component(("big",), big)
            parts[name] = Component((name,), writer.put([bytes(state[name])]))
            components = tuple(parts.values())
        whole = digest_of([bytes(state[name]) for name in NAMES])
        draft = Snapshot("s", message=whole, parent=known and known.sequence, cell=cell, components=components)
        return writer.commit(draft, sign=lambda data: digest_of([data]), parent_record=known), writer

NAMES = ["big", *(f"v{n}" for n in range(20))]
noise = random.Random(int(sys.argv[2]))
state = {"big": bytearray(noise.randbytes(8000)), **{f"v{n}": bytearray(noise.randbytes(300)) for n in range(20)}}
known, cell = None, 0
try:
    # Go on from a state that is old enough for its parts to be collected, and may be pruned at any moment.
    found = noise.choice([None, *repository.snapshots("s")[:4]])
    if found is not None:
        state = {c.names[0]: bytearray(repository.read(c.stream)) for c in found.components}
        known = found
except SessionError:
    pass
while True:
    cell += 1
    try:
        known, writer = save(known)
    except StoreError as error:
        assert "was removed" in str(error), error
        print("refused", flush=True)
        known = None
        continue
    print(known.sequence, flush=True)
    if cell % 7 == 0:
        repository.settle(writer.unsettled)
"""
)
PRUNE = (
    COMMON
    + """
print(0, flush=True)
while True:
    repository.prune(Policy(last=3), grace=600.0)
"""
)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run(program: str, seed: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, str(tmp_path / "store"), str(seed)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def is_whole(repository: Repository, snapshot: Snapshot) -> bool:
    found = values(repository, snapshot)
    names = ["big", *(f"v{n}" for n in range(20))]
    return digest_of([found[name] for name in names]) == snapshot.message


def make_old(store: Path) -> None:
    """Let everything be so old that a prune removes it where nothing refers to it and nothing takes it up.

    A kernel that a busy machine stops for a second must not lose what it has just written.
    """
    for path in (p for p in store.rglob("*") if p.is_file()):
        os.utime(path, (path.stat().st_mtime - 3600,) * 2)


def test_sigkill_of_kernels_and_prunes(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    Repository.open(tmp_path / "store")
    moments = random.Random(7)
    reported: dict[int, int] = {}
    for round_ in range(12):
        kernels = [start(KERNEL, 10 * round_), start(KERNEL, 10 * round_ + 1)]  # two kernels save one name
        prunes = [start(PRUNE), start(PRUNE)]
        for process in (*kernels, *prunes):
            assert process.stdout is not None
            process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            kernels[0].wait(moments.uniform(0.05, 0.4))
        for process in moments.sample([*kernels, *prunes], 4):
            process.kill()
        said = [kernel.communicate()[0].split() for kernel in kernels]
        newest = [max([0, *map(int, filter(str.isdigit, words))]) for words in said]
        reported[round_] = min(newest)
        repository = Repository.open(tmp_path / "store")
        assert repository.check() == []
        snapshots = repository.snapshots("s")
        assert all(is_whole(repository, snapshot) for snapshot in snapshots)
        # Whatever was reported last is there, or what the kernel went on to before it was killed.
        lines = {snapshot.sequence: snapshot for snapshot in snapshots}
        for version in filter(None, newest):
            assert version in lines or any(s.came_from(version) for s in snapshots)
        assert heads(snapshots) <= set(lines)
        make_old(tmp_path / "store")
    assert any(reported.values())
    repository.prune(Policy(0, 0, 0), grace=-60)
    snapshots = repository.snapshots("s")
    assert {s.sequence for s in snapshots} == heads(snapshots)
    assert data_keys(repository) == {key_of(part) for s in snapshots for part in s.parts()}
    assert not list((tmp_path / "store").rglob(".*"))
    assert repository.check() == [] and all(is_whole(repository, snapshot) for snapshot in snapshots)
