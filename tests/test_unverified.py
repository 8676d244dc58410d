"""What a load mapped from a damaged file stays marked, however often it is saved and loaded again."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_session_save import unverified
from jupyter_session_save.changes import Tracker
from jupyter_session_save.digests import key_of
from jupyter_session_save.integrity import AT_ONCE, DataCheck
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Part
from jupyter_session_save.store import LocalStore, MemoryStore

from .cells import Notebook, notebook

CELL = f"import numpy as np\nhuge = np.zeros({AT_ONCE // 8 + 1}); n = [3]"


@pytest.fixture
def a(tmp_path: Path) -> Iterator[Notebook]:
    with notebook() as made:
        made.repository = Repository(LocalStore(tmp_path / "store"))
        made.run(CELL).save(only=["huge", "n"])
        yield made


def alter(a: Notebook) -> None:
    part = next(b for c in a.repository.resolve("s", 1).components for b in c.buffers)
    path = Path(a.repository.store.url) / key_of(part)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def finish() -> None:
    for thread in threading.enumerate():
        if thread.name == "session-data-check":
            thread.join()


def marked(report: object) -> dict[str, str]:
    return {p.path: p.reason for v in getattr(report, "variables", ()) for p in v.problems}


@pytest.mark.parametrize("checked", [True, False])
def test_damage_stays_marked_through_saves_and_loads(
    a: Notebook, checked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not checked:
        monkeypatch.setattr(DataCheck, "start", lambda self: [])  # The save comes before the check.
    alter(a)
    b = a.fresh()
    b.load()
    finish()
    b.run("holder = [huge]; other = [1]; huge_too = huge[1:]")
    saved = b.save()
    assert set(marked(saved)) == {"huge", "holder", "huge_too"}
    assert all(reason.startswith(unverified.DAMAGED) for reason in marked(saved).values())
    assert "saved, with remarks" in repr(saved)
    # Stored again it is what was stored, and still not what it was.
    c = a.fresh()
    assert set(marked(c.load())) == {"huge", "holder", "huge_too"}
    assert set(marked(c.run("del huge_too, holder").save())) == {"huge"}
    assert "damaged on disk" in repr(a.fresh().load())
    assert set(marked(c.run("huge = huge.copy()").save())) == set()


def test_an_autosave_marks_it_too(a: Notebook) -> None:
    alter(a)
    b = a.fresh()
    b.load()
    finish()
    tracker = Tracker(
        b.namespace, "auto", repository=b.repository, signer=b.signer, live=dict, hidden=lambda: {"__builtins__": 0}
    )
    snapshot = tracker.save()
    assert snapshot is not None
    assert [(v.name, v.problems[0].path) for v in snapshot.variables if v.problems] == [("huge", "huge")]


def test_what_the_user_has_changed_in_sound_data_is_not_damage(a: Notebook) -> None:
    b = a.fresh()
    b.load()
    finish()
    assert not marked(b.run("huge[5] = 7").save())
    assert not marked(a.fresh().load())


def test_memory_counts_only_as_long_as_its_mapping(a: Notebook) -> None:
    b = a.fresh()
    b.load()
    finish()

    def noted() -> int:
        return sum(one.repository is a.repository for one in unverified._places.living())

    assert noted()
    b.run("del huge")
    assert not noted()


def test_what_overlaps_is_found_and_what_is_gone_is_not() -> None:
    class Owner:
        pass

    owners = [Owner() for _ in range(200)]
    places = unverified._Places()
    repository = Repository(MemoryStore())
    for i, owner in enumerate(owners):
        mapped = unverified._Mapped(100 * i, 60, Part(str(i), 60), repository, weakref.ref(owner), False, None)
        places.add(mapped)

    def found(start: int, end: int) -> set[str]:
        return {one.part.digest for one in places.within(start, end)}

    assert found(0, 1) == {"0"}
    assert found(160, 200) == set()
    assert found(159, 201) == {"1", "2"}
    assert found(530, 531) == {"5"}
    del owner, owners[4:150]
    assert found(0, 100_000) == {*map(str, range(4)), *map(str, range(150, 200))}
    assert found(350, 15_001) == {"3", "150"}
