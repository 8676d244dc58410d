"""What numpy makes beside arrays: iterators over elements, functions of elements, limits, open archives.

Invariant: an iterator goes on where it stood, over the same array.
"""

from __future__ import annotations

import collections
import itertools
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling

_MADE = " (vectorized)"
"""What `numpy.frompyfunc` appends to the name of a function."""


def flat_iterator(obj: Any, pickling: Pickling) -> Any:
    """Reduce an iterator over an array's elements to the array and its place there."""
    return go_on_flat, (obj.base, obj.index)


def dtype(obj: Any, pickling: Pickling) -> Any:
    """Reduce a dtype that there is once to its name: by numpy's own way every array comes back with another one."""
    pickling.modules.add("numpy")
    return (np.dtype, (obj.str,)) if obj.isbuiltin == 1 and np.dtype(obj.str) is obj else NotImplemented


def broadcast(obj: Any, pickling: Pickling) -> Any:
    """Reduce a broadcast to its arrays and its place there."""
    return go_on_broadcast, (tuple(part.base for part in obj.iters), obj.index)


def ufunc(obj: Any, pickling: Pickling) -> Any:
    """Reduce a function of elements that was made of a Python function; all others stand in modules."""
    made_of = held_by(obj)[:1]
    if not obj.__name__.endswith(_MADE) or not made_of or not callable(made_of[0]):
        return NotImplemented
    return make_ufunc, (made_of[0], obj.nin, obj.nout, obj.identity)


def limits(obj: Any, pickling: Pickling) -> Any:
    """Reduce the limits of a floating type to the type."""
    return type(obj), (obj.dtype,)


def archive(obj: Any, pickling: Pickling) -> Any:
    """Reduce an open archive to the file that it reads."""
    if obj.zip is None:
        return closed_archive, ()
    options = {"allow_pickle": obj.allow_pickle, "max_header_size": obj.max_header_size}
    if obj.zip.filename is None:
        return open_archive, (obj.zip.fp, options)
    path = os.path.abspath(obj.zip.filename)
    pickling.note_reconnected(obj, f"{path} is opened again")
    return open_archive, (path, options)


def go_on_flat(base: Any, index: int) -> Any:
    """Return an iterator that has passed `index` elements."""
    made = base.flat
    collections.deque(itertools.islice(made, index), maxlen=0)
    return made


def go_on_broadcast(arrays: tuple[Any, ...], index: int) -> Any:
    """Return a broadcast that has passed `index` elements."""
    made = np.broadcast(*arrays)
    collections.deque(itertools.islice(made, index), maxlen=0)
    return made


def make_ufunc(function: Any, nin: int, nout: int, identity: Any) -> Any:
    """Make a function of elements."""
    return np.frompyfunc(function, nin, nout, identity=identity)


def open_archive(source: Any, options: dict[str, Any]) -> Any:
    """Open an archive of arrays."""
    return np.load(source, **options)


def closed_archive() -> Any:
    """Make an archive that is closed."""
    made: Any = np.lib.npyio.NpzFile.__new__(np.lib.npyio.NpzFile)
    made.zip = made.fid = made.f = None
    made.files, made._files = [], []
    return made
