"""Arrow memory: pandas' ``str`` and Arrow columns, and the buffers below them.

Invariant: nothing is copied but what is a part of larger memory, of which only that part is stored.
"""

from __future__ import annotations

import copyreg
import sys
from typing import TYPE_CHECKING, Any

from ..scope import module_of

if TYPE_CHECKING:
    from ..pickler import Pickling

_SLACK = 4096
"""Bytes that the buffers of an array may have beyond its elements, as room to grow and for the end of the offsets."""


def buffer(obj: Any, pickling: Pickling) -> Any:
    """Reduce a buffer as pyarrow does, in a way that tells it from one that the user holds."""
    if not obj.is_cpu:
        return NotImplemented
    pickling.modules.add("pyarrow")
    return sys.modules["pyarrow"].py_buffer, (pickling.out_of_band(obj),)


def column(obj: Any, pickling: Pickling) -> Any:
    """Reduce a column of pandas as pandas does, which however copies what is in one piece already."""
    whole: Any = getattr(obj, "_pa_array", None)
    if module_of(type(obj)).partition(".")[0] != "pandas" or getattr(whole, "num_chunks", 0) != 1:
        return NotImplemented
    (only,) = whole.chunks
    if only.offset or only.get_total_buffer_size() > only.nbytes + _SLACK:
        return NotImplemented
    state = {**vars(obj), "_pa_array": _as_restored(only)}
    if "_cache" in state:
        state["_cache"] = {}
    return copyreg.__newobj__, (type(obj),), state  # type: ignore[attr-defined]


def _as_restored(array: Any) -> Any:
    """Return an array without the bits that say that nothing is missing, which pyarrow leaves out when it restores."""
    bits, *others = array.buffers()
    kind = array.type
    if bits is None or array.null_count or kind.num_fields or hasattr(kind, "index_type"):
        return array
    return sys.modules["pyarrow"].Array.from_buffers(kind, len(array), [None, *others], 0)
