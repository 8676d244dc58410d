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


@pytest.mark.parametrize("then", ["other = [gen]", "other = gen", "del pair", "pair.append(6)", "cfg['n'] = 1"])
def test_what_is_not_stored_stays_alive_in_what_holds_it(machine: Machine, then: str) -> None:
    cell = "gen = (i for i in range(9)); next(gen); pair = [gen]; cfg = {'n': 0, 'gen': gen}; zz = 1"
    kernel = begin(machine, cell, f"zz = 2; {then}", "r = %undo_session")
    kernel.check("next(gen) == 1", "pair == [gen]", "cfg == {'n': 0, 'gen': gen}", "zz == 1")
    kernel.check("not r.placeholders", "set(r.overwritten) <= {'zz', 'pair', 'cfg'}")
    # What the namespace holds is what was stored: nothing changes but what binds the report.
    kernel.run("print(1)")
    assert versions(machine) == [1, 2, 3]


def test_a_running_process_keeps_its_handle(machine: Machine) -> None:
    kernel = begin(
        machine,
        "import subprocess, sys\nwaits = [sys.executable, '-c', 'input()']\n"
        "p = subprocess.Popen(waits, stdin=subprocess.PIPE); job = {'p': p, 'n': 0}",
        "job['n'] += 1",
        "r = %undo_session",
    )
    kernel.check("job == {'p': p, 'n': 0}", "p.poll() is None", "not r.placeholders", "r.overwritten == ('job',)")
    kernel.run("p.communicate(b'\\n')")
    kernel.check("job['p'].returncode == 0")


def test_an_open_transaction_of_earlier_cells_goes_on(machine: Machine) -> None:
    kernel = begin(
        machine,
        "import sqlite3; con = sqlite3.connect('f.db'); con.execute('create table t(a)'); con.commit()",
        "job = {'con': con, 'n': 0}; cur = con.cursor()",
        "cur.execute('insert into t values (7)'); job['n'] = 1",
        "job['n'] = 2",
        "r = %undo_session",
    )
    kernel.check("job == {'con': con, 'n': 1}", "cur.connection is con", "con.in_transaction", "not r.reconnected")
    kernel.check("cur.execute('select a from t').fetchall() == [(7,)]")


def test_what_gives_way_to_a_placeholder_is_named(machine: Machine) -> None:
    kernel = begin(machine, "gen = (i for i in range(9)); next(gen); fixed = (gen,); q = [gen]", "q.append(1)")
    told = kernel.run("r = %undo_session\nprint(r)").text
    assert "overwrote what differed: q, fixed\n" in told and "1 placeholder\n" in told and "fixed[0]" in told
    kernel.check("q == [gen]", "next(gen) == 1", "[v.name for v in r.placeholders] == ['fixed']")


def test_a_load_that_fails_late_takes_back_what_it_put_back(machine: Machine) -> None:
    kernel = begin(
        machine,
        "gen = (i for i in range(9)); next(gen); q = [gen, 1]; alias = q",
        "q[1] = 2; new = 1; at = id(q)",
        "import jupyter_session_save.environment as e; was = e.differences\n"
        "def fails(*_): raise KeyboardInterrupt\ne.differences = fails",
    )
    assert kernel.run("%undo_session 2", check=False).complaint
    kernel.check("q == [gen, 2]", "alias is q", "id(q) == at", "next(gen) == 1", "new == 1", "callable(fails)")
    kernel.run("e.differences = was")
    kernel.run("%load_session nb@1 --replace")
    kernel.check("q == [gen, 1]", "alias is q", "next(gen) == 2", "'new' not in globals()")


def test_what_was_not_stored_and_cannot_be_brought_back_is_named(machine: Machine) -> None:
    kernel = begin(
        machine,
        "%config SessionMagics.autosave_max_variable = 1000\n"
        "s = 'x' * 5_000; gen = (i for i in 'ab'); next(gen); n = 1",
        "s = None; gen = 0; n = 2",
    )
    told = kernel.run("%undo_session").text
    assert "could not be brought back, since no value was stored, and stay as they are: gen, s\n" in told
    assert "nothing in them differs" not in told
    kernel.check("(s, gen, n) == (None, 0, 1)")


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


