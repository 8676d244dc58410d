"""Whether a value stands among the keys of what it leads to, so that a load would ask for its hash too early.

Unpickled in the usual order, such a set or dict is filled before its element has the attributes of which the hash is
made: that fails, or files the element under a hash that it has no more. `Rehashed` is part of the format.

Invariant: while saving no code of the user's runs; what is found to be safe is safe as far as exact sets, dicts and
tuples go.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Mapping
from itertools import chain, compress
from typing import Any

from .memos import reached
from .placeholder import Placeholder

_ROOT = 1
_HASHING = frozenset(map(id, (dict, set, frozenset)))


class InOrder:
    """The root of a pickle after which some sets and dicts are filled once more, when all of it is there.

    Parameters
    ----------
    values : mapping of str to object
        The variables.
    containers : list of set or dict
    """

    def __init__(self, values: Mapping[str, Any], containers: list[Any]) -> None:
        self._values, self._containers = values, containers

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the variables, and then the containers."""
        return Rehashed, (self._values,), None, iter(self._containers)


class Rehashed:
    """Takes containers that may have asked for a hash too early; holds the variables."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def append(self, container: Any) -> None:
        """File what is in a container under its hash as it is now.

        Where that fails, or finds equal what was not, the session had it filed under older hashes, too: it stays so.
        """
        content = list(container.items() if type(container) is dict else container)
        try:
            again = type(container)(content)
        except Exception:
            return
        if len(again) == len(content):
            container.clear()
            container.update(content)


def met_too_early(pickler: Any, types: Mapping[int, bool]) -> list[Any] | None:
    """Return the sets and dicts that can be reached from one of their own elements, None if there is no such thing.

    Parameters
    ----------
    pickler : pickle.Pickler
        Has dumped it.
    types : mapping of int to bool
        Ids of the types whose hash needs their state, and whether that is a dict.
    """
    if not types:
        return None
    objects = reached(pickler)
    kinds = list(map(id, map(type, objects)))
    counts = Counter(kinds)
    instances = sum(counts[kind] for kind, by_dict in types.items() if by_dict)
    own = sum(id(type(value)) in _HASHING for value in vars(pickler).values())
    if counts.keys().isdisjoint(types) or sum(counts[kind] for kind in _HASHING) <= instances + own + _ROOT:
        return None  # Each has a dict for its attributes, and there is no other.
    containers = list(compress(objects, map(_HASHING.__contains__, kinds)))
    keys = {*map(id, chain.from_iterable(containers))}
    tuples = [t for t in compress(objects, map(id(tuple).__eq__, kinds)) if id(t) in keys]
    elements = {id(obj): obj for obj in compress(objects, map(types.__contains__, kinds))}
    holding = [t for t in tuples if not elements.keys().isdisjoint(map(id, t))]
    found = (elements.keys() & keys).union(*(elements.keys() & {*map(id, t)} for t in holding))
    if not found:
        return None
    wanted = found.union(map(id, holding))
    targets = [c for c in containers if not wanted.isdisjoint(map(id, c))]
    if not _leads_to([elements[key] for key in found], {*map(id, targets)}, {*map(id, objects)}):
        return None
    return [container for container in targets if type(container) is not frozenset]


def _leads_to(front: list[Any], targets: set[int], within: set[int]) -> bool:
    while front and targets.isdisjoint(map(id, front)):
        within.difference_update(map(id, front))
        held = chain(gc.get_referents(*front), *(one._held() for one in front if type(one) is Placeholder))
        unique = {id(obj): obj for obj in held if id(obj) in within}
        front = list(unique.values())
    return bool(front)
