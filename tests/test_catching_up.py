"""What is looked at before the namespace moves to another snapshot: all that may have changed, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_session_save import autosave, changes, components, examining
from jupyter_session_save.snapshot import Snapshot

from .shells import fresh_shell
from .terminal import Terminal

FIRST = "a = [1]; b = [2]; c = [3]; d = [[4]]"


class Moving(Terminal):
    """Has a magic that only catches up, for a move that would replace some names."""

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Nothing is looked at between the cells but by `look`.
        monkeypatch.setattr(autosave, "TERMINAL", -1.0)
        self.autosave._patience = -1.0
        self.replaced: list[str] = ["d"]
        self.held: Snapshot | None = None
        self.pickled: list[str] = []
        self.shell.register_magic_function(self.move, magic_name="undo_session")
        for module in (components, examining):
            monkeypatch.setattr(module, "dumps", self._noted(module.dumps))
        self.run(FIRST)

    def _noted(self, real: object) -> object:
        def dumps(values: dict[str, object], scope: object) -> object:
            self.pickled += [name for name in values if name in self.shell.user_ns]
            return real(values, scope)  # type: ignore[operator]

        return dumps

    def move(self, line: str = "") -> None:
        self.pickled.clear()
        self.held = self.autosave.catch_up(lambda held: self.replaced)

    def look(self) -> None:
        self.clock += 1
        self.tracker.sweep_again()
        while self.tracker.sweep(lambda: None):
            pass
        self.clock += 1


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moving]:
    with fresh_shell() as shell:
        # The interpreter's own state is no part of it: what other tests have left may change it meanwhile.
        monkeypatch.setattr("jupyter_session_save.changes.collect", lambda *_: ({}, []))
        found = Moving(shell, monkeypatch)
        monkeypatch.setattr(autosave, "time", found.time())
        found.begin(monkeypatch)
        yield found


def test_what_was_looked_at_since_the_last_cell_is_not_looked_at_again(moving: Moving) -> None:
    moving.look()
    moving.run("%undo_session")
    assert set(moving.pickled) == {"d"} and moving.held is moving.tracker.current
    moving.run("%undo_session")
    assert set(moving.pickled) == {"d"}
    moving.run("len(a)")
    moving.run("%undo_session")
    assert {"a", "b", "c", "d"} <= set(moving.pickled)


def test_what_was_not_looked_at_is_pickled_once_if_nothing_hides_in_it(moving: Moving) -> None:
    moving.run("shared = [a, b]; other = shared")
    moving.run("%undo_session")
    # Not alone and then once more with what shares objects with it.
    assert sorted(moving.pickled) == ["a", "b", "c", "d", "other", "shared"]


def test_all_names_are_gone_through_once_for_what_was_not_looked_at(
    moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_BATCH", -1.0)
    scopes, real = [], moving.tracker._scope
    monkeypatch.setattr(moving.tracker, "_scope", lambda *args: scopes.append(real(*args)) or scopes[-1])
    moving.run("%undo_session")
    assert sorted(moving.pickled) == ["a", "b", "c", "d"]
    # Once for these; the others are for the saves before the move and after the cell.
    assert len(scopes) == 3


def test_what_is_found_before_a_move_counts_as_the_last_cells(moving: Moving) -> None:
    moving.look()
    moving.shell.user_ns["b"].append("behind the cell")
    moving.run("other = 1")
    cell = moving.tracker.current and moving.tracker.current.cell
    moving.run("%undo_session")
    assert moving.held is not None and moving.held.cell == cell
    moving.run("a.append(5)\n%undo_session")
    assert moving.held.cell == (cell or 0) + 2


def test_what_a_cell_hides_is_found_even_if_nothing_was_looked_at(moving: Moving) -> None:
    moving.look()
    moving.shell.user_ns["b"].append("behind the cell")
    moving.run("other = 1")
    assert moving.stored("b") == [2]
    moving.run("%undo_session")
    assert moving.stored("b") == [2, "behind the cell"]


@pytest.mark.parametrize(
    "cell",
    [
        "exec('b.app' 'end(5)')\n%undo_session",
        "get_ipython().run_line_magic('undo_session', '') or exec('b.app' 'end(5)')\n%undo_session",
        "exec('b.app' 'end(5)'); get_ipython().run_cell('%undo_session')",
        "%undo_session {exec('b.app' 'end(5)')}",
    ],
)
def test_a_cell_that_does_more_is_looked_at_as_a_whole(moving: Moving, cell: str) -> None:
    moving.look()
    moving.run(cell)
    assert moving.held is not None and moving.held.sequence == 2
    assert moving.stored("b") == [2, 5]


def test_what_changes_between_the_look_and_the_move_is_kept(moving: Moving) -> None:
    moving.look()
    moving.shell.user_ns["d"][0].append("by a thread")
    moving.shell.user_ns["c"].append("by a thread")
    moving.run("%undo_session")
    # What is about to be replaced is stored; what stays is found by the next look.
    assert moving.stored("d") == [[4, "by a thread"]] and moving.stored("c") == [3]
    moving.look()
    moving.run("e = 1")
    assert moving.stored("c") == [3, "by a thread"]
