"""What an explicit save hashes and writes of buffers that this process has stored before; counts, never times."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence

import pytest

from jupyter_session_save import bystanders, remembered, writing
from jupyter_session_save.digests import digest_of, key_of
from jupyter_session_save.fingerprint import Fingerprint, of_buffer
from jupyter_session_save.patches import CHUNK
from jupyter_session_save.remembered import Remembered, Stored
from jupyter_session_save.reports import SaveReport
from jupyter_session_save.snapshot import Part

from .cells import Notebook, notebook

CELL = "import numpy as np\nbig = np.arange(1 << 20); small = np.arange(10_000); n = 3"
MEGABYTE = 1 << 20


@pytest.fixture
def a(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    # The threads of pytest's plugins change nothing, but cannot be told from those of a user.
    known = set(threading.enumerate())
    monkeypatch.setattr(bystanders, "are_there", lambda: bool(set(threading.enumerate()) - known - ours()))
    remembered.of_store.cache_clear()
    with notebook(CELL) as made:
        made.save()
        yield made


def ours() -> set[threading.Thread]:
    """Threads of this project."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("session-")}


def buffer_of(a: Notebook, name: str) -> Part:
    return next(b for c in a.repository.resolve("s").components for b in c.buffers if name in c.names)


def saved(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> tuple[SaveReport, int]:
    """Save, and return the bytes that were hashed for their digest, too."""
    hashed = []

    def counted(chunks: Iterable[bytes | memoryview], tick: object = None) -> str:
        chunks = list(chunks)
        hashed.append(sum(memoryview(chunk).nbytes for chunk in chunks))
        return digest_of(chunks)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "digest_of", counted)
        # The interpreter's own state is no part of it: other tests leave their traces there.
        patch.setattr("jupyter_session_save.saving.collect", lambda *_: ({}, []))
        report = a.save()
    return report, sum(hashed)


def test_what_has_not_changed_is_neither_hashed_nor_written(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    report, hashed = saved(a, monkeypatch)
    assert hashed < 80_000, "large buffers were hashed again"
    assert report.bytes_new < 10_000
    assert {"big", "small"} <= set(report.reused)
    a.fresh().load()


def test_of_one_changed_element_one_chunk_is_written(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    a.run("big[100_000] += 1")
    report, hashed = saved(a, monkeypatch)
    assert report.bytes_new < CHUNK + 10_000
    assert hashed < CHUNK + 80_000
    assert [at for at, _ in buffer_of(a, "big").patches] == [100_000 * 8 // CHUNK * CHUNK]
    b = a.fresh()
    b.load()
    b.check("(big == np.arange(1 << 20) + (np.arange(1 << 20) == 100_000)).all()")
    assert saved(a, monkeypatch)[0].bytes_new < 10_000


def test_a_small_buffer_that_changed_is_written_whole(a: Notebook) -> None:
    a.run("small[5] = -1").save()
    b = a.fresh()
    b.load()
    b.check("small[5] == -1 and small[6] == 6 and small.sum() == np.arange(10_000).sum() - 6")


def test_another_array_at_the_same_address_is_seen(a: Notebook) -> None:
    a.run("big[:] = big[::-1].copy()").save()
    b = a.fresh()
    b.load()
    b.check("(big == np.arange(1 << 20)[::-1]).all()")


def test_what_was_removed_from_the_store_is_written_again(a: Notebook) -> None:
    for name in ("big", "small"):
        a.repository.store.delete(key_of(buffer_of(a, name)))
    a.save()
    assert a.repository.check() == [] or all("s@2" not in line for line in a.repository.check())
    b = a.fresh()
    assert not b.load().placeholders
    b.check("(big == np.arange(1 << 20)).all() and (small == np.arange(10_000)).all()")


def test_what_was_seen_damaged_is_written_again(a: Notebook) -> None:
    part = buffer_of(a, "big")
    data = bytearray(a.repository.store.get(key_of(part)))
    data[-1] ^= 1
    a.repository.store.put(key_of(part), [bytes(data)], durable=False, overwrite=True)
    assert a.repository.check()
    a.run("big[0] = 7").save()
    assert a.repository.check() == [] or all("s@2" not in line for line in a.repository.check())


def test_nothing_is_remembered_while_others_may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.of_store.cache_clear()
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        with notebook(CELL) as a:
            a.save()
            _, hashed = saved(a, monkeypatch)
    finally:
        stop.set()
        other.join()
    assert hashed > 8 * MEGABYTE


def test_no_value_is_kept_alive(a: Notebook) -> None:
    a.run(
        """
        import weakref
        class Kept(np.ndarray): pass
        kept = np.arange(1 << 18).view(Kept)
        there = weakref.ref(kept)
        """
    ).save()
    a.run("del kept; import gc; gc.collect()")
    a.check("there() is None")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 10)
    monkeypatch.setattr(remembered, "_MOST_BYTES", 16 * 8)
    memory, data = Remembered(), [bytearray(b"x" * 5000) for _ in range(30)]
    numpy = pytest.importorskip("numpy")
    assert numpy
    for one in data:
        place = remembered.place_of(memoryview(one))
        assert place is not None
        memory.keep(place, Stored(of_buffer(memoryview(one), lambda: None), Part("d", 5000), durable=True))
    assert [memory.find(memoryview(one)) is not None for one in data] == [False] * 22 + [True] * 8


def test_a_part_without_a_place_is_not_remembered() -> None:
    memory = Remembered()
    data = memoryview(bytearray(5000))
    place = remembered.place_of(data)
    assert place is not None
    chunks: Sequence[tuple[int, Part]] = [(0, Part("e", 10, pack=""))]
    for part in (Part("d", 5000, pack=""), Part("d", 5000, base="b", patches=tuple(chunks))):
        memory.keep(place, Stored(Fingerprint(5000, b""), part, durable=True))
    assert memory.find(data) is None
