"""Long chains of instances, pickled without recursion: all of them empty first, and then what they hold.

From Python 3.12 on the C stack has a limit that no thread can raise, some 500 links of a chain.

Invariant: only instances whose way is that of `object`, and which need no state to be hashed, travel apart from it.
"""

from __future__ import annotations

import copyreg
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import rebuild


class Flat:
    """The root of a pickle in which the states of instances come last.

    Parameters
    ----------
    values : mapping of str to object
        The variables.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self._later: deque[tuple[Any, Any]] = deque()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the variables, and then each state, with those that turn up meanwhile."""
        return rebuild.Settled, (self._values,), None, self._states()

    def _states(self) -> Iterator[tuple[Any, Any] | None]:
        idle = 0
        # The pickler asks for an item before it has pickled the last one, which may bring more.
        while idle < _AHEAD:
            idle = 0 if self._later else idle + 1
            yield self._later.popleft() if self._later else None

    def check(self) -> None:
        """Raise if a state is still to be pickled."""
        if self._later:
            raise pickle.PicklingError("not all of it was pickled")

    def deferring(self, reduce: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a reduce that leaves the state of plain instances for later."""

        def deferred(obj: Any) -> Any:
            if type(obj) is Flat:
                return obj.__reduce__()
            made = reduce(obj)
            if type(made) is tuple and len(made) == 3 and made[0] is _NEW and made[2] and _by_identity(type(obj)):
                self._later.append((obj, made[2]))
                return made[:2]
            return made

        return deferred


_AHEAD = 3
_NEW = copyreg.__newobj__  # type: ignore[attr-defined]


def _by_identity(cls: Any) -> bool:
    return cls.__hash__ is object.__hash__ and cls.__eq__ is object.__eq__
