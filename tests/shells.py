"""IPython shells inside the test's process, and what a session manager does when only the calls matter."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_session_save.errors import SessionError
from jupyter_session_save.reports import LoadPlan, LoadReport, SaveReport
from jupyter_session_save.snapshot import Variable

EXTENSION = "jupyter_session_save"


@contextlib.contextmanager
def fresh_shell(config: Config | None = None) -> Iterator[InteractiveShell]:
    """A shell without history that leaves the process as it was."""
    main, hooks = sys.modules["__main__"], (sys.displayhook, sys.excepthook)
    config = config or Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    try:
        with shell.builtin_trap:
            yield shell
    finally:
        sys.modules["__main__"] = main
        sys.displayhook, sys.excepthook = hooks


class FakeManager:
    """Takes the calls of the magics and answers with reports.

    Parameters
    ----------
    fail : BaseException, optional
        What every call raises.
    """

    fail: BaseException | None = None
    steps: tuple[tuple[str, int, int], ...] = ()

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.made: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def __call__(self, namespace: dict[str, Any], **surroundings: Any) -> FakeManager:
        self.made.append((namespace, surroundings))
        return self

    def _call(self, what: str, *args: Any, progress: Any = None, **options: Any) -> None:
        self.calls.append((what, args, options))
        for step in self.steps:
            progress(*step)
        if self.fail is not None:
            raise self.fail

    def save(self, *args: Any, **options: Any) -> SaveReport:
        self._call("save", *args, **options)
        return SaveReport(f"{args[0]}@1", (Variable("x", "builtins.int"),), (), 10, 20, 0.1)

    def load(self, *args: Any, **options: Any) -> LoadReport:
        self._call("load", *args, **options)
        return LoadReport(f"{args[0]}@{args[1] or 1}", (), (), (), (), 0.1)

    def plan(self, *args: Any, **options: Any) -> LoadPlan:
        self._call("plan", *args, **options)
        return LoadPlan(f"{args[0]}@{args[1] or 1}", ())


class FakeError(SessionError):
    """A refusal, over two lines as nobody should write it."""


def install(monkeypatch: pytest.MonkeyPatch) -> FakeManager:
    """Put a fake where the magics look for the session manager."""
    fake = FakeManager()
    module = types.ModuleType(f"{EXTENSION}.sessions")
    module.SessionManager = fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return fake
