"""Where the placeholders that a load has made are in its values.

Invariant: no code of the user's runs.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from ..snapshot import Problem
from .abandoned import reachable
from .culprit import PathFinder, root_path
from .placeholder import Placeholder


def located(
    made: Sequence[Placeholder], values: Mapping[str, Any], types: Mapping[str, str]
) -> tuple[list[Problem], bool]:
    """Return the problems of placeholders with their paths, and tell each its own.

    Parameters
    ----------
    made : sequence of Placeholder
    values : mapping of str to object
        The variables of the component.
    types : mapping of str to str
        Types that the save noted, by path.

    Returns
    -------
    problems : list of Problem
        Where no path is found, each of the variables may hold it.
    dropped : bool
        Whether one is in none of the values: some code has taken it and not kept it.
    """
    finders = [PathFinder({name: value}) for name, value in values.items()] if made else []
    problems: list[Problem] = []
    seen: dict[int, Placeholder] = {}
    for stand_in in made:
        old = stand_in.problem
        paths = [path for finder in finders if (path := finder.known(stand_in)) is not None]
        found = [Problem(path, types.get(path, old.type), old.reason, old.advice) for path in paths]
        if found:
            stand_in.problem = found[0]
            seen[id(stand_in)] = stand_in
        problems += found
    if len(seen) == len(made):
        return problems, False
    within = _led_to([one._held() for one in seen.values()])
    # The others are in arrays, or in what else cannot be looked into.
    hidden = [one for one in made if id(one) not in seen and id(one) not in within]
    told = dict.fromkeys(one.problem for one in hidden)
    problems += [replace(problem, path=root_path(name)) for problem in told for name in values]
    return problems, bool(hidden) and not _led_to(values.values()).issuperset(map(id, hidden))


_MOST = 1000
_CONTAINERS = frozenset(map(id, (tuple, list, dict, set, frozenset)))


def held_in(values: Iterable[Any]) -> Iterator[object]:
    """Yield the placeholders in values and in the builtin containers that these are, and `...` if that is too much."""
    todo = deque(values)
    seen: set[int] = set()
    while todo:
        value = todo.popleft()
        if type(value) is Placeholder:
            yield value
        if id(type(value)) not in _CONTAINERS or id(value) in seen:
            continue
        seen.add(id(value))
        todo.extend(chain(value, value.values()) if type(value) is dict else value)
        if len(todo) > _MOST:
            yield ...
            return


def _led_to(values: Iterable[Any]) -> set[int]:
    """Return the ids of what values lead to, through arrays of objects, too."""
    numpy = sys.modules.get("numpy")
    seen: set[int] = set()
    todo = list(values)
    while todo:
        found, seen = reachable(todo, seen)
        arrays = [o for o in found if issubclass(type(o), numpy.ndarray) and o.dtype.hasobject] if numpy else []
        todo = [numpy.ndarray.tolist(one) for one in arrays] if numpy else []
    return seen
