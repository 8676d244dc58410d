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
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from itertools import chain, compress, islice, repeat
from typing import Any

LISTED = next(map(sys.getrefcount, [object()]))
"""The count of an object that only a list holds, as seen while the list is gone through."""
HELD_BY_MEMO = LISTED + 2
"""That of an object in one memo and with one holder beside it."""


class Kept:
    """What is left of picklers that are gone: those objects that had more holders than them and one other.

    Parameters
    ----------
    objects : list of object
        Each once.
    """

    def __init__(self, objects: list[Any]) -> None:
        self.objects = objects


def _shows_memo() -> bool:
    """Whether the C pickler lets the garbage collector see its memo."""
    probe: list[Any] = []
    pickler = pickle.Pickler(io.BytesIO())
    pickler.dump(probe)
    return any(obj is probe for obj in gc.get_referents(pickler))


_SHOWS_MEMO = _shows_memo()


def reached(pickler: Any) -> list[Any]:
    """Return the objects in the memo of a pickler, and perhaps a few more."""
    if type(pickler) is Kept:
        return pickler.objects
    if _in_c(pickler):
        return gc.get_referents(pickler)
    return [obj for _, obj in pickler.memo.copy().values()]


def among(pickler: Any, objects: Sequence[Any]) -> list[Any]:
    """Return which of some objects are in the memo of a pickler.

    Parameters
    ----------
    pickler : pickle.Pickler
    objects : sequence
        Living objects, each once.
    """
    if not objects:
        return []
    if type(pickler) is Kept:
        ids = set(map(id, pickler.objects))
        return [obj for obj in objects if id(obj) in ids]
    if not _in_c(pickler):
        memo = pickler.memo
        return [obj for obj in objects if id(obj) in memo]
    # To be listed adds one to a count, which shows without a search through the list. All is one call in C, so that
    # no other thread changes a count meanwhile.
    steps = chain(map(sys.getrefcount, objects), map(reached, [pickler]), map(sys.getrefcount, objects))
    counts: list[Any] = list(steps)
    found = compress(objects, map(operator.ne, counts, islice(counts, len(objects) + 1, None)))
    own = _own(pickler)
    return [obj for obj in found if id(obj) not in own]


def held_elsewhere(pickler: Any) -> list[Any]:
    """Return those of the objects in the memo of a pickler that have more than one holder beside it.

    Text is left out: it cannot change.
    """
    objects = reached(pickler)
    if type(pickler) is Kept:
        return objects
    # Counted beforehand, since `compress` holds what it asks about.
    counts = list(map(sys.getrefcount, objects))
    held = list(compress(objects, map(HELD_BY_MEMO.__lt__, counts)))
    own = _own(pickler)
    return [obj for obj in compress(held, map(operator.is_not, map(type, held), repeat(str))) if id(obj) not in own]


class Meeting:
    """Where variables meet: the objects that one of them holds and others may hold, too."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._owner: dict[int, str] = {}

    def enter(
        self, pickler: Any, name: str, *, last: bool, apart: Sequence[Container[int]] = ()
    ) -> Iterator[tuple[Any, str]]:
        """Yield each object that a variable has in common with one that was here before, and that one's name.

        Parameters
        ----------
        pickler : pickle.Pickler
            Has dumped the variable; so have all that enter.
        name : str
        last : bool
            Whether nobody comes after, for whom to note what there is.
        apart : sequence of containers of int
            Ids of objects that the variable only refers to: it meets nobody in them, whoever comes first.
        """
        held = among(pickler, list(self._objects.values())) if last else held_elsewhere(pickler)
        for ids in filter(None, apart):
            held = list(compress(held, map(operator.not_, map(ids.__contains__, map(id, held)))))
        yield from ((obj, self._owner[id(obj)]) for obj in held if id(obj) in self._objects)
        if not last:
            self._objects.update(zip(map(id, held), held, strict=True))
            self._owner.update(dict.fromkeys(map(id, held), name))


def owners(
    met: Iterable[tuple[Any, str]], links: Callable[[Any], bool], pause: Callable[[], None], each: int = 4096
) -> set[str]:
    """Return the names of those whom a variable has met in an object that links them.

    Parameters
    ----------
    met : iterable of (object, str)
        As `Meeting.enter` yields them.
    links : callable
        Whether an object does.
    pause : callable
        Is called after so many of them as the last parameter says.
    each : int
    """
    found: set[str] = set()
    for count, (obj, name) in enumerate(met):
        if not count % each:
            pause()
        if name not in found and links(obj):
            found.add(name)
    return found


def _in_c(pickler: Any) -> bool:
    return _SHOWS_MEMO and isinstance(pickler, pickle.Pickler)


def _own(pickler: Any) -> set[int]:
    """Return the ids of what picklers have in common: their class, what they were given, a method that some list."""
    asking = getattr(type(pickler), "persistent_id", None)  # Listed up to Python 3.12.
    return {id(type(pickler)), id(asking), *map(id, vars(pickler).values())}
