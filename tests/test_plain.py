"""Plain Python: mistakes cost one line and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jupyter_session_save as package
from jupyter_session_save.errors import StoreError

NOTHING: Any = None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("JUPYTER_SESSION_STORE", raising=False)
    return tmp_path / "data"


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "save no name": (lambda: package.save(NOTHING, {}), "name is a string, not NoneType"),
    "load a number": (lambda: package.load(5, {}), "name is a string, not int"),  # type: ignore[arg-type]
    "open a number": (lambda: package.open_session(5), "as in open_session"),  # type: ignore[arg-type]
    "save a list": (lambda: package.save("q", [1]), "a dict of names and values, not list"),  # type: ignore[arg-type]
    "load a list": (lambda: package.load("q", [1]), "such as globals"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_makes_no_store(home: Path, mistake: str) -> None:
    call, told = MISTAKES[mistake]
    with pytest.raises(TypeError, match=told) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert not home.exists()


def test_a_string_is_one_pattern(home: Path) -> None:
    package.save("q", {"result": 1, "r": 2, "raw": 3}, exclude="r")
    target: dict[str, Any] = {}
    package.load("q", target, only="result")
    assert target == {"result": 1}
    package.load("q", target, exclude="re*")
    assert target == {"result": 1, "raw": 3}


def test_a_store_that_cannot_be_made_is_told_as_such(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        # As below `/proc` on Linux.
        raise FileNotFoundError(2, "No such file or directory")

    store = home / "nope"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refuse)
        with pytest.raises(StoreError, match="cannot make a session store at") as caught:
            package.save("q", {"x": 1}, store=store)
    assert "choose another store" in str(caught.value)
