"""Open files: opened again where they were, in the same mode, but never created or truncated.

Text over a buffer over a raw file is rebuilt layer by layer, so that `f.buffer` stays what it was. Closed files come
back closed, whether or not their file is still there.

Invariant: saving only flushes what is open for writing; loading writes nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
from typing import TYPE_CHECKING, Any

from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling

_ADVICE = "run the cell that opened it again"
_BUFFERS = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
_COMPRESSED = {"gzip.GzipFile": "fileobj", "bz2.BZ2File": "_fp", "lzma.LZMAFile": "_fp"}
_NEW = os.O_TRUNC | os.O_CREAT | os.O_EXCL


def text(obj: Any, pickling: Pickling) -> Any:
    """Reduce a text file to its buffer, its settings and its position."""
    mode = vars(obj).get("mode")
    if obj.closed:
        return closed_text, (name_of(obj), mode, obj.encoding, obj.errors)
    trouble = trouble_with(obj)
    if trouble:
        return pickling.placeholder(obj, trouble, _ADVICE)
    try:
        # It flushes by itself. An explicit flush would make it answer, wrongly, amid an iteration.
        position = obj.tell() if obj.seekable() else None
    except OSError:
        reason = "it was being read line by line, and Python hides its position meanwhile"
        return pickling.placeholder(obj, reason, f"{_ADVICE}; read lines with readline() to keep the position")
    note(obj, pickling)
    pickling.announced.add(id(obj.buffer))
    settings = (obj.encoding, obj.errors, _newline(obj), obj.line_buffering, obj.write_through)
    return open_text, (obj.buffer, settings, mode, position)


def buffered(obj: Any, pickling: Pickling) -> Any:
    """Reduce a buffered binary file to its raw file and its position."""
    if obj.closed:
        return closed_buffered, (type(obj), name_of(obj), getattr(obj, "mode", "rb"))
    trouble = trouble_with(obj)
    if trouble:
        return pickling.placeholder(obj, trouble, _ADVICE)
    if obj.writable():
        obj.flush()
    note(obj, pickling)
    pickling.announced.add(id(obj.raw))
    return open_buffered, (type(obj), obj.raw, obj.tell() if obj.seekable() else None)


def raw(obj: io.FileIO, pickling: Pickling) -> Any:
    """Reduce a raw file to its path, mode and position."""
    if obj.closed:
        return closed_raw, (name_of(obj), obj.mode)
    trouble = trouble_with(obj)
    if trouble:
        return pickling.placeholder(obj, trouble, _ADVICE)
    note(obj, pickling)
    name = os.fsdecode(obj.name)
    return open_raw, (name, os.path.abspath(name), obj.mode, obj.tell() if obj.seekable() else None)


def trouble_with(obj: Any) -> str:
    """Return why an open file cannot be opened again, ``""`` if it can."""
    kind = type(obj)
    if kind is io.TextIOWrapper:
        return trouble_with(obj.buffer)
    if kind is io.BytesIO:
        return ""
    if kind in _BUFFERS:
        return trouble_with(obj.raw)
    compressed = _COMPRESSED.get(f"{kind.__module__}.{kind.__qualname__}")
    if compressed is not None:
        if not obj.readable():
            return "it was being written and compressed, which cannot go on in the middle"
        return trouble_with(getattr(obj, compressed))
    if kind is not io.FileIO:
        return f"what it reads or writes, a {kind.__name__}, cannot be opened again"
    if not isinstance(obj.name, str | bytes):
        return "it was opened from a file descriptor, such as a pipe or an unnamed temporary file"
    here = os.fstat(obj.fileno())
    if not stat.S_ISREG(here.st_mode) and os.fsdecode(obj.name) != os.devnull:
        return f"{os.fsdecode(obj.name)} is a device or a pipe"
    try:
        there = os.stat(obj.name)
    except OSError:
        return f"{os.fsdecode(obj.name)} has been deleted since it was opened, or the directory was changed"
    if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
        return f"{os.fsdecode(obj.name)} has been replaced since it was opened, or the directory was changed"
    return ""


def note(obj: Any, pickling: Pickling) -> None:
    """Report a file once: its layers are announced by the layer above."""
    if id(obj) not in pickling.announced and isinstance(getattr(obj, "name", None), str | bytes):
        pickling.note_reconnected(obj, f"{os.fsdecode(obj.name)} is opened again where it was")


def name_of(obj: Any) -> Any:
    """Return a file's name, None if it has none or does not say so once closed."""
    try:
        return obj.name
    except (AttributeError, ValueError):
        return None


