"""One process of the benchmark: its task comes as JSON, its measurements leave as the last line of its output."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from . import memory
from .contenders import CONTENDERS, Contender
from .limits import Limits
from .notebook import build, define, fingerprint, touch


def run(task: str) -> None:
    """Do a task and print what came of it.

    Parameters
    ----------
    task : str
        JSON with ``do`` ("save", "peak" or "load"), ``workload``, ``scale``, ``where`` and ``order``, the names of
        the contenders and limits in the order in which to measure them.
    """
    given = json.loads(task)
    work = {"save": _save, "peak": _peak, "load": _load}[given["do"]]
    found = work(given["workload"], given["scale"], Path(given["where"]), given["order"])
    print(json.dumps(found), flush=True)


def _save(workload: str, scale: float, where: Path, order: list[str]) -> dict[str, Any]:
    """Save twice with each contender and measure the limits, all on one namespace."""
    names = build(workload, scale)
    prints = {one.name: fingerprint(one.variables(names)) for one in CONTENDERS.values()}
    limits = Limits(names)
    found: dict[str, Any] = {"bytes": limits.size, "fingerprints": prints, "stored": {}, "writes": []}
    measure = limits.names()
    for name in order:
        limits.even_out(where)
        if name in measure:
            gc.collect()
            found[name] = measure[name](where)
            if name == "write":
                found["writes"].append(found[name])
            continue
        one = CONTENDERS[name]
        one.prepare()
        place = where / name
        place.mkdir()
        found[name] = {"save": _timed(partial(one.save, names, place))}
        found["stored"][name] = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        limits.even_out(where)
        found[name]["save again"] = _timed(partial(one.save, names, place))
    found["write"] = median(found["writes"])
    return found


def _peak(workload: str, scale: float, where: Path, order: list[str]) -> dict[str, Any]:
    """Measure how much one save adds to the memory that the namespace takes, beyond what the imports take."""
    one = _only(order)
    one.prepare()
    make = define(workload)
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
    one = _only(order)
    if workload != "objects":
        import pandas

        del pandas
    one.prepare()
    one.before_load(workload)
    names = vars(sys.modules["__main__"])
    loaded: dict[str, Any] = {}
    gc.collect()
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


def _only(order: list[str]) -> Contender:
    (name,) = order
    return CONTENDERS[name]


def _timed(work: Callable[[], Any]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
