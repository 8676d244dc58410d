"""What names are bound to, from one look at a namespace to the next: only names that differ are gone through.

Nothing is done in Python for each of 100,000 names after each cell: what did not change is passed over in C.

Invariant: no value is kept, only names and ids; a name counts as bound to the same only if its value has the same id
and the same type, since an id may have been used again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress, count, islice
from operator import is_not, ne
from typing import Any

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Bound:
    """What the names in a namespace are bound to at one moment.

    Attributes
    ----------
    names : list of str
    ids : list of int
        Of their values, in the same order.
    kinds : list of int
        The ids of the types of these.
    """

    names: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)


def bound(view: Mapping[Any, Any], before: Bound) -> tuple[Bound, dict[str, None]]:
    """Look at a namespace.

    Parameters
    ----------
    view : mapping of str to object
        It must not change meanwhile.
    before : Bound
        What was returned for it earlier.

    Returns
    -------
    now : Bound
    moved : dict of str to None
        The names that are bound to something else than before, those that are new in the order in which they were
        made, and those that are gone.
    """
    names, ids, kinds = list(view), list(map(id, view.values())), list(map(id, map(type, view.values())))
    # By identity, since keys that are no texts may compare themselves as they like.
    at = next(compress(count(), map(is_not, names, before.names)), min(len(names), len(before.names)))
    if any(type(name) is not str for name in islice(names, at, None)):
        texts = [type(name) is str for name in names[at:]]
        names[at:], ids[at:], kinds[at:] = (list(compress(of[at:], texts)) for of in (names, ids, kinds))
    earlier = dict(zip(before.names[at:], zip(before.ids[at:], before.kinds[at:], strict=True), strict=True))
    later = names[at:]
    moved = dict.fromkeys(compress(later, map(ne, map(earlier.get, later), zip(ids[at:], kinds[at:], strict=True))))
    moved.update(dict.fromkeys(earlier.keys() - set(later)))
    for begin in range(0, at, _BLOCK):
        part = slice(begin, min(begin + _BLOCK, at))
        for now, then in ((ids, before.ids), (kinds, before.kinds)):
            if now[part] != then[part]:
                moved.update(dict.fromkeys(compress(names[part], map(ne, now[part], then[part]))))
    return Bound(names, ids, kinds), moved
