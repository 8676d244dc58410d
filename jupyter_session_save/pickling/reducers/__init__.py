"""Reducers for types that the pickle protocol does not carry by itself, registered lazily by the type's name.

A reducer is a function ``reduce(obj, pickling)`` that returns a reduce tuple as of `object.__reduce__`, a
placeholder from ``pickling.placeholder(obj, reason, advice)``, or NotImplemented for the pickler's own way. What it
rebuilds with stands beside it and is part of the format.

Invariant: a room in here is imported only when an object of one of its types is being pickled, so that
looking for numpy never imports numpy.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..scope import module_of, qualname_of

if TYPE_CHECKING:
    from ..pickler import Pickling

Reducer = Callable[[Any, "Pickling"], Any]

# Qualified name of a type -> room and function. A "+" says that subclasses are reduced alike.
_TABLE: dict[str, str] = {
    "numpy.ndarray": "arrays.array",
    "numpy.memmap": "arrays.memmap",
    "matplotlib.figure.Figure+": "figures.figure",
    "pandas._libs.internals.Block+": "frames.block",
    "pandas.core.internals.managers.SingleBlockManager": "frames.single_manager",
    "pandas._libs.internals.BlockValuesRefs": "frames.references",
}


def find(cls: type) -> Reducer | None:
    """Return the reducer for a type, None if there is none.

    Parameters
    ----------
    cls : type
    """
    for distance, base in enumerate(cls.__mro__[:-1]):
        key = f"{module_of(base)}.{qualname_of(base)}"
        where = (_TABLE.get(key) if distance == 0 else None) or _TABLE.get(f"{key}+")
        if where is not None:
            room, _, function = where.partition(".")
            reducer: Reducer = getattr(importlib.import_module(f"{__name__}.{room}"), function)
            return reducer
    return None
