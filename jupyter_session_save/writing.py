"""Writing one snapshot: large buffers as blobs, small parts into packs, the record last.

Invariant: until ``commit`` has made everything durable and put the record, no snapshot shows; what stops a
writer earlier leaves only blobs and packs that nothing refers to, for ``Repository.collect`` to remove.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

from blake3 import blake3

from .compression import shrink
from .errors import DamagedError, KeyExistsError, StoreError
from .manifest import Rows, seal
from .names import snapshot_key, stored_versions
from .pending import Pending
from .snapshot import Component, Part, Snapshot
from .store import Store

BLOB = 1 << 20
"""Parts of this many bytes and more become blobs of their own."""
_PACK = 16 << 20
"""A pack is written out when it holds this many bytes, which bounds the memory it takes."""
_SLICE = 64 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HOME = os.getpid()


Tick = Callable[[int], None]
"""Is told of bytes as they are taken in; may raise to interrupt."""


def digest_of(chunks: Iterable[bytes | memoryview], tick: Tick | None = None) -> str:
    """Return the BLAKE3 digest of buffers one after the other, as 64 hexadecimal digits."""
    views = [memoryview(chunk).cast("B") for chunk in chunks if memoryview(chunk).nbytes]
    # The thread pool does not live on in a forked child, where waiting for it would never end.
    wide = sum(view.nbytes for view in views) >= BLOB and os.getpid() == _HOME
    hasher = blake3(max_threads=blake3.AUTO if wide else 1)
    for view in views:
        for start in range(0, view.nbytes, _SLICE):  # so that Ctrl-C is answered
            piece = view[start : start + _SLICE]
            hasher.update(piece)
            if tick is not None:
                tick(piece.nbytes)
    return hasher.hexdigest()


def key_of(part: Part) -> str:
    """Return the key of the blob or pack that holds a part; DamagedError if the part names none."""
    kind, digest = ("blobs", part.digest) if part.pack is None else ("packs", part.pack)
    if not _DIGEST.fullmatch(digest):
        raise DamagedError(f"{digest[:80]!r} is not a digest: the snapshot is damaged; run `jupyter session check`")
    return f"{kind}/{digest[:2]}/{digest}"


class Writer:
    """One save under way; made by ``Repository.writer``.

    A context manager: leaving it without `commit` leaves no snapshot.

    Attributes
    ----------
    written : int
        Bytes that this save has added to the store so far, as stored.
    """

    def __init__(self, store: Store, tick: Tick | None = None) -> None:
        self._rows = Rows()
        self._store = store
        self._tick = tick
        self._known: dict[str, Part] = {}
        self._parts: dict[str, Part] = {}
        self._pack: list[bytes | memoryview] = []
        self._packed: list[Part] = []
        self._pack_size = 0
        self._sound: dict[str, int] = {}
        self._fresh: set[str] = set()
        self._open = True
        self._pending = Pending(lambda: self._told(0))
        self.written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._pending.abandon()
        self._tick = None  # It may hold the caller's values, and `Pending` holds this writer.
        self._pack.clear()
        self._packed.clear()

    def know(self, snapshot: Snapshot) -> None:
        """Let parts of an earlier snapshot be used again where the digest is the same."""
        for part in snapshot.parts():
            with contextlib.suppress(DamagedError):
                key_of(part)
                self._known.setdefault(part.digest, part)

    def put(self, chunks: Sequence[bytes | memoryview]) -> Part:
        """Store bytes, unless they are stored already.

        Parameters
        ----------
        chunks : sequence of bytes or memoryview
            Contiguous buffers that make up one part; never copied if they are large, and read until `commit`.

        Returns
        -------
        Part
            For a component of the snapshot to commit. Small ones have ``pack == ""`` until `commit` replaces
            them, since the name of a pack is the digest of all that is in it.
        """
        self._check_open()
        views = [memoryview(chunk).cast("B") for chunk in chunks if memoryview(chunk).nbytes]
        size = sum(view.nbytes for view in views)
        digest = digest_of(views, self._tick)
        if digest not in self._parts:
            known = self._known.get(digest)
            if known is not None and known.size == size and self._reuse(known):
                self._parts[digest] = known
            elif size < BLOB:
                self._put_small(digest, size, views)
            else:
                self._put_blob(digest, size, views)
        return self._parts[digest]

    def commit(self, snapshot: Snapshot, *, sign: Callable[[bytes], str]) -> Snapshot:
        """Make everything durable and then take the next version of the session.

        Parameters
        ----------
        snapshot : Snapshot
            Its components hold what `put` returned; its version is ignored.
        sign : callable
            Given ``manifest.signed_bytes``, returns the signature.

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
        versions = stored_versions(self._store, snapshot.name)
        self._flush()
        self._pending.wait()
        components, state = (tuple(map(self._settle, rows)) for rows in (snapshot.components, snapshot.state))
        snapshot = replace(snapshot, components=components, state=state)
        self._hold(snapshot)
        sequence = max(versions, default=0) + 1
        while True:
            final = replace(snapshot, sequence=sequence)
            final, record = seal(final, sign, self._rows)
            try:
                self._store.put(snapshot_key(final.name, sequence), [record], durable=True)
            except KeyExistsError:  # another kernel saves the same name: both keep their snapshot
                sequence = max(sequence, *stored_versions(self._store, snapshot.name)) + 1
                continue
            self.written += len(record)
            self._open = False
            return final

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError("this save is over: start another with Repository.writer()")

    def _reuse(self, part: Part) -> bool:
        """Whether a stored part is there in full; if so, a collection meanwhile leaves it."""
        key = key_of(part)
        if key not in self._sound:
            try:
                # Touch before looking: a collection looks at the age last of all before it deletes.
                self._store.touch(key)
                self._sound[key] = self._store.size(key)
            except KeyError:
                return False
        size = self._sound[key]
        return size == part.size if part.pack is None else size >= part.offset + part.stored

    def _put_blob(self, digest: str, size: int, views: list[memoryview]) -> None:
        part = Part(digest, size)
        key = key_of(part)
        if not self._reuse(part):
            self._pending.submit(partial(self._write_blob, key, views), size)
            self._sound[key] = size
            self.written += size
        # Also if it was there: who wrote it may have been killed before it was durable.
        self._fresh.add(key)
        self._parts[digest] = part

    def _write_blob(self, key: str, views: list[memoryview]) -> None:
        """Write a blob and begin to make it durable; runs in a thread."""
        # One of another length is damaged, and nobody can want it back.
        self._store.put(key, _Told(views, self._pending.go_on), durable=False, overwrite=True)
        self._pending.go_on()
        self._store.flush(key)
        for view in views:
            view.release()

    def _told(self, size: int) -> None:
        if self._tick is not None:
            self._tick(size)

    def _put_small(self, digest: str, size: int, views: list[memoryview]) -> None:
        codec, stored = shrink(b"".join(views))
        part = Part(digest, size, "", self._pack_size, len(stored), codec)
        self._parts[digest] = part
        self._pack.append(stored)
        self._packed.append(part)
        self._pack_size += len(stored)
        if self._pack_size >= _PACK:
            self._flush()

    def _flush(self) -> None:
        """Write the pack, and give its parts their final place."""
        if not self._packed:
            return
        name = digest_of(self._pack)
        key = key_of(replace(self._packed[0], pack=name))
        placed = [replace(part, pack=name) for part in self._packed]
        if not self._reuse(replace(placed[-1], offset=self._pack_size, stored=0)):
            self._store.put(key, self._pack, durable=False, overwrite=True)
            self._sound[key] = self._pack_size
            self.written += self._pack_size
        self._fresh.add(key)
        self._parts.update((part.digest, part) for part in placed)
        self._pack, self._packed, self._pack_size = [], [], 0

    def _settle(self, component: Component) -> Component:
        stream, *buffers = (self._parts.get(p.digest, p) for p in (component.stream, *component.buffers))
        return replace(component, stream=stream, buffers=tuple(buffers))

    def _hold(self, snapshot: Snapshot) -> None:
        """Make sure that all that the snapshot refers to is there, stays there and is durable."""
        for part in snapshot.parts():
            if part.pack == "":
                raise ValueError(f"a part of {snapshot.name!r} was put by another writer: put it with this one")
            if not self._reuse(part):
                raise _removed(self._store, key_of(part))
        try:
            self._store.sync(sorted(self._fresh))
        except KeyError as error:
            raise _removed(self._store, error.args[0]) from None
        for key in sorted({key_of(part) for part in snapshot.parts()}):
            if not self._store.exists(key):
                raise _removed(self._store, key)


class _Told(list[memoryview]):
    """Buffers cut into slices, telling of each when it is about to be written."""

    def __init__(self, views: Iterable[memoryview], tell: Callable[[], None]) -> None:
        super().__init__(view[at : at + _SLICE] for view in views for at in range(0, view.nbytes, _SLICE))
        self._tell = tell

    def __iter__(self) -> Iterator[memoryview]:
        for view in super().__iter__():
            self._tell()
            yield view


def _removed(store: Store, key: str) -> StoreError:
    return StoreError(f"{key} was removed from {store.url} during the save: save again")
