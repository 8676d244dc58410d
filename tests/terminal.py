"""An IPython shell inside the test's process, without idle time, that saves by itself."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_session_save import sweeping
from jupyter_session_save.autosave import Autosave, Settings
from jupyter_session_save.changes import Tracker
from jupyter_session_save.opening import OpenSession
from jupyter_session_save.repository import Repository
from jupyter_session_save.shell import hidden_names, live_objects
from jupyter_session_save.store import MemoryStore
from jupyter_session_save.trust import Signer

SIGNER = Signer(b"k" * 32)


class Terminal:
    """A shell with autosave, and a clock."""

    def __init__(self, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell, self.clock = shell, 1000.0
        monkeypatch.setattr(sweeping, "time", self.time())
        self.tracker = Tracker(
            shell.user_ns,
            "nb",
            repository=Repository(MemoryStore()),
            signer=SIGNER,
            live=lambda: live_objects(shell),
            hidden=lambda: hidden_names(shell),
        )
        self.autosave = Autosave(shell, self.tracker, Settings)
        for event, function in self.autosave.events.items():
            shell.events.register(event, function)

    def time(self) -> SimpleNamespace:
        return SimpleNamespace(monotonic=lambda: self.clock, perf_counter=time.perf_counter, sleep=time.sleep)

    def run(self, cell: str) -> None:
        assert self.shell.run_cell(cell, store_history=True).success

    def stored(self, name: str) -> object:
        repository = self.tracker.repository
        return OpenSession(repository.resolve("nb"), repository=repository, signer=SIGNER, trust=False)[name]
