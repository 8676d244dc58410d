"""The object that stands where a value could not be kept, and says so when it is used.

Invariant: a placeholder can be held, compared by identity, shown and saved again; any other use raises
`PlaceholderError` with the reason and the advice.
"""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import PlaceholderError
from ..snapshot import Problem

_REFUSED = (
    "call iter next len getitem setitem delitem contains enter exit bool int float index complex "
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul "
    "and rand or ror xor rxor lshift rlshift rshift rrshift neg pos abs invert lt le gt ge "
    "await aiter anext aenter aexit"
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

    __slots__ = ("__weakref__", "made_by", "problem")

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.made_by = ""

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

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as plain text."""
        from .rebuild import placeholder

        p = self.problem
        return placeholder, (p.path, p.type, p.reason, p.advice)


def _refuse(self: Placeholder, *args: object, **kwargs: object) -> NoReturn:
    raise PlaceholderError(self.explanation)


for _operation in _REFUSED:
    setattr(Placeholder, f"__{_operation}__", _refuse)
