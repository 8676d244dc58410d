"""Whether what stands at an address is a store of sessions, and one that this version can read.

Invariant: what holds anything else is never written to.
"""

from __future__ import annotations

import errno
import json

from .errors import FormatError, StoreError, gone, said
from .snapshot import FORMAT
from .store import Store

_KIND = "jupyter_session_save"
_MARK = "format.json"
_OURS = ("blobs/", "packs/", "sessions/")


def check_mark(store: Store, *, create: bool) -> None:
    """Make sure that a store is one of sessions.

    Parameters
    ----------
    store : Store
    create : bool
        Mark it as one if there is nothing at all.

    Raises
    ------
    FormatError
        If it is none, or of a later format.
    StoreError
        If the store refuses.
    """
    data = _mark_of(store)
    if data is None and not store.is_empty():
        data = _mark_of(store)  # another process may just have made it
        if data is None:
            raise FormatError(
                f"{store.url} is not a session store: it holds other files and no {_MARK}; give another directory"
            )
    if data is None:
        if create:
            _put_mark(store)
        return
    try:
        raw = json.loads(data)
        kind, version = raw["kind"], raw["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        kind, version = None, None
    if kind != _KIND or not isinstance(version, int) or version < 1:
        raise FormatError(f"{store.url} is not a session store: its {_MARK} is of another kind; give another directory")
    if version > FORMAT:
        raise FormatError(
            f"{store.url} has format {version}; this version reads up to {FORMAT}: upgrade jupyter_session_save"
        )


def keep_mark(store: Store) -> None:
    """Make sure that what was a store of sessions still is: mark it again if somebody has emptied it.

    Raises
    ------
    FormatError
        If something else is there now.
    StoreError
        If the store refuses, or has gone.
    """
    if not store.exists(_MARK):
        # Others who had it open may have gone on writing meanwhile.
        if not all(key.startswith(_OURS) for key in store.list()):
            check_mark(store, create=False)
        try:
            _put_mark(store)
        except StoreError as error:
            raise gone(store.url) if error.errno == errno.ENOENT else error from error


def refusal(store: Store) -> str:
    """Say why the next save to what was a store when it was opened would fail, ``""`` if nothing is known of it."""
    try:
        store.is_empty()
    except StoreError as error:
        return said(gone(store.url) if error.errno == errno.ENOENT else error)
    return ""


def _put_mark(store: Store) -> None:
    # Not create-only: every writer of this format writes these bytes.
    mark = json.dumps({"format": FORMAT, "kind": _KIND}, sort_keys=True).encode() + b"\n"
    store.put(_MARK, [mark], durable=True, overwrite=True)


def _mark_of(store: Store) -> bytes | None:
    try:
        return store.get(_MARK)
    except KeyError:
        return None
