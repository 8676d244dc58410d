"""Compression pays, comes back, and never expands beyond what was announced."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_session_save import compression
from jupyter_session_save.compression import expand, shrink
from jupyter_session_save.errors import DamagedError, FormatError


@pytest.fixture(params=["zstd", "zlib"])
def codec(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each codec as the one that this Python has."""
    compression._zstd.cache_clear()
    if request.param == "zlib":
        for module in ("backports", "backports.zstd", "compression", "compression.zstd"):
            monkeypatch.setitem(sys.modules, module, None)
    yield request.param
    compression._zstd.cache_clear()


def test_repetition_is_compressed(codec: str) -> None:
    data = b"import numpy as np\n" * 2000
    used, stored = shrink(data)
    assert used == codec
    assert len(stored) < len(data) / 10
    assert expand(stored, used, len(data)) == data


def test_little_stays_as_it_is(codec: str) -> None:
    assert shrink(bytes(32767)) == ("raw", bytes(32767)) and shrink(bytes(32768))[0] == codec


@pytest.mark.parametrize("size", [0, 1, 100, 5000, 500_000])
def test_noise_stays_as_it_is(codec: str, size: int) -> None:
    data = os.urandom(size)
    used, stored = shrink(data)
    assert used == "raw"
    assert stored is data
    assert expand(stored, used, size) == data


def test_a_sample_decides(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    compress = compression._compress

    def watched(data: bytes | memoryview) -> tuple[str, bytes]:
        seen.append(len(data))
        return compress(data)

    monkeypatch.setattr(compression, "_compress", watched)
    shrink(os.urandom(900_000))
    assert sum(seen) < 100_000
    # A zeroed head does not hide a body of noise, nor does a noisy one hide zeros.
    assert shrink(bytes(20_000) + os.urandom(900_000))[0] == "raw"
    assert shrink(os.urandom(20_000) + bytes(900_000))[0] == codec


@given(data=st.binary(max_size=400), times=st.integers(1, 800))
def test_what_went_in_comes_out(data: bytes, times: int) -> None:
    whole = data * times
    codec, stored = shrink(memoryview(whole))
    assert bytes(expand(stored, codec, len(whole))) == whole


@pytest.mark.parametrize("size", [0, 10, 49_999, 50_001, 10**7])
def test_another_size_is_damage(codec: str, size: int) -> None:
    used, stored = shrink(bytes(50_000))
    with pytest.raises(DamagedError, match=f"does not expand to {size} bytes"):
        expand(stored, used, size)
    with pytest.raises(DamagedError, match="instead of"):
        expand(bytes(1000), "raw", size)


def test_a_size_that_no_part_has_is_damage(codec: str) -> None:
    used, stored = shrink(bytes(50_000))
    with pytest.raises(DamagedError, match="more than any compressed part does"):
        expand(stored, used, 10**9)


def test_a_bomb_is_not_expanded(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    used, bomb = shrink(bytes(200_000_000))
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(DamagedError):
            expand(bomb, used, 1000)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_cut_or_lengthened_frames_are_damage(codec: str) -> None:
    used, stored = shrink(b"abc" * 10_000)
    stored = bytes(stored)
    for bad in (stored[:-1], stored[:5], b"", stored + b"x", stored + stored, b"junk" * 20):
        with pytest.raises(DamagedError):
            expand(bad, used, 30_000)


def test_what_this_python_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FormatError, match="'brotli' data, unknown to this version: upgrade"):
        expand(b"", "brotli", 1)
    monkeypatch.setattr(compression, "_zstd", lambda: None)
    with pytest.raises(FormatError, match=r"pip install backports\.zstd"):
        expand(b"", "zstd", 1)
    assert expand(zlib.compress(b"abc"), "zlib", 3) == b"abc"