SETTINGS = {
    "np.get_printoptions()['precision']": "np.set_printoptions(precision={})",
    "np.geterr()['divide'] == 'ignore'": "np.seterr(divide='ignore' if {} == 7 else 'warn')",
    "pd.get_option('display.max_rows')": "pd.set_option('display.max_rows', {})",
    "logging.getLogger('a').level": "logging.getLogger('a').setLevel({})",
    "len(logging.getLogger('a.b').handlers)": "logging.getLogger('a.b').handlers or {} == 7 and "
    "logging.getLogger('a.b').addHandler(logging.StreamHandler(sys.stdout))",
    "decimal.getcontext().prec": "decimal.getcontext().prec = {}",
    "sys.getrecursionlimit() == 5007": "sys.setrecursionlimit(5000 + {})",
    "calendar.firstweekday() == 6": "calendar.setfirstweekday(6 if {} == 7 else 0)",
    "mpl.rcParams['font.size']": "mpl.rcParams['font.size'] = float({})",
    "get_ipython().ast_node_interactivity": "get_ipython().ast_node_interactivity = 'all' if {} == 7 else 'last_expr'",
}
IMPORTS = "import calendar, decimal, logging, sys\nimport matplotlib as mpl, numpy as np, pandas as pd; a = 1"
BOTH = "np.set_printoptions(threshold=7); pd.set_option('display.max_columns', 7); mpl.rcParams['lines.linewidth'] = 7"
THERE = "np.get_printoptions()['threshold'], pd.get_option('display.max_columns'), mpl.rcParams['lines.linewidth']"


@pytest.mark.parametrize("before", ["", BOTH])
def test_settings_of_the_cell_that_is_taken_back_are_at_their_defaults_again(machine: Machine, before: str) -> None:
    kernel = begin(machine, IMPORTS, f"a = 2; {before}")
    first, there = ({key: kernel.get(key) for key in SETTINGS}, kernel.get(THERE))
    kernel.run("\n".join(["a = 3", *(line.format(7) for line in SETTINGS.values())]))
    then = {key: kernel.get(key) for key in SETTINGS}
    assert not [key for key in SETTINGS if then[key] == first[key]]
    report = kernel.run("%undo_session").text
    assert "numpy print options" in report and "logging" in report and "note:" not in report
    assert kernel.get("a") == 2
    assert ({key: kernel.get(key) for key in SETTINGS}, kernel.get(THERE)) == (first, there)
    # And forth, and back by name.
    kernel.run("%load_session nb@3")
    assert {key: kernel.get(key) for key in SETTINGS} == then
    kernel.run("%load_session nb@1")
    assert {key: kernel.get(key) for key in SETTINGS} == first


def test_a_move_that_fails_takes_back_the_defaults_too(machine: Machine) -> None:
    kernel = begin(machine, IMPORTS + "; b = [1]", "b.append(2)\nnp.set_printoptions(precision=3)")
    kernel.run("pd.set_option('display.max_rows', 7); logging.getLogger('a').setLevel(7)")
    kernel.run(
        "import jupyter_session_save.resuming as own; finish = own.Resumption.finish\n"
        "def failing(self, values):\n    finish(self, values)\n    raise KeyboardInterrupt\n"
        "own.Resumption.finish = failing"
    )
    assert kernel.run("%undo_session 3", check=False).error is not None
    kernel.run("own.Resumption.finish = finish")
    kernel.check("b == [1, 2]", "np.get_printoptions()['precision'] == 3", "pd.get_option('display.max_rows') == 7")
    kernel.check("logging.getLogger('a').level == 7")


def test_a_load_into_a_fresh_kernel_leaves_what_it_does_not_know(machine: Machine) -> None:
    begin(machine, "a = 1").sigkill()
    kernel = machine.kernel()
    for cell in ("%load_ext jupyter_session_save", "import numpy as np; np.set_printoptions(precision=3)"):
        kernel.run(cell)
    kernel.run("%load_session nb")
    kernel.check("a == 1", "np.get_printoptions()['precision'] == 3")


def test_texts_that_have_not_changed_stay_the_very_same_ones(machine: Machine) -> None:
    kernel = begin(
        machine, "texts = [f't{n}' * 9 for n in range(9)]; a, b, *_ = texts; n = 10**9; f = 0.5", "at = id(a), id(n)"
    )
    kernel.run("b = 'other'; f = 1.5")
    kernel.run("r = %undo_session")
    kernel.check("(id(a), id(n)) == at", "a is texts[0]", "b == 't1' * 9", "f == 0.5", "'a' in r.stayed")
    kernel.check("set(r.overwritten) == {'b', 'f'}")
