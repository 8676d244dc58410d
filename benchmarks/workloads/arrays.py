"""About 2 GB of arrays and frames of several sizes and dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def make(scale: float) -> dict[str, Any]:
    rng = np.random.default_rng(20240501)

    def count(items: int) -> int:
        return max(int(items * scale), 8)

    made: dict[str, Any] = {
        "signal": rng.random(count(100_000_000)),
        "image": rng.random((count(8_000), 4_000), dtype=np.float32),
        "by_column": np.asfortranarray(rng.random((count(4_000), 2_000))),
        "labels": rng.integers(0, 100, count(32_000_000), dtype=np.int8),
        "mask": rng.random(count(32_000_000), dtype=np.float32) > 0.5,
    }
    for i in range(8):
        made[f"batch_{i}"] = rng.random(count(2_000_000))
    for i in range(64):
        made[f"row_{i}"] = rng.integers(0, 1 << 40, count(131_072))
    for i in range(256):
        made[f"small_{i}"] = rng.random(count(8_192))
    made["features"] = pd.DataFrame(rng.random((count(2_000_000), 20)), columns=[f"f{i}" for i in range(20)])
    for i in range(8):
        rows = count(400_000)
        made[f"table_{i}"] = pd.DataFrame(
            {
                "time": pd.date_range("2020-01-01", periods=rows, freq="s"),
                "value": rng.random(rows),
                "count": rng.integers(0, 1000, rows),
                "good": rng.random(rows) > 0.1,
                "kind": pd.Categorical.from_codes(rng.integers(0, 5, rows), list("abcde")),
            }
        )
    return made


def change(names: dict[str, Any]) -> None:
    """Change one element of the largest array."""
    names["signal"][names["signal"].size // 2] += 1.0
