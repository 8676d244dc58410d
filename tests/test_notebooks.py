"""The notebooks, cut at several cells and resumed in a fresh kernel, against an uninterrupted run.

Compared are all later outputs and, at the end, all variables by value and alias structure (see ``describe``). With
``JUPYTER_SESSION_TEST_CUTS=all`` in the environment each notebook is cut after every cell.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .cells import settled
from .kernels import Kernel, Result
from .machine import ROOT, Machine, read_report
from .support import installed

NEEDS = {
    "quickstart": (),
    "wine": ("sklearn",),
    "classifier": ("sklearn",),
    "words": (),
    "spirals": ("torch",),
    "orders": ("polars", "pyarrow"),
    "tips": ("seaborn", "statsmodels"),
    "towns": ("networkx", "sympy"),
    "river": (),
    "gazette": (),
}
"""The notebooks, each with the modules without which it is skipped."""
CUTS = 2
EVERY_CELL = os.environ.get("JUPYTER_SESSION_TEST_CUTS") == "all"
OURS = ("%load_ext jupyter_session_save", "%save_session")
# scikit-learn measures with a clock, and its Bunch leaves this attribute out of every pickle on purpose.
NOT_COMPARED = ("_time", "_deprecated_key_to_warnings")
DESCRIBE = "__import__('tests.describe').describe.write({path!r}, globals(), get_ipython().user_ns_hidden)"


@dataclass(frozen=True, slots=True)
class Whole:
    """An uninterrupted run: what each cell showed, and all variables at the end."""

    outputs: tuple[list[str], ...]
    variables: dict[str, str]


def code_of(name: str) -> list[dict[str, Any]]:
    """The code cells of a notebook as they stand in its file."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@functools.cache
def cells_of(name: str) -> tuple[str, ...]:
    """The code of a notebook without our own magics, which an uninterrupted run does not need."""
    sources = ("".join(cell["source"]) for cell in code_of(name))
    return tuple(source for source in sources if not source.startswith(OURS))


def cuts_of(name: str) -> list[int]:
    """Numbers of cells to run before the kernel dies, evenly spread."""
    length = len(cells_of(name))
    if EVERY_CELL:
        return [*range(1, length + 1)]
    return [length * part // (CUTS + 1) for part in range(1, CUTS + 1)]


def shown(result: Result) -> list[str]:
    """What a reader sees of a cell: streams, plain text, and whether there are pictures."""
    pictures = sum("image/png" in display for display in result.displays)
    return [result.stream("stdout"), result.stream("stderr"), result.text, f"{pictures} pictures"]


def variables_of(kernel: Kernel, path: Path) -> dict[str, str]:
    """All variables, described inside the kernel."""
    kernel.get(DESCRIBE.format(path=str(path)))
    described: dict[str, str] = json.loads(path.read_text(encoding="utf-8").replace(str(path.parent), "here"))
    return {path: line for path, line in settled(described).items() if not any(word in path for word in NOT_COMPARED)}


def kernel_of(machine: Machine) -> Kernel:
    """A kernel whose temporary directory is the machine's own, and lasts as long."""
    # One thread each: several kernels that compute at once otherwise wait for one another.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return machine.kernel(env={"TMPDIR": str(machine.project), **threads})


def skip_without(name: str) -> None:
    """Skip the test of a notebook whose libraries are missing."""
    absent = [module for module in NEEDS[name] if not installed(module)]
    if absent:
        pytest.skip(f"{name}.ipynb needs {', '.join(absent)}")


@pytest.fixture(scope="session")
def uninterrupted(
    tmp_path_factory: pytest.TempPathFactory, shared_environment: dict[str, str]
) -> Callable[[str], Whole]:
    """Run a notebook once, in a kernel that never heard of this project's extension."""

    @functools.cache
    def run(name: str) -> Whole:
        machine = Machine(tmp_path_factory.mktemp(name) / "machine", shared_environment)
        with kernel_of(machine) as kernel:
            outputs = tuple(shown(kernel.run(cell)) for cell in cells_of(name))
            return Whole(outputs, variables_of(kernel, machine.root / "variables.json"))

    return run


@pytest.mark.parametrize(("name", "cut"), [(name, cut) for name in NEEDS for cut in cuts_of(name)])
def test_a_notebook_goes_on_where_its_kernel_died(
    machine: Machine, uninterrupted: Callable[[str], Whole], name: str, cut: int
) -> None:
    skip_without(name)
    whole = uninterrupted(name)
    cells = cells_of(name)
    a = kernel_of(machine)
    b = kernel_of(machine)
    a.run(OURS[0])
    before = [shown(a.run(cell)) for cell in cells[:cut]]
    assert before == [*whole.outputs[:cut]]
    a.run(f"report = %save_session {name}")
    saved = read_report(a, "report")
    a.sigkill()
    assert not saved.placeholders, saved.text
    b.run(OURS[0])
    b.run(f"%load_session {name}")
    after = [shown(b.run(cell)) for cell in cells[cut:]]
    assert after == [*whole.outputs[cut:]]
    variables = variables_of(b, machine.root / "variables.json")
    differing = {
        path: (whole.variables.get(path), variables.get(path))
        for path in sorted(whole.variables.keys() | variables.keys())
        if whole.variables.get(path) != variables.get(path)
    }
    assert not differing


@pytest.mark.parametrize("name", NEEDS if EVERY_CELL else ["quickstart"])
def test_a_notebook_runs_the_same_twice(machine: Machine, uninterrupted: Callable[[str], Whole], name: str) -> None:
    skip_without(name)
    whole = uninterrupted(name)
    kernel = kernel_of(machine)
    assert tuple(shown(kernel.run(cell)) for cell in cells_of(name)) == whole.outputs
    assert variables_of(kernel, machine.root / "variables.json") == whole.variables


def test_notebooks_are_checked_in_without_outputs() -> None:
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} == set(NEEDS)
    for name in NEEDS:
        assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code_of(name)), name


def test_the_quickstart_loads_the_extension_first_and_saves_once() -> None:
    sources = ["".join(cell["source"]) for cell in code_of("quickstart")]
    assert sources[0] == OURS[0]
    assert [source for source in sources if "%save_session" in source] == ["%save_session quickstart"]
