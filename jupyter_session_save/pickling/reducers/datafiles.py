"""Open files of data: HDF5, netCDF and FITS are opened again by path, and never truncated.

Invariant: a load opens for writing only what was open for writing, and changes nothing in it.
"""

from __future__ import annotations

import io
import os
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..pickler import Pickling

_opened: weakref.WeakValueDictionary[tuple[str, str], Any] = weakref.WeakValueDictionary()
"""HDF5 files that loads have opened: what belongs to one file goes on with one handle."""


def hdf5(obj: Any, pickling: Pickling) -> Any:
    """Reduce a file, group or data set of h5py to its file and its name there."""
    import h5py

    pickling.modules.add("h5py")
    if not obj:
        return closed_hdf5, ()
    file = obj.file
    name = None if isinstance(obj, h5py.File) else obj.name
    if obj.name is None:
        return pickling.placeholder(obj, "it has no name in its file", "make it again")
    if file.mode != "r":
        file.flush()
    if file.driver in ("fileobj", "core") and not os.path.exists(_text(file.filename)):
        pickling.note_reconnected(obj, "opened again on a buffer with what it held")
        return hdf5_in_memory, (file.id.get_file_image(), file.mode, name)
    path = os.path.abspath(_text(file.filename))
    pickling.note_reconnected(obj, f"{path} is opened again")
    return open_hdf5, (path, file.mode, name)


def in_memory(obj: Any, pickling: Pickling) -> Any:
    """Reduce a file system of fsspec whose files are in the memory of this process: they stay there."""
    pickling.modules.add("fsspec")
    if count := len(obj.store):
        few = "the file in it is" if count == 1 else f"the {count} files in it are"
        pickling.note_remark(obj, f"{few} in the memory of this process and not saved: copy what you need to a disk")
    return pickling.by_reduce(obj)


def hdf5_attributes(obj: Any, pickling: Pickling) -> Any:
    """Reduce the attributes of something in an HDF5 file to what has them."""
    import h5py

    owner = h5py.Group(obj._id) if isinstance(obj._id, h5py.h5g.GroupID) else h5py.Dataset(obj._id)
    return getattr, (owner, "attrs")


def netcdf(obj: Any, pickling: Pickling) -> Any:
    """Reduce a file or group of netCDF4 to its path."""
    above = getattr(obj, "parent", None)
    if above is not None:
        return netcdf_member, (above, "groups", obj.name)
    if not obj.isopen():
        return pickling.placeholder(obj, "it is closed", "open it again")
    path = os.path.abspath(obj.filepath())
    if not os.path.exists(path):
        return pickling.placeholder(obj, "its data are not in a file", "make it again")
    mode = "r"
    try:
        obj.sync()
        mode = "a"
    except Exception:  # noqa: S110 - what cannot be synchronised is open for reading; nothing else says so
        pass
    pickling.modules.add("netCDF4")
    pickling.note_reconnected(obj, f"{path} is opened again")
    return open_netcdf, (path, mode)


def netcdf_part(obj: Any, pickling: Pickling) -> Any:
    """Reduce a variable or dimension of netCDF4 to its name in its group."""
    part = "variables" if type(obj).__name__ == "Variable" else "dimensions"
    return netcdf_member, (obj.group(), part, obj.name)


def fits(obj: Any, pickling: Pickling) -> Any:
    """Reduce an open list of FITS data to its file, if that is read only; all else is data."""
    file = getattr(obj, "_file", None)
    path = getattr(file, "name", None)
    if file is None or file.closed or not isinstance(path, str) or not os.path.exists(path) or file.mode != "readonly":
        return NotImplemented
    pickling.modules.add("astropy")
    pickling.note_reconnected(obj, f"{os.path.abspath(path)} is opened again")
    return open_fits, (os.path.abspath(path), file.mode)


def _text(path: Any) -> str:
    return os.fsdecode(path)


def open_hdf5(path: str, mode: str, name: str | None) -> Any:
    """Open an HDF5 file, or take something out of it."""
    import h5py

    file = _opened.get((path, mode))
    if not file:
        file = _opened[path, mode] = h5py.File(path, mode)
    return file if name is None else file[name]


def hdf5_in_memory(image: bytes, mode: str, name: str | None) -> Any:
    """Open an HDF5 file on a buffer."""
    import h5py

    file = h5py.File(io.BytesIO(image), mode)
    return file if name is None else file[name]


def closed_hdf5() -> Any:
    """Make an HDF5 file that is closed."""
    import h5py

    made = h5py.File(io.BytesIO(), "w")
    made.close()
    return made


def open_netcdf(path: str, mode: str) -> Any:
    """Open a netCDF file."""
    import netCDF4

    return netCDF4.Dataset(path, "a" if mode == "a" else "r")


def netcdf_member(group: Any, part: str, name: str) -> Any:
    """Take something out of a group of a netCDF file."""
    return getattr(group, part)[name]


def open_fits(path: str, mode: str) -> Any:
    """Open a FITS file."""
    from astropy.io import fits as format_

    return format_.open(path, mode)
