"""The iterators of itertools, taken apart: from Python 3.14 on they do not pickle themselves.

Invariant: no live iterator is advanced where that could be seen: a full turn of a cycle is the only exception.
"""

from __future__ import annotations

import collections
import itertools
import sys
import types
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .. import rebuild
from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling


class _Items:
    """Iterates by index."""

    def __getitem__(self, index: int) -> int:
        """Have no items."""
        raise IndexError


_ORDERED: Any = collections.OrderedDict()
_CODE = _Items.__getitem__.__code__
_ITERABLE: tuple[Any, ...] = (
    *([], (), "", "ä", b"", bytearray(), {}, {}.values(), {}.items(), set(), range(0), range(2**70), memoryview(b"")),
    *(_ORDERED, _Items()),
)
_SAMPLES: tuple[Any, ...] = (
    *(iter(kind) for kind in _ITERABLE),
    *(iter(int, 0), reversed([]), reversed({}), reversed({}.values()), reversed({}.items())),
    *({}.keys(), {}.values(), {}.items(), _ORDERED.keys(), _ORDERED.values(), _ORDERED.items()),
    *(str.join, int.__add__, (0).__add__, [].append, vars(type)["__dict__"], vars(dict)["fromkeys"]),
    *(_CODE.co_lines(), _CODE.co_positions(), list[int], int | str),
)
HIDDEN = types.SimpleNamespace(**{type(sample).__name__: type(sample) for sample in _SAMPLES})
"""Types of the interpreter that stand in no module, by their names."""

_SEQUENCES: tuple[Any, ...] = ([], {}, {}.values(), {}.items(), set(), reversed({}), reversed({}.items()))
COPIED = frozenset(type(iter(one)) for one in _SEQUENCES)
"""Those that come back as iterators over a list of what they had left, and over lists."""

_HIDDEN = "this Python hides how far it was"
_ADVICE = "make it again, or keep its items in a list"


def of_itertools(obj: Any, pickling: Pickling) -> Any:
    """Reduce an iterator of itertools."""
    apart = _APART.get(type(obj))
    if apart is not None:
        made = apart(obj)
        return pickling.placeholder(obj, _HIDDEN, _ADVICE) if made is None else made
    if getattr(type(obj), "__reduce__") is object.__reduce__:  # noqa: B009 - mypy takes them for two types
        return pickling.placeholder(obj, _HIDDEN, _ADVICE)
    with warnings.catch_warnings():
        # Python 3.12 and 3.13 announce that 3.14 takes it away.
        warnings.simplefilter("ignore", DeprecationWarning)
        func, args, *state = obj.__reduce__()
    if not state or state[0] is None:
        return func, args
    if isinstance(obj, itertools.islice):
        return _islice(args, state[0])
    if isinstance(obj, itertools.accumulate):
        return accumulated, (*args, state[0])
    if isinstance(obj, itertools.zip_longest):
        return padded, (args, state[0])
    if isinstance(obj, itertools.takewhile):
        return itertools.takewhile, (args[0], iter(()) if state[0] else args[1])
    if isinstance(obj, itertools.dropwhile):
        return itertools.dropwhile, (never if state[0] else args[0], args[1])
    return func, args, state[0], None, None, set_position


def left(obj: Any) -> list[Any]:
    """Return what one of the `COPIED` has left, without advancing it."""
    _, (items, *_), *state = obj.__reduce__()
    return list(items)[state[0] if state else 0 :]


def _count(obj: Any) -> Any:
    held = held_by(obj)
    if len(held) == 2:
        return itertools.count, tuple(held)
    # Only a step of 1 is counted in C, where the collector does not see it.
    said = repr(obj)[len("count(") : -1]
    # The largest number that fits C is shown as a null pointer.
    return itertools.count, (int(said) if "NULL" not in said else sys.maxsize,)


def _cycle(obj: Any) -> Any:
    held = held_by(obj)
    if len(held) == 2:
        return first_turn, (held[1], held[0])
    # Its position is hidden, but a turn brings it back to where it was; the items stand in a list of its own.
    return first_turn, (list(itertools.islice(obj, len(held[0]))), iter(()))


def _chain(obj: Any) -> Any:
    held = held_by(obj)
    if len(held) == 2:
        return resumed_chain, (held[1], held[0])
    return chain_from, (held[0] if held else iter(()),)


def _repeat(obj: Any) -> Any:
    try:
        return itertools.repeat, (held_by(obj)[0], obj.__length_hint__())
    except TypeError:
        return itertools.repeat, (held_by(obj)[0],)


def _two(obj: Any) -> Any:
    held = held_by(obj)
    first, second = held if type(obj) is itertools.compress else reversed(held)
    return type(obj), (first, second)


def _pairwise(obj: Any) -> Any:
    held = held_by(obj)
    # From Python 3.13 on it also holds the last pair, for reuse.
    extra = len(held_by(itertools.pairwise(()))) - 1
    count = len(held) - extra
    if count == 2:
        return itertools.pairwise, (itertools.chain((held[1],), held[0]),)
    return itertools.pairwise, (held[0] if count == 1 else (),)


def _islice(args: tuple[Any, ...], done: int) -> Any:
    source, start, stop, step = (*args, 1)[:4] if len(args) > 2 else (args[0], 0, args[1], 1)
    return itertools.islice, (source, start - done, stop if stop is None else max(stop - done, 0), step)


def first_turn(saved: list[Any], rest: Iterable[Any]) -> Any:
    """Make a cycle in its first turn, behind the items that it has given."""
    if hasattr(itertools.cycle, "__setstate__"):
        # So it is taken apart again as it was before.
        made = itertools.cycle(rest)
        set_position(made, (saved, False))
        return made
    made = itertools.cycle(itertools.chain(saved, rest))
    for _ in saved:
        next(made)
    return made


def resumed_chain(active: Any, source: Any) -> Any:
    """Make a chain in the middle of one of its iterables."""
    return itertools.chain.from_iterable(itertools.chain((active,), source))


def chain_from(source: Any) -> Any:
    """Make a chain over the iterables that are left."""
    return itertools.chain.from_iterable(source)


def accumulated(source: Any, function: Any, total: Any) -> Any:
    """Make an accumulation behind the total that it gave last."""
    made = itertools.accumulate(source, function, initial=total)
    next(made)
    return made


def padded(sources: tuple[Any, ...], fill: Any) -> Any:
    """Make a `zip_longest`."""
    return itertools.zip_longest(*sources, fillvalue=fill)


def never(item: Any) -> bool:
    """Drop nothing: what stands behind its first kept item drops no more."""
    return False


@rebuild.setter
def set_position(made: Any, position: Any) -> None:
    """Move to a position, without the announcement that Python 3.14 cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.__setstate__(position)


_APART: dict[Any, Callable[[Any], Any]] = {
    itertools.count: _count,
    itertools.cycle: _cycle,
    itertools.chain: _chain,
    itertools.repeat: _repeat,
    itertools.starmap: _two,
    itertools.filterfalse: _two,
    itertools.compress: _two,
    itertools.pairwise: _pairwise,
}
