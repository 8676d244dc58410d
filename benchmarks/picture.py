"""The table as a picture: for each workload how long each tool takes, relative to C pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .notebook import WORKLOADS
from .table import summary

_SHOWN = ("save", "save again", "load", "first use")
_COLOURS = {
    "session": "#0072b2",
    "pickle": "#999999",
    "dill": "#d55e00",
    "cloudpickle": "#cc79a7",
    "joblib": "#009e73",
    "%store": "#e69f00",
}


def draw(found: dict[str, Any], path: Path) -> None:
    """Write the picture as SVG.

    Parameters
    ----------
    found : dict
        What `rounds.measure` returned.
    path : path
    """
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    from matplotlib import pyplot as plt

    results = summary(found)
    figure, grid = plt.subplots(
        len(results), len(_SHOWN), figsize=(13, 1.9 * len(results) + 0.6), squeeze=False, layout="constrained"
    )
    for row, (workload, one) in zip(grid, results.items(), strict=True):
        for axes, phase in zip(row, _SHOWN, strict=True):
            ratios = {name: spread[0] for name, spread in one[phase]["of pickle"].items()}
            names = [name for name in _COLOURS if name in ratios][::-1]
            bars = axes.barh(names, [ratios[n] for n in names], color=[_COLOURS[n] for n in names])
            axes.bar_label(bars, [f"{ratios[n]:.2f}" for n in names], padding=2, fontsize=7)
            axes.set_xscale("log")
            axes.margins(x=0.25)
            axes.axvline(1, color="#555555", linewidth=0.8)
            axes.tick_params(labelsize=7)
            axes.tick_params(axis="x", which="both", labelbottom=False, bottom=False)
            axes.set_title(f"{phase}", fontsize=8)
        row[0].set_title(f"{WORKLOADS[workload]}: save", fontsize=8, loc="left")
    scale = found["setting"]["scale"]
    size = "" if scale == 1 else f", at {scale:g} of the size"
    title = f"Time relative to C pickle{size} (1 = as long as pickle; shorter is faster; logarithmic)"
    figure.suptitle(title, fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
