"""What a part of the interpreter's state is: how it is read, put in place, and put back.

Invariant: reading imports nothing and changes nothing; what `keep` returns puts back exactly what stood there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where state stands that belongs to no module.

    Attributes
    ----------
    namespace : dict
        The live namespace.
    shell : object or None
        The running IPython shell, used by duck typing; None in plain Python.
    history : bool
        Whether inputs and outputs are part of the state.
    """

    namespace: dict[str, Any]
    shell: Any = None
    history: bool = False


@dataclass(frozen=True, slots=True)
class StatePart:
    """One part of the state, saved and restored on its own.

    Attributes
    ----------
    name : str
        As reports name it.
    read : callable
        Returns a value of its own that nobody changes later; None if there is nothing to save.
    write : callable
        Puts a value in place and returns notes, one line each, on what could not be.
    keep : callable
        Returns a function that puts back what stands there now.
    early : bool
        Whether it is put in place before the variables, which need it to come back.
    reset : callable or None
        Puts at its default what a value (None where the part is not saved) does not list, because it was there when
        that was read, and returns notes as `write` does. None where no default can be known.
    """

    name: str
    read: Callable[[Surroundings], Any]
    write: Callable[[Any, Surroundings], Iterable[str]]
    keep: Callable[[Surroundings], Callable[[], None]]
    early: bool = False
    reset: Callable[[Any, Surroundings], Iterable[str]] | None = None


def resetting(
    read: Callable[[Surroundings], Any],
    defaults: Callable[[Surroundings], Mapping[str, Any]],
    write: Callable[[Any, Surroundings], Iterable[str]],
) -> Callable[[Any, Surroundings], Iterable[str]]:
    """Return the `reset` of a part of which `read` returns a dict of the options that are not at their defaults."""

    def reset(value: Any, around: Surroundings) -> Iterable[str]:
        known = defaults(around)
        back = {key: known[key] for key in read(around) or () if key in known and key not in (value or ())}
        return list(write(back, around)) if back else ()

    return reset


def nothing() -> None:
    """Put nothing back."""


def differs(value: Any, default: Any) -> bool:
    """Whether an option is not at its default; comparing may do anything, so a failure means that it is not."""
    if value is default:
        return False
    try:
        return type(value) is not type(default) or not bool(value == default)
    except Exception:
        return True


_ATOMS = frozenset({type(None), bool, int, str, bytes})


def same(one: Any, other: Any) -> bool:
    """Whether two values that a part has read are the same; what is not plain data may have changed inside."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is float:
        return bool(one == other and one.hex() == other.hex())  # 0.0 and -0.0 are equal, too.
    if kind in _ATOMS:
        return bool(one == other)
    if kind is dict:
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if kind in (list, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, type) and one is other and one.__module__ != "__main__"
