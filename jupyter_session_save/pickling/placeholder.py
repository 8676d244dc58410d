"""The object that stands where a value could not be kept, and says so when it is used.

Invariant: a placeholder can be held, compared by identity, shown and saved again; any other use raises
`PlaceholderError` with the reason and the advice.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import PlaceholderError
from ..snapshot import Problem

if TYPE_CHECKING:
    from .again import Steps

_REFUSED = (
    "call iter next len getitem setitem delitem contains enter exit bool int float index complex "
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul "
    "and rand or ror xor rxor lshift rlshift rshift rrshift neg pos abs invert lt le gt ge "
    "await aiter anext aenter aexit mro_entries instancecheck subclasscheck"
).split()


class Placeholder:
    """Stands for an object that could not be saved or loaded.

    Attributes
    ----------
    problem : Problem
        What it stood for, why, and what to do.
    made_by : str
        The statement that made it, as a line; not pickled, since every save decides anew what may be shown of it.
    """

    __slots__ = ("__weakref__", "_steps", "made_by", "problem")

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.made_by = ""
        # How the stream makes the value, if it holds more than that it could not be saved.
        self._steps: Steps | None = None

    def __repr__(self) -> str:
        """Say what is missing, in one line."""
        return f"<placeholder for {self.problem.path or 'a value'} ({self.problem.type}): {self.problem.reason}>"

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse; protocol probes see an ordinary AttributeError, so that looking at a placeholder is safe."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise PlaceholderError(self.explanation)

    @property
    def explanation(self) -> str:
        """The problem as one sentence with its advice."""
        said = f"{self.problem.path or 'this value'} is a placeholder for {self.problem.type}: {self.problem.reason}"
        return "; ".join(filter(None, (said, self.problem.advice, self.made_by)))

    def _note(self, setter: Callable[..., None], *args: Any) -> None:
        """Take note of what the stream does next to the value."""
        if self._steps is not None:
            self._steps.add(setter, args)

    def _held(self) -> list[Any]:
        """Return what the value may lead to."""
        return [] if self._steps is None else self._steps.held()

    def __copy__(self) -> Placeholder:
        """Return another one that knows the same."""
        made = Placeholder(self.problem)
        made.made_by = self.made_by
        made._steps = None if self._steps is None else self._steps.copied()
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Placeholder:
        """Return one that makes a value of its own, of parts of its own."""
        if self._steps is not None and self._steps.is_atomic:
            return self
        made = memo[id(self)] = self.__copy__()
        if self._steps is not None:
            made._steps = self._steps.copied(lambda args: copy.deepcopy(args, memo))
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        """Set what is one's own."""
        if name not in self.__slots__:
            raise PlaceholderError(self.explanation)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse."""
        raise PlaceholderError(self.explanation)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as plain text."""
        from .rebuild import placeholder

        p = self.problem
        return placeholder, (p.path, p.type, p.reason, p.advice)


def _refuse(self: Placeholder, *args: object, **kwargs: object) -> NoReturn:
    raise PlaceholderError(self.explanation)


for _operation in _REFUSED:
    setattr(Placeholder, f"__{_operation}__", _refuse)
