"""Reducers of users and libraries: by a registration, or by a method of the class.

Invariant: a registration goes before everything that this package knows of a type, and a method ``__session_reduce__``
before the pickle protocol; whatever either raises makes a placeholder of that one object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .pickler import Pickling

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Registration:
    """What a user has said of a type; attributes as the parameters of `register_reducer`."""

    kind: type
    reduce: Callable[[Any], tuple[Any, ...]]
    rebuild: Callable[..., Any]
    subclasses: bool

    def plan(self, obj: Any, pickling: Pickling) -> Any:
        """Return how an object of the type is pickled."""
        arguments = self.reduce(obj)
        if type(arguments) is not tuple:
            raise TypeError(f"the reducer of {self.kind.__name__} returned {type(arguments).__name__}, not a tuple")
        return self.rebuild, arguments


_REDUCERS: dict[int, Registration] = {}
"""By id, because a metaclass may compare as it likes; the type is kept with it."""

_IN_C = (type(None), bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset, type)


def register_reducer(
    kind: type[T], reduce: Callable[[T], tuple[Any, ...]], rebuild: Callable[..., T], *, subclasses: bool = False
) -> None:
    """Say how objects of a type are saved and made again.

    Parameters
    ----------
    kind : type
        Objects of exactly this type are saved so. A later registration of the same type replaces an earlier one.
    reduce : callable
        ``reduce(obj)`` returns a tuple of arguments, which are saved like any other values. If it raises, the object
        becomes a placeholder that tells the error.
    rebuild : callable
        ``rebuild(*arguments)`` returns the object at load. A function that can be imported is saved by its name; one
        defined in a notebook is saved with its code, so that the loading kernel needs no registration.
    subclasses : bool, optional
        Also for objects of subclasses that have no registration of their own; `rebuild` must then learn the class
        from its arguments.

    Raises
    ------
    TypeError
        If `kind` is not a type, is a builtin that pickle handles itself, or the others cannot be called.
    """
    given: object = kind
    if not isinstance(given, type):
        raise TypeError(f"register_reducer takes a type first, not {kind!r}")
    if given in _IN_C or given is object:
        raise TypeError(f"{kind.__name__} cannot have a reducer of its own; register a subclass of it")
    if any(not callable(part) for part in (reduce, rebuild)):
        raise TypeError("register_reducer takes two callables after the type: reduce(obj) and rebuild(*arguments)")

    _REDUCERS[id(kind)] = Registration(kind, reduce, rebuild, subclasses)


def all_of_them() -> list[Registration]:
    """Return the registrations, the oldest first."""
    return list(_REDUCERS.values())


def keep() -> Callable[[], None]:
    """Return a function that makes the registrations what they are now."""
    before = dict(_REDUCERS)

    def back() -> None:
        _REDUCERS.clear()
        _REDUCERS.update(before)

    return back


def find(cls: type) -> Callable[[Any, Pickling], Any] | None:
    """Return the reducer that somebody gave to a type, None if nobody did.

    Parameters
    ----------
    cls : type
    """
    for base in cls.__mro__[:-1]:
        found = _REDUCERS.get(id(base))
        if found is not None and (found.subclasses or base is cls):
            return found.plan
    if any("__session_reduce__" in vars(base) for base in cls.__mro__[:-1]):
        return _by_method
    return None


def _by_method(obj: Any, pickling: Pickling) -> Any:
    return pickling.sound(obj, type(obj).__session_reduce__(obj))
