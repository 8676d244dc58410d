"""Commits that build on a parent without looking for what it holds, and what happens to them when others tidy up."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save.digests import key_of
from jupyter_session_save.errors import DamagedError, StoreError
from jupyter_session_save.names import snapshot_key
from jupyter_session_save.repository import Repository
from jupyter_session_save.retention import Policy
from jupyter_session_save.snapshot import Component, Snapshot
from jupyter_session_save.store import MemoryStore
from jupyter_session_save.writing import Writer

from .repositories import BIG, SMALL, data_keys, make_old, part, path, save, sign, values


@pytest.fixture(params=["local", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return Repository(MemoryStore()) if request.param == "memory" else Repository.open(tmp_path / "store")


@pytest.fixture
def disk(tmp_path: Path) -> Repository:
    return Repository.open(tmp_path / "store")


def draft(parent: Snapshot, changed: tuple[Component, ...]) -> Snapshot:
    names = {name for c in changed for name in c.names}
    kept = tuple(c for c in parent.components if c.names[0] not in names)
    return Snapshot(parent.name, parent=parent.sequence, cell=1, components=(*kept, *changed))


def autosave(repository: Repository, parent: Snapshot, **changed: bytes) -> tuple[Snapshot, Writer]:
    with repository.writer(durable=False) as writer:
        components = tuple(Component((name,), writer.put([data])) for name, data in changed.items())
        return writer.commit(draft(parent, components), sign=sign, parent_record=parent), writer


class Watched:
    """Notes the keys that a store is asked for."""

    def __init__(self, repository: Repository, monkeypatch: pytest.MonkeyPatch, *calls: str) -> None:
        self.seen: list[tuple[Any, ...]] = []
        for name in calls:
            monkeypatch.setattr(repository.store, name, self._noted(name, getattr(repository.store, name)))

    def _noted(self, name: str, call: Any) -> Any:
        def run(*args: Any, **options: Any) -> Any:
            self.seen.append((name, *(list(a) if name == "sync" else a for a in args[:1])))
            return call(*args, **options)

        return run


def test_two_files_are_written_and_what_the_parent_holds_is_not_looked_for(
    disk: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = save(disk, "s", {f"v{n}": os.urandom(300) for n in range(50)} | {"big": BIG})
    second, _ = autosave(disk, first, v7=b"new")
    before = {p for p in path(disk, ".").rglob("*") if p.is_file()}
    watched = Watched(disk, monkeypatch, "get", "size", "exists", "touch", "sync", "flush", "list", "put")
    third, writer = autosave(disk, second, v7=b"newer")
    keys = {key_of(part(third, "v7")), snapshot_key("s", 3)}
    written = {p for p in path(disk, ".").rglob("*") if p.is_file()} - before
    assert {p.relative_to(path(disk, ".")).as_posix() for p in written} == keys
    assert {key for name, key, *_ in watched.seen if name != "sync"} == keys | {snapshot_key("s", 2), "format.json"}
    assert ("sync", []) in watched.seen and not any(name in ("list", "flush") for name, *_ in watched.seen)
    assert set(writer.unsettled) == keys
    assert values(disk, disk.resolve("s"))["v7"] == b"newer"
    assert disk.check() == []


def test_settling_makes_data_durable_before_the_record(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first = save(repository, "s", {"a": BIG, "b": SMALL})
    _, writer = autosave(repository, first, a=BIG[1:], b=b"1")
    watched = Watched(repository, monkeypatch, "sync")
    repository.settle(writer.unsettled)
    data, record = (keys for _, keys in watched.seen)
    assert sorted([*data, *record]) == sorted(writer.unsettled) and record == [snapshot_key("s", 2)]
    repository.delete("s", 2)
    repository.settle(writer.unsettled)
    assert snapshot_key("s", 2) not in watched.seen[-1][1]


def test_a_save_that_was_asked_for_settles_what_autosaves_left(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = save(repository, "s", {"a": BIG, "b": SMALL})
    second, writer = autosave(repository, first, b=b"1")
    watched = Watched(repository, monkeypatch, "sync")
    save(repository, "s", {"a": BIG, "b": b"1"}, after=second)
    assert set(writer.unsettled[:-1]) <= set(watched.seen[0][1])
    watched.seen.clear()
    with repository.writer() as again:
        again.commit(Snapshot("s", components=second.components), sign=sign, parent_record=second)
    assert set(writer.unsettled[:-1]) <= set(watched.seen[0][1])


def test_the_line_goes_on_over_what_was_pruned_and_branches(repository: Repository) -> None:
    known = [save(repository, "s", {"a": b"0"})]
    for number in range(1, 6):
        known.append(autosave(repository, known[-1], a=b"%d" % number)[0])
    assert [s.line for s in known] == [(), ((1, 1),), ((1, 2),), ((1, 3),), ((1, 4),), ((1, 5),)]
    branch, _ = autosave(repository, known[2], a=b"other")
    assert (branch.sequence, branch.parent, branch.line) == (7, 3, ((1, 3),))
    branch, _ = autosave(repository, branch, a=b"another")
    assert branch.line == ((1, 3), (7, 7))
    repository.prune(Policy(0, 0, 0), grace=-60)
    assert repository.versions("s") == [1, 6, 8]
    # A save that was asked for says only which version it came from.
    with repository.writer() as writer:
        later = writer.commit(Snapshot("s", parent=8, components=(Component(("a",), writer.put([b"x"])),)), sign=sign)
    assert later.line == ((1, 3), (7, 8))
    assert values(repository, repository.resolve("s", 6)) == {"a": b"5"}
    assert repository.check() == []


@pytest.mark.parametrize("parent", ["newest", "older"])
def test_without_the_parent_everything_is_looked_for(repository: Repository, parent: str) -> None:
    """The record may be gone; whether its parts are, too, decides."""
    first = save(repository, "s", {"a": BIG, "b": SMALL})
    if parent == "older":
        save(repository, "s", {"c": b"1"})
    repository.delete("s", 1)
    second, _ = autosave(repository, first, b=b"1")
    assert second.sequence == (3 if parent == "older" else 2)
    assert values(repository, second) == {"a": BIG, "b": b"1"}
    repository.delete("s", second.sequence)
    make_old(repository)
    repository.collect()
    before = repository.versions("s")
    with pytest.raises(StoreError, match=r"was removed from .* save again"):
        autosave(repository, first, b=b"2")
    assert repository.versions("s") == before
    assert repository.check() == []


def test_another_record_under_the_parents_number_is_not_the_parent(repository: Repository) -> None:
    first = save(repository, "s", {"a": BIG, "b": SMALL})
    repository.store.delete("sessions/s/1.json")  # past `delete`, which would leave the number
    save(repository, "s", {"c": b"1"})
    with pytest.raises(StoreError, match="was removed"):
        autosave(repository, first, b=b"2")  # what it needs is still there, but its parent would be another
    assert repository.versions("s") == [1]
    make_old(repository)
    repository.collect()
    with pytest.raises(StoreError, match="was removed"):
        autosave(repository, first, b=b"2")
    assert repository.check() == []


def test_versions_are_listed_only_after_others_have_written(disk: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    known, _ = autosave(disk, save(disk, "s", {"a": b"1"}), a=b"2")
    other = Repository.open(path(disk, "."))
    for _ in range(3):
        save(other, "s", {"a": b"other"})
    other.delete("s", 3)
    later, _ = autosave(disk, known, a=b"3")
    assert later.sequence == 6  # not 3, which is free but not the newest


def test_a_damaged_blob_or_pack_is_written_anew_once_it_was_seen(disk: Repository) -> None:
    first = save(disk, "s", {"a": BIG, "b": SMALL})
    for name in "ab":
        file = path(disk, key_of(part(first, name)))
        file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
        with pytest.raises(DamagedError):
            disk.read(part(first, name))
    again = save(disk, "s", {"a": BIG, "b": SMALL}, after=first)
    assert values(disk, again) == {"a": BIG, "b": SMALL}
    disk.delete("s", 1)
    assert disk.check() == []
    written = save(disk, "s", {"a": BIG, "b": SMALL}, after=again)
    assert written.components == again.components


class TestFullDisks:
    def test_what_cannot_fit_fails_before_anything_is_written(
        self, disk: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = save(disk, "s", {"a": SMALL})
        before = data_keys(disk)
        monkeypatch.setattr(disk.store, "free", lambda: len(BIG) + 100)
        with pytest.raises(StoreError, match=r"needs at least 4\.2 MB: free .* run `jupyter session prune`") as caught:
            save(disk, "s", {"a": BIG, "b": BIG[1:]}, after=first)
        assert caught.value.errno == errno.ENOSPC
        assert data_keys(disk) == before
        assert disk.versions("s") == [1] and disk.check() == []

    def test_what_another_save_has_taken_up_stays(self, disk: Repository) -> None:
        writer = disk.writer()
        mine, taken = writer.put([BIG]), writer.put([BIG[1:]])
        writer._pending.wait()
        os.utime(path(disk, key_of(taken)), (2**31, 2**31))
        writer.__exit__(StoreError, full(), None)
        assert data_keys(disk) == {key_of(taken)} and mine != taken

    def test_a_record_that_cannot_be_made_durable_is_taken_back(
        self, disk: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put = disk.store.put

        def put_but_fail(key: str, chunks: Any, **options: Any) -> None:
            put(key, chunks, **options)
            if key.startswith("sessions/"):
                raise full()

        monkeypatch.setattr(disk.store, "put", put_but_fail)
        with pytest.raises(StoreError, match="full"):
            save(disk, "s", {"a": BIG})
        assert disk.names() == [] and data_keys(disk) == set()


def full() -> StoreError:
    error = StoreError("the disk is full")
    error.errno = errno.ENOSPC
    return error


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if not sys.platform.startswith("linux") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # Mapped packs keep it busy for a while.


@pytest.mark.parametrize("told", [True, False], ids=["free space is told", "free space is not told"])
def test_a_full_disk_costs_one_line_and_leaves_nothing(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    disk = Repository.open(small_disk / "store")
    first = save(disk, "s", {"a": BIG, "b": SMALL})
    if not told:
        monkeypatch.setattr(disk.store, "free", lambda: None)
    before = {p: p.read_bytes() for p in small_disk.rglob("*") if p.is_file()}
    for attempt in range(3):
        new = {"a": BIG} | {f"n{n}": os.urandom(1_500_000) for n in range(6)}
        run = partial(save, disk, "s", new, after=first) if attempt else partial(autosave, disk, first, **new)
        with pytest.raises(StoreError, match="run `jupyter session prune`") as caught:
            run()
        assert caught.value.errno == errno.ENOSPC and "\n" not in str(caught.value)
        assert {p: p.read_bytes() for p in small_disk.rglob("*") if p.is_file()} == before
    assert disk.check() == []
    # Room again: life goes on.
    second, _ = autosave(disk, first, b=b"1")
    assert values(disk, second) == {"a": BIG, "b": b"1"}


def test_the_newest_is_read_alone(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    assert repository.newest("s") is None
    known = save(repository, "s", {"a": b"1"})
    for _ in range(3):
        known, _ = autosave(repository, known, a=b"2")
    watched = Watched(repository, monkeypatch, "get")
    assert repository.newest("s") == known
    assert watched.seen == [("get", snapshot_key("s", 4))]
