"""Sessions saved on one Python minor and loaded on another, in all directions (26)."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HERE = sys.version_info[:2]


def interpreters() -> dict[tuple[int, int], str]:
    """Find an interpreter of each minor that has the package: this one, and those that ``python -m tests`` made.

    ``JUPYTER_SESSION_TEST_PYTHONS`` names others, as PATH names directories.
    """
    named = os.environ.get("JUPYTER_SESSION_TEST_PYTHONS", "")
    found = {HERE: sys.executable}
    made = [str(mark.with_name("bin") / "python") for mark in sorted(ROOT.glob(".venv-python-*/made-from"))]
    for python in named.split(os.pathsep) if named else made:
        if Path(python).exists():
            asked = _run(python, "-c", "import sys; print(*sys.version_info[:2])").split()
            found.setdefault((int(asked[0]), int(asked[1])), python)
    return found


def _run(python: str, *args: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_inherited()])}
    done = subprocess.run([python, *args], capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


def _inherited() -> list[str]:
    return [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]


PYTHONS = interpreters()
DIRECTIONS = list(itertools.product(PYTHONS, repeat=2))


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[int, int], Path]:
    """A store for each minor, in which all cases are saved."""
    made = {}
    for minor, python in PYTHONS.items():
        made[minor] = tmp_path_factory.mktemp("minor") / "store"
        _run(python, "-W", "error", "-m", "tests.minors", "save", str(made[minor]))
    return made


@pytest.mark.parametrize(
    ("saved", "loaded"), DIRECTIONS, ids=[f"{a[0]}.{a[1]} to {b[0]}.{b[1]}" for a, b in DIRECTIONS]
)
def test_case_26_a_session_travels(
    stores: Mapping[tuple[int, int], Path], saved: tuple[int, int], loaded: tuple[int, int]
) -> None:
    out = _run(PYTHONS[loaded], "-m", "tests.minors", "load", str(stores[saved]), *map(str, saved))
    assert json.loads(out) == {}


def test_case_26_there_is_another_python() -> None:
    if len(PYTHONS) == 1:
        pytest.skip("no other Python has the package: run python -m tests, or set JUPYTER_SESSION_TEST_PYTHONS")
    assert {HERE} < {*PYTHONS}
