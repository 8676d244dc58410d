"""Stores: where the bytes of a repository stand, as keys and values.

Invariant: whoever uses a store knows only the contract in ``base``.
"""

from __future__ import annotations

import os

from jupyter_session_save.errors import StoreError

from .base import Store
from .local import LocalStore
from .memory import MemoryStore

__all__ = ["LocalStore", "MemoryStore", "Store", "open_store"]


def open_store(where: str | os.PathLike[str], *, create: bool = True) -> Store:
    """Return the store at an address.

    Parameters
    ----------
    where : str or path
        A directory, ``file:`` and a directory, or ``memory:`` for a new store in this process only.
    create : bool
        Make the directory if there is none.

    Raises
    ------
    StoreError
        If the address is of an unknown kind, is not there (with ``create=False``) or may not be used.
    FormatError
        If there is a file instead of a directory.
    """
    address = os.fspath(where)
    scheme, colon, rest = address.partition(":")
    if address == "memory:":
        return MemoryStore()
    if address.startswith("file:"):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        return LocalStore(url2pathname(urlsplit(address).path), create=create)
    if colon and len(scheme) > 1 and rest.startswith("//"):
        raise StoreError(f"{address}: there is no store of the kind {scheme!r}: give a directory")
    return LocalStore(address, create=create)
