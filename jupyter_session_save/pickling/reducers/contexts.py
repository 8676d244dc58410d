"""Context variables, contexts, and proxies to what the current context holds.

Invariant: what stands in a library's module is that library's own object again.
"""

from __future__ import annotations

import contextvars
import decimal
from typing import TYPE_CHECKING, Any

from .. import rebuild
from .inside import place_in_module

if TYPE_CHECKING:
    from ..pickler import Pickling


def variable(obj: contextvars.ContextVar[Any], pickling: Pickling) -> Any:
    """Reduce a context variable to its default and its current value, or to its place in a library."""
    place = place_in_module(obj)
    if place is not None:
        return _placed(obj, place, pickling)
    default = contextvars.Context().run(_value, obj)
    current = tuple(value for var, value in contextvars.copy_context().items() if var is obj)
    return make_variable, (obj.name, default), current, None, None, set_variable


def context(obj: contextvars.Context, pickling: Pickling) -> Any:
    """Reduce a context to its variables and their values."""
    return contextvars.Context, (), tuple(obj.items()), None, None, fill_context


def token(obj: Any, pickling: Pickling) -> Any:
    """Reduce a token to a placeholder."""
    return pickling.placeholder(
        obj, f"it resets {obj.var.name} in the context that made it", "call set() of the variable again"
    )


def decimal_context(obj: decimal.Context, pickling: Pickling) -> Any:
    """Reduce a context of `decimal`; the one in which the thread computes is that of the thread that loads."""
    reduced = pickling.by_reduce(obj)
    return (current_decimal, reduced[1]) if obj is decimal.getcontext() else reduced


def local_proxy(obj: Any, pickling: Pickling) -> Any:
    """Reduce a werkzeug proxy to what it looks its object up with; the proxy itself is never asked."""
    place = place_in_module(obj)
    if place is not None:
        return _placed(obj, place, pickling)
    try:
        target = object.__getattribute__(obj, "_LocalProxy__wrapped")
    except AttributeError:
        target = None
    finder = object.__getattribute__(obj, "_get_current_object")
    cells = dict(zip(finder.__code__.co_freevars, finder.__closure__ or (), strict=True))
    unbound = cells["unbound_message"].cell_contents if "unbound_message" in cells else None
    name = cells["get_name"].cell_contents if "get_name" in cells else None
    if target is None or not isinstance(unbound, str | None):
        return pickling.placeholder(obj, "it stands for something in the current context", "make it again")
    # Without a name, werkzeug stores a function that returns the object itself.
    attribute = name.__reduce__()[1][0] if type(name).__name__ == "attrgetter" else None
    return make_local_proxy, (type(obj), target, attribute, unbound)


def _placed(obj: Any, place: tuple[str, str], pickling: Pickling) -> Any:
    pickling.referenced.add(id(obj))
    pickling.modules.add(place[0].partition(".")[0])
    return rebuild.importable, place


def _value(var: contextvars.ContextVar[Any]) -> tuple[Any, ...]:
    try:
        return (var.get(),)
    except LookupError:
        return ()


def make_variable(name: str, default: tuple[Any, ...]) -> contextvars.ContextVar[Any]:
    """Make a context variable."""
    return contextvars.ContextVar(name, default=default[0]) if default else contextvars.ContextVar(name)


@rebuild.setter
def set_variable(made: contextvars.ContextVar[Any], current: tuple[Any, ...]) -> None:
    """Set a variable in the current context."""
    if current:
        made.set(current[0])


@rebuild.setter
def fill_context(made: contextvars.Context, items: tuple[tuple[Any, Any], ...]) -> None:
    """Set variables in a context."""
    for var, value in items:
        made.run(var.set, value)


_SETTINGS = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


def current_decimal(*settings: Any) -> decimal.Context:
    """Return the context in which this thread computes, another if that has other settings than the one saved."""
    made, current = decimal.Context(*settings), decimal.getcontext()
    return current if all(getattr(made, name) == getattr(current, name) for name in _SETTINGS) else made


def make_local_proxy(cls: Any, target: Any, attribute: str | None, unbound: str | None) -> Any:
    """Make a werkzeug proxy."""
    return cls(target, attribute, unbound_message=unbound)
