"""How saving and loading grow with the namespace: from a sixteenth of a workload to all of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .notebook import WORKLOADS
from .rounds import in_process

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
_PHASES = ("save", "save again", "load")


def measure_growth(
    workloads: Sequence[str], *, scale: float, where: Path | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Measure this project's save and load at each share of each workload.

    Parameters
    ----------
    workloads : sequence of str
    scale : float
        1.0 is the full size.
    where : path, optional
        A directory on the disk to measure.
    tell : callable

    Returns
    -------
    dict
        For each workload one dict of seconds for each share.
    """
    root = Path(tempfile.mkdtemp(prefix="benchmark-growth-", dir=where))
    try:
        found: dict[str, Any] = {}
        for workload in workloads:
            tell(f"{WORKLOADS[workload]}: growth")
            found[workload] = [_at(workload, share * scale, root / workload) for share in SHARES]
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return found


def _at(workload: str, scale: float, where: Path) -> dict[str, float]:
    where.mkdir()
    saved = in_process("save", workload, scale, where, ["session"])
    loaded = in_process("load", workload, scale, where, ["session"])
    shutil.rmtree(where)
    return saved["session"] | loaded | {"bytes": saved["bytes"]}


def text_of_growth(found: dict[str, Any]) -> str:
    """Return the measurements as text: seconds, and how many times those of a sixteenth."""
    lines = ["(k) growth: seconds at each share of a workload, and how many times those of the smallest"]
    for workload, points in found.items():
        for phase in _PHASES:
            least = points[0][phase]
            cells = (f"{point[phase]:8.3f} ({point[phase] / least:5.1f})" for point in points)
            lines.append(f"  {workload:8} {phase:10} {'  '.join(cells)}")
    return "\n".join(lines)
