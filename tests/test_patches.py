"""Parts that are kept as a blob and the chunks in which they differ from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_session_save.compare import _same_buffer
from jupyter_session_save.digests import digest_of, key_of
from jupyter_session_save.errors import DamagedError
from jupyter_session_save.patches import CHUNK, check_grid, is_worth_it, patched
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Part, Snapshot
from jupyter_session_save.store import MemoryStore

from .repositories import data_keys, make_old, path, save, sign

SIZE = 17 * CHUNK - 1000
BYTES = os.urandom(SIZE)
numbers = st.dictionaries(st.integers(0, 16), st.integers(0, 9), max_size=6)


@pytest.fixture(params=["local", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return Repository(MemoryStore()) if request.param == "memory" else Repository.open(tmp_path / "store")


@pytest.fixture
def disk(tmp_path: Path) -> Repository:
    return Repository.open(tmp_path / "store")


def first(repository: Repository) -> tuple[Snapshot, Part]:
    snapshot = save(repository, "s", {"a": BYTES})
    return snapshot, snapshot.components[0].stream


def change(data: bytes, places: Mapping[int, int]) -> tuple[bytes, list[tuple[int, memoryview]]]:
    """Return the bytes with one byte changed in each chunk, and those chunks."""
    changed = bytearray(data)
    for number in places:
        changed[number * CHUNK + 7] ^= 1 + places[number]
    whole = memoryview(bytes(changed))
    return bytes(changed), [(n * CHUNK, whole[n * CHUNK : (n + 1) * CHUNK]) for n in places]


def patch(
    repository: Repository, base: Part, chunks: list[tuple[int, memoryview]], *, whole: memoryview | None = None
) -> tuple[Snapshot, int]:
    """Save a patched part as the only one; return the bytes that this took, too."""
    with repository.writer() as writer:
        part = writer.put_patched(base, SIZE, chunks, whole=whole)
        snapshot = writer.commit(Snapshot("s", components=(Component(("a",), part),)), sign=sign)
        return snapshot, writer.written


def test_only_the_changed_chunk_is_stored(repository: Repository) -> None:
    _, base = first(repository)
    data, chunks = change(BYTES, {3: 1})
    snapshot, written = patch(repository, base, chunks)
    part = repository.resolve("s").components[0].stream
    assert part == snapshot.components[0].stream
    assert (part.base, part.size, part.digest) == (base.digest, SIZE, patched(base, dict(part.patches)).digest)
    assert written < CHUNK + 4000
    assert snapshot.size == SIZE + CHUNK
    assert bytes(repository.read(part)) == data
    view = repository.map(part, verify=False)
    assert bytes(view) == data
    view[0] ^= 1  # private and writable
    assert bytes(repository.map(part, verify=True)) == data
    assert repository.check() == []


def test_newer_chunks_replace_older_ones(repository: Repository) -> None:
    _, base = first(repository)
    data, chunks = change(BYTES, {3: 1, 5: 1})
    snapshot, _ = patch(repository, base, chunks)
    data, chunks = change(data, {5: 4, 16: 1})
    snapshot, _ = patch(repository, snapshot.components[0].stream, chunks)
    part = snapshot.components[0].stream
    assert [offset // CHUNK for offset, _ in part.patches] == [3, 5, 16]
    assert part.base == base.digest
    assert bytes(repository.read(part)) == data


@given(st.lists(numbers, max_size=5))
def test_any_number_of_changes_comes_back(changes: list[dict[int, int]]) -> None:
    repository = Repository(MemoryStore())
    _, base = first(repository)
    data, part = BYTES, base
    for places in changes:
        data, chunks = change(data, places)
        snapshot, _ = patch(repository, part, chunks, whole=memoryview(data))
        part = snapshot.components[0].stream
        assert len(part.patches) * CHUNK <= SIZE / 4
        assert bytes(repository.map(part, verify=False)) == data
        for version in repository.versions("s")[:-1]:
            repository.delete("s", version)
        repository.collect(grace=-60)
        assert data_keys(repository) == {key_of(piece) for piece in snapshot.parts()}
        assert repository.check() == []


def test_the_whole_is_stored_where_patches_would_not_pay(repository: Repository) -> None:
    _, base = first(repository)
    assert is_worth_it(base, [0, CHUNK, 2 * CHUNK, 3 * CHUNK])
    data, chunks = change(BYTES, dict.fromkeys(range(4), 1))
    snapshot, _ = patch(repository, base, chunks, whole=memoryview(data))
    assert len(snapshot.components[0].stream.patches) == 4
    data, chunks = change(data, {9: 1})
    snapshot, _ = patch(repository, snapshot.components[0].stream, chunks, whole=memoryview(data))
    assert snapshot.components[0].stream == Part(digest_of([data]), SIZE)


def test_chunks_lie_on_the_grid(repository: Repository) -> None:
    check_grid(SIZE, [(0, CHUNK), (16 * CHUNK, CHUNK - 1000)])
    for bad in ((1, CHUNK), (0, CHUNK - 1), (16 * CHUNK, CHUNK), (17 * CHUNK, 0), (-CHUNK, CHUNK)):
        with pytest.raises(ValueError, match="not one chunk"):
            check_grid(SIZE, [bad])
    _, base = first(repository)
    with repository.writer() as writer, pytest.raises(ValueError, match="can be patched"):
        writer.put_patched(base, SIZE + 1, [])
    with repository.writer() as writer, pytest.raises(ValueError, match="can be patched"):
        writer.put_patched(writer.put([b"small"]), 5, [])


def test_equal_lists_have_equal_digests_and_others_do_not() -> None:
    base, other = Part("0" * 64, SIZE), Part("1" * 64, SIZE)
    chunk, changed = Part("2" * 64, CHUNK, "3" * 64), Part("4" * 64, CHUNK, "3" * 64)
    one = patched(base, {0: chunk})
    assert patched(patched(base, {0: changed}), {0: chunk}) == one
    others = [patched(other, {0: chunk}), patched(base, {0: changed}), patched(base, {CHUNK: chunk}), patched(base, {})]
    assert len({one.digest, base.digest, *(part.digest for part in others)}) == 6


def test_damage_is_found_in_the_base_and_in_the_patches(disk: Repository) -> None:
    _, base = first(disk)
    data, chunks = change(BYTES, {3: 1})
    snapshot, _ = patch(disk, base, chunks)
    part = snapshot.components[0].stream
    blob, piece = part.pieces()
    flip(path(disk, key_of(blob)), 10)
    assert bytes(disk.map(part, verify=False))[11:] == data[11:]  # As for any large blob: compared later.
    with pytest.raises(DamagedError, match=base.digest):
        disk.map(part, verify=True)
    assert base.digest in disk.damage(part, data=True) and disk.damage(part) == ""
    flip(path(disk, key_of(blob)), 10)
    flip(path(disk, key_of(piece)), piece.offset + 5)
    for verify in (True, False):
        with pytest.raises(DamagedError, match="packs/"):
            disk.map(part, verify=verify)
    assert "a of s@2" in disk.check()[0]
    path(disk, key_of(piece)).unlink()
    assert "is missing" in disk.damage(part)


def test_a_list_that_was_tampered_with_is_damage(disk: Repository) -> None:
    _, base = first(disk)
    snapshot, _ = patch(disk, base, change(BYTES, {3: 1})[1])
    part = snapshot.components[0].stream
    moved = Part(part.digest, SIZE, base=part.base, patches=((0, part.patches[0][1]),))
    with pytest.raises(DamagedError, match="patches"):
        disk.map(moved, verify=False)
    assert "patches" in disk.damage(moved)


def test_a_damaged_base_is_not_patched(disk: Repository) -> None:
    _, base = first(disk)
    flip(path(disk, key_of(base)), 10)
    assert disk.check()
    data, chunks = change(BYTES, {3: 1})
    snapshot, _ = patch(disk, base, chunks, whole=memoryview(data))
    assert snapshot.components[0].stream == Part(digest_of([data]), SIZE)


def test_bases_and_patches_outlive_the_snapshots_that_wrote_them(repository: Repository) -> None:
    _, base = first(repository)
    data, chunks = change(BYTES, {3: 1})
    snapshot, _ = patch(repository, base, chunks)
    data, chunks = change(data, {4: 1})
    snapshot, _ = patch(repository, snapshot.components[0].stream, chunks)
    make_old(repository)
    repository.delete("s", 1)
    repository.delete("s", 2)
    repository.collect()
    assert bytes(repository.read(repository.resolve("s").components[0].stream)) == data


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def test_live_bytes_are_compared_with_base_and_patches(disk: Repository) -> None:
    _, base = first(disk)
    data, chunks = change(BYTES, {3: 1})
    snapshot, _ = patch(disk, base, chunks)
    part = snapshot.components[0].stream
    assert _same_buffer(memoryview(data), part, disk)
    assert not _same_buffer(memoryview(BYTES), part, disk)
    path(disk, key_of(base)).unlink()
    assert not _same_buffer(memoryview(data), part, disk)
