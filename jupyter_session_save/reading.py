"""Reading parts back from blobs and packs.

Invariant: bytes that are handed out have the length that was written, and were compared with their digest
unless the caller asked for a bare mapping. What is read (and may be unpickled) was compared in memory of its own, so
whatever becomes of the file, the bytes that were compared are those that are used.
"""

from __future__ import annotations

import contextlib
import mmap
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator

from .compression import expand
from .digests import digest_of, key_of
from .display import listing
from .errors import DamagedError, FormatError, StoreError
from .packing import is_mappable
from .patches import digest_of_list
from .snapshot import Part
from .store import Store

_OPEN_PACKS = 8
_STEP = 2 << 20
"""Bytes that a check holds in memory; a multiple of every page size."""
_KEPT = 64 << 20
"""Bytes of packs that are kept in memory while a load uses them."""
_NEARLY_ALL = 0.7
_HINT = "run `jupyter session check`"


class Reader:
    """Reads parts, and keeps the last packs mapped, since the parts of a save stand in few of them.

    Parameters
    ----------
    store : Store
    damaged : set of str
        Takes the keys of blobs and packs that are found damaged.
    """

    def __init__(self, store: Store, damaged: set[str]) -> None:
        self._store = store
        self._damaged = damaged
        self._packs: dict[str, memoryview] = {}
        self._lent: dict[str, tuple[memoryview, set[int]]] = {}
        self._whole: dict[str | None, memoryview] = {}
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def whole_packs(self, parts: Iterable[Part]) -> Iterator[None]:
        """Keep the packs in memory of which nearly all will be read, each compared as a whole with its name.

        To compare thousands of small parts one by one takes longer than all that their bytes are used for. A pack
        that differs from its name is left out, so that each part tells by itself whether it is damaged.
        """
        wanted: dict[str, int] = defaultdict(int)
        for part in parts:
            if part.pack is not None and not is_mappable(part):
                wanted[part.pack] += part.stored
        try:
            for pack, size in wanted.items():
                room = _KEPT - sum(kept.nbytes for kept in self._whole.values())
                with contextlib.suppress(DamagedError, StoreError, KeyError):
                    key = key_of(Part(pack, 0, pack))
                    mapped = self._open_pack(key)
                    if size >= _NEARLY_ALL * mapped.nbytes and mapped.nbytes <= room:
                        # A copy, so that what was compared is what is used, whatever becomes of the file; read, since
                        # copying from the mapping would leave that in memory, too.
                        kept = self._store.read(key, 0, mapped.nbytes)
                        if digest_of([kept]) == pack:
                            self._whole[pack] = memoryview(kept)
            yield
        finally:
            self._whole.clear()

    def read(self, part: Part) -> memoryview:
        """Return a part's bytes, compared with their digest, as a read-only view."""
        whole = self._whole.get(part.pack)
        if whole is not None and part.codec == "raw":
            plain = whole[part.offset : part.offset + part.size]
            if plain.nbytes == part.size == part.stored:
                return plain
        if part.base is not None:
            return self._patched(part, verify=True).toreadonly()
        plain = self._plain(part)
        if isinstance(plain.obj, mmap.mmap):
            plain = self._read_beside(part) if part.pack is None else memoryview(bytes(plain))
        return self._verified(part, plain).toreadonly()

    def map(self, part: Part, *, verify: bool) -> memoryview:
        """Return bytes that are the caller's own: mapped copy-on-write, or a compared copy of what cannot be mapped.

        Patches are compared and copied into the mapping: only the pages that they cover take memory.
        """
        if part.base is not None:
            return self._patched(part, verify=verify)
        if not is_mappable(part):
            return self._verified(part, memoryview(bytearray(self._plain(part))))
        if part.pack is None:
            blob = self._plain(part)
            return self._verified(part, blob, once=True) if verify else blob
        if verify and part.pack not in self._whole:
            self._verified(part, self._stored(part))
        return self._lend(part)

    def damage(self, part: Part, *, data: bool) -> str:
        """Say what is wrong with a part, if anything; without `data` only presence and length count."""
        try:
            self._check_name(part)
            for piece in part.pieces():
                if data and piece.pack is None:
                    self._verified(piece, self._plain(piece), once=True)
                elif data and is_mappable(piece):
                    self._verified(piece, self._read_beside(piece))
                elif data:
                    self.read(piece)
                else:
                    self._stored(piece)
        except (DamagedError, FormatError, StoreError) as error:
            return str(error).removesuffix(f": {_HINT}").removesuffix(f"; {_HINT}")
        return ""

    def forget(self) -> None:
        """Open packs anew from here on."""
        with self._lock:
            self._packs.clear()
            self._lent.clear()

    def _patched(self, part: Part, *, verify: bool) -> memoryview:
        self._check_name(part)
        blob, *_ = part.pieces()
        view = self.map(blob, verify=verify)
        for offset, patch in part.patches:
            view[offset : offset + patch.size] = self.read(patch)
        return view

    def _check_name(self, part: Part) -> None:
        if part.base is not None and digest_of_list(part.base, part.size, part.patches) != part.digest:
            raise DamagedError(f"the patches of {key_of(part)} in {self._store.url} are not those written: {_HINT}")

    def _stored(self, part: Part) -> memoryview:
        """Return a part's bytes as they are stored, with their length checked, for blobs as a private mapping."""
        key = key_of(part)
        if part.pack is None:
            return self._of_length(key, self._map(key), part.size)
        return self._cut(part, self._whole.get(part.pack) or self._open_pack(key))

    def _cut(self, part: Part, whole: memoryview) -> memoryview:
        return self._of_length(key_of(part), whole[part.offset : part.offset + part.stored], part.stored)

    def _of_length(self, key: str, plain: memoryview, length: int) -> memoryview:
        if plain.nbytes != length:
            self._saw_damage(key)
            raise DamagedError(f"{key} in {self._store.url} is not of the length that was written: {_HINT}")
        return plain

    def _map(self, key: str) -> memoryview:
        try:
            return self._store.map(key)
        except KeyError:
            raise self._missing(key) from None

    def _missing(self, key: str) -> DamagedError:
        self._saw_damage(key)
        return DamagedError(f"{key} is missing from {self._store.url}: {_HINT}")

    def _plain(self, part: Part) -> memoryview:
        """Return a part's bytes with their length checked."""
        plain = self._stored(part)
        if part.pack is None or (part.codec == "raw" and plain.nbytes == part.size):
            return plain
        try:
            return memoryview(expand(plain, part.codec, part.size))
        except (DamagedError, FormatError) as error:
            key = key_of(part)
            if isinstance(error, DamagedError):
                self._saw_damage(key)
            raise type(error)(f"{key} in {self._store.url} cannot be read: {error}; {_HINT}") from error

    def _read_beside(self, part: Part) -> memoryview:
        """Return a part as it is stored, read into memory of its own: no page of a mapping becomes resident."""
        stored = self._stored(part)
        key = key_of(part)
        try:
            # Of the length that was checked, unless the file was exchanged since.
            return memoryview(self._store.read(key, part.offset, stored.nbytes))
        except KeyError:
            raise self._missing(key) from None

    def _open_pack(self, key: str) -> memoryview:
        with self._lock:
            whole = self._packs.pop(key, None)
            if whole is None:
                whole = self._map(key)
                while len(self._packs) >= _OPEN_PACKS:
                    del self._packs[next(iter(self._packs))]
            self._packs[key] = whole  # the last used stands last
            return whole

    def _lend(self, part: Part) -> memoryview:
        """Return a part of a pack, in a mapping of which nobody else has got the same bytes."""
        self._stored(part)
        key = key_of(part)
        with self._lock:
            whole, taken = self._lent.pop(key, (memoryview(b""), set[int]()))
            if not whole.nbytes or part.offset in taken:
                whole, taken = self._map(key), set()
            while len(self._lent) >= _OPEN_PACKS:
                del self._lent[next(iter(self._lent))]
            taken.add(part.offset)
            self._lent[key] = whole, taken
        return self._cut(part, whole)

    def _saw_damage(self, key: str) -> None:
        self._damaged.add(key)
        self.forget()  # so that a repaired file is seen

    def _verified(self, part: Part, view: memoryview, *, once: bool = False) -> memoryview:
        if part.pack in self._whole:
            return view
        if (_digest_in_steps(view) if once else digest_of([view])) != part.digest:
            self._saw_damage(key_of(part))
            raise DamagedError(f"{key_of(part)} in {self._store.url} differs from what was written: {_HINT}")
        return view


def needed_by(damage: str, names: list[str]) -> str:
    """Say which variables need what is damaged, and what to do.

    Parameters
    ----------
    damage : str
        One line, as `Reader.damage` says it.
    names : list of str
        Such as ``"a of sales@7"``.
    """
    return (
        f"{damage}; needed by {listing(names, 10)}: all else still loads; "
        "save again from a kernel that has it whole, or `jupyter session delete` that snapshot"
    )


def _digest_in_steps(view: memoryview) -> str:
    """Return the digest of a whole mapping that nobody else uses, giving back each page once it was read."""
    done = 0

    def give_back(size: int) -> None:
        nonlocal done
        if isinstance(view.obj, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            view.obj.madvise(mmap.MADV_DONTNEED, done, size)
        done += size

    return digest_of([view[at : at + _STEP] for at in range(0, view.nbytes, _STEP)], give_back)
