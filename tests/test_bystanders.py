"""What other threads do to a value while it is being saved."""

from __future__ import annotations

import asyncio
import mmap
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_session_save import bystanders
from jupyter_session_save.digests import digest_of, key_of
from jupyter_session_save.remembered import Buffers, Remembered
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Snapshot
from jupyter_session_save.store import MemoryStore
from jupyter_session_save.writing import BLOB

from .repositories import part, record, sign, values


class Hasty(MemoryStore):
    """A store that sees bytes change just before it writes them."""

    data = bytearray(BLOB + 5)

    def put(self, key: str, chunks: Sequence[bytes | memoryview], **options: bool) -> None:
        if key.startswith("blobs"):
            self.data[7] = 1
        super().put(key, chunks, **options)


def test_tasks_that_are_not_the_kernels_are_known() -> None:
    assert not bystanders.tasks_are_there()

    async def kernel() -> list[bool]:
        found = [bystanders.tasks_are_there()]
        task = asyncio.ensure_future(eval("work()", users))
        found.append(bystanders.tasks_are_there())
        await task
        return [*found, bystanders.tasks_are_there()]

    users: dict[str, Any] = {"__name__": "__main__", "asyncio": asyncio}
    exec("async def work(): await asyncio.sleep(0)", users)
    # As if the function stood in the kernel, which waits on its own loop.
    own = types.FunctionType(kernel.__code__, {**globals(), "__name__": "ipykernel"}, closure=kernel.__closure__)
    assert asyncio.run(own()) == [False, True, False]


@pytest.fixture
def thread() -> Iterator[None]:
    """A thread of the user's."""
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    yield
    stop.set()
    other.join()


def test_only_threads_of_the_user_count(thread: None) -> None:
    assert bystanders.are_there()


def test_our_own_threads_do_not_count() -> None:
    stop = threading.Event()
    ours = threading.Thread(target=stop.wait, name="session-write-1")
    ours.start()
    before = {t.name for t in threading.enumerate()}
    assert bystanders.are_there() == any(not n.startswith(("MainThread", "session-")) for n in before)
    stop.set()
    ours.join()


def test_a_blob_is_named_by_the_bytes_that_were_written(thread: None) -> None:
    repository = Repository(Hasty())
    Hasty.data[7] = 0
    hashed = digest_of([Hasty.data])
    with repository.writer() as writer:
        snapshot = record(writer, "s", {"data": memoryview(Hasty.data), "other": b"small"})  # type: ignore[dict-item]
    assert part(snapshot, "data").digest == digest_of([Hasty.data]) != hashed
    assert values(repository, snapshot) == {"data": bytes(Hasty.data), "other": b"small"}
    assert repository.check() == []
    assert not any(hashed in key for key in repository.store.list())
    assert repository.store.exists(key_of(part(snapshot, "data")))


def test_small_bytes_are_taken_once(tmp_path: Path) -> None:
    data = bytearray(b"before" * 100)
    repository = Repository.open(tmp_path / "store")

    def tick(size: int) -> None:
        data[:] = b"after!" * 100

    with repository.writer(tick) as writer:
        snapshot = record(writer, "s", {"data": memoryview(data)})  # type: ignore[dict-item]
    assert values(repository, snapshot) == {"data": b"before" * 100}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells which memory is shared")
def test_what_another_process_changes_is_named_by_what_was_written_and_not_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bystanders, "are_there", lambda: False)
    store, remembered = Hasty(), Remembered()
    found = []
    for kind in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
        memory = np.frombuffer(mmap.mmap(-1, BLOB + 5, flags=mmap.MAP_ANONYMOUS | kind), dtype="u1")
        # As if another process wrote to it.
        store.data = memory if kind == mmap.MAP_SHARED else bytearray(8)  # type: ignore[assignment]
        with Repository(store).writer() as writer, Buffers(writer, remembered, lambda: None) as buffers:
            component = Component(("a",), writer.put([b"stream"]), (buffers.put(memory.data),))
            made = Snapshot("s", components=(component,))
            buffers.keep(made, writer.commit(made, sign=sign))
        found.append(remembered.find(memory.data) is not None)
        assert memory[7] == (kind == mmap.MAP_SHARED)
    assert found == [False, True]
    assert Repository(store).check() == []
