"""One process of the benchmark: its task comes as JSON, its measurements leave as the last line of its output."""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from . import memory
from .contenders import Contender
from .field import CONTENDERS
from .limits import Limits
from .notebook import build, define, fingerprint, touch

_IMPORTS = {"arrays": ["pandas"], "mixed": ["pandas"], "text": ["pandas"], "models": ["sklearn.ensemble", "torch"]}
"""What the loading process has imported beforehand, so that no tool's load is the time of an import."""


def run(task: str) -> None:
    """Do a task and print what came of it.

    Parameters
    ----------
    task : str
        JSON with ``do`` ("save", "peak", "load" or "first use"), ``workload``, ``scale``, ``where`` and ``order``,
        the names of the contenders and limits in the order in which to measure them.
    """
    given = json.loads(task)
    work = {"save": _save, "peak": _peak, "load": _load, "first use": _first_use}[given["do"]]
    found = work(given["workload"], given["scale"], Path(given["where"]), given["order"])
    print(json.dumps(found), flush=True)


def _save(workload: str, scale: float, where: Path, order: list[str]) -> dict[str, Any]:
    """Save with each contender, again, and after a small change; and measure the limits, all on one namespace."""
    names, change = build(workload, scale)
    limits = Limits(names)
    found: dict[str, Any] = {"bytes": limits.size, "failed": {}, "stored": {}, "grown": {}, "writes": []}
    measure = limits.names()
    for name in order:
        limits.even_out(where)
        if name in measure:
            gc.collect()
            found[name] = measure[name](where)
            if name == "write":
                found["writes"].append(found[name])
            continue
        try:
            found[name] = _saves(CONTENDERS[name], names, change, where / name, limits, found)
        except Exception as error:
            found["failed"][name] = f"{type(error).__name__}: {error}"[:200]
    found["write"] = median(found["writes"] or [0.0])
    found["fingerprints"] = {one.name: fingerprint(one.variables(names)) for one in CONTENDERS.values()}
    # What is loaded is what was there in the end.
    for name in found["stored"].keys() - found["failed"].keys():
        CONTENDERS[name].save(names, where / name)
    return found


def _saves(
    one: Contender, names: dict[str, Any], change: Any, place: Path, limits: Limits, found: dict[str, Any]
) -> dict[str, float]:
    one.prepare()
    place.mkdir()
    seconds = {"save": _timed(partial(one.save, names, place))}
    found["stored"][one.name] = _size(place)
    limits.even_out(place.parent)
    seconds["save again"] = _timed(partial(one.save, names, place))
    before = _size(place)
    change(names)
    limits.even_out(place.parent)
    seconds["save changed"] = _timed(partial(one.save, names, place))
    found["grown"][one.name] = _size(place) - before
    return seconds


def _size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())


def _peak(workload: str, scale: float, where: Path, order: list[str]) -> dict[str, Any]:
    """Measure how much one save adds to the memory that the namespace takes, beyond what the imports take."""
    one = _only(order)
    one.prepare()
    make, _ = define(workload)
    empty = memory.resident()
    names = vars(sys.modules["__main__"])
    names.update(make(scale))
    gc.collect()
    full = memory.resident()
    memory.reset_peak()
    where.mkdir(exist_ok=True)
    one.save(names, where)
    return {"namespace": full - empty, "extra": memory.peak() - full}


def _load(workload: str, scale: float, where: Path, order: list[str]) -> dict[str, Any]:
    """Load once, in a process that has imported the libraries; then read what was loaded."""
    one = _ready(workload, order)
    names = vars(sys.modules["__main__"])
    loaded: dict[str, Any] = {}
    empty = memory.resident()
    memory.reset_peak()
    seconds = _timed(lambda: loaded.update(one.load(names, where / one.name)))
    taken = memory.peak() - empty
    variables = one.variables(loaded)
    reading = _timed(lambda: touch(variables))
    return {
        "load": seconds,
        "load and read": seconds + reading,
        "taken": taken,
        "fingerprint": fingerprint(variables),
    }


def _first_use(workload: str, scale: float, where: Path, order: list[str]) -> dict[str, Any]:
    """Get one variable, as quickly as the tool can, in a process that has imported the libraries."""
    one = _ready(workload, order)
    name = {"arrays": "small_0", "objects": "lists", "mixed": "frame_0", "text": "as_str"}.get(workload)
    name = name or {"models": "features", "code": "shape_0"}[workload]
    return {"first use": _timed(lambda: one.first_use(name, where / one.name))}


def _ready(workload: str, order: list[str]) -> Contender:
    one = _only(order)
    for module in _IMPORTS.get(workload, []):
        try:
            importlib.import_module(module)
        except ImportError:
            continue
    one.prepare()
    one.before_load(workload)
    gc.collect()
    return one


def _only(order: list[str]) -> Contender:
    (name,) = order
    return CONTENDERS[name]


def _timed(work: Callable[[], Any]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
