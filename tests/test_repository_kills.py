"""Whatever stops a save at whatever moment, earlier snapshots stay and the new one is whole or absent."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save import writing
from jupyter_session_save.digests import key_of
from jupyter_session_save.errors import StoreError
from jupyter_session_save.names import snapshot_key
from jupyter_session_save.repository import Repository
from jupyter_session_save.store import LocalStore, directories, files, local

from .repositories import data_keys, save, values


class Killed(BaseException):
    """The process is gone."""


class Dying(types.SimpleNamespace):
    """The module ``os`` where every call after the n-th that changes a disk fails, as after a kill."""

    CHANGES = ("open", "write", "writev", "fsync", "link", "replace", "unlink", "utime", "mkdir")

    def __init__(self, calls: int, *, links: bool, error: BaseException | None = None) -> None:
        super().__init__(**{name: getattr(os, name) for name in dir(os)})
        self.left = calls
        self.error = error or Killed()
        for name in self.CHANGES:
            setattr(self, name, self.mortal(getattr(os, name)))
        if not links:
            self.link = self.refuse

    def mortal(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise self.error
            return call(*args, **kwargs)

        return run

    def refuse(self, source: str, target: str) -> None:
        raise OSError(errno.EPERM, "no links here")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blobs and packs of a few hundred bytes, so that few bytes make many of them."""
    monkeypatch.setattr(writing, "BLOB", 400)
    monkeypatch.setattr(writing, "FULL", 500)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("links", [True, False])
def test_a_kill_at_every_call_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    old = {"a": os.urandom(900), "b": os.urandom(300), "c": os.urandom(50)}
    new = {"a": old["a"], "b": os.urandom(300), "c": old["c"], "d": os.urandom(350), "e": os.urandom(1000)}
    done = False
    calls = 0
    while not done:
        directory = tmp_path / str(calls)
        repository = Repository.open(directory)
        first = save(repository, "s", old)
        before = {p: p.read_bytes() for p in directory.rglob("*") if p.is_file()}
        dying = Dying(calls, links=links)
        with monkeypatch.context() as patch:
            for room in (directories, local, files):
                patch.setattr(room, "os", dying)
            try:
                save(Repository(LocalStore(directory)), "s", new, after=first)
                done = True
            except Killed:
                pass
        calls += 1
        assert all(p.read_bytes() == data for p, data in before.items())
        fresh = Repository.open(directory)
        assert fresh.check() == []
        assert values(fresh, fresh.resolve("s", 1)) == old
        found = fresh.versions("s")
        assert found in ([1], [1, 2])
        if done or found == [1, 2]:
            assert values(fresh, fresh.resolve("s")) == new
        # Life goes on: what was left is in nobody's way and is cleared away.
        third = save(fresh, "s", new)
        assert values(fresh, third) == new
        for version in fresh.versions("s")[:-1]:
            fresh.delete("s", version)
        fresh.collect(grace=-60)
        keys = {key_of(c.stream) for c in third.components} | {
            "format.json",
            snapshot_key("s", third.sequence),
        }
        assert {p.relative_to(directory).as_posix() for p in directory.rglob("*") if p.is_file()} == keys
        assert fresh.check() == []
    assert calls > 20


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_refusal_at_every_call_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    repository = Repository.open(tmp_path)
    first = save(repository, "s", {"a": os.urandom(900)})
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    calls, done = 0, False
    while not done:
        new = {"a": os.urandom(900), "b": os.urandom(300), "d": os.urandom(350)}
        dying = Dying(calls, links=True, error=OSError(number, os.strerror(number)))
        dying.unlink = os.unlink
        with monkeypatch.context() as patch:
            for room in (directories, local, files):
                patch.setattr(room, "os", dying)
            try:
                save(Repository(LocalStore(tmp_path)), "s", new, after=first)
                done = True
            except StoreError as error:
                refusal = error
        assert done or (refusal.errno == number and "\n" not in str(refusal))
        calls += 1
        assert all(p.read_bytes() == data for p, data in before.items())
        assert repository.check() == []
        assert not list(tmp_path.rglob(".*"))
    assert values(repository, repository.resolve("s")) == new


SAVER = """
import random, sys
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Snapshot
repository = Repository.open(sys.argv[1])
seed = int(sys.argv[2])
known = repository.resolve("s") if repository.versions("s") else None
while True:
    seed += 1
    noise = random.Random(seed)
    values = {"big": noise.randbytes(1_500_000), "same": b"s" * 2_000_000, "small": noise.randbytes(3000)}
    with repository.writer() as writer:
        if known is not None:
            writer.know(known)
        components = tuple(Component((k,), writer.put([v[:999], v[999:]])) for k, v in values.items())
        known = writer.commit(Snapshot("s", message=str(seed), components=components), sign=lambda data: "")
    print(known.sequence, flush=True)
"""


def expected(seed: int) -> dict[str, bytes]:
    noise = random.Random(seed)
    return {"big": noise.randbytes(1_500_000), "same": b"s" * 2_000_000, "small": noise.randbytes(3000)}


@pytest.fixture
def saver(tmp_path: Path) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    """Start a process that saves without end."""
    running: list[subprocess.Popen[str]] = []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def start(seed: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SAVER, str(tmp_path / "store"), str(seed)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_sigkill_at_random_moments(tmp_path: Path, saver: Callable[[int], subprocess.Popen[str]]) -> None:
    moments = random.Random(20)
    for round_ in range(25):
        processes = [saver(1000 * round_), saver(1000 * round_ + 500)]  # two kernels save one name
        assert processes[0].stdout is not None
        reported = [int(processes[0].stdout.readline())]
        before = {p: p.read_bytes() for p in (tmp_path / "store" / "sessions").rglob("*.json")}
        with pytest.raises(subprocess.TimeoutExpired):
            processes[0].wait(moments.uniform(0, 0.06))  # the moment of the kill
        for process in processes:
            process.kill()
            reported += map(int, process.communicate()[0].split())
        repository = Repository.open(tmp_path / "store")
        versions = repository.versions("s")
        assert set(reported) <= set(versions)
        assert all(p.read_bytes() == data for p, data in before.items())
        assert repository.check() == []
        for snapshot in repository.snapshots("s"):
            assert values(repository, snapshot) == expected(int(snapshot.message))
        for version in versions[:-1]:
            repository.delete("s", version)
        repository.collect(grace=-60)
        assert not list((tmp_path / "store").rglob(".*"))
        assert len(data_keys(repository)) == 3
