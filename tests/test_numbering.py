from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from jupyter_session_save import numbering
from jupyter_session_save.errors import SessionNameError, StoreError
from jupyter_session_save.names import LAST
from jupyter_session_save.repository import Repository
from jupyter_session_save.store import MemoryStore

from .repositories import path, save


@pytest.fixture(params=["memory", "local"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return Repository(MemoryStore()) if request.param == "memory" else Repository.open(tmp_path)


def left(repository: Repository) -> list[str]:
    return [key for key in repository.store.list("sessions/") if key.endswith(".gone")]


def test_a_number_never_comes_to_mean_another_snapshot(repository: Repository) -> None:
    for _ in range(3):
        save(repository, "s", {"a": b"1"})
    repository.delete("s", 3)
    assert save(repository, "s", {"a": b"2"}).sequence == 4
    repository.delete("s")
    repository.collect(grace=-60)
    assert repository.names() == []
    assert repository.versions("s") == []
    assert save(Repository(repository.store), "s", {"a": b"3"}).sequence == 5
    assert save(repository, "other", {"a": b"3"}).sequence == 1


def test_what_was_left_goes_when_a_later_number_stands_or_a_year_has_passed(repository: Repository) -> None:
    for _ in range(2):
        save(repository, "s", {"a": b"1"})
    repository.delete("s", 1)
    assert left(repository) == []  # a later one stands
    repository.delete("s")
    repository.collect()
    assert left(repository) == ["sessions/s/2.gone"]
    save(repository, "s", {"a": b"1"})
    repository.collect()
    assert left(repository) == []
    repository.delete("s")
    with mock.patch.object(numbering, "LEFT", -1.0):
        repository.collect()
    assert left(repository) == []


def test_of_numbers_that_were_left_only_the_last_stays_also_while_its_snapshot_is_being_removed(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        save(repository, "s", {"a": b"1"})
        repository.delete("s")
    save(repository, "s", {"a": b"1"})
    delete = repository.store.delete

    def collecting_meanwhile(key: str) -> None:
        if key == "sessions/s/4.json":
            monkeypatch.undo()
            Repository(repository.store).collect()
        delete(key)

    monkeypatch.setattr(repository.store, "delete", collecting_meanwhile)
    repository.delete("s")
    assert left(repository) == ["sessions/s/4.gone"]
    assert save(repository, "s", {"a": b"1"}).sequence == 5


def test_what_others_store_and_remove_during_a_save_takes_no_number_from_it(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = repository.store.put

    def slowly(key: str, *args: Any, **options: bool) -> None:
        put(key, *args, **options)
        if key.startswith("packs/"):
            monkeypatch.undo()
            other = Repository(repository.store)
            assert [save(other, "s", {"a": b"2"}).sequence for _ in range(2)] == [1, 2]
            other.delete("s", 1)

    monkeypatch.setattr(repository.store, "put", slowly)
    assert save(repository, "s", {"a": b"1"}).sequence == 3


def test_deleting_needs_no_room(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    save(repository, "s", {"a": b"1"})

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(repository.store, "put", full)
    assert repository.delete("s") == 1
    assert repository.versions("s") == []


def test_the_last_number(tmp_path: Path) -> None:
    disk = Repository.open(tmp_path)
    save(disk, "s", {"a": b"1"})
    os.rename(path(disk, "sessions/s/1.json"), path(disk, f"sessions/s/{LAST}.json"))
    with pytest.raises(SessionNameError, match=f"no version follows s@{LAST}: delete that one"):
        save(disk, "s", {"a": b"2"})
    disk.delete("s", LAST)
    Path(path(disk, f"sessions/s/{LAST}.gone")).touch()
    assert save(disk, "s", {"a": b"2"}).sequence == 1
