"""How long a cell waits that comes while the kernel looks, between cells, at values that take long to look at."""

from __future__ import annotations

import random
import time
from pathlib import Path
from statistics import median

from .cells import Autosave, Off, kernel

VALUES = {
    "arrays of 2M texts": "import numpy as np; x = np.array([f'text {{n}}' for n in range({n})], dtype=object)",
    "2M texts, 50 of them different": (
        "import numpy as np; x = np.array([f'text {{n % 50}}' for n in range({n})], dtype=object)"
    ),
    "200,000 small arrays": "import numpy as np; x = [np.full(4, n) for n in range({n} // 10)]",
    "a text of 240 MB": "x = 'text and ' * ({n} // 2 * 27)",
    "a bytearray of 240 MB": "x = bytearray({n} * 120)",
    "graph of 100,000 nodes": (
        "class Node:\n    pass\n"
        "x = [Node() for n in range({n} // 20)]\n"
        "for n, node in enumerate(x):\n    node.to = [x[n * 7 % len(x)], x[(n * 13 + 5) % len(x)]]\n"
        "x = x[0], x"
    ),
    "2M small dicts": "x = {{n: {{'n': n, 'l': [n]}} for n in range({n} // 4)}}",
}


def measure_waiting(root: Path, scale: float) -> dict[str, dict[str, float]]:
    """Return for each value how much longer the reply to a trivial cell takes, in seconds: in the median, at most."""
    count, cells = max(int(2_000_000 * scale), 2000), max(int(40 * scale), 2)
    codes = {what: code.format(n=count) for what, code in VALUES.items()}
    return {what: _beside(root / str(number), code, cells=cells) for number, (what, code) in enumerate(codes.items())}


def _beside(root: Path, code: str, *, cells: int) -> dict[str, float]:
    found = {}
    for watcher in (Off(), Autosave()):
        with kernel(watcher.python, root / watcher.name, watcher.environment(root / watcher.name)) as running:
            running.run(code)
            if watcher.first:
                running.run(watcher.first)
            draw, seconds = random.Random(0), []
            for _ in range(cells):
                # Into the look that begins shortly after each cell.
                time.sleep(draw.uniform(0.02, 0.5))
                seconds.append(running.run("pass")[0])
        found[watcher.name] = seconds
    usual = median(found["off"])
    return {"median": median(found["session"]) - usual, "most": max(found["session"]) - usual}


def text_of_waiting(found: dict[str, dict[str, float]]) -> str:
    """Return the measurements as text."""
    lines = ["(j) a trivial cell that comes while the kernel looks at a value waits, ms more than without autosave"]
    for what, one in found.items():
        lines.append(f"  {what:32} median {one['median'] * 1e3:6.1f}  most {one['most'] * 1e3:6.1f}")
    return "\n".join(lines)
