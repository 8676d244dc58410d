"""Compressing small parts, and only where it pays.

Invariant: ``expand`` returns exactly the number of bytes it was told to expect, and makes at most one more.
"""

from __future__ import annotations

import sys
import threading
import zlib
from functools import cache
from typing import Any

from .errors import DamagedError, FormatError

_LEVEL = 1
_LEAST = 32 << 10
"""Shorter parts stay raw: to compress and expand hundreds takes longer than to write and read what it saves."""
_SAMPLE = 64 << 10
_PAYS = 0.9
"""Compress if at least a tenth is saved; float arrays rarely reach that, pickle streams always do."""
_own = threading.local()
_MOST = 64 << 20
"""No compressed part expands further: what is longer is stored raw, as a blob, by every writer that there was."""


def shrink(data: bytes | memoryview) -> tuple[str, bytes | memoryview]:
    """Compress bytes if a sample says that it pays.

    Parameters
    ----------
    data : bytes or memoryview
        Contiguous bytes.

    Returns
    -------
    codec : {"raw", "zstd", "zlib"}
    stored : bytes or memoryview
        `data` itself where the codec is ``"raw"``.
    """
    view = memoryview(data)
    if view.nbytes < _LEAST:
        return "raw", data
    if view.nbytes > 2 * _SAMPLE:
        # A third each from the start, the middle and the end: headers differ from what follows them.
        third, middle = _SAMPLE // 3, view.nbytes // 2
        sample = b"".join((view[:third], view[middle : middle + third], view[-third:]))
        if len(_compress(sample)[1]) > _PAYS * len(sample):
            return "raw", data
    codec, stored = _compress(view)
    return (codec, stored) if len(stored) <= _PAYS * view.nbytes else ("raw", data)


def expand(data: bytes | memoryview, codec: str, size: int) -> bytes | memoryview:
    """Return the plain bytes of what `shrink` gave.

    Parameters
    ----------
    data : bytes or memoryview
    codec : str
    size : int
        Plain bytes to expect; at most one more is made, however far the data would expand.

    Raises
    ------
    DamagedError
        If the data is not one whole frame of exactly `size` bytes.
    FormatError
        If this Python cannot read the codec.
    """
    if codec == "raw":
        if len(data) != size:
            raise DamagedError(f"{len(data)} bytes are there instead of {size}")
        return data
    if size > _MOST:
        raise DamagedError(f"it claims to expand to {size} bytes, more than any compressed part does")
    decoder = _decoder(codec)
    try:
        plain: bytes = decoder.decompress(data, size + 1)
    except Exception as error:  # each codec has its own
        raise DamagedError(f"it is not {codec} data ({error})") from error
    if len(plain) != size or not decoder.eof or decoder.unused_data:
        raise DamagedError(f"it does not expand to {size} bytes")
    return plain


@cache
def _zstd() -> Any:
    """Return the module of the standard library or its backport; None where neither imports."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        return None
    return zstd


def _compressor() -> Any:
    """Return this thread's compressor: to make one takes longer than to compress a small part."""
    if not hasattr(_own, "compressor"):
        _own.compressor = _zstd().ZstdCompressor(level=_LEVEL)
    return _own.compressor


def _compress(data: bytes | memoryview) -> tuple[str, bytes]:
    zstd = _zstd()
    if zstd is None:
        return "zlib", zlib.compress(data, _LEVEL)
    return "zstd", _compressor().compress(data, zstd.ZstdCompressor.FLUSH_FRAME)


def _decoder(codec: str) -> Any:
    if codec == "zlib":
        return zlib.decompressobj()
    if codec == "zstd":
        zstd = _zstd()
        if zstd is None:
            raise FormatError("it is zstd data, which this Python cannot read: pip install backports.zstd")
        return zstd.ZstdDecompressor()
    raise FormatError(f"it is {codec!r} data, unknown to this version: upgrade jupyter_session_save")
