"""Writing one snapshot: large buffers as blobs, small parts into packs, the record last.

Invariant: until ``commit`` has written everything and put the record, no snapshot shows; what stops a writer
earlier leaves only blobs and packs that nothing refers to, for ``Repository.collect`` to remove.
"""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain, compress
from operator import not_
from types import TracebackType
from typing import Self

from . import bystanders, patches
from .digests import Tick, digest_of, key_of
from .display import human_bytes
from .errors import MORE_ROOM, DamagedError, KeyExistsError, StoreError
from .held import Held, stands, unless_replaced
from .manifest import Rows, seal
from .names import snapshot_key
from .numbering import Numbering, line_of, retire
from .packing import FULL, Packing
from .pending import Pending, Told
from .sharing import Shared
from .snapshot import Part, Snapshot
from .store import Store

BLOB = 1 << 20
"""Parts of this many bytes and more become blobs of their own."""
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


@dataclass(slots=True)
class Memory:
    """What a repository remembers from one save to the next.

    Attributes
    ----------
    numbering : Numbering
    rows : Rows
    damaged : set of str
        Keys of blobs and packs that were seen damaged: what stands in them is written anew.
    """

    numbering: Numbering
    rows: Rows = field(default_factory=Rows)
    damaged: set[str] = field(default_factory=set)


