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
from itertools import compress
from typing import Any, NoReturn

from .asking import PROTOCOL
from .memos import LISTED, among
from .payload import Chunks, Payload

MANY = 1024
"""Elements from which on a stream of their own is worth it."""

_ALONE = LISTED + 1
"""The count of an element that an array and a list hold."""

_TEXT = {str, type(None)}


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
        """Return how to pickle the elements of an array, None if they are not of this kind."""
        if len(elements) < MANY or not _TEXT.issuperset(map(type, elements)):
            return None
        # Counted first: an element that nothing else holds cannot occur twice.
        counts = list(map(sys.getrefcount, elements))
        held = [text for text in compress(elements, map(_ALONE.__lt__, counts)) if text is not None]
        known = dict(zip(map(id, held), held, strict=True))
        if len(known) < len(held) or not self._held.keys().isdisjoint(known):
            return None
        self._held |= known
        sink = Payload()
        pickler = pickle.Pickler(Chunks(sink, self._pause), PROTOCOL)
        pickler.fast = True
        pickler.dump(elements)
        return Listed(b"".join(sink.chunks))

    def are_apart(self, pickler: Any) -> bool:
        """Whether the pickler has met none of their strings elsewhere, too."""
        return not among(pickler, list(self._held.values()))


class Listed:
    """Pickles as the call that lists the elements."""

    def __init__(self, stream: bytes) -> None:
        self._stream = stream

    def __reduce__(self) -> tuple[Any, ...]:
        return listed, (self._stream,)


def listed(stream: bytes) -> list[str | None]:
    """Return the elements of an array of text."""
    found: list[str | None] = _Reader(io.BytesIO(stream)).load()
    return found


class _Reader(pickle.Unpickler):
    """Reads text, and nothing that would have to be imported."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} stands among text: the snapshot is damaged")
