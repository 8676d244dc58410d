"""Saving and reading plain bytes, as the tests of repositories need it."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_session_save.digests import digest_of
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Part, Snapshot
from jupyter_session_save.store import LocalStore, MemoryStore
from jupyter_session_save.writing import BLOB, Writer

BIG = bytes(range(256)) * (BLOB // 128)
SMALL = b"a pickle stream " * 2200


def sign(data: bytes) -> str:
    return digest_of([data])


def record(writer: Writer, name: str, values: dict[str, bytes], *, message: str = "") -> Snapshot:
    components = tuple(Component((key,), writer.put([value])) for key, value in values.items())
    return writer.commit(Snapshot(name, message=message, components=components), sign=sign)


def save(repository: Repository, name: str, values: dict[str, bytes], *, after: Snapshot | None = None) -> Snapshot:
    with repository.writer() as writer:
        if after is not None:
            writer.know(after)
        return record(writer, name, values)


def values(repository: Repository, snapshot: Snapshot) -> dict[str, bytes]:
    return {c.names[0]: bytes(repository.read(c.stream)) for c in snapshot.components}


def part(snapshot: Snapshot, name: str) -> Part:
    return next(c.stream for c in snapshot.components if name in c.names)


def path(repository: Repository, key: str) -> Path:
    assert isinstance(repository.store, LocalStore)
    return repository.store.root / key


def data_keys(repository: Repository) -> set[str]:
    return {key for key in repository.store.list() if key.startswith(("blobs/", "packs/"))}


def make_old(repository: Repository) -> None:
    """Give everything an age far beyond any grace period."""
    if isinstance(repository.store, MemoryStore):
        repository.store._times = dict.fromkeys(repository.store._times, 0.0)
    else:
        for file in path(repository, ".").rglob("*"):
            os.utime(file, (1, 1))
