"""Blobs, packs and snapshots on a store: open, resolve, read, list, delete, collect, check.

Invariant: nothing is removed that a snapshot refers to; one that cannot be read never counts as missing.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from shlex import quote as quoted

from . import collection, manifest, retention
from .collection import Pruned, Pruning
from .display import listing
from .errors import DamagedError, FormatError, SessionError, SessionNotFoundError, StoreError
from .marking import check_mark, keep_mark
from .names import parse_snapshot_key, quote, snapshot_key, stored_names, stored_versions
from .numbering import Numbering, retire
from .outlines import Outlines
from .reading import Reader, needed_by
from .snapshot import Part, Snapshot
from .store import Store, open_store
from .writing import Memory, Writer


class Repository:
    """Sessions on a store.

    Parameters
    ----------
    store : Store
        Taken as it is; `open` is what checks that it holds sessions.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._memory = Memory(Numbering(store))
        self._reader = Reader(store, self._memory.damaged)
        self._outlines = Outlines(self._record, self._parsed)
        self._is_marked = False

    @classmethod
    def open(cls, where: str | os.PathLike[str], *, create: bool = True) -> Repository:
        """Open the repository at an address.

        Parameters
        ----------
        where : str or path
            As for ``open_store``.
        create : bool
            Make one if there is nothing at all; a directory that holds something else is left alone.

        Raises
        ------
        FormatError
            If what is there is not a session store, or of a later format.
        StoreError
            If it is missing (with ``create=False``) or the store refuses.
        """
        store = open_store(where, create=create)
        check_mark(store, create=create)
        opened = cls(store)
        opened._is_marked = True
        return opened

    def writer(self, tick: Callable[[int], None] | None = None, *, durable: bool = True) -> Writer:
        """Start a save; a context manager.

        Parameters
        ----------
        tick : callable, optional
            ``tick(bytes)`` is called while large parts are hashed and written.
        durable : bool
            Commit only what would survive a loss of power. Otherwise a commit survives the kill of this process,
            and `settle` does the rest.
        """
        if self._is_marked:
            keep_mark(self.store)
        return Writer(self.store, self._memory, tick, durable=durable)

    def settle(self, keys: Sequence[str]) -> None:
        """Make a commit survive a loss of power; may run in a thread.

        Parameters
        ----------
        keys : sequence of str
            ``Writer.unsettled``. What was removed meanwhile is left out.
        """
        for record in (False, True):  # a record must not outlive what it refers to
            with contextlib.suppress(KeyError):
                there = [k for k in keys if (parse_snapshot_key(k) is not None) == record and self.store.exists(k)]
                self.store.sync(there)

    def read(self, part: Part) -> memoryview:
        """Return a part's bytes, compared with their digest, as a read-only view.

        Raises
        ------
        DamagedError
            If they are missing, cut short or altered; it names the file.
        """
        return self._reader.read(part)

    def map(self, part: Part, *, verify: bool) -> memoryview:
        """Return a part's bytes, writable and private to the caller.

        Parameters
        ----------
        part : Part
        verify : bool
            Compare with the digest, which reads all of it. What cannot be mapped is always compared.

        Returns
        -------
        memoryview
            A copy-on-write mapping, or a copy of what is compressed or short.

        Raises
        ------
        DamagedError
            If the bytes are missing, of another length, or (if compared) altered.
        """
        return self._reader.map(part, verify=verify)

    def whole_packs(self, parts: Iterable[Part]) -> AbstractContextManager[None]:
        """Keep the packs in memory of which nearly all will be read, each compared as a whole with its name.

        Parameters
        ----------
        parts : iterable of Part
            What will be read.
        """
        return self._reader.whole_packs(parts)

    def names(self) -> list[str]:
        """Return the names of all sessions, sorted, whether they can be read or not."""
        return [name for name in stored_names(self.store) if self._has_some(name)]

    def versions(self, name: str) -> list[int]:
        """Return the versions stored under a name, oldest first, whether they can be read or not."""
        return stored_versions(self.store, name)

    def snapshots(self, name: str) -> list[Snapshot]:
        """Return the snapshots of a session that can be read, newest first."""
        return list(self._readable(name))

    def readings(self, name: str) -> Iterator[Snapshot | SessionError]:
        """Yield for each version of a session, newest first, its snapshot, or why that cannot be read."""
        return self._readings(name, self._snapshot)

    def newest(self, name: str) -> Snapshot | None:
        """Return the newest snapshot of a session that can be read, without reading the others."""
        return next(self._readable(name), None)

    def damage(self, part: Part, *, data: bool = False) -> str:
        """Say in one line what is wrong with a part, ``""`` if nothing is.

        Parameters
        ----------
        part : Part
        data : bool
            Compare all bytes with the digest; otherwise only presence and length.
        """
        return self._reader.damage(part, data=data)

    def resolve(self, name: str, version: int | None = None) -> Snapshot:
        """Return a snapshot.

        Parameters
        ----------
        name : str
        version : int, optional
            By default the newest.

        Raises
        ------
        SessionNotFoundError
            If there is none; it says what there is.
        DamagedError, FormatError, StoreError
            If it cannot be read; it names an earlier one that can, and never falls back by itself.
        """
        versions = self.versions(name)
        if not versions:
            names = self.names()
            there = f"it holds {listing(names, 10)}" if names else "nothing is saved there yet"
            raise SessionNotFoundError(f"no session {name!r} in {self.store.url}: {there}")
        if version is None:
            version = versions[-1]
        elif version not in versions:
            raise SessionNotFoundError(
                f"{name!r} has no version {version}: it has {listing([str(v) for v in reversed(versions)], 10)}"
            )
        try:
            return self._snapshot(name, version)
        except SessionNotFoundError:
            raise
        except (DamagedError, FormatError, StoreError) as error:
            sound = next((s for s in self._readable(name) if s.sequence < version), None)
            if sound is None:
                raise
            advised = type(error)(f"{error}; {sound.reference} can be read: load that")
            if isinstance(error, StoreError):
                advised.errno = error.errno  # type: ignore[union-attr]
            raise advised from error

    def delete(self, name: str, version: int | None = None) -> int:
        """Remove a snapshot, or a session with all of them; `collect` then frees the bytes.

        Returns
        -------
        int
            How many snapshots were removed.

        Raises
        ------
        SessionNotFoundError
            If there is no such snapshot.
        StoreError
            If something stands in place of one that cannot be removed; nothing is removed then.
        """
        versions = self.versions(name)
        if not versions or (version is not None and version not in versions):
            with contextlib.suppress(DamagedError):
                self.resolve(name, version)
        asked = versions if version is None else [version]
        collection.check_removable(self.store, name, asked)
        return self._remove(name, asked)

    def collect(self, *, grace: float = collection.GRACE) -> int:
        """Remove blobs and packs that no snapshot refers to, and what killed writers left.

        Parameters
        ----------
        grace : float
            Seconds for which anything new is left alone, since a save under way may be about to refer to it.

        Returns
        -------
        int
            Bytes freed.

        Raises
        ------
        DamagedError, FormatError, StoreError
            If a snapshot cannot be read: nothing is removed, because nobody knows what it refers to.
        """
        try:
            return collection.collect(self.store, self._outlines, grace=grace)
        finally:
            self._outlines.age()

    def prune(
        self,
        policy: retention.Policy,
        names: Sequence[str] = (),
        *,
        dry_run: bool = False,
        grace: float = collection.GRACE,
    ) -> Pruning:
        """Remove the autosaves that a policy does not keep, and then what no snapshot refers to any more.

        Safe to be killed at any moment, and safe for savers and for other prunes at the same time.

        Parameters
        ----------
        policy : Policy
        names : sequence of str
            Sessions to look at; by default all.
        dry_run : bool
            Only say what would be removed.
        grace : float
            As for `collect`.

        Returns
        -------
        Pruning

        Raises
        ------
        SessionNotFoundError
            If there is no session of a name; nothing is removed then.
        """
        for name in names:
            if not self.versions(name):
                self.resolve(name)
        found = []
        for name in dict.fromkeys(names) or self.names():
            try:
                snapshots = [r for r in self._readings(name, self._outlines) if isinstance(r, Snapshot)]
            except StoreError:
                if names:
                    raise
                continue  # `collect` says why it frees nothing
            kept = retention.keep(snapshots, policy)
            found.append(Pruned(name, len(kept), tuple(sorted({s.sequence for s in snapshots} - kept))))
        for session in () if dry_run else found:
            self._remove(session.name, session.removed)
        try:
            if dry_run:
                return Pruning(tuple(found), collection.exclusive(self.store, self._outlines, found))
            return Pruning(tuple(found), self.collect(grace=grace))
        except (DamagedError, FormatError, StoreError) as error:
            return Pruning(tuple(found), 0, f"no bytes {'would be' if dry_run else 'were'} freed, because {error}")

    def check(self, *, data: bool = True, each: Callable[[Snapshot], None] = lambda _: None) -> list[str]:
        """Look for damage.

        Parameters
        ----------
        data : bool
            Compare all bytes with their digests; otherwise only presence and length.
        each : callable
            Is called with every snapshot whose record can be read.

        Returns
        -------
        list of str
            One line for each damaged thing, with the variables that need it.
        """
        self._reader.forget()
        lines: list[str] = []
        seen: dict[Part, str] = {}
        needs: dict[str, list[str]] = {}
        for snapshot in self._everything(lines):
            each(snapshot)
            for component in (*snapshot.components, *snapshot.state):
                damage = set()
                for part in (component.stream, *component.buffers):
                    if part not in seen:
                        seen[part] = self._reader.damage(part, data=data)
                    damage.add(seen[part])
                for line in sorted(filter(None, damage)):
                    needs.setdefault(line, []).extend(f"{n} of {snapshot.reference}" for n in component.names)
        return lines + [needed_by(line, names) for line, names in needs.items()]

    def _everything(self, refused: list[str]) -> Iterator[Snapshot]:
        """Yield all snapshots, and say which cannot be read."""
        for name in self.names():
            try:
                for reading in self._readings(name, self._snapshot):
                    if isinstance(reading, Snapshot):
                        yield reading
                    else:
                        refused.append(str(reading))
            except StoreError as error:
                refused.append(str(error))

    def _has_some(self, name: str) -> bool:
        try:
            return bool(self.versions(name))
        except StoreError as error:
            return error.errno != errno.ENOTDIR  # a file is no session

    def _remove(self, name: str, versions: Sequence[int]) -> int:
        """Remove snapshots; return how many were there."""
        removed = 0
        if versions:
            retire(self.store, name, versions[-1])
        # Oldest first: killed half-way, what is left is the newest.
        for version in versions:
            with contextlib.suppress(KeyError):
                self.store.delete(snapshot_key(name, version))
                removed += 1
        return removed

    def _readable(self, name: str) -> Iterator[Snapshot]:
        return (reading for reading in self.readings(name) if isinstance(reading, Snapshot))

    def _readings(self, name: str, read: Callable[[str, int], Snapshot]) -> Iterator[Snapshot | SessionError]:
        for version in reversed(self.versions(name)):
            try:
                yield read(name, version)
            except SessionNotFoundError:
                continue  # deleted meanwhile
            except SessionError as error:
                yield error

    def _snapshot(self, name: str, version: int) -> Snapshot:
        return self._parsed(name, version, self._record(name, version))

    def _record(self, name: str, version: int) -> bytes:
        try:
            return self.store.get(snapshot_key(name, version))
        except KeyError:
            raise SessionNotFoundError(f"{name}@{version} was deleted meanwhile: choose another") from None

    def _parsed(self, name: str, version: int, data: bytes) -> Snapshot:
        key = snapshot_key(name, version)
        try:
            snapshot = manifest.read(data, source=f"{key} in {self.store.url}")
        except DamagedError as error:
            gone = quoted(f"{name}@{version}")
            raise DamagedError(f"{error}: `jupyter session delete {gone}` removes it") from error
        if snapshot.sequence != version or quote(snapshot.name) != quote(name):
            raise DamagedError(f"{key} in {self.store.url} holds {snapshot.reference}: move it back or delete it")
        return snapshot
