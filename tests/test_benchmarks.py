"""The benchmark runs and leaves out nothing; times are never looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOOLS = {"session", "dill", "pickle"}


def test_a_quick_run_is_complete_and_cleans_up(tmp_path: Path) -> None:
    disk, results = tmp_path / "disk", tmp_path / "results" / "all.json"
    disk.mkdir()
    command = [sys.executable, "-m", "benchmarks", "--quick", "--where", str(disk), "--json", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(results.read_text("utf-8"))
    assert set(found["workloads"]) == set(found["summary"]) == {"arrays", "objects", "mixed"}
    for workload, one in found["summary"].items():
        for phase in ("save", "save again", "load", "load and read"):
            assert set(one[phase]) == TOOLS | {"ratios"}, workload
            assert all(middle > 0 for middle, _, _ in one[phase]["ratios"].values())
        assert {"write", "memcpy", "blake3"} < set(one)
        assert set(one["memory"]["save"]) == set(one["memory"]["load"]) == set(one["stored"]) == TOOLS
        assert all(size > 0 for size in one["stored"].values())
        assert f"memory added by {'load'}" in done.stdout
    assert list(disk.iterdir()) == []
