"""Views of arrays that hold objects: such memory cannot be handed around as a buffer, so they are cut out again.

Invariant: a view shows the very elements of its base that it showed, or the report says that it does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .memory import Array, address, is_alone, is_contiguous, is_inside, offset_in, root_of


def field_of(obj: Array) -> tuple[Any, ...] | None:
    """Return of which field and rows of an array with objects in it a view is: that has no memory to hand around."""
    base: Any = None if is_alone(obj) else root_of(obj)
    if base is None or not base.dtype.hasobject or base.dtype.names is None:
        return None
    for name in (*base.dtype.names, [*(obj.dtype.names or ())]):
        if isinstance(name, list) and not base.dtype.fields.keys() >= {*name}:
            continue
        rows = None
        if base.ndim == obj.ndim == 1 and base.strides[0]:
            start = (address(obj) - address(base[name])) // base.strides[0]
            rows = start, obj.strides[0] // base.strides[0] or 1, len(obj)
        args = base, name, rows, obj.flags.writeable
        if (rows is None or 0 <= rows[0] < len(base)) and _layout(rows_and_field(*args[:3])) == _layout(obj):
            return args
    return None


def _layout(obj: Array) -> tuple[Any, ...]:
    return obj.dtype, obj.shape, obj.strides, address(obj)


def rows_and_field(base: Array, name: Any, rows: tuple[int, int, int] | None) -> Array:
    """Return a field, or several, of all or some rows."""
    rows_of_base = base if rows is None else base[rows[0] :: rows[1]][: rows[2]]
    part: Array = rows_of_base[name]
    return part


def cut_of(obj: Array) -> tuple[Any, ...] | None:
    """Return at which element of an array with objects in it a view begins, in which field, and its strides."""
    base: Any = None if is_alone(obj) else root_of(obj)
    if base is None or not base.dtype.hasobject or not is_contiguous(base) or not is_inside(obj, base):
        return None
    start, within = divmod(offset_in(obj, base), base.itemsize)
    if any(step % base.itemsize for step, count in zip(obj.strides, obj.shape, strict=True) if count > 1):
        return None
    order = "C" if base.flags.c_contiguous else "F"
    for name, (dtype, offset, *_) in (base.dtype.fields or {}).items():
        if (dtype, offset) == (obj.dtype, within):
            return base, name, start, order, obj.shape, obj.strides, obj.flags.writeable
    return None


def cut(base: Array, name: Any, start: int, order: Any, shape: Any, strides: Any, writeable: bool) -> Array:
    """Make a view of a field, of any elements of a structured array."""
    first = np.unravel_index(start, base.shape, order)
    part = np.asarray(base)[name][tuple(slice(int(index), None) for index in first)]
    return np.lib.stride_tricks.as_strided(part, shape, strides, writeable=writeable)
