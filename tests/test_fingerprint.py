"""Fingerprints in two sizes."""

from __future__ import annotations

import pytest

from jupyter_session_save import fingerprint
from jupyter_session_save.fingerprint import Fingerprint, in_full, of_all, of_buffer, of_slices
from jupyter_session_save.patches import CHUNK

SLICE = 4 * CHUNK


def nothing() -> None:
    """Go on."""


def full(data: bytes, before: Fingerprint) -> Fingerprint:
    return in_full(memoryview(data), nothing, before, of_slices(memoryview(data), nothing))


@pytest.mark.parametrize("size", [10, CHUNK, SLICE, 3 * SLICE + 5, 3 * SLICE + CHUNK + 5])
def test_only_slices_that_differ_are_read_again(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "SLICE", SLICE)
    data = bytearray(n % 251 for n in range(size))
    first = full(data, Fingerprint(0, b""))
    assert first == of_buffer(memoryview(data), nothing)
    assert len(first.slices) == 16 * -(-size // SLICE)
    data[-1] ^= 1
    data[0] ^= 1
    read, digest = list[int](), fingerprint.xxh3_128_digest
    monkeypatch.setattr(fingerprint, "xxh3_128_digest", lambda v: read.append(v.nbytes) or digest(v))
    second = full(data, first)
    assert sum(read) - size <= min(size, 2 * SLICE)
    assert second == of_buffer(memoryview(data), nothing)
    assert second.slices == of_slices(memoryview(data), nothing)
    assert second.changed(first) == sorted({0, (size - 1) // CHUNK * CHUNK})


@pytest.mark.parametrize("size", [0, 10, SLICE, 3 * SLICE + CHUNK + 5])
def test_slices_and_chunks_are_read_at_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "SLICE", SLICE)
    data = memoryview(bytes(n % 251 for n in range(size)))
    found = of_all(data, nothing)
    assert found == of_buffer(data, nothing)
    assert found.slices == of_slices(data, nothing)


def test_a_fingerprint_without_slices_says_that_all_may_differ() -> None:
    data = memoryview(bytes(3 * CHUNK))
    before = of_buffer(data, nothing)
    assert in_full(data, nothing, before, of_slices(data, nothing)).changed(before) == []
