"""Instances of classes whose module was reloaded, on request given the class as it is now."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save import load, save
from jupyter_session_save import repointing as room
from jupyter_session_save.repointing import Repointing

OLD = "class T:\n    def who(self): return 'old'\nclass S:\n    __slots__ = ('a',)\nclass Same:\n    pass\n"
NEW = OLD.replace("'old'", "'new'").replace("('a',)", "('a', 'b')")
_number = itertools.count()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module of the user's own; ``own.edit(text)`` edits and reloads it."""
    name = f"repointed_{next(_number)}"
    file = tmp_path / f"{name}.py"
    file.write_text(OLD)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module: Any = importlib.import_module(name)

    def edit(text: str) -> None:
        file.write_text(text)
        importlib.reload(module)

    module.edit = edit
    yield module
    del sys.modules[name]


def test_instances_in_containers_and_attributes_get_the_new_class(own: Any) -> None:
    t, inner, held = own.T(), own.T(), own.T()
    t.inner = inner
    values = [("t", t), ("box", {"list": [held, {1: (held,)}]}), ("other", 5)]
    own.edit(NEW)
    repointing = Repointing()
    repointing.walk(values)
    assert [type(x) is own.T and x.who() for x in (t, inner, held)] == ["new"] * 3
    assert list(repointing.notes()) == [
        f"re-pointed to the classes as they were reloaded: {own.__name__}.T (in box, t)"
    ]
    repointing.undo()
    assert [x.who() for x in (t, inner, held)] == ["old"] * 3


def test_a_class_that_is_laid_out_differently_is_named(own: Any) -> None:
    s = own.S()
    own.edit(NEW)
    repointing = Repointing()
    repointing.walk([("s", s)])
    assert type(s) is not own.S
    assert list(repointing.notes()) == [
        f"not re-pointed, since the new class is laid out differently: {own.__name__}.S (in s)"
    ]


def test_what_was_not_reloaded_or_has_gone_stays(own: Any) -> None:
    t, error = own.T(), ValueError()
    repointing = Repointing()
    repointing.walk([("t", t), ("error", error)])
    assert list(repointing.notes()) == ["nothing to re-point: no instance has a class that was reloaded since"]
    del own.T
    Repointing().walk([("t", t)])
    assert t.who() == "old"


def test_the_search_is_bounded(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "VISITED", 3)
    repointing = Repointing()
    repointing.walk([("many", [[], [], [], []])])
    assert not repointing.complete and "there may be more" in [*repointing.notes()][-1]


def test_a_load_repoints_what_is_live_on_request_only(own: Any, tmp_path: Path) -> None:
    store = tmp_path / "store"
    save("s", {"stored": own.T()}, store=store)
    namespace: dict[str, Any] = {"__name__": "__main__", "mine": own.T()}
    own.edit(NEW)
    report = load("s", namespace, store=store)
    assert (namespace["mine"].who(), namespace["stored"].who()) == ("old", "new")
    assert f"{own.__name__} has changed since the save: its new code is used (needed by stored)" in report.notes
    report = load("s", namespace, store=store, repoint=True)
    assert namespace["mine"].who() == "new"
    assert f"re-pointed to the classes as they were reloaded: {own.__name__}.T (in mine)" in report.notes
