"""Which live objects stood in what is not stored by value, as this kernel saw it when it looked at that last.

A record says at which path a generator stood, but not which one it was: in a list that was sorted since, another stands
there now.

Invariant: nothing is kept alive; of an object whose type allows no weak references only the id is known, which counts
only for one that stands at such a path now.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .live_paths import MISSING, Keys, follow, steps_of
from .pickling import Placeholder
from .pickling.scope import type_name
from .snapshot import Component, Variable

_MOST = 10_000
"""Components of which it is remembered: those of some thousand cells, of the few that hold anything of the kind."""

_Reference = Callable[[], Any] | int
_seen: dict[tuple[str, ...], dict[str, _Reference]] = {}


def note(component: Component, variables: Iterable[Variable], values: Mapping[str, Any]) -> None:
    """Take note of what is alive in a component, which the namespace holds at this moment.

    Parameters
    ----------
    component : Component
    variables : iterable of Variable
        Its own.
    values : mapping of str to object
    """
    troubled = [v for v in variables if v.problems and v.name in values]
    if troubled:
        keys, key = Keys(), _key(component)
        places = ((p.path, at_path(values[v.name], p.path, v.name, p.type, keys)) for v in troubled for p in v.problems)
        _seen.pop(key, None)
        _seen[key] = {path: _reference(live) for path, live in places if live is not MISSING}
        while len(_seen) > _MOST:
            del _seen[next(iter(_seen))]


def known(component: Component, path: str, there: Mapping[int, Any]) -> Any:
    """Return the object that stood at a path in a component, `MISSING` if it is not known or not alive any more.

    Parameters
    ----------
    component : Component
        As it was stored.
    path : str
    there : mapping of int to object
        By id, what stands at such paths now.
    """
    reference = _seen.get(_key(component), {}).get(path)
    if isinstance(reference, int):
        return there.get(reference, MISSING)
    live = None if reference is None else reference()
    return MISSING if live is None else live


def at_path(value: Any, path: str, name: str, kind: str, keys: Keys) -> Any:
    """Return the live object of a type at a path in a variable, `MISSING` if there is none."""
    steps = steps_of(path, name)
    found = MISSING if steps is None else follow(value, steps, keys)
    is_alive = found is not MISSING and type(found) is not Placeholder and type_name(type(found)) == kind
    return found if is_alive else MISSING


def _key(component: Component) -> tuple[str, ...]:
    return (*component.names, component.stream.digest, *(part.digest for part in component.buffers))


def _reference(live: Any) -> _Reference:
    try:
        return weakref.ref(live)
    except TypeError:
        return id(live)
