"""Parts that are used where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save import reading
from jupyter_session_save.digests import key_of
from jupyter_session_save.errors import DamagedError
from jupyter_session_save.packing import MAPPED, is_mappable
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Part, Snapshot
from jupyter_session_save.store import LocalStore, MemoryStore, Store

from .repositories import part, save


@pytest.fixture(params=["local", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    store: Store = LocalStore(tmp_path / "store") if request.param == "local" else MemoryStore()
    return Repository(store)


@pytest.fixture
def noise() -> list[bytes]:
    numpy = pytest.importorskip("numpy")
    rng = numpy.random.default_rng(7)
    return [rng.bytes(size) for size in (80_001, 40, 90_000, 65_536)]


def stored(repository: Repository, chunks: list[bytes]) -> list[Part]:
    snapshot = save(repository, "s", {f"v{i}": chunk for i, chunk in enumerate(chunks)})
    return [part(snapshot, f"v{i}") for i in range(len(chunks))]


def test_long_plain_parts_of_a_pack_are_aligned_and_mapped(repository: Repository, noise: list[bytes]) -> None:
    parts = stored(repository, noise)
    assert [is_mappable(one) for one in parts] == [True, False, True, True]
    assert len({one.pack for one in parts}) == 1
    for one, data in zip(parts, noise, strict=True):
        assert bytes(repository.map(one, verify=False)) == data
        assert bytes(repository.read(one)) == data


def test_what_is_mapped_is_the_callers_own(repository: Repository, noise: list[bytes]) -> None:
    one, _, other, _ = stored(repository, noise)
    first, neighbour = repository.map(one, verify=True), repository.map(other, verify=True)
    first[:] = bytes(len(first))
    assert bytes(neighbour) == noise[2]
    assert bytes(repository.map(one, verify=True)) == noise[0]
    assert bytes(repository.read(one)) == noise[0]
    assert not any(first)
    assert repository.check() == []


def test_a_pack_that_was_cut_is_noticed_unread(repository: Repository, noise: list[bytes]) -> None:
    last = stored(repository, noise)[-1]
    data = repository.store.get(key_of(last))
    repository.store.put(key_of(last), [data[:-1]], durable=False, overwrite=True)
    with pytest.raises(DamagedError, match="length"):
        Repository(repository.store).map(last, verify=False)


def test_older_packs_are_read_whatever_their_alignment(repository: Repository, noise: list[bytes]) -> None:
    one = stored(repository, noise)[0]
    data = b"abc" + noise[0]
    odd = Part(one.digest, one.size, "0" * 64, 3, one.size)
    repository.store.put(key_of(odd), [data], durable=False)
    assert not is_mappable(odd)
    assert bytes(repository.map(odd, verify=False)) == noise[0]


def test_a_part_of_several_steps_is_checked(repository: Repository) -> None:
    data = bytes(20 << 20)
    (one,) = stored(repository, [data])
    assert repository.damage(one, data=True) == ""
    repository.store.put(key_of(one), [data[:-1] + b"1"], durable=False, overwrite=True)
    assert "differs" in repository.damage(one, data=True)


def test_bytes_of_arrays_are_mapped_however_well_they_would_compress(repository: Repository) -> None:
    data, short = bytes(MAPPED), bytes(MAPPED - 1)
    with repository.writer() as writer:
        stream, one, other = (
            writer.put([b"1" * MAPPED]),
            writer.put([data], to_map=True),
            writer.put([short], to_map=True),
        )
        made = Snapshot("s", components=(Component(("x",), stream, (one, other)),))
        (stored,) = writer.commit(made, sign=lambda _: "").components
    one, other = stored.buffers
    assert is_mappable(one) and not is_mappable(other) and not is_mappable(stored.stream)
    assert [stored.stream.offset, one.offset % 64] == [0, 0]
    assert one.offset > other.offset > 0, "what is mapped stands behind what is read"
    for piece, plain in ((one, data), (other, short), (stored.stream, b"1" * MAPPED)):
        assert bytes(repository.map(piece, verify=True)) == plain
        assert repository.damage(piece, data=True) == ""
    damaged = bytearray(repository.store.get(key_of(one)))
    damaged[-1] ^= 1
    repository.store.put(key_of(one), [bytes(damaged)], durable=False, overwrite=True)
    assert "differs" in repository.damage(one, data=True)
    with pytest.raises(DamagedError, match="differs"):
        repository.map(one, verify=True)


class TestWholePacks:
    MANY = [f"part {n} ".encode() * (n % 60 + 1) for n in range(100)] + [b"it compresses " * 3000]

    @pytest.fixture
    def compared(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        found, real = [], reading.digest_of

        def digest_of(chunks: list[memoryview], *rest: Any) -> str:
            found.append(sum(map(len, chunks)))
            return real(chunks, *rest)

        monkeypatch.setattr(reading, "digest_of", digest_of)
        return found

    def test_a_pack_that_is_wanted_is_compared_once(self, repository: Repository, compared: list[int]) -> None:
        parts = stored(repository, self.MANY)
        assert {one.codec for one in parts} == {"raw", "zstd"}
        with repository.whole_packs(parts):
            # From here on the file may change: what was compared is what is used.
            repository.store.put(key_of(parts[0]), [b"x" * 100_000], durable=False, overwrite=True)
            assert [bytes(repository.read(one)) for one in parts] == self.MANY
            assert [bytes(repository.map(one, verify=True)) for one in parts] == self.MANY
        (once,) = compared
        assert once == sum(one.stored for one in parts)
        with pytest.raises(DamagedError):
            Repository(repository.store).read(parts[3])

    def test_afterwards_each_part_is_compared_again(self, repository: Repository, compared: list[int]) -> None:
        parts = stored(repository, self.MANY)
        with repository.whole_packs(parts):
            pass
        compared.clear()
        assert bytes(repository.read(parts[7])) == self.MANY[7]
        assert compared == [len(self.MANY[7])]

    def test_of_a_damaged_pack_each_part_tells_by_itself(self, repository: Repository) -> None:
        parts = stored(repository, self.MANY)
        key, at = key_of(parts[0]), parts[50].offset
        data = repository.store.get(key)
        repository.store.put(key, [data[:at], b"X", data[at + 1 :]], durable=False, overwrite=True)
        with repository.whole_packs(parts):
            assert bytes(repository.read(parts[49])) == self.MANY[49]
            assert bytes(repository.read(parts[100])) == self.MANY[100]
            with pytest.raises(DamagedError, match="differs"):
                repository.read(parts[50])

    def test_a_pack_of_which_little_is_wanted_is_left(self, repository: Repository, compared: list[int]) -> None:
        parts = stored(repository, self.MANY)
        with repository.whole_packs(parts[:2]):
            assert bytes(repository.read(parts[1])) == self.MANY[1]
        assert compared == [len(self.MANY[1])]

    def test_missing_packs_and_odd_names_are_left_to_their_parts(self, repository: Repository) -> None:
        parts = stored(repository, self.MANY)
        repository.store.delete(key_of(parts[0]))
        with repository.whole_packs([*parts, Part("0" * 64, 5, "../etc", 0, 5)]), pytest.raises(DamagedError):
            repository.read(parts[0])


def test_what_was_compared_is_what_is_used_whatever_becomes_of_the_file(tmp_path: Path, noise: list[bytes]) -> None:
    repository = Repository(LocalStore(tmp_path / "store"))
    in_pack, short, *_, blob = stored(repository, [*noise, noise[0] * 14])
    assert (in_pack.pack, in_pack.codec, blob.pack) == (short.pack, "raw", None)
    views = [bytes(repository.map(short, verify=True)), *map(repository.read, (in_pack, short, blob))]
    for one in (in_pack, blob):
        path = tmp_path / "store" / key_of(one)
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
    assert [bytes(view) for view in views] == [noise[1], noise[0], noise[1], noise[0] * 14]


def test_a_pack_that_went_is_missed_though_it_is_still_mapped(repository: Repository, noise: list[bytes]) -> None:
    one, *_ = stored(repository, noise)
    repository.read(one)
    repository.store.delete(key_of(one))
    with pytest.raises(DamagedError, match="missing"):
        repository.map(one, verify=False)
    assert "missing" in repository.damage(one, data=True)


def test_a_pack_that_was_exchanged_for_a_shorter_one_is_noticed(repository: Repository, noise: list[bytes]) -> None:
    one, _, last, _ = stored(repository, noise)
    repository.read(one)
    data = repository.store.get(key_of(one))
    repository.store.put(key_of(one), [data[: last.offset]], durable=False, overwrite=True)
    with pytest.raises(DamagedError, match="length"):
        repository.map(last, verify=False)
