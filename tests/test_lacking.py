"""Names that saved functions use and that are not saved are told."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

import jupyter_session_save as package

from .cells import notebook

SCRIPT = """
import numpy as np
free = 1
def h(x): return np.pi * x
def f(x): return h(x) + abs(x)
class C:
    def m(self): return np.pi
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("JUPYTER_SESSION_STORE", raising=False)
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    exec(SCRIPT, vars(main))
    return vars(main)


def test_what_a_dict_leaves_behind_is_told(script: dict[str, Any]) -> None:
    told = package.save("fn", {"f": script["f"], "C": script["C"], "n": 1}).notes
    assert told == ("C uses np; f uses h; not saved: pass globals(), or add it",)
    both = package.save("fn", {"f": script["f"], "h": script["h"]}).notes
    assert both == ("h uses np; not saved: pass globals(), or add it",)


def test_what_is_saved_or_built_in_is_not_missed(script: dict[str, Any]) -> None:
    whole = {name: script[name] for name in ("f", "h", "np")}
    assert package.save("fn", whole).notes == ()
    taken = package.save("fn", script, only=["f"])
    assert taken.notes == ("saved too, because the others need them: h, np",)
    target: dict[str, Any] = {}
    package.load("fn", target)
    assert target["f"](0) == 0


def test_what_a_notebook_leaves_out_is_told() -> None:
    with notebook(SCRIPT) as made:
        assert not made.save().notes
        assert "f uses h; left out" in "".join(made.save(exclude=["h"]).notes)
        assert not any("left out" in note for note in made.save(exclude=["free"]).notes)
