"""Room for large files and an early flush, which change nothing of what is stored."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save.store import LocalStore, early

DATA = memoryview(bytes(range(256)) * (5 << 12))
"""5 MiB."""

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has these calls")


def called(monkeypatch: pytest.MonkeyPatch, result: int) -> list[tuple[Any, ...]]:
    """Return a list of the calls that will be made, all of which return an error number."""
    calls: list[tuple[Any, ...]] = []

    def found(name: str, types: Any) -> Any:
        return lambda fd, *args: calls.append((name, *args)) or result

    monkeypatch.setattr(early, "_found", found)
    monkeypatch.setattr(os, "major", lambda device: 1, raising=False)
    return calls


def test_a_large_file_gets_its_room_at_once_and_is_flushed_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, store = called(monkeypatch, 0), LocalStore(tmp_path)
    store.put("a", [DATA], durable=False, flushed=True)
    assert calls == [("fallocate", 1, 0, DATA.nbytes), ("sync_file_range", 0, DATA.nbytes, 2)]
    calls.clear()
    store.put("b", [DATA], durable=False)
    assert [call[0] for call in calls] == ["fallocate"]
    calls.clear()
    store.put("c", [b"small"], durable=False, flushed=True)
    assert calls == []
    assert store.get("a") == store.get("b") == DATA


@pytest.mark.parametrize("failed", [errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EINTR, errno.ENOSPC])
def test_what_the_system_does_not_offer_or_refuses_is_not_missed(
    failed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called(monkeypatch, failed)
    store = LocalStore(tmp_path)
    store.put("a", [DATA], durable=False, flushed=True)
    assert store.get("a") == DATA


@linux_only
def test_the_calls_are_found_and_do_not_make_a_file_longer(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        early.reserve(file.fileno(), 1 << 20)
        assert path.stat().st_size == 0
        file.write(b"text")
        file.flush()
        early.begin(file.fileno(), 0, 4)
    assert path.read_bytes() == b"text"
    assert early._found("fallocate", ("c_int", "c_int", "c_int64", "c_int64"))(-1, 1, 0, 1) == errno.EBADF  # type: ignore[misc]
    assert early._found("no_such_function_anywhere", ()) is None


def test_what_was_flushed_is_not_flushed_again_unless_it_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, flushed = LocalStore(tmp_path), list[int]()
    real = os.fsync

    def noted(fd: int) -> None:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            flushed.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fsync", noted)
    for key in ("d/a", "d/b"):
        store.put(key, [DATA], durable=False, overwrite=True, flushed=True)
        store.flush(key)
    LocalStore(tmp_path).put("d/b", [DATA], durable=False, overwrite=True)
    assert len(flushed) == 2
    store.sync(["d/a", "d/b"])
    assert len(flushed) == 3, "only what another has replaced"
    store.sync(["d/a"])
    assert len(flushed) == 4, "what was settled is asked about anew"
    store.flush("d/a")
    store.delete("d/a")
    with pytest.raises(KeyError):
        store.sync(["d/a"])
