"""Session names and the keys made of them.

Invariant: ``unquote(quote(name)) == name`` in Unicode's composed form; two names share a key only if they
are equal, also on disks that ignore case.
"""

from __future__ import annotations

import errno
import re
import unicodedata
from collections.abc import Iterator

from .errors import SessionNameError, StoreError
from .store import Store

_LONGEST = 200
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-.")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_VERSION = re.compile(r"@[0-9]+\Z")
_BYTE = re.compile(rb"%([0-9A-F]{2})")
_RECORD = re.compile(r"([1-9][0-9]{0,17})\.json")
_OURS = re.compile(r"[1-9][0-9]{0,17}\.(?:json|gone)")
_KEY = re.compile(f"sessions/([^/]+)/{_RECORD.pattern}")

LAST = 10**18 - 1
"""The greatest version that a snapshot can have."""


def quote(name: str) -> str:
    """Return the directory of a session.

    Parameters
    ----------
    name : str
        Any text but control characters; capitals, spaces, slashes and the like are percent-encoded.

    Raises
    ------
    SessionNameError
        If it is empty, holds control characters, ends like a version (``@7``) or is too long for a file name.
    """
    if not name.strip():
        raise SessionNameError("a session's name is empty: give one")
    bad = next((c for c in name if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), None)
    if bad is not None:
        raise SessionNameError(f"{name!r} cannot name a session: leave out the control character {bad!r}")
    if _VERSION.search(name):
        raise SessionNameError(f"{name!r} cannot name a session: @ and digits at its end mean a version: give another")
    name = unicodedata.normalize("NFC", name)
    quoted = "".join(c if c in _PLAIN else _encode(c) for c in name)
    # Hidden files count as junk; Windows drops a last dot and takes some names for devices.
    if quoted[0] == "." or _RESERVED.fullmatch(quoted):
        quoted = _encode(quoted[0]) + quoted[1:]
    if quoted[-1] == ".":
        quoted = quoted[:-1] + _encode(".")
    if len(quoted) > _LONGEST:
        shown = name if len(name) <= 40 else name[:37] + "..."
        raise SessionNameError(
            f"{shown!r} cannot name a session: as a file name it takes {len(quoted)} bytes "
            f"and {_LONGEST} are allowed; give a shorter one"
        )
    return quoted


def unquote(quoted: str) -> str | None:
    """Return the name that a directory stands for, or None if `quote` makes no such directory."""
    try:
        name = _BYTE.sub(lambda m: bytes([int(m[1], 16)]), quoted.encode("ascii")).decode()
        return name if quote(name) == quoted else None
    except (UnicodeError, SessionNameError):
        return None


def session_prefix(name: str) -> str:
    """Return what the keys of a session begin with."""
    return f"sessions/{quote(name)}/"


def snapshot_key(name: str, sequence: int) -> str:
    """Return the key of a snapshot.

    Raises
    ------
    SessionNameError
        As `quote`, or if no version can be so great.
    """
    if sequence > LAST:
        raise SessionNameError(f"no version follows {name}@{LAST}: delete that one or save under another name")
    return f"{session_prefix(name)}{sequence}.json"


def parse_snapshot_key(key: str) -> tuple[str, int] | None:
    """Return name and version of a snapshot's key, or None if it is no such key."""
    match = _KEY.fullmatch(key)
    name = unquote(match[1]) if match else None
    return (name, int(match[2])) if match and name is not None else None


def stored_names(store: Store) -> list[str]:
    """Return the sessions for which there is a directory, or something else in its place, sorted."""
    return sorted(name for name in map(unquote, store.children("sessions/")) if name is not None)


def stored_versions(store: Store, name: str) -> list[int]:
    """Return the versions stored under a name, oldest first, whether they can be read or not."""
    found = map(_RECORD.fullmatch, store.children(session_prefix(name)))
    return sorted(int(match[1]) for match in filter(None, found))


def strays(store: Store) -> Iterator[str]:
    """Yield what stands among sessions and is neither one nor part of one, as keys."""
    for quoted in store.children("sessions/"):
        if unquote(quoted) is None:
            yield f"sessions/{quoted}"
            continue
        try:
            yield from (
                f"sessions/{quoted}/{last}"
                for last in store.children(f"sessions/{quoted}/")
                if not _OURS.fullmatch(last)
            )
        except StoreError as error:
            if error.errno == errno.ENOTDIR:  # all else is damage
                yield f"sessions/{quoted}"


def _encode(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())
