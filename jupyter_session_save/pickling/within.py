"""Which huge containers a value holds where its pickle is sure to come: in small containers and plain instances.

Invariant: no code of the user's runs; what is found is pickled with the value, and takes next to no time to find.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import chunked
from .plans import known_immutable, plan_for
from .quick import own_way, quick_reduce
from .reducers import attributes
from .scope import Scope

FEW = 64
"""Items up to which a container is looked into."""

_MOST = 256
"""Objects that are looked at for one value."""

_LEAVES = frozenset(map(id, (set, frozenset, bytearray)))


def huge_in(value: Any, scope: Scope) -> list[Any]:
    """Return the huge containers that a value is or holds.

    None if anything else is seen beside them that cannot be pickled together with chunks: to find that out by pickling
    would take longer.

    Parameters
    ----------
    value : object
    scope : Scope
    """
    found: list[Any] = []
    seen: dict[int, Any] = {}
    front = [value]
    while front:
        one = front.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        if len(seen) > _MOST:
            return []
        if chunked.is_huge(one):
            found.append(one)
            continue
        held = _held(one, scope)
        if held is None:
            return []
        front += held
    return found


def _held(one: Any, scope: Scope) -> Iterable[Any] | None:
    """Return what is looked at within an object, None for one beside which nothing can be in chunks."""
    kind = type(one)
    if kind is list or kind is tuple or kind is dict:
        if id(one) in scope.live_ids:
            return None
        within = (*one.values(),) if kind is dict else one
        return within if len(within) <= FEW else ()
    if known_immutable(kind, scope.immutable) or id(kind) in _LEAVES or id(kind) in chunked.IDLE:
        return ()
    if chunked.is_array(one):
        return ()
    if id(kind) not in scope.ways:
        plain = plan_for(kind, capture=True) is None and not attributes.hashed_by_state(kind)
        scope.ways[id(kind)] = kind, quick_reduce(one) if plain else None
    way = scope.ways[id(kind)][1]
    if way is None or way is own_way:
        return None
    try:
        reduced = way(one)
    except AttributeError:
        return None
    return (reduced[2],) if type(reduced) is tuple else None
