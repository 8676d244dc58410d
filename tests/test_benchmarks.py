"""The benchmark runs and leaves out nothing; times are never looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = {"session", "dill", "pickle"}


def run(tmp_path: Path, *parts: str) -> tuple[dict[str, Any], str]:
    """Run parts of the benchmark as quickly as it can; return its numbers and its text."""
    disk, results = tmp_path / "disk", tmp_path / "results" / "all.json"
    disk.mkdir()
    only = [word for part in parts for word in ("--only", part)]
    picture = ["--picture", str(tmp_path / "picture.svg")]
    command = [sys.executable, "-m", "benchmarks", "--quick", "--where", str(disk), "--json", str(results)]
    done = subprocess.run(
        [*command, *only, *picture], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(disk.iterdir()) == []
    return json.loads(results.read_text("utf-8")), done.stdout


@pytest.mark.parametrize("workload", ["code"])
def test_a_quick_run_is_complete_and_cleans_up(tmp_path: Path, workload: str) -> None:
    found, said = run(tmp_path, workload)
    (one,) = found["summary"].values()
    sound = TOOLS - one["failed"].keys()
    assert {"session", "pickle"} <= sound
    for phase in ("save", "save again", "save changed", "load", "load and read", "first use"):
        assert sound | {"of pickle"} <= set(one[phase])
        assert all(seconds > 0 for name, seconds in one[phase].items() if name != "of pickle")
    assert all(one[limit] > 0 for limit in ("write", "memcpy", "xxh3", "blake3"))
    assert sound <= set(one["memory"]["save"])
    assert all(one["stored"][name] > 0 for name in sound)
    assert one["grown"]["session"] < one["stored"]["session"]
    assert all(target["what"] in said for target in one["targets"])
    assert "<svg" in (tmp_path / "picture.svg").read_text("utf-8")


def test_growth_is_measured_at_every_share(tmp_path: Path) -> None:
    found, said = run(tmp_path, "growth")
    for workload in ("arrays", "objects"):
        sizes = [point["bytes"] for point in found["growth"][workload]]
        assert len(sizes) == 5
        assert sizes == sorted(sizes)
        assert workload in said
