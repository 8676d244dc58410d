"""Buffers of `pickle` that the user holds, of which a pickler by itself writes no more than the bytes.

Invariant: such a buffer comes back as one, on the memory of the object that it was made for.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

from . import rebuild

_NESTED = 4
"""Levels of tuples, lists and dicts in which a reduce may hand over its buffers."""


class HeldBuffer:
    """Stands in a stream for a buffer that the user holds."""

    __slots__ = ("_buffer",)

    def __init__(self, buffer: pickle.PickleBuffer) -> None:
        self._buffer = buffer

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a buffer on a view, whose reducer knows what it is a view of."""
        try:
            return rebuild.buffer, (memoryview(self._buffer),)
        except ValueError:
            return rebuild.buffer, ()


def buffers_in(reduced: Any, *, level: int = 0) -> Iterator[pickle.PickleBuffer]:
    """Yield the buffers that a reduce hands over.

    Parameters
    ----------
    reduced : object
        A reduce, or a part of one.
    level : int
        How deep the part stands in it.
    """
    kind = type(reduced)
    if kind is pickle.PickleBuffer:
        yield reduced
    elif level < _NESTED and kind in (tuple, list, dict):
        for part in list(reduced.values() if kind is dict else reduced):
            yield from buffers_in(part, level=level + 1)
