"""Cases about imported modules: star imports, edited, reloaded and missing ones (7, 22-25)."""

from __future__ import annotations

import pytest

from .machine import Machine, alive, read_report, save


@pytest.mark.core
def test_case_07_a_star_import_costs_nothing(machine: Machine) -> None:
    facts = machine.save("from numpy import *; b = arange(3)")
    assert not facts.placeholders
    assert sum(map(len, machine.stored().values())) < 300_000
    b = machine.load()
    b.check("b.tolist() == [0, 1, 2]", "sin is __import__('numpy').sin", "sum is __import__('numpy').sum")


def test_case_22_what_was_shown_and_deleted_is_not_stored(machine: Machine) -> None:
    cells = (
        "import numpy as np, pandas as pd",
        "df = pd.DataFrame(np.random.default_rng(0).random((1000, 1000)))\ndf",
        "del df",
    )
    facts = machine.save(*cells)
    assert "df" not in facts.states
    assert sum(map(len, machine.stored().values())) < 100_000
    machine.load().check("'df' not in globals()", "pd is __import__('pandas')")


def test_case_22_a_modules_own_state_is_not_stored_and_not_touched(machine: Machine) -> None:
    machine.write("mymod.py", "VALUE = 1\n")
    machine.save("import mymod, os; mymod.BIG = os.urandom(16_000_000)")
    assert sum(map(len, machine.stored().values())) < 100_000
    b = machine.load("import mymod; mymod.BIG = 'mine'; kept = mymod")
    b.check("mymod is kept", "mymod.BIG == 'mine'", "mymod.VALUE == 1")


LIBRARY = "class Thing:\n    def __init__(self):\n        self.value = 5\n"


def test_case_23_a_missing_module_costs_only_what_needs_it(machine: Machine) -> None:
    library = machine.write("mylib.py", LIBRARY)
    facts = machine.save("import mylib; obj = mylib.Thing()", "data = {'k': [1, 2]}; alias = data['k']")
    assert not facts.placeholders
    library.unlink()
    b = machine.load()
    loaded = read_report(b, "loaded")
    assert "obj" in loaded.roots <= {"obj", "mylib"}
    assert all("mylib" in f"{f.reason} {f.advice}" for f in loaded.placeholders)
    b.check("data == {'k': [1, 2]}", "alias is data['k']")
    library.write_text(LIBRARY, encoding="utf-8")
    b.run("loaded = %load_session case")
    alive(b)
    assert not read_report(b, "loaded").placeholders
    b.check("type(obj) is mylib.Thing", "obj.value == 5")


def test_case_23_a_module_beside_the_notebook_is_found_from_another_directory(machine: Machine) -> None:
    machine.write("mylib.py", LIBRARY)
    machine.save("import mylib; obj = mylib.Thing()")
    elsewhere = machine.root / "elsewhere"
    elsewhere.mkdir()
    b = machine.load(cwd=elsewhere)
    assert not read_report(b, "loaded").placeholders
    b.check("type(obj) is mylib.Thing", "obj.value == 5")


def test_case_24_an_instance_older_than_a_reload_is_mended_or_told(machine: Machine) -> None:
    machine.write("m.py", "class T:\n    pass\n")
    a = machine.begin("import importlib, m; t = m.T(); t.x = 1; importlib.reload(m)")
    a.check("type(t) is not m.T")
    saved = save(a)
    a.sigkill()
    b = machine.load()
    loaded = read_report(b, "loaded")
    told = " ".join(
        [
            *saved.notes,
            *loaded.notes,
            *(f.path + f.reason for f in (*saved.placeholders, *loaded.placeholders)),
        ]
    )
    assert b.get("type(t) is m.T") or "t" in saved.roots | loaded.roots or "reload" in told
    b.check("m is __import__('m')")


def test_case_25_edited_code_stays_edited_and_is_reported(machine: Machine) -> None:
    machine.write("mymod.py", "def f():\n    return 'old'\n")
    machine.save("import mymod; from mymod import f; value = f()")
    machine.write("mymod.py", "def f():\n    return 'new code'\n")
    b = machine.load()
    b.check("mymod.f() == 'new code'", "f is mymod.f", "value == 'old'")
    loaded = read_report(b, "loaded")
    assert any("mymod" in note and "changed" in note for note in loaded.notes), loaded.text


def test_case_27_a_class_that_vanished_costs_only_its_variables(machine: Machine) -> None:
    library = machine.write("mylib.py", LIBRARY + "class Other:\n    pass\n")
    machine.save(
        "import mylib; obj = mylib.Thing(); other = mylib.Other()", "held = [1, mylib.Thing()]; rest = {'k': 1}"
    )
    library.write_text("class Other:\n    pass\n", encoding="utf-8")
    b = machine.load()
    loaded = read_report(b, "loaded")
    assert loaded.roots == {"obj", "held"}
    assert all("Thing" in f.reason and "mylib has changed" in f.reason for f in loaded.placeholders)
    b.check("rest == {'k': 1}", "type(other) is mylib.Other", "held[0] == 1")
