"""Objects of the standard library whose attributes are not the same in every Python.

Invariant: an attribute that this Python does not know is left out, and one that it misses is as for a new object.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_MISSED = {"match_args": True, "kw_only": False, "slots": False, "weakref_slot": False, "doc": None}


def slotted(obj: Any, pickling: Pickling) -> Any:
    """Reduce a field or the parameters of a dataclass."""
    state = {name: getattr(obj, name) for name in type(obj).__slots__ if hasattr(obj, name)}
    return rebuild.instance, (type(obj),), state, None, None, known_slots


def dispatching_method(obj: Any, pickling: Pickling) -> Any:
    """Reduce a `functools.singledispatchmethod` to its function and the functions for each type."""
    extra = {k: v for k, v in vars(obj).items() if k not in ("func", "dispatcher", "_method_cache")}
    state = obj.dispatcher, extra
    return rebuild.instance, (type(obj),), (obj.func, *state), None, None, dispatching_state


@rebuild.setter
def known_slots(made: Any, state: dict[str, Any]) -> None:
    """Set the attributes that this Python has."""
    for name in type(made).__slots__:
        if name in state or name in _MISSED:
            object.__setattr__(made, name, state.get(name, _MISSED.get(name)))


@rebuild.setter
def dispatching_state(made: Any, state: tuple[Any, Any, dict[str, Any]]) -> None:
    """Fill a `functools.singledispatchmethod` as its constructor does."""
    func, dispatcher, extra = state
    functools.singledispatchmethod.__init__(made, func)
    made.dispatcher = dispatcher
    made.__dict__.update(extra)
