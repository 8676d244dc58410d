"""A recursion limit that the user has set."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

from jupyter_session_save import load, save
from jupyter_session_save.limits import USUAL, usual_limit


def test_the_limit_is_raised_for_a_while_and_then_what_it_was() -> None:
    before, low = sys.getrecursionlimit(), len(inspect.stack(0)) + 50
    try:
        sys.setrecursionlimit(low)
        with usual_limit():
            assert sys.getrecursionlimit() == USUAL
        assert sys.getrecursionlimit() == low
        with usual_limit():
            sys.setrecursionlimit(5000)
        assert sys.getrecursionlimit() == 5000
        with usual_limit():
            assert sys.getrecursionlimit() == 5000
    finally:
        sys.setrecursionlimit(before)


def test_a_session_is_saved_and_loaded_under_a_low_limit(tmp_path: Path) -> None:
    before, fresh = sys.getrecursionlimit(), dict[str, Any]()
    values = {"a": [[1], {"b": (2, {"c": [3]})}], "f": len}
    try:
        sys.setrecursionlimit(len(inspect.stack(0)) + 40)
        save("s", dict(values), store=tmp_path)
        load("s", fresh, store=tmp_path, state=False)
    finally:
        sys.setrecursionlimit(before)
    assert fresh == values
