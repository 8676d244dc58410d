"""Tables of astropy: their attributes as they are, since its own protocol makes new columns.

Invariant: a column that is a variable, too, is the same object as the column of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


def table(obj: Any, pickling: Pickling) -> Any:
    """Reduce a table to its columns and settings."""
    return rebuild.instance, (type(obj),), dict(vars(obj)), None, None, rebuild.raw_state


def info(obj: Any, pickling: Pickling) -> Any:
    """Reduce what a column knows of itself; the way back to the column is found anew when it is asked for."""
    names = (n for n in ("_attrs", "_copy_indices") if hasattr(obj, n))
    return (
        type(obj),
        (hasattr(obj, "_attrs"),),
        (None, {n: getattr(obj, n) for n in names}),
        None,
        None,
        rebuild.object_state,
    )
