"""What is said of a value without asking the value: its type, its shape.

Invariant: no code of the user's runs: no ``__repr__``, no ``__len__``, no property of a class that is not known.
"""

from __future__ import annotations

import sys
from typing import Any

from .pickling.scope import type_name

# By id, because a metaclass may define `__hash__` and `__eq__` as it likes.
_SIZED = frozenset(map(id, (list, tuple, dict, set, frozenset, str, bytes, bytearray)))
_SHAPED = {
    "numpy": ("ndarray", "memmap", "matrix"),
    "pandas": ("DataFrame", "Series", "Index", "RangeIndex", "MultiIndex", "DatetimeIndex", "Categorical"),
}


def describe(value: Any) -> tuple[str, str]:
    """Return the qualified type of a value and its shape, ``""`` if it has none that can be had safely.

    Parameters
    ----------
    value : object

    Returns
    -------
    type, shape : str
    """
    kind = type(value)
    if id(kind) in _SIZED:
        return type_name(kind), str(len(value))
    for module, names in _SHAPED.items():
        if module in sys.modules and any(kind is getattr(sys.modules[module], n, None) for n in names):
            return type_name(kind), " x ".join(map(str, value.shape)) or "scalar"
    return type_name(kind), ""
