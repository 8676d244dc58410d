"""Fill ``__main__`` with a workload, as cells of a notebook would, and tell whether values came back.

Invariant: ``__main__`` holds the workload and nothing else; the same seed gives the same fingerprint.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blake3 import blake3

WORKLOADS = {
    "arrays": "(a) 2 GB of arrays and frames",
    "objects": "(b) 1,000,000 dicts, lists and instances",
    "mixed": "(c) 2,000 mixed variables",
    "text": "(d) a frame of 5,000,000 strings in three dtypes",
    "models": "(e) scikit-learn forests, and a torch model with its optimizer",
    "code": "(f) 200 functions and classes of the notebook",
}


def define(workload: str) -> tuple[Any, Any]:
    """Run a workload's definitions in ``__main__``; return what makes its data, and what makes a small change."""
    names = vars(sys.modules["__main__"])
    path = Path(__file__).with_name("workloads") / f"{workload}.py"
    exec(compile(path.read_text("utf-8"), str(path), "exec"), names)
    return names.pop("make"), names.pop("change")


def build(workload: str, scale: float) -> tuple[dict[str, Any], Any]:
    """Make a workload's variables; return the namespace, that of ``__main__``, and what makes a small change."""
    names = vars(sys.modules["__main__"])
    make, change = define(workload)
    names.update(make(scale))
    return names, change


def user_variables(names: dict[str, Any]) -> dict[str, Any]:
    """Return what the user made."""
    return {name: value for name, value in names.items() if not name.startswith("__")}


def without_code(names: dict[str, Any]) -> dict[str, Any]:
    """Leave out what C pickle refuses (modules) or stores no more of than its name (functions and classes)."""
    code = (types.ModuleType, types.FunctionType, type)
    special = ("typing", "__future__")
    return {
        name: value
        for name, value in user_variables(names).items()
        if not isinstance(value, code) and type(value).__module__ not in special
    }


def fingerprint(names: dict[str, Any]) -> str:
    """Return a digest of all values."""
    hasher = blake3()
    for name, value in sorted(names.items()):
        hasher.update(f"{name}:{type(value).__qualname__}:".encode())
        for piece in _pieces(value):
            hasher.update(piece)
    return hasher.hexdigest()[:16]


def touch(names: dict[str, Any]) -> int:
    """Read one element of every page of the arrays and frames, which is what a mapping puts off."""
    np: Any = sys.modules.get("numpy")
    read = 0
    for value in names.values():
        kind = type(value).__name__
        columns = [value[c] for c in value.columns] if kind == "DataFrame" else []
        columns = [(c.cat.codes if str(c.dtype) == "category" else c).to_numpy() for c in columns]
        for array in [value] if kind == "ndarray" else columns:
            read += int(np.count_nonzero(array.ravel(order="K")[:: max(4096 // array.itemsize, 1)]))
    return read


_FITTED: dict[str, Callable[[Any], bytes]] = {
    "RandomForestClassifier": lambda forest: b"".join(tree.tree_.threshold.tobytes() for tree in forest.estimators_),
    "GradientBoostingRegressor": lambda model: model.train_score_.tobytes(),
    "Sequential": lambda model: b"".join(p.detach().numpy().tobytes() for p in model.parameters()),
    "Adam": lambda adam: b"".join(s["exp_avg"].numpy().tobytes() for s in adam.state.values()),
}
"""What of a model is looked at: its representation does not show what it has learnt."""


def _pieces(value: Any) -> list[Any]:
    kind = type(value).__name__
    if kind == "ndarray":
        return [memoryview(value.ravel(order="K")).cast("B")]
    if kind in _FITTED:
        return [_FITTED[kind](value)]
    if kind == "DataFrame":
        columns = [value[column] for column in value.columns]
        columns = [c.cat.codes if str(c.dtype) == "category" else c for c in columns]
        return [
            memoryview(c.to_numpy().view("i8" if c.dtype.kind == "M" else c.dtype).copy()).cast("B")
            if c.dtype.kind in "biufM"
            else repr(c.tolist()).encode()
            for c in columns
        ]
    if isinstance(value, types.FunctionType):
        return [value.__code__.co_code]
    if isinstance(value, (type, types.ModuleType)):
        return [value.__name__.encode()]
    if isinstance(value, set):
        return [repr(sorted(value)).encode()]
    return [repr(value).encode()]
