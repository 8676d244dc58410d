"""What pickling one component yields.

Invariant: until it is released, a payload aliases live arrays and keeps every object of its memo alive.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..snapshot import Problem
from .memos import Meeting


def _shares_nothing(meeting: Meeting, name: str, last: bool) -> set[str]:
    return set()


@dataclass(slots=True)
class Payload:
    """One pickled component.

    Attributes
    ----------
    chunks : list of bytes
        The stream; large ``bytes`` objects of the namespace stand in it without a copy.
    buffers : list of PickleBuffer
        Out-of-band buffers that alias the live arrays.
    inner : set of int
        Which of them are no arrays but pieces of huge containers and texts.
    refs, modules : set of str
        Names of the session, and top-level modules, that the stream refers to.
    mentions : set of str
        Names of the session that functions in the stream read as globals.
    globals, names : set of str
        The same whether they are saved or not, and every name that stands in the code of any function.
    problems : list of Problem
        Placeholders in the stream.
    reconnected : list of Problem
        Objects that are rebuilt from a recipe.
    remarks : list of Problem
        Objects whose value is kept, but not all that belongs to them.
    again : list of Problem
        Placeholders for which the stream holds what they stand for.
    defines : bool
        Whether a definition of the namespace is among the values.
    enter : callable
        ``enter(meeting, name, last)`` returns the names of those that entered before and hold something that can
        change and that this one holds, too. To be called when all are pickled, before any has `part`-ed.
    """

    chunks: list[bytes] = field(default_factory=list)
    buffers: list[pickle.PickleBuffer] = field(default_factory=list)
    inner: set[int] = field(default_factory=set)
    refs: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    mentions: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    reconnected: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    again: list[Problem] = field(default_factory=list)
    defines: bool = False
    enter: Callable[[Meeting, str, bool], set[str]] = _shares_nothing

    @property
    def size(self) -> int:
        """Bytes of the stream and its buffers."""
        return sum(map(len, self.chunks)) + sum(b.raw().nbytes for b in self.buffers)

    def part(self) -> None:
        """Let go of the memo: it is known with whom this component shares."""
        self.enter = _shares_nothing

    def release(self) -> None:
        """Let go of the live arrays and the memo."""
        for buffer in self.buffers:
            buffer.release()
        self.buffers.clear()
        self.chunks.clear()
        self.part()


class Chunks:
    """A sink that keeps what is written without joining it.

    Large bytes arrive as the objects themselves; a bytearray is copied, since its owner may go on changing it.
    """

    def __init__(self, payload: Payload, pause: Callable[[], None]) -> None:
        self._keep, self._pause, self._last = payload.chunks.append, pause, b""

    def write(self, data: Any) -> None:
        """Keep a frame of the stream."""
        self._pause()
        self._last = self._announced(data) if type(data) is bytearray else data
        self._keep(self._last)

    def _announced(self, data: bytearray) -> bytes:
        """Return so many bytes as the stream has said would follow: a thread may have changed their number since."""
        size, whole = int.from_bytes(self._last[-8:], "little"), bytes(data)
        if len(whole) < size:
            raise RuntimeError("bytearray changed size during iteration")  # As dicts and sets say by themselves.
        return whole if len(whole) == size else whole[:size]


class Copies(Chunks):
    """The same for the pickler in Python, which writes views of buffers that it then gives up."""

    def write(self, data: Any) -> None:
        """Keep a copy of a piece of the stream."""
        super().write(data if type(data) is bytearray else bytes(data))
