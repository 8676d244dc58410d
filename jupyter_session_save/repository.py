"""Blobs, packs and snapshots on a store: open, resolve, read, list, delete, collect, check.

Invariant: nothing is removed that a snapshot refers to; one that cannot be read never counts as missing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from . import collection, manifest, retention
from .collection import Pruned, Pruning
from .errors import DamagedError, FormatError, SessionError, SessionNotFoundError
from .names import parse_snapshot_key, quote, snapshot_key, stored_versions
from .numbering import Numbering
from .outlines import Outlines
from .reading import Reader
from .snapshot import FORMAT, Part, Snapshot
from .store import Store, open_store
from .writing import Memory, Writer

_KIND = "jupyter_session_save"
_MARK = "format.json"


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
        data = _mark_of(store)
        if data is None and not store.is_empty():
            data = _mark_of(store)  # another process may just have made it
            if data is None:
                raise FormatError(
                    f"{store.url} is not a session store: it holds other files and no {_MARK}; give another directory"
                )
        if data is None:
            if create:
                # Not create-only: every writer of this format writes these bytes.
                mark = json.dumps({"format": FORMAT, "kind": _KIND}, sort_keys=True).encode() + b"\n"
                store.put(_MARK, [mark], durable=True, overwrite=True)
            return cls(store)
        try:
            raw = json.loads(data)
            kind, version = raw["kind"], raw["format"]
        except (ValueError, KeyError, TypeError, RecursionError):
            kind, version = None, None
        if kind != _KIND or not isinstance(version, int) or version < 1:
            raise FormatError(
                f"{store.url} is not a session store: its {_MARK} is of another kind; give another directory"
            )
        if version > FORMAT:
            raise FormatError(
                f"{store.url} has format {version}; this version reads up to {FORMAT}: upgrade jupyter_session_save"
            )
        return cls(store)

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
        """Return the names of all sessions, sorted."""
        return sorted({name for name, _ in collection.records(self.store)})

    def versions(self, name: str) -> list[int]:
        """Return the versions stored under a name, oldest first, whether they can be read or not."""
        return stored_versions(self.store, name)

    def snapshots(self, name: str) -> list[Snapshot]:
        """Return the snapshots of a session, newest first; `check` tells of those left out as unreadable."""
        return list(self._readable(name))

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
        DamagedError
            If it cannot be read; it names an earlier one that can, and never falls back by itself.
        """
        versions = self.versions(name)
        if not versions:
            names = self.names()
            there = f"there are {_shorten(names)}" if names else "nothing is saved there yet"
            raise SessionNotFoundError(f"no session {name!r} in {self.store.url}: {there}")
        if version is None:
            version = versions[-1]
        elif version not in versions:
            raise SessionNotFoundError(
                f"{name!r} has no version {version}: it has {_shorten([str(v) for v in reversed(versions)])}"
            )
        try:
            return self._snapshot(name, version)
        except DamagedError as error:
            sound = next((s for s in self.snapshots(name) if s.sequence < version), None)
            advice = f"; {sound.reference} can be read: load that" if sound else ""
            raise DamagedError(f"{error}{advice}") from error

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
        """
        versions = self.versions(name)
        if not versions or (version is not None and version not in versions):
            with contextlib.suppress(DamagedError):
                self.resolve(name, version)
        removed = 0
        # Oldest first: killed half-way, what is left is the newest.
        for number in versions if version is None else [version]:
            with contextlib.suppress(KeyError):
                self.store.delete(snapshot_key(name, number))
                removed += 1
        return removed

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
        DamagedError, FormatError
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
            snapshots = list(self._readable(name, self._outlines))
            kept = retention.keep(snapshots, policy)
            found.append(Pruned(name, len(kept), tuple(sorted({s.sequence for s in snapshots} - kept))))
        if dry_run:
            return Pruning(tuple(found), collection.exclusive(self.store, self._outlines, found))
        for session in found:
            # Oldest first: killed half-way, what is left is the newest.
            for version in session.removed:
                with contextlib.suppress(KeyError):
                    self.store.delete(snapshot_key(session.name, version))
        try:
            return Pruning(tuple(found), self.collect(grace=grace))
        except (DamagedError, FormatError) as error:
            return Pruning(tuple(found), 0, f"no bytes were freed, because {error}")

    def check(self, *, data: bool = True) -> list[str]:
        """Look for damage.

        Parameters
        ----------
        data : bool
            Compare all bytes with their digests; otherwise only presence and length.

        Returns
        -------
        list of str
            One line for each damaged thing, with the variables that need it.
        """
        self._reader.forget()
        lines: list[str] = []
        seen: dict[Part, str] = {}
        needs: dict[str, list[str]] = {}
        for name, version in collection.records(self.store):
            try:
                snapshot = self._snapshot(name, version)
            except SessionNotFoundError:
                continue
            except SessionError as error:
                lines.append(str(error))
                continue
            for component in (*snapshot.components, *snapshot.state):
                damage = set()
                for part in (component.stream, *component.buffers):
                    if part not in seen:
                        seen[part] = self._reader.damage(part, data=data)
                    damage.add(seen[part])
                for line in sorted(filter(None, damage)):
                    needs.setdefault(line, []).extend(f"{n} of {snapshot.reference}" for n in component.names)
        return lines + [f"{line}; needed by {_shorten(names)}" for line, names in needs.items()]

    def _readable(self, name: str, read: Callable[[str, int], Snapshot] | None = None) -> Iterator[Snapshot]:
        for version in reversed(self.versions(name)):
            with contextlib.suppress(SessionError):
                yield (read or self._snapshot)(name, version)

    def _snapshot(self, name: str, version: int) -> Snapshot:
        return self._parsed(name, version, self._record(name, version))

    def _record(self, name: str, version: int) -> bytes:
        try:
            return self.store.get(snapshot_key(name, version))
        except KeyError:
            raise SessionNotFoundError(f"{name}@{version} was deleted meanwhile: choose another") from None

    def _parsed(self, name: str, version: int, data: bytes) -> Snapshot:
        key = snapshot_key(name, version)
        snapshot = manifest.read(data, source=f"{key} in {self.store.url}")
        if snapshot.sequence != version or quote(snapshot.name) != quote(name):
            raise DamagedError(f"{key} in {self.store.url} holds {snapshot.reference}: move it back or delete it")
        return snapshot


def _mark_of(store: Store) -> bytes | None:
    try:
        return store.get(_MARK)
    except KeyError:
        return None


def _shorten(words: list[str]) -> str:
    shown = ", ".join(words[:10])
    return shown if len(words) <= 10 else f"{shown} and {len(words) - 10} more"
