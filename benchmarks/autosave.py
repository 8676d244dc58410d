"""What automatic saving costs: the 20-cell notebook, a thousand trivial cells, going back, cells during a sweep.

Invariant: every watcher's notebook ends with the same check; one that prints something else has failed.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from .cells import Autosave, Kishu, Off, kernel, run_all
from .yielding import measure_waiting, text_of_waiting

_KISHU = Path(__file__).parent.parent / ".venv-kishu"

MANY = (
    "import numpy as np\n"
    "for i in range(300):\n"
    "    globals()[f'value_{{i}}'] = list(range(i))\n"
    "big = [np.random.default_rng(i).random({size}) for i in range(8)]\n"
    "one, two, three, four, five, six, seven, eight = big\n"
    "del big, i"
)


def measure_cells(
    *, rounds: int, peers: bool, scale: float, where: Path | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Measure what a user waits for.

    Parameters
    ----------
    rounds : int
    peers : bool
        Whether Kishu takes part.
    scale : float
        1.0 is the full size.
    where : path, optional
        A directory on the disk to measure.
    tell : callable

    Returns
    -------
    dict
        ``notebook`` (the 20 cells under each watcher), ``trivial`` (a thousand cells), ``back`` (going back),
        ``waiting`` (cells during a sweep) and ``missing`` (why a peer did not take part).
    """
    root = Path(tempfile.mkdtemp(prefix="benchmark-cells-", dir=where))
    os.environ["BIG_N"] = str(max(int(25_000_000 * scale), 100))
    given = runpy.run_path(str(Path(__file__).with_name("workloads") / "cells.py"))
    watchers: list[Off] = [Off(), Autosave()]
    missing = "" if peers else "Kishu was not asked for"
    try:
        watchers += [Kishu(_kishu(tell))] if peers else []
    except (OSError, subprocess.SubprocessError) as error:
        missing = f"Kishu cannot be had: {error}"[:300]
    try:
        done = []
        for number in range(rounds):
            tell(f"(g) 20 cells: round {number + 1} of {rounds}")
            by = number % len(watchers)
            order = watchers[by:] + watchers[:by]
            found = {w.name: run_all(w, root / w.name, given["CELLS"], given["CHECK"]) for w in order}
            _agree(found)
            done.append(found)
            for w in watchers:
                shutil.rmtree(root / w.name, ignore_errors=True)
        tell("(h) 1,000 cells")
        trivial = {w.name: _trivial(w, root / w.name, scale) for w in (Off(), Autosave())}
        tell("(i) going back")
        back = _back(root / "back", given["CELLS"], scale)
        tell("(j) cells during a sweep")
        waiting = measure_waiting(root / "waiting", scale)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return {"notebook": done, "trivial": trivial, "back": back, "waiting": waiting, "missing": missing}


def _agree(found: dict[str, Any]) -> None:
    for name, one in found.items():
        if one["said"] != found["off"]["said"]:
            raise SystemExit(f"with {name} the notebook printed {one['said']!r}, not {found['off']['said']!r}")


def _kishu(tell: Callable[[str], None]) -> str:
    """Return the interpreter of an environment that has Kishu; it is made once."""
    python = _KISHU / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (_KISHU / "made").exists():
        tell("installing Kishu in an environment of its own")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(_KISHU)], check=True, capture_output=True)
        wanted = ["kishu", "numpy", "pandas", "scikit-learn", "ipykernel"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True, capture_output=True)
        (_KISHU / "made").touch()
    return str(python)


def _trivial(watcher: Off, home: Path, scale: float) -> dict[str, float]:
    """Run trivial cells in a namespace of 300 variables and 2 GB, and cells that read 200 MB."""
    count = max(int(1000 * scale), 20)
    with kernel(watcher.python, home, watcher.environment(home)) as running:
        running.run(MANY.format(size=max(int(31_250_000 * scale), 100)))
        if watcher.first:
            running.run(watcher.first)
        running.run("x = 0")
        seconds = [running.run("x = x + 1")[0] for _ in range(count)]
        nothing = [running.run("1 + 1")[0] for _ in range(min(count, 50))]
        running.run(f"reading = np.zeros({max(int(25_000_000 * scale), 100)})")
        reads = [running.run("float(reading[:100].sum())")[0] for _ in range(5)]
    tenth = max(count // 10, 1)
    return {
        "first tenth": median(seconds[:tenth]),
        "last tenth": median(seconds[-tenth:]),
        "changes nothing": median(nothing),
        "reads 200 MB": median(reads),
    }


def _back(home: Path, cells: Sequence[tuple[str, str]], scale: float) -> dict[str, float]:
    """Run the notebook, and take its last cells back, which differ by little: at once, and after a look at the output.

    In the six seconds between, what the cell may have changed without naming it is looked at, while the kernel is idle:
    also what cannot be given up for a cell within 50 ms, which waits until it has been quiet for up to five.
    """
    watcher = Autosave()
    with kernel(watcher.python, home, watcher.environment(home)) as running:
        running.run(watcher.first)
        for _, code in cells:
            running.run(code)
        at_once = running.run("%undo_session")[0]
        undo = []
        for change in ("x = x + 1", "cfg['a'] = 1", "x = x + 2"):
            running.run(change)
            time.sleep(6)
            undo.append(running.run("%undo_session")[0])
        forward = running.run("%load_session bench")[0]
    return {"undo": median(undo), "at once": at_once, "forward": forward}


def text_of_cells(found: dict[str, Any]) -> str:
    """Return the measurements as text."""
    rounds = found["notebook"]
    lines = ["(g) the notebook of 20 cells, s"]
    for name in rounds[0]:
        ratios = [r[name]["total"] / r["off"]["total"] for r in rounds]
        stored = rounds[-1][name]["stored"] / 1e6
        total = median(r[name]["total"] for r in rounds)
        lines.append(f"  {name:8} {total:8.3f}  {median(ratios):6.2f} times off  {stored:10,.1f} MB stored")
    if found["missing"]:
        lines.append(f"  left out: {found['missing']}")
    lines.append("(h) trivial cells in 300 variables and 2 GB, ms (from request to reply)")
    for what in found["trivial"]["off"]:
        off, on = (found["trivial"][name][what] * 1e3 for name in ("off", "session"))
        lines.append(f"  {what:16} off {off:7.2f}  session {on:7.2f}  added {on - off:7.2f}")
    back = found["back"]
    lines.append(
        f"(i) going back by one cell {back['undo'] * 1e3:.0f} ms some seconds after it, "
        f"{back['at once'] * 1e3:.0f} ms at once; to the newest {back['forward'] * 1e3:.0f} ms"
    )
    lines.append(text_of_waiting(found["waiting"]))
    return "\n".join(lines)
