"""Autosave in a shell without idle time: what no cell names is looked at after cells, and none waits for ever."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_session_save import autosave
from jupyter_session_save.autosave import UNSEEN, Settings

from .shells import fresh_shell
from .terminal import Terminal


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with fresh_shell() as shell:
        yield Terminal(shell, monkeypatch)


def test_what_is_never_looked_at_in_the_time_there_is_waits_no_longer_than_status_says(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No time at all for looking at a little.
    monkeypatch.setattr(autosave, "TERMINAL", -1.0)
    terminal.autosave._patience = -1.0
    terminal.run("box = [1]; twin = [2]; held = {'box': 0}")
    for number in range(3):
        terminal.shell.user_ns["box"].append("hidden")
        terminal.run(f"other = {number}")
        terminal.clock += UNSEEN[0] / 4
    assert terminal.stored("box") == [1]
    assert f"at the latest the first one after {UNSEEN[0]:.0f} s" in str(terminal.autosave.status())
    terminal.shell.user_ns["held"]["box"] = terminal.shell.user_ns["box"]
    terminal.clock += UNSEEN[0] / 4
    # Even if the cell itself changes nothing.
    terminal.run("1 + 1")
    assert terminal.stored("box") == [1, *["hidden"] * 3]
    fresh = terminal.tracker.repository.resolve("nb")
    assert any({"box", "held"} <= set(c.names) for c in fresh.components)
    terminal.shell.user_ns["twin"].append("hidden")
    terminal.run("other = 9")
    assert terminal.stored("twin") == [2]
    terminal.clock += UNSEEN[0]
    terminal.run("other = 10")
    assert terminal.stored("twin") == [2, "hidden"]


def test_a_little_is_looked_at_after_each_cell_and_stored_at_once(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine may let the usual time pass with nothing done.
    monkeypatch.setattr(autosave, "TERMINAL", 600.0)
    terminal.autosave._patience = 600.0
    terminal.run("box = [1]")
    for number in range(3):  # Also where nothing has been saved in between, so that a round has ended.
        terminal.shell.user_ns["box"].append(number)
        terminal.run("1 + 1")
        assert terminal.stored("box") == [1, *range(number + 1)]


def test_what_takes_long_is_given_more_time_up_to_a_limit(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.run("box = [1]")
    tried = []

    def sweep(pause: object) -> bool:
        tried.append(terminal.autosave._patience)
        raise autosave.GiveWay

    monkeypatch.setattr(terminal.tracker, "sweep", sweep)
    for _ in range(12):
        terminal.run("1 + 1")
    assert tried[:2] == [autosave.TERMINAL, 2 * autosave.TERMINAL] and tried[-1] == Settings().max_block
