"""Proxies of wrapt, and the functions that its decorators wrap: made around what they stand for once more.

Invariant: no method of what a proxy stands for is called, and no ``__init__`` of a subclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

_WRAPPING = ("instance", "wrapper", "enabled", "binding", "parent", "owner")


def proxy(obj: Any, pickling: Pickling) -> Any:
    """Reduce a proxy to what it stands for, how that is called, and its own attributes."""
    kind: Any = type(obj)
    state: Any = object.__getstate__(obj)  # Not that of what it stands for.
    attributes, slots = state if type(state) is tuple else (state, {})
    own = {k: v for k, v in {**(attributes or {}), **(slots or {})}.items() if k[:2] != "__"}
    wrapping = None
    if hasattr(kind, "_self_wrapper"):
        wrapping = tuple(getattr(obj, f"_self_{name}") for name in _WRAPPING if hasattr(kind, f"_self_{name}"))
    return rebuild.new_object, (kind,), (obj.__wrapped__, wrapping, own), None, None, proxy_state


def unmade(obj: Any, pickling: Pickling) -> Any:
    """Leave a proxy alone whose object may not be there yet, or whose arguments are known to C alone."""
    return pickling.placeholder(obj, "it does not tell how it was made")


@rebuild.setter
def proxy_state(made: Any, state: tuple[Any, tuple[Any, ...] | None, dict[str, Any]]) -> None:
    """Let a proxy stand for an object."""
    wrapped, wrapping, own = state
    name = "ObjectProxy" if wrapping is None else "_FunctionWrapperBase"
    base: Any = [c for c in type(made).__mro__ if c.__name__ == name][-1]
    base.__init__(made, wrapped, *(wrapping or ()))
    for key, value in own.items():
        base.__setattr__(made, key, value)
