"""The interpreter's state compared with how it was stored last, after each cell.

Invariant: what did not change is the very same record; no value is held but plain data of the state's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .digests import digest_of
from .fingerprint import of_stream
from .interpreter.parts import same
from .pickling import Payload, Scope, dumps
from .resuming import write_state
from .snapshot import Component
from .writing import Writer

_FLEETING = frozenset({"prompt number"})
"""State that is different after each cell, and for which alone no snapshot is made."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A part of the interpreter's state as it is stored.

    Attributes
    ----------
    component : Component
    fingerprint : bytes
        ``b""`` if it is not known.
    value : object
        What was read, if that is plain data, which nobody changes; None for any other.
    """

    component: Component
    fingerprint: bytes = b""
    value: Any = None


States = dict[str, Stored]
"""The interpreter's state by part."""


def examine_state(values: Mapping[str, Any], scope: Scope, writer: Writer, before: States) -> States:
    """Return the parts of the interpreter's state as they are stored now, after storing what is new.

    Parameters
    ----------
    values : mapping of str to object
        As `interpreter.collect` returns them.
    scope : Scope
    writer : Writer
    before : dict
        What this returned last.
    """
    found: States = {}
    for name, value in values.items():
        known = before.get(name)
        if known is not None and known.value is not None and same(value, known.value):
            found[name] = known
            continue
        payload = dumps({name: value}, scope)
        fingerprint = of_stream([*payload.chunks, *(bytes(buffer.raw()) for buffer in payload.buffers)])
        old, component = ("", None) if known is None else (known.fingerprint, known.component)
        equal = fingerprint == old if old else component is not None and _is_stored(component, payload)
        payload.release()
        if not equal or component is None:
            component = next(component for component, _ in write_state({name: value}, scope, writer))
        found[name] = Stored(component, fingerprint, value if same(value, value) else None)
    return found


def _is_stored(component: Component, payload: Payload) -> bool:
    """Whether a part of the state, which is small, is stored with these bytes."""
    return not payload.buffers and digest_of(payload.chunks) == component.stream.digest


def same_state(one: States, other: States) -> bool:
    """Whether two are the same for all that a snapshot is made for."""
    return {n: id(part.component) for n, part in one.items() if n not in _FLEETING} == {
        n: id(part.component) for n, part in other.items() if n not in _FLEETING
    }
