"""Reading, finding, removing and checking, on both kinds of store."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_session_save import manifest
from jupyter_session_save.digests import key_of
from jupyter_session_save.errors import DamagedError, FormatError, SessionNotFoundError, StoreError
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Part, Snapshot
from jupyter_session_save.store import LocalStore, MemoryStore

from .repositories import BIG, SMALL, data_keys, make_old, part, path, save, sign, values


@pytest.fixture(params=["local", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    if request.param == "memory":
        return Repository(MemoryStore())
    return Repository.open(tmp_path / "store")


@pytest.fixture
def disk(tmp_path: Path) -> Repository:
    return Repository.open(tmp_path / "store")


class TestReading:
    def test_a_read_view_is_read_only_and_a_map_is_private(self, repository: Repository) -> None:
        snapshot = save(repository, "s", {"a": BIG, "b": SMALL, "c": os.urandom(10)})
        for component in snapshot.components:
            stream = component.stream
            before = bytes(repository.read(stream))
            assert repository.read(stream).readonly
            for verify in (False, True):
                view = repository.map(stream, verify=verify)
                view[0] ^= 0xFF
                assert bytes(repository.read(stream)) == before

    def test_few_packs_stay_open(self, repository: Repository) -> None:
        snapshots = [save(repository, "s", {"a": b"%d" % n}) for n in range(30)]
        assert [values(repository, s)["a"] for s in snapshots] == [b"%d" % n for n in range(30)]
        assert len(repository._reader._packs) <= 8

    @pytest.mark.parametrize("name", ["big", "small", "noise"])
    @pytest.mark.parametrize("damage", ["flip", "cut", "empty", "lengthen", "missing"])
    def test_damage_is_named_and_never_a_value(self, disk: Repository, name: str, damage: str) -> None:
        given = {"big": BIG, "small": SMALL, "noise": os.urandom(500)}
        snapshot = save(disk, "s", given)
        stream = part(snapshot, name)
        file = path(disk, key_of(stream))
        data = bytearray(file.read_bytes())
        data[stream.offset + stream.size // 2 if stream.codec == "raw" else stream.offset + 4] ^= 1
        changed = {
            "flip": bytes(data),
            "cut": bytes(file.read_bytes()[: stream.offset]),
            "empty": b"",
            "lengthen": file.read_bytes() + b"x",
        }
        file.unlink() if damage == "missing" else file.write_bytes(changed[damage])
        if damage == "lengthen" and stream.pack:
            assert values(disk, snapshot) == given
            return
        for use in (disk.read, lambda p: disk.map(p, verify=True)):
            with pytest.raises(DamagedError, match=r"jupyter session check") as caught:
                use(stream)
            assert key_of(stream) in str(caught.value)
            assert "\n" not in str(caught.value)
        (line,) = [line for line in disk.check() if f"{name} of s@1" in line]
        assert key_of(stream) in line
        assert bool(disk.check(data=False)) == (damage != "flip")

    def test_a_blob_of_another_length_is_not_mapped(self, disk: Repository) -> None:
        stream = part(save(disk, "s", {"a": BIG}), "a")
        path(disk, key_of(stream)).write_bytes(BIG + b"x")
        with pytest.raises(DamagedError, match="not of the length"):
            disk.map(stream, verify=False)

    def test_a_repaired_pack_is_seen(self, disk: Repository) -> None:
        snapshot = save(disk, "s", {"a": os.urandom(100)})
        file = path(disk, key_of(part(snapshot, "a")))
        data = file.read_bytes()
        file.write_bytes(bytes(100))
        with pytest.raises(DamagedError):
            disk.read(part(snapshot, "a"))
        file.unlink()
        file.write_bytes(data)
        assert values(disk, snapshot)["a"] == data

    @pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65])
    def test_a_digest_is_no_path(self, repository: Repository, digest: str) -> None:
        for bad in (Part(digest, 1), Part("0" * 64, 1, digest)):
            with pytest.raises(DamagedError, match="not a digest"):
                repository.read(bad)

    def test_an_unknown_codec_says_to_upgrade(self, repository: Repository) -> None:
        stream = replace(part(save(repository, "s", {"a": SMALL}), "a"), codec="brotli")
        with pytest.raises(FormatError, match="upgrade"):
            repository.read(stream)


class TestFinding:
    def test_names_versions_snapshots(self, repository: Repository) -> None:
        for name in ("b", "a", "b"):
            save(repository, name, {"x": SMALL})
        assert repository.names() == ["a", "b"]
        assert repository.versions("b") == [1, 2]
        assert repository.versions("none") == []
        assert [s.reference for s in repository.snapshots("b")] == ["b@2", "b@1"]
        assert repository.resolve("b").sequence == 2
        assert repository.resolve("b", 1).sequence == 1

    def test_versions_are_numbers(self, repository: Repository) -> None:
        for _ in range(11):
            save(repository, "s", {})
        assert repository.resolve("s").sequence == 11

    def test_what_is_missing_names_what_there_is(self, repository: Repository) -> None:
        with pytest.raises(SessionNotFoundError, match=r"no session 'x'.*nothing is saved there yet"):
            repository.resolve("x")
        save(repository, "sales", {})
        with pytest.raises(SessionNotFoundError, match=r"no session 'x'.*it holds sales"):
            repository.resolve("x")
        with pytest.raises(SessionNotFoundError, match="'sales' has no version 9: it has 1"):
            repository.resolve("sales", 9)
        for number in range(15):
            save(repository, f"n{number}", {})
        with pytest.raises(SessionNotFoundError, match="and 6 more"):
            repository.resolve("x")

    def test_junk_beside_snapshots_is_ignored(self, disk: Repository) -> None:
        save(disk, "s", {"a": SMALL})
        for junk in (
            "sessions/s/1.json~",
            "sessions/s/.1.json.swp",
            "sessions/s/.nfs0001",
            "sessions/s/.DS_Store",
            "sessions/s/01.json",
            "sessions/s/0.json",
            "sessions/s/1.json.bak",
            "sessions/s/notes.txt",
            "sessions/notes.txt",
            "sessions/UPPER/1.json",
            "sessions/%zz/1.json",
            "blobs/notes.txt",
            "blobs/00/notes.txt",
            "packs/.DS_Store",
        ):
            path(disk, junk).parent.mkdir(parents=True, exist_ok=True)
            path(disk, junk).write_bytes(b"junk")
        before = set(path(disk, ".").rglob("*"))
        make_old(disk)
        assert disk.names() == ["s"]
        assert disk.versions("s") == [1]
        assert disk.check() == []
        assert disk.collect(grace=0) == 0
        assert set(path(disk, ".").rglob("*")) == before

    @pytest.mark.parametrize("damage", [b"", b"{", b"junk"])
    def test_a_damaged_newest_snapshot_is_never_passed_over(self, disk: Repository, damage: bytes) -> None:
        for _ in range(3):
            save(disk, "s", {"a": SMALL})
        path(disk, "sessions/s/3.json").write_bytes(damage)
        path(disk, "sessions/s/2.json").write_bytes(damage)
        with pytest.raises(DamagedError, match=r"sessions/s/3\.json.*s@1 can be read"):
            disk.resolve("s")
        with pytest.raises(DamagedError, match=r"sessions/s/2\.json.*s@1 can be read"):
            disk.resolve("s", 2)
        assert [s.sequence for s in disk.snapshots("s")] == [1]
        assert len(disk.check()) == 2
        assert save(disk, "s", {}).sequence == 4

    def test_a_damaged_only_snapshot(self, disk: Repository) -> None:
        save(disk, "s", {"a": SMALL})
        path(disk, "sessions/s/1.json").write_bytes(b"{")
        with pytest.raises(DamagedError) as caught:
            disk.resolve("s")
        assert "can be read" not in str(caught.value)
        assert disk.delete("s") == 1

    def test_a_snapshot_that_was_moved(self, disk: Repository) -> None:
        save(disk, "s", {"a": SMALL})
        for key in ("sessions/s/5.json", "sessions/other/1.json"):
            path(disk, key).parent.mkdir(exist_ok=True)
            path(disk, key).write_bytes(path(disk, "sessions/s/1.json").read_bytes())
        with pytest.raises(DamagedError, match=r"sessions/s/5\.json in .* holds s@1"):
            disk.resolve("s")
        with pytest.raises(DamagedError, match=r"sessions/other/1\.json in .* holds s@1"):
            disk.resolve("other")

    def test_a_later_format(self, disk: Repository) -> None:
        snapshot = save(disk, "s", {"a": SMALL})
        path(disk, "sessions/s/2.json").write_bytes(manifest.encode(replace(snapshot, sequence=2, format=99)))
        with pytest.raises(FormatError, match=r"format 99.*upgrade"):
            disk.resolve("s")
        make_old(disk)
        with pytest.raises(FormatError):
            disk.collect()
        assert disk.check() != []

    @pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
    def test_a_linked_snapshot_is_refused_and_costs_no_other(self, disk: Repository, tmp_path: Path) -> None:
        save(disk, "s", {"a": SMALL})
        path(disk, "sessions/s/1.json").rename(tmp_path / "elsewhere")
        path(disk, "sessions/s/1.json").symlink_to(tmp_path / "elsewhere")
        save(disk, "t", {"a": SMALL})
        with pytest.raises(StoreError, match="symbolic link"):
            disk.resolve("s")
        assert disk.names() == ["s", "t"]
        assert disk.snapshots("s") == []
        assert len(disk.check()) == 1


class TestRemoving:
    def test_deleting_and_collecting(self, repository: Repository) -> None:
        save(repository, "s", {"a": BIG, "b": b"1" * 100})
        second = save(repository, "s", {"a": BIG, "b": b"2" * 100})
        save(repository, "t", {"c": BIG + b"1"})
        make_old(repository)
        assert repository.collect() == 0
        assert repository.delete("s", 1) == 1
        assert repository.delete("t") == 1
        assert repository.names() == ["s"]
        gone = len(BIG) + 1
        assert gone < repository.collect() <= gone + 100
        assert values(repository, second) == {"a": BIG, "b": b"2" * 100}
        assert repository.delete("s") == 1
        repository.collect()
        assert data_keys(repository) == set()
        with pytest.raises(SessionNotFoundError):
            repository.resolve("s")

    def test_what_is_not_there_cannot_be_deleted(self, repository: Repository) -> None:
        with pytest.raises(SessionNotFoundError, match="no session 'x'"):
            repository.delete("x")
        save(repository, "s", {})
        with pytest.raises(SessionNotFoundError, match="no version 2"):
            repository.delete("s", 2)
        assert repository.versions("s") == [1]

    def test_what_is_new_is_left_alone(self, repository: Repository) -> None:
        with repository.writer() as writer:
            writer.put([BIG])
            writer._pending.wait()
        assert repository.collect() == 0
        assert repository.collect(grace=0) == len(BIG)

    def test_what_is_abandoned_leaves_no_thread(self, repository: Repository) -> None:
        def abandoned() -> None:
            with repository.writer() as writer:
                for n in range(20):
                    writer.put([bytes([n]) * len(BIG)])
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            abandoned()
        assert not [t for t in threading.enumerate() if t.name.startswith("session-write")]
        assert repository.names() == []

    def test_a_writer_protects_what_it_uses_again(self, repository: Repository) -> None:
        first = save(repository, "s", {"a": BIG, "b": SMALL})
        make_old(repository)
        with repository.writer() as writer:
            writer.know(first)
            components = tuple(Component((n,), writer.put([v])) for n, v in {"a": BIG, "b": SMALL}.items())
            repository.delete("s", 1)
            assert repository.collect() == 0
            second = writer.commit(Snapshot("s", components=components), sign=sign)
        assert values(repository, second) == {"a": BIG, "b": SMALL}

    @pytest.mark.parametrize("value", [BIG, SMALL])
    @pytest.mark.parametrize("known", [True, False])
    def test_what_was_removed_meanwhile_stops_the_commit(
        self, repository: Repository, value: bytes, known: bool
    ) -> None:
        first = save(repository, "s", {"a": value})
        with repository.writer() as writer:
            if known:
                writer.know(first)
            components = (Component(("a",), writer.put([value])),)
            repository.delete("s", 1)
            repository.collect(grace=-60)
            if value is SMALL and not known:
                assert writer.commit(Snapshot("s", components=components), sign=sign).sequence == 2
                return
            with pytest.raises(StoreError, match=r"was removed from .* during the save: save again"):
                writer.commit(Snapshot("s", components=components), sign=sign)
        assert repository.names() == []

    def test_nothing_is_removed_while_a_snapshot_cannot_be_read(self, disk: Repository) -> None:
        save(disk, "s", {"a": BIG})
        keys = data_keys(disk)
        path(disk, "sessions/s/1.json").write_bytes(b"{")
        make_old(disk)
        with pytest.raises(DamagedError, match=r"sessions/s/1\.json"):
            disk.collect()
        assert data_keys(disk) == keys
        disk.delete("s", 1)
        assert disk.collect() == len(BIG)


class TestOpening:
    def tree(self, directory: Path) -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in directory.rglob("*") if p.is_file()}

    def test_a_new_one_is_marked_once(self, tmp_path: Path) -> None:
        save(Repository.open(tmp_path / "s"), "a", {"x": SMALL})
        before = self.tree(tmp_path)
        assert (tmp_path / "s" / "format.json").read_bytes() == b'{"format": 1, "kind": "jupyter_session_save"}\n'
        assert Repository.open(tmp_path / "s").names() == ["a"]
        assert Repository.open(tmp_path / "s", create=False).names() == ["a"]
        assert self.tree(tmp_path) == before

    @pytest.mark.parametrize("left", ["", "packs", "lost+found"])
    def test_one_that_was_emptied_meanwhile_is_marked_again(self, tmp_path: Path, left: str) -> None:
        repository = Repository.open(tmp_path / "s")
        save(repository, "a", {"x": SMALL})
        shutil.rmtree(tmp_path / "s")
        with pytest.raises(StoreError, match="is gone: bring back the disk"):
            save(repository, "a", {"x": SMALL})
        assert not (tmp_path / "s").exists()
        (tmp_path / "s" / left).mkdir(parents=True)
        save(repository, "a", {"x": SMALL})
        opened = Repository.open(tmp_path / "s", create=False)
        assert values(opened, opened.resolve("a")) == {"x": SMALL}

    def test_nothing_is_written_where_something_else_has_come_in_its_place(self, tmp_path: Path) -> None:
        repository = Repository.open(tmp_path / "s")
        shutil.rmtree(tmp_path / "s")
        (tmp_path / "s").mkdir()
        (tmp_path / "s" / "thesis.docx").write_bytes(b"mine")
        with pytest.raises(FormatError, match="is not a session store"):
            save(repository, "a", {"x": SMALL})
        assert self.tree(tmp_path) == {str(tmp_path / "s" / "thesis.docx"): b"mine"}

    def test_looking_makes_nothing(self, tmp_path: Path) -> None:
        assert Repository.open(tmp_path, create=False).names() == []
        assert os.listdir(tmp_path) == []
        with pytest.raises(StoreError, match="no session store at"):
            Repository.open(tmp_path / "none", create=False)
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("create", [True, False])
    @pytest.mark.parametrize("name", ["thesis.docx", "my notes.txt", ".bashrc", "sessions", "FORMAT.txt"])
    def test_another_directory_is_left_alone(self, tmp_path: Path, name: str, create: bool) -> None:
        (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(FormatError, match=r"is not a session store.*give another directory"):
            Repository.open(tmp_path, create=create)
        assert self.tree(tmp_path) == {str(tmp_path / name): b"mine"}

    @pytest.mark.parametrize(
        "mark",
        [b"", b"{", b"[]", b"null", b'{"format": 1}', b'{"kind": "jupyter_session_save", "format": "1"}'],
    )
    def test_another_mark_is_left_alone(self, tmp_path: Path, mark: bytes) -> None:
        (tmp_path / "format.json").write_bytes(mark)
        with pytest.raises(FormatError, match="is not a session store"):
            Repository.open(tmp_path)
        assert self.tree(tmp_path) == {str(tmp_path / "format.json"): mark}

    def test_a_later_format_is_left_alone(self, tmp_path: Path) -> None:
        mark = b'{"format": 2, "kind": "jupyter_session_save"}'
        (tmp_path / "format.json").write_bytes(mark)
        with pytest.raises(FormatError, match=r"has format 2.*upgrade"):
            Repository.open(tmp_path)
        assert self.tree(tmp_path) == {str(tmp_path / "format.json"): mark}

    def test_a_kill_before_the_mark_leaves_nothing_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / ".0123456789abcdef.tmp").write_bytes(b"{")
        assert Repository.open(tmp_path).names() == []

    def test_another_process_makes_it_at_the_same_moment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        is_empty = LocalStore.is_empty

        def late(store: LocalStore) -> bool:
            with monkeypatch.context() as patch:
                patch.setattr(LocalStore, "is_empty", is_empty)
                save(Repository.open(tmp_path), "other", {"a": SMALL})
            return is_empty(store)

        monkeypatch.setattr(LocalStore, "is_empty", late)
        assert Repository.open(tmp_path).names() == ["other"]