def _newline(obj: io.TextIOWrapper) -> str | None:
    """Find the `newline` that a text file was opened with, which only its C struct holds."""
    held = held_by(obj)
    texts = [t for t in held if type(t) is str and t is not obj.encoding and t is not obj.errors]
    decoders = [d for d in held if type(d) is io.IncrementalNewlineDecoder]
    decoded = any(type(t) is tuple for t in held)
    if decoders and texts == [""] and decoded:
        # Either newline="" or the end of the file, decoded to nothing.
        return None if _translates(decoders[0], obj.encoding) else ""
    ours = [t for t in texts[:1] if t in ({""} if decoders else {"", "\n", "\r", "\r\n"})]
    return ours[0] if ours else None


def _translates(decoder: Any, encoding: str) -> bool:
    """Ask a decoder for its setting, and leave its state as it was."""
    state, seen = decoder.getstate(), decoder.newlines
    decoder.reset()
    answer: bool = decoder.decode("\r\n".encode(encoding), final=True) == "\n"
    decoder.reset()
    if seen:
        decoder.decode("-".join([seen] if type(seen) is str else seen).encode(encoding), final=True)
    decoder.setstate(state)
    return answer


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags & ~_NEW)


def open_raw(name: str, path: str, mode: str, position: int | None) -> io.FileIO:
    """Open a file that must be there, where it stood at the save or else by its relative name."""
    found = path if os.path.exists(path) else name
    try:
        made = io.FileIO(found, mode, opener=_opener)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is not there any more") from None
    if position is not None:
        state = os.fstat(made.fileno())
        if stat.S_ISREG(state.st_mode) and position > state.st_size:
            made.close()
            raise ValueError(f"{path} is shorter now than when it was saved")
        made.seek(position)
    made.name = name
    return made


def open_buffered(cls: Any, raw: Any, position: int | None) -> Any:
    """Put a buffer over a raw file."""
    made = cls(raw)
    if position is not None:
        made.seek(position)
    return made


def open_text(buffer: Any, settings: tuple[Any, ...], mode: str | None, position: int | None) -> io.TextIOWrapper:
    """Put text over a buffer."""
    made = io.TextIOWrapper(buffer, *settings)
    if position is not None and not (mode or "").startswith("a"):
        made.seek(position)
    elif position is not None and made.readable():
        with contextlib.suppress(OSError):
            made.seek(position)
    if mode is not None:
        made.mode = mode  # type: ignore[misc]
    return made


def closed_raw(name: Any, mode: str) -> io.FileIO:
    """Make a raw file that is closed."""
    made = io.FileIO(os.devnull, mode, opener=_opener)
    made.close()
    made.name = name
    return made


def closed_buffered(cls: Any, name: Any, mode: str) -> Any:
    """Make a buffer over a file that is closed."""
    inner = io.FileIO(os.devnull, mode, opener=_opener)
    inner.name = name
    made = cls(inner)
    made.close()
    return made


def closed_text(name: Any, mode: str | None, encoding: str, errors: str) -> io.TextIOWrapper:
    """Make a text file that is closed."""
    inner = io.FileIO(os.devnull, "rb")
    inner.name = name
    made = io.TextIOWrapper(io.BufferedReader(inner), encoding, errors)
    if mode is not None:
        made.mode = mode  # type: ignore[misc]
    made.close()
    return made
