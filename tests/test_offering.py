"""Which state of a notebook is offered, from lines of snapshots that kernels have begun."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_session_save.changes import Tracker
from jupyter_session_save.offering import WORKED_IN, Offer, on_offer
from jupyter_session_save.reach import EVERYTHING
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Snapshot
from jupyter_session_save.store import MemoryStore
from jupyter_session_save.trust import Signer

SIGNER = Signer(b"k" * 32)


@pytest.fixture
def repository() -> Repository:
    return Repository(MemoryStore())


class Running:
    """A kernel that autosaves."""

    def __init__(self, repository: Repository, *, signer: Signer = SIGNER) -> None:
        self.namespace: dict[str, Any] = {}
        self.tracker = Tracker(self.namespace, "nb", repository=repository, signer=signer, live=dict, hidden=dict)

    def cells(self, *names: str, cell: int | None = 1) -> Snapshot:
        for name in names:
            self.namespace[name] = [name]
            self.tracker.touch(EVERYTHING)
            self.tracker.save(cell=cell)
        assert self.tracker.current is not None
        return self.tracker.current


def offered(repository: Repository, **options: Any) -> Offer:
    found = on_offer(repository, "nb", SIGNER, **options)
    assert found is not None
    return found


def test_kernels_in_which_next_to_nothing_ran_hide_nothing(repository: Repository) -> None:
    assert on_offer(repository, "nb", SIGNER) is None
    whole = Running(repository).cells(*"abcde")
    assert offered(repository) == Offer(whole)
    first, second = Running(repository).cells("z"), Running(repository).cells("z", "y")
    assert offered(repository) == Offer(whole, newer=second)
    assert f"@{second.sequence} is newer, but its kernel began with nothing and holds 2 variables" in str(
        offered(repository)
    )
    # Nor for the kernel that has just saved by itself.
    assert offered(repository, own=second) == Offer(whole, newer=first)


def test_a_new_beginning_that_was_worked_in_counts(repository: Repository) -> None:
    whole = Running(repository).cells(*(f"v{i}" for i in range(3 * WORKED_IN)))
    kernel = Running(repository)
    assert offered(repository, own=kernel.cells(*(f"w{i}" for i in range(WORKED_IN - 1)))).snapshot == whole
    assert offered(repository).snapshot == whole
    newest = kernel.cells("last")
    assert offered(repository) == Offer(newest, earlier=whole)
    assert str(offered(repository)).endswith(f"; @{whole.sequence} holds 30 variables that it lacks")


def test_what_was_saved_by_hand_or_gone_back_to_counts(repository: Repository) -> None:
    kernel = Running(repository)
    kernel.cells("a")
    back = repository.resolve("nb")
    whole = kernel.cells(*"bcdef")
    by_hand = Running(repository).cells("z", cell=None)
    assert offered(repository) == Offer(by_hand)
    repository.delete("nb", by_hand.sequence)
    for name in "bcdef":
        del kernel.namespace[name]
    kernel.tracker.adopt(back)
    branch = kernel.cells("g")
    assert branch.parent == back.sequence and branch.sequence > whole.sequence
    assert offered(repository) == Offer(branch)


def test_kernels_that_run_side_by_side(repository: Repository) -> None:
    one, other = Running(repository), Running(repository)
    for name in "abcdef":
        newest = one.cells(name)
        if name in "ac":
            other.cells("z" + name)
    assert offered(repository) == Offer(newest, earlier=repository.resolve("nb", 5))
    assert offered(repository, own=newest).snapshot.sequence == 5


def test_what_somebody_else_wrote_or_what_is_damaged_is_passed_over(repository: Repository) -> None:
    mine = Running(repository).cells("a")
    Running(repository, signer=Signer(b"x" * 32)).cells("b")
    assert offered(repository) == Offer(mine)
    damaged = Running(repository).cells("c")
    store = repository.store
    (key,) = [k for k in store.list("sessions/") if k.endswith(f"/{damaged.sequence}.json")]
    store.delete(key)
    store.put(key, [b"{"], durable=False)
    assert offered(repository) == Offer(mine)
