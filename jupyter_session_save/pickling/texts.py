"""Arrays of text in which no two elements are the same object, pickled without a memo.

To remember each string takes a pickler ten times as long as to write it. Where no string occurs twice, nothing has to
be remembered: such elements are a stream of their own within the stream. The name of `listed` is part of the format.

Invariant: strings that are one object within a component come back as one; whoever else holds one changes no stream.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from itertools import compress, islice
from typing import Any, NoReturn

from .asking import PROTOCOL
from .memos import LISTED, among
from .payload import Chunks, Payload

MANY = 1024
"""Elements from which on a stream of their own is worth it."""

STEP = 1 << 16
"""Elements that are looked at from one pause to the next."""

_ALONE = LISTED + 1
"""The count of an element that an array and a list hold."""

_TEXT = {str, type(None)}

_ENTRY = 16
"""Bytes of an entry of the memo, which are a part of the pickler's size."""


class Texts:
    """What one pickle has written so.

    Parameters
    ----------
    pause : callable
        Is called now and then, and may raise.
    """

    def __init__(self, pause: Callable[[], None]) -> None:
        self._pause = pause
        self._held: dict[int, str] = {}

    def pickled(self, elements: list[Any]) -> Listed | None:
        """Return how to pickle the elements of an array, and take them out of the list; None if they are not text."""
        if len(elements) < MANY:
            return None
        held = self._held_elsewhere(elements)
        if held is None:
            return None
        self._held |= held
        sink = Payload()
        pickler = pickle.Pickler(Chunks(sink, self._pause), PROTOCOL)
        pickler.fast = True
        pickler.dump(elements)
        while elements:
            self._pause()
            del elements[-STEP:]
        return Listed(*sink.chunks)

    def _held_elsewhere(self, elements: list[Any]) -> dict[int, str] | None:
        """Return by id the elements that something else holds, too; None if one occurs twice or is no text."""
        found: dict[int, str] = {}
        # Each goes on where it stands: a slice would be one more holder of what is counted.
        kinds, counts, texts = map(type, elements), map(sys.getrefcount, elements), iter(elements)
        for _ in range(0, len(elements), STEP):
            self._pause()
            if not _TEXT.issuperset(islice(kinds, STEP)):
                return None
            # Counted first: an element that nothing else holds cannot occur twice.
            several = list(map(_ALONE.__lt__, islice(counts, STEP)))
            held = [text for text in compress(islice(texts, STEP), several) if text is not None]
            known = dict(zip(map(id, held), held, strict=True))
            if len(known) < len(held) or not all(one.keys().isdisjoint(known) for one in (found, self._held)):
                return None
            found |= known
        return found

    def are_apart(self, pickler: Any) -> bool:
        """Whether the pickler has met none of their strings elsewhere, too."""
        held = list(self._held.values())
        # To list what the pickler has met takes time for each that it has.
        step = max(STEP, sys.getsizeof(pickler) // _ENTRY)
        for start in range(0, len(held), step):
            self._pause()
            if among(pickler, held[start : start + step]):
                return False
        return True


class Listed:
    """Pickles as the call that lists the elements."""

    def __init__(self, *stream: bytes) -> None:
        self._stream = stream

    def __reduce__(self) -> tuple[Any, ...]:
        return listed, self._stream


def listed(*stream: bytes) -> list[str | None]:
    """Return the elements of an array of text, given the pieces of their stream."""
    found: list[str | None] = _Reader(io.BytesIO(b"".join(stream))).load()
    return found


class _Reader(pickle.Unpickler):
    """Reads text, and nothing that would have to be imported."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} stands among text: the snapshot is damaged")
