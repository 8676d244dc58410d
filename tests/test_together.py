"""Which cells were saved together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_session_save.pickling import GiveWay
from jupyter_session_save.snapshot import Snapshot
from jupyter_session_save.together import Together

SNAPSHOT = Snapshot("s", 1)


def fail(error: BaseException) -> None:
    raise error


def test_cells_that_were_missed_count_with_the_next_that_was_saved() -> None:
    together = Together()
    held = replace(SNAPSHOT, cell=3)
    for cell in (4, 5):
        with pytest.raises(OSError, match="full"):
            together.saving(lambda: fail(OSError("full")), cell, held)
    together.miss(6, held)
    assert together.saving(lambda: replace(SNAPSHOT, cell=7), 7, held) is not None
    assert together.spans((3, 7, None)) == ((4, 7),) and together.spans((3,)) == ()
    held = replace(SNAPSHOT, cell=7)
    together.saving(lambda: replace(SNAPSHOT, cell=8), 8, held)
    assert together.spans((7, 8)) == ((4, 7),)


def test_what_is_saved_already_or_given_up_for_a_cell_is_not_missed() -> None:
    together = Together()
    held = replace(SNAPSHOT, cell=3)
    together.miss(3, held)
    together.miss(None, held)
    with pytest.raises(GiveWay):
        together.saving(lambda: fail(GiveWay()), 4, held)
    together.saving(lambda: replace(SNAPSHOT, cell=5), 5, held)
    assert together.spans((5,)) == ()


def test_a_save_by_hand_or_a_load_in_between_leaves_nothing_to_be_saved() -> None:
    together = Together()
    together.miss(4, replace(SNAPSHOT, cell=3))
    by_hand = replace(SNAPSHOT, sequence=2)
    together.saving(lambda: replace(SNAPSHOT, cell=6), 6, by_hand)
    together.miss(7, by_hand)
    together.saving(lambda: None, 8, by_hand)
    together.saving(lambda: replace(SNAPSHOT, cell=9), 9, by_hand)
    assert together.spans((6, 9)) == ()
