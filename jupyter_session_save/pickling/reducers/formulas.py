"""Formulas of statsmodels and patsy: they look up functions and variables in the namespace of the notebook.

Invariant: what a formula refers to by name it finds in the live namespace, not in a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


def whole(obj: Any, pickling: Pickling) -> Any:
    """Reduce an object to its attributes, past a protocol that refuses, changes it, or evaluates formulas at load."""
    if not hasattr(obj, "__dict__"):
        return NotImplemented
    return rebuild.instance, (type(obj),), dict(vars(obj)), None, None, rebuild.raw_state


def origin(obj: Any, pickling: Pickling) -> Any:
    """Reduce a place in a formula."""
    return type(obj), (obj.code, obj.start, obj.end)
