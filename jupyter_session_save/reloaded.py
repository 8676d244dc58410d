"""How loaded values pickle right after a load, where that is not as they were stored.

A set comes back in another order, a figure with other numbers, a frame without an object that two frames had shared;
and what could not be loaded is a placeholder. None of that is a change: until a value pickles otherwise than right
after the load, what is stored of it is what there is.

Invariant: of a value that has changed since the load it never leads to saying that it has not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import bystanders
from .digests import digest_of
from .fingerprint import Fingerprint, Mappings, of_buffer, of_stream
from .pickling import Payload, Scope, collection_paused, dumps
from .snapshot import Component

SECONDS = 0.25
"""For so long values are pickled after a load; those that are left count as changed if they pickle otherwise."""

_RATE = 50 << 20
"""Bytes of small objects a second that are pickled at least."""

_READ = 64 << 20
"""Bytes of buffers that are read for one component, at most."""

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A component as it pickled right after it was loaded.

    Attributes
    ----------
    stream : bytes
        Fingerprint of the stream.
    buffers : tuple of Fingerprint or None
        None for one that is the stored one at the same place.
    """

    stream: bytes
    buffers: tuple[Fingerprint | None, ...]

    def is_as(
        self, stream: bytes, payload: Payload, is_stored: Callable[[int], bool], pause: Callable[[], None]
    ) -> bool:
        """Whether a component pickles as it did then.

        Parameters
        ----------
        stream : bytes
            Fingerprint of its stream.
        payload : Payload
        is_stored : callable
            Whether the buffer at an index is as the stored one.
        pause : callable
            Is called now and then, and may raise.
        """
        if stream != self.stream or len(payload.buffers) != len(self.buffers):
            return False
        rows = enumerate(zip(payload.buffers, self.buffers, strict=True))
        return all(is_stored(i) if b is None else of_buffer(buffer.raw(), pause) == b for i, (buffer, b) in rows)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load has bound.

    Attributes
    ----------
    names : frozenset of str
    otherwise : mapping of tuple of str to Reloaded
        Components that do not pickle as they were stored, by their names.
    """

    names: frozenset[str] = frozenset()
    otherwise: Mapping[Names, Reloaded] = field(default_factory=dict)


def as_loaded(
    names: frozenset[str],
    components: Iterable[Component],
    values: Mapping[str, Any],
    scope: Scope,
    *,
    seconds: float = SECONDS,
) -> Loaded:
    """Pickle components that were loaded, those that take least first.

    Parameters
    ----------
    names : frozenset of str
        What was loaded a moment ago; no code of the user's has run since.
    components : iterable of Component
        The stored ones.
    values : mapping of str to object
    scope : Scope
    seconds : float
        What that may take.

    Returns
    -------
    Loaded
        It tells of no component where threads or tasks of the user's may have changed something already.
    """
    found: dict[Names, Reloaded] = {}
    end = time.perf_counter() + (0.0 if bystanders.are_there() or bystanders.tasks_are_there() else seconds)
    mappings = Mappings()
    with collection_paused():
        for component in sorted(components, key=_work):
            if time.perf_counter() + _work(component) / _RATE > end:
                break
            payload = dumps({name: values[name] for name in component.names}, scope)
            try:
                if digest_of(payload.chunks) != component.stream.digest:
                    buffers = _buffers(payload, component, mappings)
                    if buffers is not None:
                        found[component.names] = Reloaded(of_stream(payload.chunks), buffers)
            finally:
                payload.release()
    return Loaded(names, found)


def _work(component: Component) -> int:
    """Return the bytes of a component that are no large arrays, of which pickling takes nothing."""
    return component.stream.size + sum(part.size for part in component.buffers if part.pack is not None)


def _buffers(payload: Payload, component: Component, mappings: Mappings) -> tuple[Fingerprint | None, ...] | None:
    """Return what is known of each buffer, None if too much would have to be read."""
    found: list[Fingerprint | None] = []
    left = _READ
    for index, view in enumerate(buffer.raw() for buffer in payload.buffers):
        part = component.buffers[index] if index < len(component.buffers) else None
        if part is not None and part.size == view.nbytes and mappings.are_clean(view, part.digest):
            found.append(None)
            continue
        left -= view.nbytes
        if left < 0:
            return None
        found.append(of_buffer(view, lambda: None))
    return tuple(found)
