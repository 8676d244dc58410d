"""Going back in a live kernel: what is loaded, what stays, and that nothing is lost."""

from __future__ import annotations

import pytest

from .kernels import Kernel
from .machine import Machine

ON = "%autosave_session on --name nb"


def begin(machine: Machine, *cells: str) -> Kernel:
    kernel = machine.kernel()
    for cell in ("%load_ext jupyter_session_save", ON, *cells):
        kernel.run(cell)
    return kernel


def versions(machine: Machine) -> list[int]:
    return sorted(int(path.stem) for path in (machine.store / "sessions" / "nb").glob("*.json"))


@pytest.mark.core
def test_a_cell_is_taken_back_and_the_rest_stays_the_very_same_objects(machine: Machine) -> None:
    kernel = begin(
        machine,
        "import numpy as np\nbig = np.zeros(300_000); view = big[:5]; items = [1]; alias = items\n"
        "class P: pass\np = P()\ndef total(): return sum(items)",
        "n = 1; ids = {k: id(globals()[k]) for k in ('big', 'view', 'P', 'p', 'total')}",
        "items.append(2); n = 5; late = 'new'",
    )
    kernel.run("r = %undo_session")
    kernel.check("items == [1]", "alias is items", "n == 1", "'late' not in globals()", "total() == 1", "type(p) is P")
    kernel.check("all(id(globals()[k]) == i for k, i in ids.items())")
    assert kernel.run("print(r)").text.startswith("took back cell 5: the variables are those of nb@2 again")
    kernel.check("set(r.removed) == {'late'}", "'big' in r.stayed")
    # What was loaded again only because it refers is not said to differ.
    kernel.check("set(r.overwritten) == {'items', 'alias', 'n'}")
    kernel.run("n = 6")
    # The cell that bound r, the one that bound n and the first that did.
    kernel.run("%undo_session 3")
    kernel.check("'n' not in globals()", "items == [1]", "alias is items")
    for cell in ("model = [1, 2]; registry = {}; at = id(model)", "registry['m'] = model", "r = %undo_session"):
        kernel.run(cell)
    kernel.check("id(model) == at", "registry == {}", "r.overwritten == ('registry',)")


def test_working_on_makes_a_branch_and_nothing_is_lost(machine: Machine) -> None:
    kernel = begin(machine, "x = 1", "x = 2", "x = 3")
    kernel.run("%undo_session")
    kernel.run("y = 'other'")
    listed = kernel.run("%sessions nb").text
    assert "@2" in listed
    kernel.run("%load_session nb@3")
    kernel.check("x == 3")
    kernel.run("%load_session nb@5 --replace")
    kernel.check("(x, y) == (2, 'other')")
    kernel.sigkill()
    kernel = machine.kernel()
    kernel.run("%load_ext jupyter_session_save")
    kernel.run("%load_session nb@3")
    kernel.check("x == 3")


def test_what_is_not_stored_stays_as_it_is(machine: Machine) -> None:
    kernel = begin(machine, "g = (i for i in range(9)); next(g)", "x = 1", "x = 2")
    kernel.run("%undo_session")
    kernel.check("x == 1", "next(g) == 1")


def test_a_cell_that_undoes_and_others_that_change_nothing_do_not_count(machine: Machine) -> None:
    kernel = begin(machine, "x = []", "x.append(1)", "x.append(2)", "len(x)", "print(x)")
    assert kernel.run("%undo_session").text.startswith("took back cell 5:")
    kernel.check("x == [1]")
    assert kernel.run("%undo_session").text.startswith("took back cell 4:")
    kernel.check("x == []")


@pytest.mark.parametrize("then", ["len(x)", ""])
@pytest.mark.parametrize("back", ["%undo_session", "%load_session nb@1"])
def test_a_kernel_that_dies_after_going_back_resumes_from_there(machine: Machine, back: str, then: str) -> None:
    kernel = begin(machine, "x = [1]; y = [0]", "x.append(2)")
    kernel.run(back)
    kernel.run(then)
    assert versions(machine) == [1, 2, 3]
    kernel.sigkill()
    kernel = machine.kernel()
    kernel.run("%load_ext jupyter_session_save")
    kernel.run("%load_session nb")
    kernel.check("(x, y) == ([1], [0])")


def test_an_undo_counts_what_the_sweep_has_not_seen_yet(machine: Machine) -> None:
    kernel = begin(machine, "x = [1]; import json; json.kept = x", "y = 1", "json.kept.append(2); z = 1")
    kernel.run("%undo_session")
    # The same whether the sweep came first or not.
    kernel.check("x == [1]", "y == 1", "'z' not in globals()")
    kernel.run("%load_session nb@4")
    kernel.check("x == [1, 2]", "z == 1")
    kernel.submit("json.kept = x; json.kept.append(3)", silent=True)
    kernel.run("%undo_session")
    kernel.check("x == [1, 2]", "z == 1")


def test_an_undo_of_several_cells_says_which_and_what_became_of_the_names(machine: Machine) -> None:
    kernel = begin(machine, "x = 1; gone = [1]", "x = 2", "print(x)", "del gone", "new = {}")
    told = kernel.run("%undo_session 3").text
    assert told.startswith("took back 3 cells (4, 6, 7): the variables are those of nb@1 again")
    assert "brought back: gone\n" in told and "overwrote what differed: x\n" in told and "removed: new" in told
    kernel.run("%save_session nb")
    kernel.run("y = 1")
    assert kernel.run("%undo_session 1").text.startswith("took back cell 10:")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%undo_session 0", "1 or more"),
        ("%undo_session 9", "does not go back so far"),
        ("%undo_session x", "invalid int"),
    ],
)
def test_mistakes_cost_one_line_and_nothing_else(machine: Machine, line: str, said: str) -> None:
    kernel = begin(machine, "x = 1")
    reply = kernel.run(line, check=False)
    assert said in reply.complaint and len(reply.complaint.strip().splitlines()) == 1
    kernel.check("x == 1")
    kernel.run("%autosave_session off")
    assert "autosave is off" in kernel.run("%undo_session", check=False).complaint


def test_a_save_by_hand_is_part_of_the_line(machine: Machine) -> None:
    kernel = begin(machine, "x = 1", "x = 2", "%save_session nb -m kept", "x = 3")
    kernel.run("%undo_session 2")
    kernel.check("x == 1")


def test_what_comes_back_finds_the_classes_and_functions_that_stayed(machine: Machine) -> None:
    kernel = begin(
        machine,
        "class Box: pass\ndef make(): return Box()\nbox = make(); kept = {'f': make}; partner = None",
        "box = 1; kept = 2; partner = make()",
    )
    kernel.run("r = %undo_session")
    kernel.check("type(box) is Box", "kept['f'] is make", "partner is None", "not r.placeholders")


def test_an_undo_within_a_cell_takes_back_what_that_cell_has_done(machine: Machine) -> None:
    kernel = begin(machine, "x = 1", "x = 2", "x = 3", "x = 4\n%undo_session")
    kernel.check("x == 3")


def test_a_warning_is_nothing_that_a_cell_changed(machine: Machine) -> None:
    warn = "import warnings; warnings.warn('careful')"
    kernel = begin(machine, "y = 0", f"{warn}\nx = 1", f"{warn}\nx = 2", "x", warn)
    assert versions(machine) == [1, 2, 3]
    assert kernel.run("%undo_session").text.startswith("took back cell 5:")
    kernel.check("x == 1")
    kernel.run("x")
    assert kernel.run("%undo_session").text.startswith("took back cell 4:")
    kernel.check("'x' not in globals()")
