"""Which names are the user's and what they are bound to, from one look to the next.

Invariant: no value is kept; what may depend on more than a name and its value is asked again at each look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import compress, repeat
from operator import is_not
from typing import Any

from .bindings import Bound, bound
from .namespace import is_users, may_be_history
from .pickling.scope import is_of_definitions

_MISSING: Any = object()


class Following:
    """Follows which names are the user's, and what they are bound to.

    Attributes
    ----------
    ids : mapping of str to int
        The user's names and the ids of their values, as seen last; the very same object as long as none differs, and
        never changed.
    definitions : frozenset of str
        Those of them that are bound to functions, classes or type variables.
    containers : frozenset of str
        Those that are bound to exact dicts, lists and sets.
    """

    def __init__(self) -> None:
        self.ids: Mapping[str, int] = {}
        self.definitions: frozenset[str] = frozenset()
        self.containers: frozenset[str] = frozenset()
        self._all = Bound()
        self._depending: frozenset[str] = frozenset()
        self._base: Mapping[str, int] = self.ids
        self._since: frozenset[str] = frozenset()

    def look(self, view: Mapping[Any, Any], hidden: Mapping[str, Any]) -> Mapping[str, int]:
        """Return the user's names and the ids of their values.

        Parameters
        ----------
        view : mapping of str to object
        hidden : mapping of str to object
            As for `namespace.user_names`.
        """
        now, moved = bound(view, self._all)
        depending = self._depending.difference(n for n in moved if n not in view)
        depending = depending.union((n for n in moved if n in view and may_be_history(n)), hidden)
        asked = {*_but_those(depending | self._depending, view, hidden)}
        asked |= depending & self.ids.keys()
        changed: dict[str, int | None] = {}
        for name in {**moved, **dict.fromkeys(asked)}:
            value = view.get(name, _MISSING)
            mine = id(value) if value is not _MISSING and is_users(name, value, view, hidden) else None
            if mine != self.ids.get(name) or (mine is not None and name in moved):
                changed[name] = mine
        ids, definitions, containers = self.ids, self.definitions, self.containers
        if changed:
            renewed = {**ids, **{name: i for name, i in changed.items() if i is not None}}
            for name in (name for name, i in changed.items() if i is None):
                del renewed[name]
            kinds = {n: type(view[n]) for n, i in changed.items() if i is not None}
            found = (n for n, kind in kinds.items() if is_of_definitions(kind))
            ids, definitions = renewed, definitions.difference(changed).union(found)
            held = (n for n, kind in kinds.items() if kind is dict or kind is list or kind is set)
            containers = containers.difference(changed).union(held)
        since = self._since.union(changed)
        # Without a call in between, so that an interrupt comes before all of them or after.
        self.ids, self.definitions, self.containers, self._all = ids, definitions, containers, now
        self._depending, self._since = depending, since
        return ids

    def differing(self, known: Mapping[str, int]) -> set[str]:
        """Return the names that are bound to something else than they were, that are new, or that are gone.

        Also those that were in between: an id that is the same again may be that of another value.

        Parameters
        ----------
        known : mapping of str to int
            As `ids` was; it must not have been changed since.
        """
        if known is self.ids:
            differing = set[str]()
        elif known is self._base:
            differing = {*self._since}
        else:
            differing = {n for n in self.ids.keys() | known.keys() if known.get(n) != self.ids.get(n)}
        self._base, self._since = known, frozenset(differing)
        return differing


def _but_those(names: Collection[str], view: Mapping[Any, Any], hidden: Mapping[str, Any]) -> Iterable[str]:
    """Return the names that are not bound to what the shell put there: of a thousand inputs and outputs hardly any."""
    return compress(names, map(is_not, map(view.get, names, repeat(names)), map(hidden.get, names, repeat(_MISSING))))
