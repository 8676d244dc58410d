"""What only a store in a directory can get wrong: rights, links, full disks, killed writers, junk."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save.errors import FormatError, KeyExistsError, StoreError
from jupyter_session_save.store import LocalStore

from .test_store import put, refuse

posix = pytest.mark.skipif(os.name != "posix", reason="rights, links and owners as POSIX has them")


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def always(result: Any) -> Callable[..., Any]:
    """A function that returns the same whatever it is given."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return result

    return call


def files(store: LocalStore) -> list[str]:
    """All files below the root, hidden ones too."""
    return sorted(p.relative_to(store.root).as_posix() for p in store.root.rglob("*") if not p.is_dir())


class TestLocal:
    """What only a directory can get wrong."""

    @posix
    def test_nobody_else_can_look(self, local: LocalStore) -> None:
        put(local, "a/b/c", b"1")
        local.put("d", [b"2"], durable=True, overwrite=True)
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in local.root.rglob("*")}
        assert modes == {"a": 0o700, "b": 0o700, "c": 0o600, "d": 0o600}
        assert stat.S_IMODE(local.root.stat().st_mode) == 0o700

    @pytest.mark.parametrize("links", [True, False])
    def test_nothing_temporary_is_left(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
        if not links:
            monkeypatch.setattr(os, "link", refuse(errno.EOPNOTSUPP))
        put(local, "k", b"1")
        with pytest.raises(KeyExistsError):
            put(local, "k", b"2")
        assert files(local) == ["k"]

    @pytest.mark.parametrize(
        ("number", "advice"),
        [
            (errno.ENOSPC, "the disk is full: free some space"),
            (errno.EDQUOT, "quota"),
            (errno.EROFS, "read-only"),
            (errno.EACCES, "permission denied"),
            (errno.EIO, "mend that or choose another store"),
        ],
    )
    @pytest.mark.parametrize("call", ["writev", "fsync", "open"])
    def test_refusals_say_what_to_do_and_leave_nothing(
        self, local: LocalStore, monkeypatch: pytest.MonkeyPatch, number: int, advice: str, call: str
    ) -> None:
        put(local, "a/old", b"1")
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse(number))
            with pytest.raises(StoreError, match=advice) as caught:
                local.put("a/new", [b"2"], durable=True)
        assert caught.value.errno == number
        assert "\n" not in str(caught.value)
        assert str(local.root) in str(caught.value)
        assert files(local) == ["a/old"]

    def test_an_interrupt_leaves_nothing(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(fd: int, buffers: list[memoryview]) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "writev", interrupt)
        with pytest.raises(KeyboardInterrupt):
            put(local, "k", b"1")
        assert files(local) == []

    @pytest.mark.parametrize("most", [1, 7, 4096])
    def test_short_writes(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        def write(fd: int, buffers: list[memoryview]) -> int:
            return os.write(fd, b"".join(buffers)[:most])

        monkeypatch.setattr(os, "writev", write)
        chunks = [bytes(range(n % 40)) for n in range(300)]
        put(local, "k", *chunks)
        assert local.get("k") == b"".join(chunks)

    def test_without_gathering_calls(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        for call in ("writev", "readv"):
            monkeypatch.delattr(os, call, raising=False)
        put(local, "k", b"ab", b"", b"cd")
        monkeypatch.setattr("jupyter_session_save.store.local._is_scarce", always(True))
        assert bytes(local.map("k")) == b"abcd"

    def test_a_write_that_writes_nothing_ends(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "writev", always(0))
        with pytest.raises(StoreError, match="disk is full"):
            put(local, "k", b"1")

    def test_large_values_are_cut_into_calls(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("jupyter_session_save.store.files._SLICE", 1000)
        data = os.urandom(12_345)
        put(local, "k", data[:5000], data[5000:])
        assert local.get("k") == data
        monkeypatch.setattr("jupyter_session_save.store.local._is_scarce", always(True))
        view = local.map("k")
        assert bytes(view) == data
        view[0] ^= 1
        assert local.get("k") == data

    @posix
    def test_mappings_do_not_use_up_the_files_of_the_process(self, local: LocalStore) -> None:
        import resource

        put(local, "k", b"abc")
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = max(map(int, os.listdir("/dev/fd")))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 60, limits[1]))
        try:
            views = [local.map("k") for _ in range(200)]
            assert all(bytes(v) == b"abc" for v in views)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def test_junk_is_ignored(self, local: LocalStore) -> None:
        put(local, "a/k", b"1")
        for junk in (".DS_Store", "k~", ".k.swp", "#k#", ".nfs00000001", "my notes.txt"):
            (local.root / junk).write_bytes(b"")
            (local.root / "a" / junk).write_bytes(b"")
        assert list(local.list()) == ["a/k"]
        assert local.sweep(0) == 0
        assert len(files(local)) == 13

    def test_other_files_are_not_emptiness(self, local: LocalStore) -> None:
        (local.root / ".DS_Store").write_bytes(b"")
        (local.root / ".0123456789abcdef.tmp").write_bytes(b"")
        assert local.is_empty()
        (local.root / "my notes.txt").write_bytes(b"")
        assert not local.is_empty()

    def test_what_killed_writers_left_is_swept(self, local: LocalStore) -> None:
        put(local, "a/k", b"1")
        left = [local.root / "a" / ".0123456789abcdef.tmp", local.root / "a" / ".7.json.claim"]
        for path in left:
            path.write_bytes(b"12345")
        assert local.sweep(3600) == 0
        assert all(path.exists() for path in left)
        for path in left:
            os.utime(path, (1, 1))
        assert local.sweep(3600) == 10
        assert files(local) == ["a/k"]

    def test_a_claim_of_a_killed_writer_takes_the_key(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "link", refuse(errno.EPERM))
        (local.root / ".1.json.claim").write_bytes(b"")
        with pytest.raises(KeyExistsError, match="another process"):
            put(local, "1.json", b"1")
        assert files(local) == [".1.json.claim"]

    def test_a_repeated_link_on_nfs(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        link = os.link

        def twice(source: str, target: str) -> None:
            link(source, target)
            link(source, target)

        monkeypatch.setattr(os, "link", twice)
        put(local, "k", b"1")
        assert local.get("k") == b"1"

    @posix
    def test_symbolic_links_to_files_are_refused(self, local: LocalStore, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(b"secret")
        (local.root / "k").symlink_to(secret)
        assert list(local.list()) == ["k"]
        for use in (local.get, local.map, local.size, local.exists, local.touch):
            with pytest.raises(StoreError, match="symbolic link"):
                use("k")
        with pytest.raises(KeyExistsError):
            put(local, "k", b"1")
        local.put("k", [b"1"], durable=False, overwrite=True)
        assert secret.read_bytes() == b"secret"
        assert local.get("k") == b"1"

    @posix
    def test_symbolic_links_to_directories_are_refused(self, local: LocalStore, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "k").write_bytes(b"1")
        (local.root / "a").symlink_to(elsewhere)
        with pytest.raises(StoreError, match="symbolic link"):
            local.get("a/k")
        with pytest.raises(StoreError, match="symbolic link"):
            put(local, "a/new", b"1")
        with pytest.raises(StoreError, match="symbolic link"):
            local.delete("a/k")
        with pytest.raises(StoreError, match="symbolic link"):
            list(local.list("a/"))
        assert list(local.list()) == ["a"]
        assert os.listdir(elsewhere) == ["k"]

    @posix
    def test_the_root_may_be_reached_through_a_link(self, local: LocalStore, tmp_path: Path) -> None:
        put(local, "k", b"1")
        (tmp_path / "link").symlink_to(local.root)
        assert LocalStore(tmp_path / "link").get("k") == b"1"

    @posix
    def test_a_pipe_does_not_block(self, local: LocalStore) -> None:
        os.mkfifo(local.root / "k")
        with pytest.raises(StoreError, match="not a regular file"):
            local.get("k")

    def test_a_file_in_place_of_a_directory(self, local: LocalStore) -> None:
        put(local, "a", b"1")
        with pytest.raises(StoreError, match="a file stands where a directory should"):
            put(local, "a/b", b"1")

    @posix
    def test_another_users_directories_are_refused(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        put(local, "a/k", b"1")
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
        with pytest.raises(StoreError, match="belongs to another user"):
            LocalStore(local.root)
        with pytest.raises(StoreError, match="belongs to another user"):
            local.get("a/k")

    def test_a_missing_root(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="no session store at") as caught:
            LocalStore(tmp_path / "none", create=False)
        assert caught.value.errno == errno.ENOENT
        assert not (tmp_path / "none").exists()
        LocalStore(tmp_path / "made" / "deep")
        assert (tmp_path / "made" / "deep").is_dir()

    def test_a_file_as_root(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(FormatError, match="it is a file; give a directory"):
            LocalStore(tmp_path / "file")
        with pytest.raises(StoreError, match="cannot open the store"):
            LocalStore(tmp_path / "file" / "below")
        with pytest.raises(StoreError, match="cannot be a store"):
            LocalStore("a\0b")

    @posix
    def test_two_processes_make_one_directory(self, local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
        mkdir = os.mkdir

        def late(path: str, mode: int = 0o777) -> None:
            mkdir(path, mode)
            mkdir(path, mode)

        monkeypatch.setattr(os, "mkdir", late)
        put(local, "a/b/c", b"1")
        assert local.get("a/b/c") == b"1"

    def test_file_systems_that_cannot_sync_directories(
        self, local: LocalStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fsync = os.fsync

        def only_files(fd: int) -> None:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "no")
            fsync(fd)

        monkeypatch.setattr(os, "fsync", only_files)
        local.put("a/k", [b"1"], durable=True)
        local.sync(["a/k"])
        assert local.get("a/k") == b"1"
