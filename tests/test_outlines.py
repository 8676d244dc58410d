"""Pruning reads each record once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_session_save import manifest
from jupyter_session_save.digests import key_of
from jupyter_session_save.names import snapshot_key
from jupyter_session_save.repository import Repository
from jupyter_session_save.retention import Policy
from jupyter_session_save.snapshot import Snapshot
from jupyter_session_save.store import MemoryStore

from .repositories import BIG, SMALL, save


@pytest.fixture
def repository() -> Repository:
    return Repository(MemoryStore())


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources of all records that are parsed."""
    sources: list[str] = []
    read = manifest.read

    def noted(data: bytes, *, source: str) -> Snapshot:
        sources.append(source)
        return read(data, source=source)

    monkeypatch.setattr(manifest, "read", noted)
    return sources


def test_a_second_prune_parses_only_what_is_new(repository: Repository, parsed: list[str]) -> None:
    for value in range(5):
        save(repository, "s", {"a": BIG, "b": SMALL + bytes([value])})
    repository.prune(Policy())
    assert len(parsed) >= 5
    parsed.clear()
    repository.prune(Policy())
    assert parsed == []
    save(repository, "s", {"a": BIG})
    parsed.clear()
    repository.prune(Policy())
    assert len(parsed) == 1


def test_an_outline_needs_what_the_snapshot_needs(repository: Repository) -> None:
    made = save(repository, "s", {"a": BIG, "b": SMALL, "c": SMALL + b"c"})
    outline = repository._outlines("s", 1)
    assert set(map(key_of, outline.parts())) == set(map(key_of, made.parts()))
    assert replace(outline, components=(), signature="") == replace(
        made, components=(), variables=(), environment=outline.environment, signature=""
    )


def test_a_number_that_is_used_again_is_read_again(repository: Repository) -> None:
    save(repository, "s", {"a": BIG})
    repository.prune(Policy())
    repository.delete("s")
    for key in list(repository.store.list("sessions/s/")):
        repository.store.delete(key)  # By hand: only so does a number come again.
    other = Repository(repository.store)
    made = save(other, "s", {"a": BIG[::-1]})
    assert made.sequence == 1
    assert repository._outlines("s", 1).size == made.size
    assert set(map(key_of, repository._outlines("s", 1).parts())) == set(map(key_of, made.parts()))


def test_a_damaged_record_still_stops_the_collection(repository: Repository) -> None:
    save(repository, "s", {"a": BIG})
    repository.prune(Policy())
    repository.store.put(snapshot_key("s", 1), [b"junk"], durable=False, overwrite=True)
    assert "cannot" in repository.prune(Policy()).note or "not a snapshot" in repository.prune(Policy()).note
