"""Figures of matplotlib: the same pixels, the same objects, and a backend that is only readied by a load."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from jupyter_session_save.pickling.reducers import figures

from .restore import ROOT, save


@pytest.fixture(autouse=True)
def without_screen() -> Iterator[None]:
    before = mpl.rcParams["backend"]
    plt.switch_backend("agg")
    try:
        yield
    finally:
        plt.close("all")
        plt.switch_backend(before)


def pixels(figure: Any) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="rgba", dpi=40)
    return target.getvalue()


def drawn() -> tuple[Any, Any, Any]:
    figure, axes = plt.subplots(1, 2, figsize=(3, 2))
    (line,) = axes[0].plot([1, 3, 2], label="a")
    axes[0].legend()
    axes[1].imshow(np.eye(3))
    axes[1].set_title("title")
    return figure, axes, line


def test_a_figure_comes_back_with_its_pixels_and_parts() -> None:
    figure, axes, line = drawn()
    before = pixels(figure)
    saved = save({"figure": figure, "axes": axes, "line": line, "held": {"f": figure}})
    assert not saved.problems + saved.reconnected
    assert pixels(figure) == before, "the save has changed the figure"
    fresh = saved.load()
    assert fresh["held"]["f"] is fresh["figure"] is fresh["line"].figure
    assert fresh["figure"].axes[0] is fresh["axes"][0] and fresh["axes"][0].lines[0] is fresh["line"]
    assert pixels(fresh["figure"]) == before
    fresh["line"].set_ydata([3, 1, 2])
    assert pixels(fresh["figure"]) != before and pixels(figure) == before


def test_a_figure_alone_changes_nothing_in_pyplot() -> None:
    figure, _, _ = drawn()
    managed = save({"figure": figure})
    assert b"_restore_to_pylab" not in managed.parts[0].data, "whether pyplot manages a figure is no part of it"
    plt.close(figure)
    other = plt.figure(4)
    assert pixels(managed.load()["figure"]) == pixels(figure)
    assert plt.get_fignums() == [4] and plt.gcf() is other


def test_other_axes_can_become_current() -> None:
    figure, axes, _ = drawn()
    figure.sca(axes[0])
    fresh = save({"figure": figure, "axes": axes}).load()
    assert fresh["figure"].gca() is fresh["axes"][0]
    fresh["figure"].sca(fresh["axes"][1])
    assert fresh["figure"].gca() is fresh["axes"][1]


def test_a_subclass_of_the_users() -> None:
    class Own(Figure):
        def __init__(self, *args: Any, note: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.note = note

    own = plt.figure(FigureClass=Own, note=[1])
    own.add_subplot().plot([1, 2])
    fresh = save({"own": own, "note": own.note}).load()
    assert type(fresh["own"]).__name__ == "Own" and fresh["own"].note is fresh["note"]
    assert pixels(fresh["own"]) == pixels(own)


def test_what_cannot_be_saved_in_a_figure_costs_only_itself() -> None:
    figure, _, _ = drawn()
    figure.generator = (i for i in "ab")
    next(figure.generator)
    saved = save({"figure": figure, "rest": [1]})
    assert [(p.path, p.type) for p in saved.problems] == [("figure.generator", "generator")]
    fresh = saved.load()
    assert len(fresh["figure"].axes) == 2 and pixels(fresh["figure"]) == pixels(figure)


def test_a_figure_twice() -> None:
    figure, _, _ = drawn()
    once = save({"figure": figure}).load()["figure"]
    assert pixels(save({"figure": once}).load()["figure"]) == pixels(figure)


def test_without_a_backend_the_figure_is_still_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ImportError("no screen")

    figure = Figure()
    figure.subplots().plot([1, 2])
    before = pixels(figure)
    saved = save({"figure": figure})
    monkeypatch.setattr(plt, "draw_if_interactive", refuse)
    assert type(figures.new_figure(Figure)) is Figure
    assert pixels(saved.load()["figure"]) == before


def test_saving_does_not_choose_a_backend(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import matplotlib as mpl; from matplotlib.figure import Figure\n"
        "from tests.restore import save\n"
        "f = Figure(); f.subplots().plot([1, 2])\n"
        "saved = save({'f': f})\n"
        "assert not saved.problems\n"
        "print(type(dict.__getitem__(mpl.rcParams, 'backend')) is str, 'matplotlib.pyplot' in sys.modules)\n"
        "assert len(saved.load()['f'].axes) == 1\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    environment = {"MPLCONFIGDIR": mpl.get_configdir(), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert not done.returncode, done.stderr
    assert done.stdout.split() == ["False", "False", "True"]