class Writer:
    """One save under way; made by ``Repository.writer``.

    A context manager: leaving it without `commit` leaves no snapshot.

    Attributes
    ----------
    written : int
        Bytes that this save has added to the store so far, as stored.
    unsettled : list of str
        Keys that a commit left for ``Repository.settle`` to make durable.
    """

    def __init__(self, store: Store, memory: Memory, tick: Tick | None, *, durable: bool) -> None:
        self._store = store
        self._memory = memory
        self._tick = tick
        self._durable = durable
        self._made: dict[str, tuple[float, float]] = {}
        self._known: dict[str, Part] = {}
        self._parts: dict[str, Part] = {}
        self._packing = Packing()
        self._held = Held(store)
        self._shared = Shared()
        self._fresh: set[str] = set()
        self._unsure: set[str] = set()
        self._moved: dict[str, Part] = {}
        self._open = True
        self._pending = Pending(lambda: self._told(0))
        self.written, self.unsettled = 0, list[str]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._pending.abandon()
        self._tick = None  # It may hold the caller's values, and `Pending` holds this writer.
        self._packing.clear()
        if isinstance(error, OSError) and error.errno in _FULL:
            self._take_back()

    def know(self, snapshot: Snapshot) -> None:
        """Let parts of an earlier snapshot be used again where the digest is the same."""
        for part in snapshot.parts():
            with contextlib.suppress(DamagedError):
                key = key_of(part)
                self._known.setdefault(part.digest, part)
                if snapshot.cell is not None:
                    self._unsure.add(key)  # Nobody knows whether an autosave has been settled.

    def put(self, chunks: Sequence[bytes | memoryview], *, to_map: bool = False) -> Part:
        """Store bytes, unless they are stored already.

        Parameters
        ----------
        chunks : sequence of bytes or memoryview
            Contiguous buffers that make up one part; never copied if they are large, and read until `commit`.
        to_map : bool
            Whether these are the bytes of an array or the like, which a load maps if they are stored as they are.

        Returns
        -------
        Part
            For a component of the snapshot to commit. Small ones have ``pack == ""`` until `commit` replaces
            them, since the name of a pack is the digest of all that is in it.
        """
        self._check_open()
        views = [memoryview(chunk).cast("B") for chunk in chunks if memoryview(chunk).nbytes]
        size = sum(view.nbytes for view in views)
        if size < BLOB:
            views = [memoryview(b"".join(views))]  # Nobody changes it between here and the pack.
        digest = digest_of(views, self._tick)
        if digest not in self._parts:
            known = self._known.get(digest)
            if known is not None and known.size == size and self._is_whole(known):
                self._parts[digest] = known
            elif size < BLOB:
                self._parts[digest] = self._packing.add(digest, size, views, to_map=to_map)
                if self._packing.size >= FULL:
                    self._flush()
            else:
                self._put_blob(digest, size, views)
        return self._parts[digest]

    def take_up(self, part: Part, *, durable: bool) -> bool:
        """Whether a part is still stored in full; if so, it can be used again as it is.

        Parameters
        ----------
        part : Part
            As a commit returned it.
        durable : bool
            Whether that commit was.
        """
        self._check_open()
        whole = all(self._is_whole(piece) for piece in part.pieces())
        if whole and not durable:
            self._unsure.update(map(key_of, part.pieces()))
        return whole

    def beside(self, work: Callable[[Callable[[], None]], None]) -> None:
        """Let a thread read what was put, until `commit` at the latest; it calls what it is given now and then."""
        self._pending.submit(partial(work, self._pending.go_on), 0)

    def put_patched(
        self, base: Part, size: int, chunks: Sequence[tuple[int, memoryview]], *, whole: memoryview | None = None
    ) -> Part:
        """Store what differs from a blob that is stored already.

        Parameters
        ----------
        base : Part
            A blob, perhaps patched before; its patches stay where `chunks` has no others.
        size : int
            Bytes of the whole: those of `base`.
        chunks : sequence of (int, memoryview)
            Offsets that are multiples of `patches.CHUNK`, and that many bytes each (the last chunk may be shorter).
        whole : memoryview, optional
            All bytes. They are stored as a blob of their own where patches would make up too much, or where the base
            was seen damaged.

        Returns
        -------
        Part
            As `put` returns it.
        """
        views = [(offset, memoryview(chunk).cast("B")) for offset, chunk in chunks]
        if base.pack is not None or base.size != size:
            raise ValueError(f"only a blob of {size} bytes can be patched: put the whole")
        patches.check_grid(size, ((offset, view.nbytes) for offset, view in views))
        if whole is not None:
            worth_it = patches.is_worth_it(base, (offset for offset, _ in views))
            if not worth_it or key_of(base) in self._memory.damaged:
                return self.put([whole], to_map=True)
        return patches.patched(base, {offset: self.put([view]) for offset, view in views})

    def commit(
        self, snapshot: Snapshot, *, sign: Callable[[bytes], str], parent_record: Snapshot | None = None
    ) -> Snapshot:
        """Write what is left and take the next version of the session.

        Parameters
        ----------
        snapshot : Snapshot
            Its components hold what `put` returned; its version and line are ignored.
        sign : callable
            Given ``manifest.signed_bytes``, returns the signature.
        parent_record : Snapshot, optional
            An earlier snapshot as it stands in the store. The components that are its very objects are not looked
            for: while that record is there nothing removes them.

        Returns
        -------
        Snapshot
            As stored: with its version, its signature and the final places of its parts.

        Raises
        ------
        StoreError
            If the store refuses, or if something was removed meanwhile. No snapshot is left then.
        """
        self._check_open()
        numbering = self._memory.numbering
        if parent_record is None:
            numbering.forget(snapshot.name)
        self._flush()
        self._pending.wait()
        self._fresh.difference_update(key_of(self._parts[digest]) for digest in self._moved)
        self._fresh.update(map(key_of, self._moved.values()))
        self._parts |= self._moved
        carried = set[int]()
        if parent_record is not None and self._durable and parent_record.cell is not None:
            self.know(parent_record)
        elif parent_record is not None:
            carried = set(map(id, chain(parent_record.components, parent_record.state)))
        every = (*snapshot.components, *snapshot.state)
        fresh = list(compress(every, map(not_, map(carried.__contains__, map(id, every)))))
        placed = {id(c): patches.settled(c, self._parts) for c in fresh}
        snapshot = replace(
            snapshot,
            components=tuple(map(placed.get, map(id, snapshot.components), snapshot.components)),
            state=tuple(placed.get(id(c), c) for c in snapshot.state),
            line=line_of(self._store, snapshot, parent_record),
        )
        self._hold(Snapshot(snapshot.name, components=tuple(placed.values())))
        # Not before: another may store that number meanwhile, and somebody remove it once later ones stand.
        # Greater than the parent's, even if that was the newest and has just been removed.
        sequence = max(numbering.next(snapshot.name), (snapshot.parent or 0) + 1)
        while True:
            final, record = seal(replace(snapshot, sequence=sequence), sign, self._memory.rows)
            key = snapshot_key(final.name, sequence)
            try:
                self._store.put(key, [record], durable=self._durable)
            except KeyExistsError:  # another kernel saves the same name: both keep their snapshot
                numbering.forget(snapshot.name)
                sequence = max(sequence + 1, numbering.next(snapshot.name))
                continue
            except StoreError:
                self._withdraw(key, record)
                raise
            break
        if parent_record is not None and not stands(self._store, parent_record):
            # It went after the record was put or before; only in the second case may parts have gone with it.
            try:
                if unless_replaced(self._store, parent_record) is None:
                    raise self._held.removed(parent_record.reference)
                self._hold(final)
            except StoreError:
                # Who has seen it may have taken away the number of one before.
                retire(self._store, final.name, sequence)
                self._store.delete(key)
                raise
        numbering.took(snapshot.name, sequence)
        self.written += len(record)
        if not self._durable:
            self.unsettled = [*sorted(self._fresh), key]
        self._open = False
        return final

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError("this save is over: start another with Repository.writer()")

    def _withdraw(self, key: str, record: bytes) -> None:
        """Remove a record that was put but could not be made durable."""
        try:
            if self._store.get(key) == record:
                self._store.delete(key)
        except KeyError:
            pass
        except StoreError:
            self._made.clear()  # It may be there, and needs what was written for it.

    def _is_whole(self, part: Part) -> bool:
        """Whether what is stored can be used instead of writing it."""
        return key_of(part) not in self._memory.damaged and self._held.has(part)

    def _make(self, key: str, chunks: Sequence[bytes | memoryview], *, flushed: bool = False) -> None:
        began = time.time()
        # One of another length is damaged, and nobody can want it back.
        self._store.put(key, chunks, durable=False, overwrite=True, flushed=flushed)
        self._memory.damaged.discard(key)
        self._made[key] = began, time.time()

    @cached_property
    def _free(self) -> int | None:
        return self._store.free()

    def _check_room(self, size: int) -> None:
        if self._free is not None and self.written + size > self._free:
            error = StoreError(
                f"{self._store.url} has {human_bytes(self._free)} free and this save needs at least "
                f"{human_bytes(self.written + size)}: {MORE_ROOM}"
            )
            error.errno = errno.ENOSPC
            raise error

    def _take_back(self) -> None:
        """Remove what this save has written, except what another save has taken up since."""
        for key, (began, ended) in self._made.items():
            with contextlib.suppress(KeyError, StoreError):
                # What is younger was touched by a save that uses it; clocks of file systems are a little behind.
                if began - 0.05 <= time.time() - self._store.age(key) <= ended + 1e-3:
                    self._store.delete(key)

    def _put_blob(self, digest: str, size: int, views: list[memoryview]) -> None:
        part = Part(digest, size)
        key = key_of(part)
        if not self._is_whole(part):
            self._check_room(size)
            self._pending.submit(partial(self._write_blob, part, views), size)
            self._held.took(key, size)
            self.written += size
        # Also if it was there: who wrote it may have been killed before it was durable.
        self._fresh.add(key)
        self._parts[digest] = part

    def _write_blob(self, part: Part, views: list[memoryview]) -> None:
        """Write a blob and begin to make it durable; runs in a thread."""
        key = key_of(part)
        self._make(key, Told(views, self._pending.go_on), flushed=self._durable)
        moved = bystanders.as_written(self._store, part, shared=any(map(self._shared.holds, views)))
        if moved != part:
            self._make(key_of(moved), [self._store.map(key)])
            self._store.delete(key)
            self._moved[part.digest], key = moved, key_of(moved)
        self._pending.go_on()
        if self._durable:
            self._store.flush(key)
        for view in views:
            view.release()

    def _told(self, size: int) -> None:
        if self._tick is not None:
            self._tick(size)

    def _flush(self) -> None:
        """Write the pack, and give its parts their final place."""
        chunks, placed = self._packing.close()
        if not placed:
            return
        key, size = key_of(placed[0]), placed[-1].offset + placed[-1].stored
        if not self._is_whole(replace(placed[-1], offset=size, stored=0)):
            self._check_room(size)
            self._make(key, chunks)
            self._held.took(key, size)
            self.written += size
        self._fresh.add(key)
        self._parts.update((part.digest, part) for part in placed)

    def _hold(self, snapshot: Snapshot) -> None:
        """Make sure that all that the snapshot refers to is there and stays there, and is durable if it should be."""
        fresh, unsure = (self._fresh, self._unsure) if self._durable else (set[str](), set[str]())
        self._held.hold(list(snapshot.parts()), fresh=fresh, unsure=unsure)
