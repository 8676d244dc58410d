"""Reading parts back from blobs and packs.

Invariant: bytes that are handed out have the length that was written, and were compared with their digest
unless the caller asked for a bare mapping.
"""

from __future__ import annotations

import threading

from .compression import expand
from .errors import DamagedError, FormatError, StoreError
from .snapshot import Part
from .store import Store
from .writing import digest_of, key_of

_OPEN_PACKS = 8
_HINT = "run `jupyter session check`"


class Reader:
    """Reads parts, and keeps the last packs mapped, since the parts of a save stand in few of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._packs: dict[str, memoryview] = {}
        self._lock = threading.Lock()

    def read(self, part: Part) -> memoryview:
        """Return a part's bytes, compared with their digest, as a read-only view."""
        return self._verified(part, self._plain(part)).toreadonly()

    def map(self, part: Part, *, verify: bool) -> memoryview:
        """Return a blob as a copy-on-write mapping, or a part of a pack as a compared copy."""
        view = self._plain(part)
        if part.pack is None:
            return self._verified(part, view) if verify else view
        return memoryview(bytearray(self._verified(part, view)))

    def damage(self, part: Part, *, data: bool) -> str:
        """Say what is wrong with a part, if anything; without `data` only presence and length count."""
        try:
            if data:
                self.read(part)
            else:
                self._stored(part)
        except (DamagedError, FormatError, StoreError) as error:
            return str(error).removesuffix(f": {_HINT}").removesuffix(f"; {_HINT}")
        return ""

    def forget(self) -> None:
        """Open packs anew from here on."""
        with self._lock:
            self._packs.clear()

    def _stored(self, part: Part) -> memoryview:
        """Return a part's bytes as they are stored, with their length checked, for blobs as a private mapping."""
        key = key_of(part)
        try:
            if part.pack is None:
                plain, length = self._store.map(key), part.size
            else:
                plain, length = self._open_pack(key)[part.offset : part.offset + part.stored], part.stored
        except KeyError:
            raise DamagedError(f"{key} is missing from {self._store.url}: {_HINT}") from None
        if plain.nbytes != length:
            raise DamagedError(f"{key} in {self._store.url} is not of the length that was written: {_HINT}")
        return plain

    def _plain(self, part: Part) -> memoryview:
        """Return a part's bytes with their length checked."""
        plain, key = self._stored(part), key_of(part)
        if part.pack is None:
            return plain
        try:
            return memoryview(expand(plain, part.codec, part.size))
        except (DamagedError, FormatError) as error:
            raise type(error)(f"{key} in {self._store.url} cannot be read: {error}; {_HINT}") from error

    def _open_pack(self, key: str) -> memoryview:
        with self._lock:
            whole = self._packs.pop(key, None)
            if whole is None:
                whole = self._store.map(key)
                while len(self._packs) >= _OPEN_PACKS:
                    del self._packs[next(iter(self._packs))]
            self._packs[key] = whole  # the last used stands last
            return whole

    def _verified(self, part: Part, view: memoryview) -> memoryview:
        if digest_of([view]) != part.digest:
            self.forget()  # so that a repaired file is seen
            raise DamagedError(f"{key_of(part)} in {self._store.url} differs from what was written: {_HINT}")
        return view
