"""Long texts and bytearrays in pieces, each of which is copied by itself.

The pickler would copy them as a whole, which nothing can stop half-way, and a text that is no ASCII would keep its
encoding as long as it lives.

Invariant: the pieces of a value are what it was at one moment, whatever threads do to it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from blake3 import blake3

from .. import bystanders
from . import joining

LONG = 1 << 22
"""Characters or bytes from which on a text or bytearray is pickled in pieces."""

PIECE = 1 << 19
"""Characters or bytes of a piece."""


def is_whole(value: Any) -> bool:
    """Whether a value is a text or bytearray, which is there as a whole when what holds it is loaded."""
    return type(value) is str or type(value) is bytearray


def cut(whole: Any, pause: Callable[[], None]) -> Iterator[bytes]:
    """Yield the pieces of a text in UTF-8, or of a bytearray; `pause` is called before each and may raise.

    Raises
    ------
    RuntimeError
        If the length has changed meanwhile, in words as of dicts and sets.
    """
    size = len(whole)
    for start in range(0, size, PIECE):
        pause()
        piece = whole[start : start + PIECE]
        # No view of a bytearray: meanwhile a thread of the user's could not append to it.
        yield piece.encode(*joining.ENCODING) if type(piece) is str else bytes(piece)
    if len(whole) != size:
        raise RuntimeError("bytearray changed size during iteration")


def check_still(whole: Any, digests: list[bytes], pause: Callable[[], None]) -> None:
    """Raise RuntimeError if a thread has changed a bytearray while it was cut: all pieces together never were.

    Parameters
    ----------
    whole : str or bytearray
    digests : list of bytes
        BLAKE3 of each piece.
    pause : callable
    """
    may_differ = type(whole) is bytearray and bystanders.are_there()
    if may_differ and [blake3(piece).digest() for piece in cut(whole, pause)] != digests:
        raise RuntimeError("bytearray changed size during iteration")
