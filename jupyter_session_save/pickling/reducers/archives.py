"""Compressed files, archives and temporary files: opened again if they were being read, else a placeholder.

Invariant: nothing is written into an archive, and no temporary file is deleted unless its owner says so.
"""

from __future__ import annotations

import io
import os
import weakref
import zipfile
from typing import TYPE_CHECKING, Any

from . import files

if TYPE_CHECKING:
    from ..pickler import Pickling

_EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
_FINISH = "close it before saving, then open it again to append"


def compressed(obj: Any, pickling: Pickling) -> Any:
    """Reduce a gzip, bz2 or lzma file that is being read to its file and its position."""
    cls = type(obj)
    if obj.closed:
        return closed_compressed, (cls, files.name_of(obj))
    trouble = files.trouble_with(obj)
    if trouble:
        return pickling.placeholder(obj, trouble, _FINISH if obj.writable() else "open it again")
    source = obj.fileobj if cls.__name__ == "GzipFile" else obj._fp
    if type(source) is io.BytesIO:
        return open_compressed, (cls, None, source.getvalue(), obj.tell())
    if id(obj) not in pickling.announced:
        pickling.note_reconnected(obj, f"{os.fsdecode(source.name)} is opened again where it was")
    return open_compressed, (cls, os.path.abspath(os.fsdecode(source.name)), None, obj.tell())


def zip_file(obj: zipfile.ZipFile, pickling: Pickling) -> Any:
    """Reduce a zip archive that is being read to its path."""
    if obj.fp is None:
        return closed_zip, (obj.filename, obj.mode, obj.filelist)
    if obj.mode != "r":
        return pickling.placeholder(obj, "it was being written, which cannot go on in the middle", _FINISH)
    if type(obj.fp) is io.BytesIO:
        return zipfile.ZipFile, (obj.fp,)
    trouble = files.trouble_with(obj.fp)
    if trouble:
        return pickling.placeholder(obj, trouble, "open it again")
    path = os.path.abspath(obj.fp.name)
    pickling.note_reconnected(obj, f"{path} is opened again; a password must be set again")
    return zipfile.ZipFile, (path,)


def tar_file(obj: Any, pickling: Pickling) -> Any:
    """Reduce a tar archive that is being read to its path, the members that it has seen included."""
    source = getattr(obj.fileobj, "fileobj", None) or getattr(obj.fileobj, "_fp", None) or obj.fileobj
    if not obj.closed and obj.mode == "r" and type(source) is io.BufferedReader and not files.trouble_with(source):
        path = os.path.abspath(os.fsdecode(source.name))
        pickling.note_reconnected(obj, f"{path} is opened again")
        return open_tar, (type(obj), path, len(obj.members), obj.firstmember is None)
    state = "was closed" if obj.closed else "was open"
    return pickling.placeholder(obj, f"the archive {obj.name} {state}", "open it again with tarfile.open")


def temporary(obj: Any, pickling: Pickling) -> Any:
    """Reduce a temporary file to the file, if it has a name."""
    name = vars(obj).get("name")
    if isinstance(name, str) and (obj.file.closed or not files.trouble_with(obj.file)):
        pickling.note_reconnected(obj, f"{name} is opened again, and is not deleted when it is closed")
        return open_temporary, (type(obj), obj.file, name)
    return pickling.placeholder(
        obj, f"the temporary file {name} belongs to the process that was saved", "make it again"
    )


def spooled(obj: Any, pickling: Pickling) -> Any:
    """Reduce a temporary file that is still in memory by its own state."""
    if obj._rolled:
        return pickling.placeholder(obj, "it had become an unnamed temporary file", "make it again")
    return NotImplemented


def temporary_directory(obj: Any, pickling: Pickling) -> Any:
    """Reduce a temporary directory to its name: a process that is killed leaves it behind."""
    if os.path.isdir(obj.name):
        pickling.note_reconnected(obj, f"{obj.name} is used again if it is still there; cleanup() deletes it")
        return open_temporary_directory, (type(obj), obj.name, vars(obj).get("_ignore_cleanup_errors", False))
    return pickling.placeholder(
        obj,
        f"the temporary directory {obj.name} had been deleted",
        "make it again",
    )


def open_database(obj: Any, pickling: Pickling) -> Any:
    """Reduce an open `shelve` or `dbm` database to a placeholder."""
    return pickling.placeholder(obj, "it is an open database file", "open it again")


def pipe(obj: Any, pickling: Pickling) -> Any:
    """Reduce a stream from or to a process or a network to a placeholder."""
    return pickling.placeholder(obj, "it is a stream that ends with the process that was saved", "open it again")


def open_compressed(cls: Any, path: str | None, data: bytes | None, position: int) -> Any:
    """Open a compressed file for reading."""
    if path is not None and not os.path.exists(path):
        raise FileNotFoundError(f"{path} is not there any more")
    if cls.__name__ == "GzipFile":
        made = cls(path, "rb", fileobj=None if data is None else io.BytesIO(data))
    else:
        made = cls(io.BytesIO(data) if data is not None else path, "rb")
    made.seek(position)
    return made


def closed_compressed(cls: Any, name: Any) -> Any:
    """Make a compressed file that is closed."""
    empty = io.BytesIO()
    made = cls(name, "rb", fileobj=empty) if cls.__name__ == "GzipFile" else cls(empty, "rb")
    made.close()
    return made


def open_tar(cls: Any, path: str, members: int, begun: bool) -> Any:
    """Open a tar archive for reading, and read on to the same member."""
    made = cls.open(path)
    if begun:
        made.next()
    while len(made.members) < members and made.next() is not None:
        pass
    return made


def open_temporary(cls: Any, file: Any, name: str) -> Any:
    """Wrap a temporary file, which stays when it is closed: what a load throws away must delete nothing."""
    return cls(file, name, delete=False)


def open_temporary_directory(cls: Any, name: str, ignore_errors: bool) -> Any:
    """Take over a temporary directory without the finalizer that would delete it."""
    if not os.path.isdir(name):
        raise FileNotFoundError(f"the temporary directory {name} was deleted with the process that made it")
    made = cls.__new__(cls)
    made.name, made._ignore_cleanup_errors, made._delete = name, ignore_errors, False
    made._finalizer = weakref.finalize.__new__(weakref.finalize)
    return made


def closed_zip(filename: Any, mode: Any, members: list[Any]) -> zipfile.ZipFile:
    """Make a zip archive that is closed, with its list of contents."""
    made = zipfile.ZipFile(io.BytesIO(_EMPTY_ZIP))
    made.close()
    made.filename, made.mode = filename, mode
    made.filelist = members
    made.NameToInfo = {member.filename: member for member in members}
    return made
