"""A repository behaves like a dict, in whatever order it is used and wherever its writers are killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jupyter_session_save import patches, retention, writing
from jupyter_session_save.digests import key_of
from jupyter_session_save.errors import SessionNotFoundError, StoreError
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Snapshot
from jupyter_session_save.store import MemoryStore, Store
from jupyter_session_save.writing import Writer

NAMES = st.sampled_from(["a", "A", "a/b"])
# Few bytes: equal values meet often, and the limits below make blobs and packs of them.
VALUES = st.dictionaries(
    st.sampled_from("uvwxyz"),
    st.builds(lambda b, n: b * n, st.sampled_from([b"", b"1", b"23"]), st.integers(0, 90)),
)


class Killed(BaseException):
    """The process is gone."""


class MortalStore(Store):
    """A store whose process is killed before or after its n-th operation."""

    def __init__(self, inner: Store, operations: int, *, after: bool) -> None:
        self.url = inner.url
        self._inner = inner
        self._left = operations
        self._after = after

    def _run(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self._left -= 1
        if self._left < 0 and not (self._after and self._left == -1):
            raise Killed
        result = getattr(self._inner, name)(*args, **kwargs)
        if self._left < 0:
            raise Killed
        return result

    def get(self, key: str) -> bytes:
        return bytes(self._run("get", key))

    def map(self, key: str) -> memoryview:
        return memoryview(self._run("map", key))

    def read(self, key: str, offset: int, size: int) -> bytes:
        return bytes(self._run("read", key, offset, size))

    def size(self, key: str) -> int:
        return int(self._run("size", key))

    def exists(self, key: str) -> bool:
        return bool(self._run("exists", key))

    def put(self, key: str, chunks: Sequence[bytes | memoryview], **options: bool) -> None:
        self._run("put", key, chunks, **options)

    def list(self, prefix: str = "") -> Iterator[str]:
        yield from self._run("list", prefix)

    def delete(self, key: str) -> None:
        self._run("delete", key)

    def touch(self, key: str) -> None:
        self._run("touch", key)

    def age(self, key: str) -> float:
        return float(self._run("age", key))

    def sync(self, keys: Iterable[str]) -> None:
        self._run("sync", keys)

    def sweep(self, grace: float) -> int:
        return int(self._run("sweep", grace))

    def is_empty(self) -> bool:
        return bool(self._run("is_empty"))


def components(writer: Writer, values: dict[str, bytes]) -> tuple[Component, ...]:
    return tuple(Component((name,), writer.put([data[:7], data[7:]])) for name, data in values.items())


def sign(data: bytes) -> str:
    return str(len(data))


class RepositoryMachine(RuleBasedStateMachine):
    """Against ``{name: {version: {variable: bytes}}}``."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = [mock.patch.multiple(writing, BLOB=100, FULL=90), mock.patch.object(patches, "CHUNK", 10)]
        for limit in self.limits:
            limit.start()
        self.store = MemoryStore()
        self.repository = Repository(self.store)
        self.model: dict[str, dict[int, dict[str, bytes]]] = {}
        self.given: dict[str, int] = {}
        # Numbers that saves which were taken back may have had: they are not given again.
        self.taken_back: dict[str, int] = {}
        self.asked: set[tuple[str, int]] = set()
        self.parents: dict[tuple[str, int], int] = {}

    def teardown(self) -> None:
        for limit in self.limits:
            limit.stop()

    def newest(self, name: str) -> Snapshot | None:
        return self.repository.resolve(name) if self.model.get(name) else None

    def expect(self, name: str, snapshot: Snapshot, values: dict[str, bytes]) -> None:
        versions = self.model.setdefault(name, {})
        # Also of those that were removed: what a number once meant it means for good.
        least = max(self.given.get(name, 0), snapshot.parent or 0) + 1
        assert least <= snapshot.sequence <= least + self.taken_back.pop(name, 0)
        self.given[name] = snapshot.sequence
        versions[snapshot.sequence] = values
        here = (name, snapshot.sequence)
        (self.asked.add if snapshot.cell is None else self.asked.discard)(here)
        self.parents.pop(here, None)
        if snapshot.parent is not None:
            self.parents[here] = snapshot.parent

    def stored(self) -> list[tuple[str, int]]:
        return sorted((name, version) for name, versions in self.model.items() for version in versions)

    def heads(self, name: str) -> set[int]:
        """Versions that nothing which is left came from."""
        versions = set(self.model[name])
        came_from: set[int] = set()
        for version in versions:
            while (version := self.parents.get((name, version), 0)) and version not in came_from:
                came_from.add(version)
        return versions - came_from

    @rule(name=NAMES, values=VALUES, incremental=st.booleans())
    def save(self, name: str, values: dict[str, bytes], incremental: bool) -> None:
        with self.repository.writer() as writer:
            if incremental and (newest := self.newest(name)):
                writer.know(newest)
            parts = components(writer, values)
            self.expect(name, writer.commit(Snapshot(name, components=parts), sign=sign), values)

    @rule(name=NAMES, values=VALUES, other=VALUES)
    def save_twice_at_a_time(self, name: str, values: dict[str, bytes], other: dict[str, bytes]) -> None:
        with self.repository.writer() as writer, Repository(self.store).writer() as second:
            parts = components(writer, values)
            others = components(second, other)
            self.expect(name, second.commit(Snapshot(name, components=others), sign=sign), other)
            self.expect(name, writer.commit(Snapshot(name, components=parts), sign=sign), values)

    @rule(name=NAMES, changed=VALUES)
    def carry_over(self, name: str, changed: dict[str, bytes]) -> None:
        newest = self.newest(name)
        if newest is None:
            return
        with self.repository.writer() as writer:
            writer.know(newest)
            kept = tuple(c for c in newest.components if c.names[0] not in changed)
            snapshot = writer.commit(Snapshot(name, components=kept + components(writer, changed)), sign=sign)
        self.expect(name, snapshot, self.model[name][newest.sequence] | changed)

    def autosaved(self, repository: Repository, parent: Snapshot, changed: dict[str, bytes], *, gone: bool) -> Snapshot:
        """Save one variable over a parent, as patches where that is possible."""
        before = self.model[parent.name][parent.sequence]
        with repository.writer(durable=False) as writer:
            parts = []
            for variable, data in changed.items():
                old = next((c.stream for c in parent.components if c.names == (variable,)), None)
                if old is not None and old.pack is None and old.size == len(data):
                    starts = range(0, len(data), 10)
                    places = [at for at in starts if data[at : at + 10] != before[variable][at : at + 10]]
                    chunks = [(at, memoryview(data)[at : at + 10]) for at in places]
                    parts.append(Component((variable,), writer.put_patched(old, len(data), chunks)))
                else:
                    parts += components(writer, {variable: data})
            kept = tuple(c for c in parent.components if c.names[0] not in changed)
            if gone:
                # As if another process did so: between the last look and the commit.
                Repository(self.store).delete(parent.name, parent.sequence)
                Repository(self.store).collect(grace=-60)
            draft = Snapshot(parent.name, parent=parent.sequence, cell=7, components=(*kept, *parts))
            return writer.commit(draft, sign=sign, parent_record=parent)

    @precondition(lambda self: any(self.model.values()))
    @rule(data=st.data(), changed=VALUES, flips=st.lists(st.integers(0, 179), max_size=3))
    def autosave(self, data: st.DataObject, changed: dict[str, bytes], flips: list[int]) -> None:
        name, version = data.draw(st.sampled_from(self.stored()))
        parent = self.repository.resolve(name, version)
        before = self.model[name][version]
        if before and flips:
            variable = data.draw(st.sampled_from(sorted(before)))
            value = bytearray(before[variable])
            for at in filter(lambda at: at < len(value), flips):
                value[at] ^= 1
            changed = {variable: bytes(value)}
        self.expect(name, self.autosaved(self.repository, parent, changed, gone=False), before | changed)

    @precondition(lambda self: any(self.model.values()))
    @rule(data=st.data(), changed=VALUES)
    def autosave_while_the_parent_is_removed(self, data: st.DataObject, changed: dict[str, bytes]) -> None:
        name, version = data.draw(st.sampled_from(self.stored()))
        parent = self.repository.resolve(name, version)
        values = self.model[name][version] | changed
        try:
            snapshot = self.autosaved(self.repository, parent, changed, gone=True)
        except StoreError:
            self.taken_back[name] = self.taken_back.get(name, 0) + 1
            del self.model[name][version]
            return
        del self.model[name][version]
        self.expect(name, snapshot, values)

    def pruned(self, repository: Repository, counts: list[int], size: int | None) -> None:
        before = {name: set(versions) for name, versions in self.model.items()}
        heads = {name: self.heads(name) for name in self.model}
        policy = retention.Policy(*counts, size)
        with contextlib.suppress(Killed):
            repository.prune(policy, grace=-60)
        for name, versions in before.items():
            left = set(self.repository.versions(name))
            assert left <= versions
            assert set(sorted(heads[name])[-retention.HEADS :]) <= left
            assert {v for v in versions if (name, v) in self.asked} <= left
            for version in versions - left:
                del self.model[name][version]

    @rule(counts=st.lists(st.integers(0, 3), min_size=3, max_size=3), size=st.none() | st.integers(0, 2000))
    def prune(self, counts: list[int], size: int | None) -> None:
        foretold = self.repository.prune(retention.Policy(*counts, size), dry_run=True)
        self.pruned(self.repository, counts, size)
        for session in foretold.sessions:
            assert not set(session.removed).intersection(self.repository.versions(session.name))
        again = self.repository.prune(retention.Policy(*counts, size), dry_run=True)
        assert all(not session.removed for session in again.sessions)

    @rule(operations=st.integers(0, 80), after=st.booleans())
    def prune_and_be_killed(self, operations: int, after: bool) -> None:
        self.pruned(Repository(MortalStore(self.store, operations, after=after)), [0, 0, 0], None)

    @precondition(lambda self: any(self.model.values()))
    @rule(data=st.data(), changed=VALUES, operations=st.integers(0, 15), after=st.booleans())
    def autosave_and_be_killed(
        self, data: st.DataObject, changed: dict[str, bytes], operations: int, after: bool
    ) -> None:
        name = data.draw(st.sampled_from(sorted(name for name, versions in self.model.items() if versions)))
        parent = self.repository.resolve(name)
        with contextlib.suppress(Killed):
            mortal = Repository(MortalStore(self.store, operations, after=after))
            self.autosaved(mortal, parent, changed, gone=False)
        newest = self.repository.resolve(name)
        if newest.sequence > parent.sequence:
            self.expect(name, newest, self.model[name][parent.sequence] | changed)

    @rule(name=NAMES, values=VALUES, operations=st.integers(0, 40), after=st.booleans(), known=st.booleans())
    def save_and_be_killed(
        self, name: str, values: dict[str, bytes], operations: int, after: bool, known: bool
    ) -> None:
        newest = self.newest(name)
        before = {key: self.store.get(key) for key in self.store.list()}
        try:
            with Repository(MortalStore(self.store, operations, after=after)).writer() as writer:
                if known and newest is not None:
                    writer.know(newest)
                parts = components(writer, values)
                writer.commit(Snapshot(name, components=parts), sign=sign)
        except Killed:
            pass
        assert all(self.store.get(key) == data for key, data in before.items())
        # Whole or absent: if it shows, the invariants below read it.
        if len(self.repository.versions(name)) > len(self.model.get(name, {})):
            self.expect(name, self.repository.resolve(name), values)

    @rule(name=NAMES, values=VALUES, known=st.booleans())
    def collect_during_a_save(self, name: str, values: dict[str, bytes], known: bool) -> None:
        with self.repository.writer() as writer:
            if known and (newest := self.newest(name)):
                writer.know(newest)
            parts = components(writer, values)
            Repository(self.store).collect(grace=-60)
            try:
                snapshot = writer.commit(Snapshot(name, components=parts), sign=sign)
            except StoreError:
                return
        self.expect(name, snapshot, values)

    @rule(operations=st.integers(0, 60), after=st.booleans())
    def collect_and_be_killed(self, operations: int, after: bool) -> None:
        with contextlib.suppress(Killed):
            Repository(MortalStore(self.store, operations, after=after)).collect(grace=-60)

    @rule()
    def collect(self) -> None:
        self.repository.collect(grace=-60)
        used = {
            key_of(part)
            for name in self.repository.names()
            for snapshot in self.repository.snapshots(name)
            for part in snapshot.parts()
        }
        assert {key for key in self.store.list() if not key.startswith("sessions/")} == used

    @precondition(lambda self: any(self.model.values()))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(name for name, versions in self.model.items() if versions)))
        version = data.draw(st.none() | st.sampled_from(sorted(self.model[name])))
        gone = list(self.model[name]) if version is None else [version]
        assert self.repository.delete(name, version) == len(gone)
        for number in gone:
            del self.model[name][number]

    @rule(name=NAMES, version=st.integers(1, 9))
    def miss(self, name: str, version: int) -> None:
        if version not in self.model.get(name, {}):
            with pytest.raises(SessionNotFoundError):
                self.repository.resolve(name, version)
            with pytest.raises(SessionNotFoundError):
                self.repository.delete(name, version)

    @invariant()
    def is_the_model(self) -> None:
        assert self.repository.names() == sorted(name for name, versions in self.model.items() if versions)
        for name, versions in self.model.items():
            assert self.repository.versions(name) == sorted(versions)
            for snapshot in self.repository.snapshots(name):
                found = {c.names[0]: bytes(self.repository.read(c.stream)) for c in snapshot.components}
                assert found == versions[snapshot.sequence]
        assert self.repository.check() == []


RepositoryMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestRepository = RepositoryMachine.TestCase
