"""Run all rounds: per round and workload one process that saves, and one for each load; nothing is left on disk."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .field import CONTENDERS
from .notebook import WORKLOADS

_BYTES = 2_600_000_000
_TIMEOUT = 1800


class BenchmarkError(SystemExit):
    """A process of the benchmark has failed."""


def measure(
    *, workloads: Sequence[str], rounds: int, scale: float, where: Path | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Measure everything.

    Parameters
    ----------
    workloads : sequence of str
    rounds : int
    scale : float
        1.0 is the full size.
    where : path, optional
        A directory on the disk to measure; by default the temporary directory.
    tell : callable
        Is told how far it is.

    Returns
    -------
    dict
        What the JSON file holds.
    """
    root = Path(tempfile.mkdtemp(prefix="benchmark-", dir=where))
    try:
        needed = int((2 * len(CONTENDERS) + 1) * _BYTES * scale)
        free = shutil.disk_usage(root).free
        if free < needed:
            raise SystemExit(f"{root} has {free >> 20} MB free, {needed >> 20} MB are needed: give another --where")
        found = {}
        for workload in workloads:
            done = []
            for number in range(rounds):
                tell(f"{WORKLOADS[workload]}: round {number + 1} of {rounds}")
                done.append(_round(workload, scale, root, number))
            tell(f"{WORKLOADS[workload]}: memory")
            found[workload] = {"rounds": done, "save memory": _peaks(workload, scale, root, done[-1]["failed"])}
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return {"setting": _setting(rounds, scale), "workloads": found}


def _peaks(workload: str, scale: float, root: Path, failed: dict[str, str]) -> dict[str, Any]:
    names = [name for name in CONTENDERS if name not in failed]
    return {name: in_process("peak", workload, scale, root / "peak", [name]) for name in names}


def _round(workload: str, scale: float, root: Path, number: int) -> dict[str, Any]:
    """Save with all, then load with all; who comes first changes from round to round."""
    where = root / f"{workload}-{number}"
    where.mkdir()
    try:
        # The disk is the least steady of all, so that the plain write comes once after each contender.
        contenders = [step for name in _rotated(list(CONTENDERS), number) for step in (name, "write")]
        order = [*contenders, "memcpy", "xxh3", "blake3"]
        found = in_process("save", workload, scale, where, order)
        for name in _rotated(list(CONTENDERS), number):
            if name not in found["failed"]:
                _loaded(found, name, workload, scale, where)
        return found
    finally:
        shutil.rmtree(where)


def _loaded(found: dict[str, Any], name: str, workload: str, scale: float, where: Path) -> None:
    """Load with one contender; one that brings back something else has failed, and no time of it counts."""
    try:
        loaded = in_process("load", workload, scale, where, [name])
        if loaded.pop("fingerprint") != found["fingerprints"][name]:
            raise BenchmarkError("brings back other values")
        found[name] |= loaded | in_process("first use", workload, scale, where, [name])
    except BenchmarkError as error:
        if name == "session":
            raise
        found["failed"][name] = str(error).splitlines()[-1][:200]


def _rotated(names: list[str], by: int) -> list[str]:
    by %= len(names)
    return names[by:] + names[:by]


def in_process(do: str, workload: str, scale: float, where: Path, order: list[str]) -> dict[str, Any]:
    """Run one task of the worker in a fresh process, below a directory."""
    task = {"do": do, "workload": workload, "scale": scale, "where": str(where), "order": order}
    # `-c` leaves __main__ empty for the workload.
    code = f"__import__('benchmarks.worker').worker.run({json.dumps(task)!r})"
    here = str(Path(__file__).parent.parent)
    with tempfile.TemporaryDirectory(dir=where.parent) as data:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", "")))),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "",  # No user compiles a package at each start.
            "JUPYTER_DATA_DIR": str(where.parent / "jupyter"),
        }
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=data, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False,
        )  # fmt: skip
    if do == "peak":
        shutil.rmtree(where, ignore_errors=True)
    if done.returncode:
        raise BenchmarkError(f"{do} {workload} {order} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _setting(rounds: int, scale: float) -> dict[str, Any]:
    packages = ("blake3", "cloudpickle", "dill", "joblib", "ipython", "numpy", "pandas", "jupyter_session_save")
    return {
        "rounds": rounds,
        "scale": scale,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "packages": {name: _version(name) for name in packages},
        "contenders": {one.name: one.note for one in CONTENDERS.values()},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except ImportError:  # run from a checkout that is not installed
        return "checkout"
