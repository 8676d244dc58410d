"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from .autosave import measure_cells, text_of_cells
from .growth import measure_growth, text_of_growth
from .notebook import WORKLOADS
from .picture import draw
from .rounds import measure
from .table import summary, text

_PARTS = (*sorted(WORKLOADS), "cells", "growth")


def main() -> None:
    """Measure, print the tables, write the JSON and the picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round that only shows that it runs")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds (default 5)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size (default 1.0)")
    parser.add_argument("--only", choices=_PARTS, action="append", help="only this workload or part; repeatable")
    parser.add_argument("--where", type=Path, help="a directory on the disk to measure (default: the temporary one)")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="where all numbers go")
    parser.add_argument("--picture", type=Path, help="where the picture goes, as SVG (default: none)")
    given = parser.parse_args()
    parts = given.only or list(_PARTS)
    workloads = [name for name in WORKLOADS if name in parts]
    options: dict[str, Any] = {
        "scale": 0.002 if given.quick else given.scale,
        "where": given.where,
        "tell": lambda line: print(line, file=sys.stderr, flush=True),
    }
    rounds = 1 if given.quick else given.rounds
    found: dict[str, Any] = {}
    shown = []
    if workloads:
        found = measure(workloads=workloads, rounds=rounds, **options)
        found["summary"] = summary(found)
        shown.append(text(found))
    if "cells" in parts:
        found["cells"] = measure_cells(rounds=rounds, peers=not given.quick, **options)
        shown.append(text_of_cells(found["cells"]))
    if "growth" in parts:
        found["growth"] = measure_growth(["arrays", "objects"], **options)
        shown.append(text_of_growth(found["growth"]))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if given.picture is not None and workloads:
        draw(found, given.picture)
    print("\n\n".join(shown))


if __name__ == "__main__":
    main()
