"""What a save writes, when, and what it uses again."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save import manifest, writing
from jupyter_session_save.digests import digest_of, key_of
from jupyter_session_save.names import snapshot_key
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Part, Snapshot
from jupyter_session_save.store import MemoryStore
from jupyter_session_save.writing import BLOB

from .repositories import BIG, SMALL, data_keys, make_old, part, path, record, save, sign, values


@pytest.fixture(params=["local", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    if request.param == "memory":
        return Repository(MemoryStore())
    return Repository.open(tmp_path / "store")


@pytest.fixture
def disk(tmp_path: Path) -> Repository:
    return Repository.open(tmp_path / "store")


class TestSaving:
    def test_what_was_saved_comes_back(self, repository: Repository) -> None:
        given = {"big": BIG, "small": SMALL, "tiny": b"x", "empty": b"", "noise": os.urandom(3000)}
        snapshot = save(repository, "sales", given)
        assert snapshot.reference == "sales@1"
        assert snapshot.signature == sign(manifest.signed_bytes(snapshot))
        assert repository.resolve("sales") == snapshot
        assert values(repository, snapshot) == given
        assert repository.check() == []
        assert part(snapshot, "big") == Part(digest_of([BIG]), len(BIG))
        small = part(snapshot, "small")
        assert (small.digest, small.size) == (digest_of([SMALL]), len(SMALL))
        assert small.codec != "raw"
        assert part(snapshot, "noise").codec == "raw"

    def test_chunks_make_one_part(self, repository: Repository) -> None:
        with repository.writer() as writer:
            whole = writer.put([b"abcdef"])
            assert writer.put([b"abc", memoryview(b""), memoryview(bytearray(b"def"))]) == whole
            halves = writer.put([BIG[:1000], BIG[1000:]])
        assert halves.digest == digest_of([BIG])

    def test_the_threshold_between_packs_and_blobs(self, repository: Repository) -> None:
        snapshot = save(repository, "s", {"below": bytes(BLOB - 1), "at": bytes(BLOB)})
        assert part(snapshot, "below").pack
        assert part(snapshot, "at").pack is None

    def test_leaving_without_commit_leaves_no_snapshot(self, repository: Repository) -> None:
        with repository.writer() as writer:
            writer.put([BIG])
            writer.put([SMALL])
        assert repository.names() == []
        with pytest.raises(ValueError, match="this save is over"):
            writer.put([SMALL])

    def test_a_writer_commits_once(self, repository: Repository) -> None:
        with repository.writer() as writer:
            record(writer, "s", {"a": SMALL})
            with pytest.raises(ValueError, match="this save is over"):
                record(writer, "s", {"a": SMALL})

    def test_only_what_is_new_is_written(self, repository: Repository) -> None:
        first = save(repository, "s", {"a": BIG, "b": SMALL, "c": b"old"})
        keys = data_keys(repository)
        with repository.writer() as writer:
            writer.know(first)
            second = record(writer, "s", {"a": BIG, "b": SMALL})
        assert data_keys(repository) == keys
        assert writer.written == repository.store.size(snapshot_key("s", 2))
        assert part(second, "b") == part(first, "b")
        with repository.writer() as writer:
            writer.know(second)
            record(writer, "s", {"a": BIG, "b": SMALL, "c": b"new"})
        assert len(data_keys(repository) - keys) == 1
        assert writer.written == repository.store.size(snapshot_key("s", 3)) + 3

    def test_blobs_are_shared_between_sessions_and_packs_within_a_save(self, repository: Repository) -> None:
        save(repository, "one", {"a": BIG})
        snapshot = save(repository, "two", {"a": BIG, "b": SMALL, "c": SMALL})
        assert part(snapshot, "b") == part(snapshot, "c")
        assert len(data_keys(repository)) == 2

    def test_packs_are_written_out_when_full(self, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writing, "FULL", 10_000)
        given = {f"v{n}": os.urandom(3000) for n in range(20)}
        snapshot = save(repository, "s", given)
        assert len({part(snapshot, name).pack for name in given}) == 5
        assert values(repository, snapshot) == given
        assert repository.check() == []

    def test_a_component_may_be_carried_over(self, repository: Repository) -> None:
        first = save(repository, "s", {"a": BIG, "b": SMALL})
        make_old(repository)
        with repository.writer() as writer:
            writer.know(first)
            second = writer.commit(Snapshot("s", components=first.components), sign=sign)
        repository.delete("s", 1)
        assert values(repository, second) == {"a": BIG, "b": SMALL}
        assert all(repository.store.age(key) < 3600 for key in data_keys(repository))

    def test_another_writers_part_is_refused(self, repository: Repository) -> None:
        with repository.writer() as other:
            pending = other.put([b"abc"])
        with repository.writer() as writer, pytest.raises(ValueError, match="another writer"):
            writer.commit(Snapshot("s", components=(Component(("a",), pending),)), sign=sign)
        assert repository.names() == []

    def test_a_cut_blob_is_written_again(self, disk: Repository) -> None:
        snapshot = save(disk, "s", {"a": BIG})
        path(disk, key_of(part(snapshot, "a"))).write_bytes(BIG[:-1])
        save(disk, "s", {"a": BIG}, after=snapshot)
        assert disk.check() == []

    def test_a_lost_pack_is_written_again(self, disk: Repository) -> None:
        snapshot = save(disk, "s", {"a": SMALL, "b": b"x"})
        path(disk, key_of(part(snapshot, "a"))).unlink()
        second = save(disk, "s", {"a": SMALL}, after=snapshot)
        assert values(disk, second) == {"a": SMALL}

    def test_two_kernels_that_save_one_name_keep_both(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(repository, "s", {"a": b"1"})
        with repository.writer() as slow:
            components = (Component(("a",), slow.put([b"3"])),)

            def sign_late(data: bytes) -> str:
                if repository.versions("s") == [1]:
                    save(repository, "s", {"a": b"2"})
                return sign(data)

            late = slow.commit(Snapshot("s", components=components), sign=sign_late)
        assert late.sequence == 3
        assert late.signature == sign(manifest.signed_bytes(late))
        assert [values(repository, s)["a"] for s in repository.snapshots("s")] == [b"3", b"2", b"1"]

    def test_everything_is_made_durable_before_the_record(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[Sequence[str]] = []
        store = repository.store
        put, sync = store.put, store.sync

        def put_seen(key: str, chunks: Sequence[Any], **options: Any) -> None:
            calls.append(("durable" if options["durable"] else "put", key))
            put(key, chunks, **options)

        def sync_seen(keys: Sequence[str]) -> None:
            calls.append(("sync", *keys))
            sync(keys)

        monkeypatch.setattr(store, "put", put_seen)
        monkeypatch.setattr(store, "sync", sync_seen)
        snapshot = save(repository, "s", {"a": BIG, "b": SMALL})
        blob, pack = key_of(part(snapshot, "a")), key_of(part(snapshot, "b"))
        assert calls == [("put", blob), ("put", pack), ("sync", blob, pack), ("durable", "sessions/s/1.json")]
        # A blob that a killed writer may have left is made durable too; one of a known snapshot is already.
        calls.clear()
        save(repository, "s", {"a": BIG})
        assert calls.pop(0) == ("sync", blob)
        calls.clear()
        save(repository, "s", {"a": BIG}, after=snapshot)
        assert calls.pop(0) == ("sync",)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks there")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
    def test_a_forked_child_can_save(self, disk: Repository) -> None:
        save(disk, "parent", {"a": BIG})
        child = multiprocessing.get_context("fork").Process(target=save, args=(disk, "child", {"a": BIG + b"1"}))
        child.start()
        child.join(60)
        hung = child.is_alive()
        child.kill()
        child.join()
        assert not hung
        assert disk.names() == ["child", "parent"]
