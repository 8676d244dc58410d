"""What a pickler's memo says: which objects a pickle reached, and which of them others may hold, too.

The reference counts say the latter without a table of all objects: what two pickles reached is held by both memos
and by whatever led there, an object of one variable alone by one memo and one holder.

Invariant: every object that two living picklers reached, and that anything but their memos holds, is among those
that are held elsewhere; others may be, too.
"""

from __future__ import annotations

import gc
import io
import operator
import pickle
import sys
from collections.abc import Container, Sequence
from itertools import chain, compress, repeat
from typing import Any

_LISTED = next(map(sys.getrefcount, [object()]))
"""The count of an object that only a list holds, as seen while the list is gone through."""
_OWN = _LISTED + 2


def _shows_memo() -> bool:
    """Whether the C pickler lets the garbage collector see its memo."""
    probe: list[Any] = []
    pickler = pickle.Pickler(io.BytesIO())
    pickler.dump(probe)
    return any(obj is probe for obj in gc.get_referents(pickler))


_SHOWS_MEMO = _shows_memo()


def reached(pickler: Any) -> list[Any]:
    """Return the objects in the memo of a pickler, and perhaps a few more."""
    if _SHOWS_MEMO and isinstance(pickler, pickle.Pickler):
        return gc.get_referents(pickler)
    return [obj for _, obj in pickler.memo.copy().values()]


def holds(pickler: Any, objects: Sequence[Any]) -> bool:
    """Whether one of a few objects is in the memo of a pickler, which costs less than a search through it.

    Parameters
    ----------
    pickler : pickle.Pickler
    objects : sequence
        Objects that are in the memo if anything of the pickler's holds them.
    """
    # One call in C, so that no other thread changes a count between: to be listed adds one to it.
    steps = chain(map(sys.getrefcount, objects), map(reached, [pickler]), map(sys.getrefcount, objects))
    counts: list[Any] = list(steps)
    return counts[: len(objects)] != counts[len(objects) + 1 :]


def held_elsewhere(pickler: Any) -> dict[int, Any]:
    """Return, by id, those of the objects in the memo of a pickler that have more than one holder beside it.

    Text is left out: it cannot change.
    """
    objects = reached(pickler)
    # Counted beforehand, since `compress` holds what it asks about.
    counts = list(map(sys.getrefcount, objects))
    held = list(compress(objects, map(_OWN.__lt__, counts)))
    held = list(compress(held, map(operator.is_not, map(type, held), repeat(str))))
    return _without_own(dict(zip(map(id, held), held, strict=True)), pickler)


def among(pickler: Any, ids: Container[int]) -> dict[int, Any]:
    """Return, by id, those of the objects in the memo of a pickler whose ids are given."""
    objects = reached(pickler)
    found = list(compress(objects, map(ids.__contains__, map(id, objects))))
    return _without_own(dict(zip(map(id, found), found, strict=True)), pickler)


def _without_own(objects: dict[int, Any], pickler: Any) -> dict[int, Any]:
    """Leave out what picklers have in common: their class and what they were given."""
    for own in (type(pickler), *vars(pickler).values()):
        objects.pop(id(own), None)
    return objects
