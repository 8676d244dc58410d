"""What is said of a value without asking the value: its type, its shape.

Invariant: no code of the user's runs: no ``__repr__``, no ``__len__``, no property of a class that is not known.
"""

from __future__ import annotations

import sys
from typing import Any

from .pickling.placeholder import Placeholder
from .pickling.scope import type_name

# By id, because a metaclass may define `__hash__` and `__eq__` as it likes.
_SIZED = frozenset(map(id, (list, tuple, dict, set, frozenset, str, bytes, bytearray)))
_SHAPED = {
    "numpy": ("ndarray", "memmap", "matrix"),
    "pandas": ("DataFrame", "Series", "Index", "RangeIndex", "MultiIndex", "DatetimeIndex", "Categorical"),
}


def describe(value: Any) -> tuple[str, str]:
    """Return the qualified type of a value and its shape, ``""`` if it has none that can be had safely.

    Of a placeholder it is the type of what it stands for.

    Parameters
    ----------
    value : object

    Returns
    -------
    type, shape : str
    """
    kind = type(value)
    if id(kind) in _SIZED:
        return kind.__name__, str(len(value))
    if kind is Placeholder:
        return value.problem.type, ""
    name = type_name(kind)
    module = name.partition(".")[0]
    if module in _SHAPED and module in sys.modules:
        library = sys.modules[module]
        if any(kind is getattr(library, one, None) for one in _SHAPED[module]):
            try:
                return name, " x ".join(map(str, value.shape)) or "scalar"
            except Exception:  # A placeholder may stand in the place of its index or columns.
                return name, ""
    return name, ""
