"""Weak references and weak containers: they keep nothing alive after a load that they did not before.

Invariant: a reference that was dead stays dead.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


class _Gone:
    """Dies at once, and leaves a dead reference."""

    def __call__(self) -> None:
        """Be callable, as what a callable proxy stands for."""


def reference(obj: Any, pickling: Pickling) -> Any:
    """Reduce a weak reference."""
    target = obj()
    if target is None:
        return dead_reference, (type(obj),)
    return type(obj), (target, obj.__callback__) if obj.__callback__ is not None else (target,)


def method(obj: Any, pickling: Pickling) -> Any:
    """Reduce a weak reference to a bound method."""
    bound = obj()
    if bound is None:
        return dead_method, ()
    name = bound.__func__.__name__
    if getattr(type(bound.__self__), name, None) is bound.__func__:
        # The very function of the class, which alone lives on.
        return live_method, (type(obj), bound.__self__, name)
    return type(obj), (bound,)


def proxy(obj: Any, pickling: Pickling) -> Any:
    """Reduce a weak proxy; what it stands for answers in its place."""
    kind = type(obj)
    try:
        # A method of every object, bound to the one behind the proxy.
        target = obj.__sizeof__.__self__
    except ReferenceError:
        return dead_proxy, (kind is weakref.CallableProxyType,)
    return weakref.proxy, (target,)


def value_dictionary(obj: Any, pickling: Pickling) -> Any:
    """Reduce a dictionary of weak values to its items."""
    return type(obj), (), _extra(obj), None, iter(list(obj.items()))


def key_dictionary(obj: Any, pickling: Pickling) -> Any:
    """Reduce a dictionary of weak keys to its items."""
    return type(obj), (), _extra(obj), None, iter(list(obj.items()))


def weak_set(obj: Any, pickling: Pickling) -> Any:
    """Reduce a weak set to its items."""
    return type(obj), (), (list(obj), _extra(obj)), None, None, fill_set


def finalizer(obj: Any, pickling: Pickling) -> Any:
    """Reduce a finalizer to a placeholder."""
    state = "was waiting for its object to end" if obj.alive else "had been called"
    return pickling.placeholder(obj, f"the finalizer {state}", "register it again")


_OWN = {"data", "_remove", "_pending_removals", "_iterating", "_dirty_len"}


def _extra(obj: Any) -> dict[str, Any] | None:
    """Return what a subclass has set."""
    return {k: v for k, v in vars(obj).items() if k not in _OWN} or None


def dead_reference(cls: Any) -> Any:
    """Make a reference whose object is gone."""
    return cls(_Gone())


def live_method(cls: Any, owner: Any, name: str) -> Any:
    """Make a reference to a method of the object's class."""
    return cls(getattr(type(owner), name).__get__(owner))


def dead_method() -> Any:
    """Make a reference to a method whose object is gone."""
    return weakref.WeakMethod(_Gone().__call__)


def dead_proxy(callable_: bool) -> Any:
    """Make a proxy whose object is gone."""
    return weakref.proxy(_Gone()) if callable_ else weakref.proxy(_Dull())


class _Dull:
    """Dies at once, and cannot be called."""


@rebuild.setter
def fill_set(made: Any, state: tuple[list[Any], dict[str, Any] | None]) -> None:
    """Fill a weak set."""
    items, extra = state
    made.update(items)
    vars(made).update(extra or {})
