"""Frames of 5,000,000 strings, as objects, as pandas' ``str`` and as Arrow's strings (where pyarrow is installed)."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pandas as pd


def make(scale: float) -> dict[str, Any]:
    rng = np.random.default_rng(20240504)
    rows = max(int(1_666_667 * scale), 10)
    words = np.array([f"customer number {i}" for i in range(100_000)], dtype=object)
    texts = words[rng.integers(0, len(words), rows)]
    # As read from a file: every row has a string of its own.
    texts = np.array([f"{text}/{i % 7}" for i, text in enumerate(texts)], dtype=object)
    made = {
        "as_object": pd.DataFrame({"text": pd.Series(texts, dtype=object)}),
        "as_str": pd.DataFrame({"text": pd.Series(texts, dtype="str")}),
    }
    if importlib.util.find_spec("pyarrow") is not None:
        made["as_arrow"] = pd.DataFrame({"text": pd.Series(texts, dtype="string[pyarrow]")})
    return made


def change(names: dict[str, Any]) -> None:
    """Change one string."""
    names["as_object"].loc[0, "text"] = "changed"
