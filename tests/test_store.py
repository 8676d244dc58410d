"""The contract of a store, held to by every kind, and its addresses."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_session_save.errors import KeyExistsError, StoreError
from jupyter_session_save.store import LocalStore, MemoryStore, Store, open_store


@pytest.fixture(params=["local", "local without hard links", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "memory":
        return MemoryStore()
    if "without" in request.param:
        monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    return LocalStore(tmp_path / "store")


def refuse(number: int) -> Callable[..., Any]:
    """A system call that always fails."""

    def call(*args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return call


def put(store: Store, key: str, *chunks: bytes | memoryview) -> None:
    store.put(key, chunks, durable=False)


class TestContract:
    """What every store does."""

    def test_what_was_put_comes_back(self, store: Store) -> None:
        put(store, "a/b.json", b"one", memoryview(b""), memoryview(bytearray(b"-two")))
        assert store.get("a/b.json") == b"one-two"
        assert bytes(store.map("a/b.json")) == b"one-two"
        assert store.size("a/b.json") == 7
        assert store.exists("a/b.json")

    @pytest.mark.parametrize(
        ("offset", "size", "expected"),
        [(0, 3, b"012"), (8, 5, b"89"), (10, 1, b""), (50, 2, b""), (4, 0, b"")],
    )
    def test_reading_a_range(self, store: Store, offset: int, size: int, expected: bytes) -> None:
        put(store, "digits", b"0123456789")
        assert store.read("digits", offset, size) == expected

    def test_an_empty_value(self, store: Store) -> None:
        put(store, "empty")
        assert store.exists("empty")
        assert (store.get("empty"), store.size("empty"), store.map("empty").nbytes) == (b"", 0, 0)

    def test_many_and_typed_chunks(self, store: Store) -> None:
        from array import array

        numbers = array("d", range(2000))
        chunks = [bytes([n % 256]) for n in range(1500)]
        put(store, "many", *chunks, memoryview(numbers))
        assert store.get("many") == b"".join(chunks) + numbers.tobytes()

    def test_a_key_is_written_once(self, store: Store) -> None:
        put(store, "k", b"first")
        with pytest.raises(KeyExistsError, match="is there already"):
            put(store, "k", b"second")
        assert store.get("k") == b"first"

    def test_overwriting_is_asked_for(self, store: Store) -> None:
        put(store, "k", b"damaged")
        view = store.map("k")
        store.put("k", [b"whole"], durable=True, overwrite=True)
        assert store.get("k") == b"whole"
        assert bytes(view) == b"damaged"

    def test_a_map_is_writable_and_private(self, store: Store) -> None:
        put(store, "k", b"abc")
        view = store.map("k")
        view[0] = ord("X")
        assert bytes(view) == b"Xbc"
        assert store.get("k") == b"abc"
        assert bytes(store.map("k")) == b"abc"

    def test_a_map_outlives_its_key(self, store: Store) -> None:
        put(store, "k", b"abc")
        view = store.map("k")
        store.delete("k")
        assert bytes(view) == b"abc"

    def test_listing(self, store: Store) -> None:
        keys = ["a", "b/c/1", "b/c/2", "b/d", "bc/e"]
        for key in reversed(keys):
            put(store, key, b"")
        assert list(store.list()) == keys
        assert list(store.list("b/")) == ["b/c/1", "b/c/2", "b/d"]
        assert list(store.list("b")) == ["b/c/1", "b/c/2", "b/d", "bc/e"]
        assert list(store.list("b/c/2")) == ["b/c/2"]
        assert list(store.list("none/here/")) == []
        assert list(store.children("b/")) == ["c", "d"]
        assert list(store.children("b/c/")) == ["1", "2"]
        assert list(store.children("none/here/")) == []

    def test_deleting(self, store: Store) -> None:
        put(store, "a/b", b"1")
        store.delete("a/b")
        assert not store.exists("a/b")
        assert list(store.list()) == []
        put(store, "a/b", b"2")
        assert store.get("a/b") == b"2"

    @pytest.mark.parametrize(
        "use",
        [
            lambda s: s.get("a/no"),
            lambda s: s.map("a/no"),
            lambda s: s.read("a/no", 0, 1),
            lambda s: s.size("a/no"),
            lambda s: s.delete("a/no"),
            lambda s: s.touch("a/no"),
            lambda s: s.age("a/no"),
            lambda s: s.sync(["a/no"]),
        ],
        ids=["get", "map", "read", "size", "delete", "touch", "age", "sync"],
    )
    def test_a_missing_key(self, store: Store, use: Callable[[Store], object]) -> None:
        with pytest.raises(KeyError, match="a/no"):
            use(store)
        put(store, "a/yes", b"")
        with pytest.raises(KeyError, match="a/no"):
            use(store)
        assert not store.exists("a/no")

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "../a", "a/..", "a/./b", ".hidden", "a b", "é", "a\\b", "a\n"]
    )
    def test_what_is_no_key(self, store: Store, key: str) -> None:
        with pytest.raises(ValueError, match="is not a key"):
            put(store, key, b"")
        with pytest.raises(ValueError, match="is not a key"):
            store.get(key)
        with pytest.raises(ValueError, match="is not a key"):
            store.delete(key)

    def test_age_and_touch(self, store: Store) -> None:
        put(store, "k", b"")
        assert abs(store.age("k")) < 60
        if isinstance(store, LocalStore):
            os.utime(store.root / "k", (1, 1))
            assert store.age("k") > 1e6
        store.touch("k")
        assert abs(store.age("k")) < 60
        assert store.get("k") == b""

    def test_syncing(self, store: Store) -> None:
        put(store, "a/b", b"1")
        put(store, "c", b"2")
        store.sync(["a/b", "c"])
        store.sync([])
        assert store.get("a/b") == b"1"

    def test_a_stamp_differs_after_others_have_written(self, store: Store) -> None:
        put(store, "a/b", b"1")
        stamp = store.stamp("a/")
        assert stamp == store.stamp("a/")
        if isinstance(store, LocalStore):
            os.utime(store.root / "a", (1, 1))
            stamp = store.stamp("a/")
            put(store, "a/c", b"2")
            assert stamp != store.stamp("a/")
            assert store.stamp("nowhere/") is None

    def test_free_space(self, store: Store) -> None:
        free = store.free()
        assert free is None or free > 0
        assert (free is None) == isinstance(store, MemoryStore)

    def test_what_tells_no_size_tells_no_free_space(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=0, used=0, free=0))
        assert store.free() is None

    def test_emptiness(self, store: Store) -> None:
        assert store.is_empty()
        put(store, "a/b", b"1")
        assert not store.is_empty()

    def test_of_many_writers_one_wins(self, store: Store) -> None:
        won: list[int] = []
        start = threading.Barrier(8)

        def write(number: int) -> None:
            start.wait()
            try:
                put(store, "one", b"%d" % number * 1000)
            except KeyExistsError:
                return
            won.append(number)

        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = won
        assert store.get("one") == b"%d" % winner * 1000


class TestAddresses:
    """What ``open_store`` takes."""

    @pytest.fixture(autouse=True)
    def _inside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def test_directories(self, tmp_path: Path) -> None:
        plain = open_store(tmp_path / "my store")
        assert isinstance(plain, LocalStore)
        put(plain, "k", b"1")
        for where in (str(tmp_path / "my store"), (tmp_path / "my store").as_uri(), "my store", plain.url):
            assert open_store(where, create=False).get("k") == b"1"

    def test_memory(self) -> None:
        assert isinstance(open_store("memory:"), MemoryStore)

    def test_unknown_kinds(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="no store of the kind 's3'"):
            open_store("s3://bucket/sessions")
        assert sys.platform == "win32" or isinstance(open_store("a:b"), LocalStore)
