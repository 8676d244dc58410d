"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .notebook import WORKLOADS
from .rounds import measure
from .table import summary, text


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round that only shows that it runs")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds (default 5)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size (default 1.0)")
    parser.add_argument("--only", choices=sorted(WORKLOADS), action="append", help="only this workload; repeatable")
    parser.add_argument("--where", type=Path, help="a directory on the disk to measure (default: the temporary one)")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="where all numbers go")
    given = parser.parse_args()
    found = measure(
        workloads=given.only or list(WORKLOADS),
        rounds=1 if given.quick else given.rounds,
        scale=0.002 if given.quick else given.scale,
        where=given.where,
        tell=lambda line: print(line, file=sys.stderr, flush=True),
    )
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({**found, "summary": summary(found)}, indent=1) + "\n", "utf-8")
    print(text(found))


if __name__ == "__main__":
    main()
