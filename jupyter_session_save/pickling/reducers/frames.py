"""pandas blocks: which frames share memory under copy-on-write travels with the shared blocks.

Without it two frames that share memory would not know of each other after a load, and a write to one would show in
the other.

Invariant: blocks and indexes that referred to the same memory share one `BlockValuesRefs` again.
"""

from __future__ import annotations

import copyreg
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas._libs.internals import BlockValuesRefs

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


def block(obj: Any, pickling: Pickling) -> Any:
    """Reduce a block to its values, its place and the references that it shares."""
    pickling.modules.add("pandas")
    return make_block, (type(obj), obj.values, obj.mgr_locs.indexer, obj.ndim, obj.refs)


def single_manager(obj: Any, pickling: Pickling) -> Any:
    """Reduce what holds a series; its own state would take the values out of the block."""
    pickling.modules.add("pandas")
    return make_single_manager, (type(obj), obj._block, obj.index)


def index(obj: Any, pickling: Pickling) -> Any:
    """Reduce an index that shares its memory to what pandas makes of it, and the references that it shares."""
    refs = getattr(obj, "_references", None)
    if isinstance(obj, pd.RangeIndex | pd.MultiIndex) or refs is None or not refs.has_reference():
        return NotImplemented
    func, args, state = (*obj.__reduce__(), None)[:3]
    if state is not None:
        return NotImplemented
    pickling.modules.add("pandas")
    return func, args, refs, None, None, share_index


def masked_dtype(obj: Any, pickling: Pickling) -> Any:
    """Reduce a nullable dtype without what it has worked out, since all frames of the session share that."""
    state = {key: value for key, value in vars(obj).items() if key != "_cache"}
    return copyreg.__newobj__, (type(obj),), state or None  # type: ignore[attr-defined]


def text_dtype(obj: Any, pickling: Pickling) -> Any:
    """Reduce a dtype of text, and say whose NaN it has for what is missing: else all would be pickled again for it."""
    func, args = obj.__reduce__()
    return func, tuple(pickling.nans.replaced(list(args), pickling.scope.pause))


def references(obj: Any, pickling: Pickling) -> Any:
    """Reduce the bookkeeping of shared memory: empty, since each block that is restored enters itself."""
    return make_references, ()


def reader(obj: Any, pickling: Pickling) -> Any:
    """Reduce a reader of chunks to a placeholder."""
    return pickling.placeholder(obj, "its parser is in the middle of a file", "read the file again")


def make_block(cls: Any, values: Any, placement: Any, ndim: int, refs: Any) -> Any:
    """Make a block that shares references with others."""
    from pandas._libs.internals import BlockPlacement

    return cls(values, BlockPlacement(placement), ndim=ndim, refs=refs)


def make_single_manager(cls: Any, one: Any, index: Any) -> Any:
    """Make what holds a series."""
    return cls(one, index)


@rebuild.setter
def share_index(made: Any, refs: Any) -> None:
    """Enter an index among the others that show its memory."""
    made._references = refs
    refs.add_index_reference(made)


def make_references() -> Any:
    """Make empty bookkeeping: its constructor wants a block to begin with, which it then forgets."""
    made = BlockValuesRefs()
    made.referenced_blocks.clear()
    return made
