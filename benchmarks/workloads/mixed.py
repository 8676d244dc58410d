"""2,000 variables as a long analysis leaves them: mostly small, of many kinds."""

from __future__ import annotations

import importlib
import linecache
import random
from typing import Any

import numpy as np
import pandas as pd

MODULES = (
    "math json re os sys random itertools functools collections datetime pathlib statistics string textwrap csv "
    "decimal fractions operator glob numpy"
).split()

CELL = """\
def compute_{i}(value, factor={i}):
    "Scale a value, and go through the one before."
    total = value * factor + number_{i}
    return total if total < 0 else helper(total, {i})
"""

CLASS = """\
class Model_{i}:
    "A model with a few parameters."

    rate = {i} / 10

    def __init__(self, weights, name="model {i}"):
        self.weights, self.name = list(weights), name

    def predict(self, value):
        return sum(w * value for w in self.weights) * self.rate

    def __repr__(self):
        return f"Model_{i}({{self.weights}}, {{self.name}})"
"""


def helper(value: float, offset: int) -> float:
    return value + offset


def run_cell(text: str, number: int) -> None:
    # As IPython does it: the source of a cell is found through linecache.
    file = f"<cell {number}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), globals())


for _i in range(60):
    run_cell(CELL.format(i=_i), _i)
for _i in range(19):
    run_cell(CLASS.format(i=_i), 1000 + _i)


def make(scale: float) -> dict[str, Any]:
    rng = random.Random(20240503)
    arrays = np.random.default_rng(20240503)
    part = min(scale, 1.0)

    def some(number: int) -> range:
        return range(max(int(number * part), 2))

    made: dict[str, Any] = {}
    for i in some(480):
        made[f"number_{i}"] = rng.choice([rng.randrange(10**9), rng.random(), rng.random() > 0.5])
        made[f"text_{i}"] = "".join(rng.choices("abcdefgh ", k=rng.randrange(5, 2000)))
    for i in some(130):
        made[f"list_{i}"] = [rng.random() for _ in range(rng.randrange(10, 1000))]
        made[f"dict_{i}"] = {f"key{k}": rng.randrange(100) for k in range(rng.randrange(5, 300))}
        made[f"tuple_{i}"] = tuple(rng.choices("abc", k=10))
        made[f"set_{i}"] = set(range(rng.randrange(5, 200)))
    for i in some(240):
        made[f"array_{i}"] = arrays.random(rng.randrange(10, 5_000))
    for i in some(160):
        rows = rng.randrange(10, 1_000)
        words = rng.choices(["red", "green", "blue"], k=rows)
        made[f"frame_{i}"] = pd.DataFrame({"a": arrays.random(rows), "b": np.arange(rows), "c": words})
    for i in some(19):
        made[f"model_{i}"] = globals()[f"Model_{i}"]([rng.random() for _ in range(5)])
    for name in MODULES:
        made[f"imported_{name}"] = importlib.import_module(name)
    return made


def change(names: dict[str, Any]) -> None:
    """Change one small list."""
    names["list_0"].append(0.5)
