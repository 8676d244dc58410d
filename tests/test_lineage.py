"""What could not be saved is made again by the statements that made it, and no secret comes along with them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_session_save.cells import statements
from jupyter_session_save.chains import plan_chains
from jupyter_session_save.errors import PlaceholderError, SessionNameError
from jupyter_session_save.lineage import Recorder
from jupyter_session_save.reports import LoadReport
from jupyter_session_save.rerun import make_again, run_again
from jupyter_session_save.statement import Lineage, Statement, how_made

from .kernels import Kernel
from .machine import Machine, is_placeholder, read_report, save
from .shells import EXTENSION, fresh_shell


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with contextlib.closing(Machine(tmp_path)) as machine:
        yield machine


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("JUPYTER_SESSION_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    with fresh_shell() as shell:
        shell.run_line_magic("load_ext", EXTENSION)
        yield shell


def run(shell: InteractiveShell, *cells: str, fails: bool = False) -> None:
    for cell in cells:
        assert shell.run_cell(cell, store_history=True).success is not fails


def recorder(shell: InteractiveShell) -> Recorder:
    found: Recorder = shell.magics_manager.registry["SessionMagics"].recorder
    return found


def made(shell: InteractiveShell, *names: str, saved: tuple[str, ...] = ()) -> list[str]:
    """The statements kept for variables that could not be saved."""
    known = [n for n in shell.user_ns if not n.startswith("_")]
    lineage = recorder(shell).lineage([*(saved or known), *names], names)
    numbers = {n for name in names for n in lineage.made_by.get(name, ())}
    todo = list(numbers)
    by_number = {s.number: s for s in lineage.statements}
    while todo:
        number = todo.pop()
        fresh = {n for v in by_number[number].reads.values() for n in v if n in by_number} - numbers
        numbers |= fresh
        todo += fresh
    return [s.text for s in lineage.statements if s.number in numbers]


def own(shell: InteractiveShell, name: str) -> list[str]:
    """The statements that made a variable, without what they need."""
    known = [n for n in shell.user_ns if not n.startswith("_")]
    return [s.text for s in recorder(shell).lineage(known, ()).of(name)]


@pytest.mark.parametrize(
    ("source", "binds", "reads", "changes"),
    [
        ("a, (b, *c) = d", "a b c", "d", ""),
        ("import os.path, re as r", "os r", "", ""),
        ("x = [i for i in y if (w := i)]", "x w", "y", ""),
        ("for i in y:\n    z.append(i)", "i", "y z", "z"),
        ("with open(p) as f:\n    t = f.read()", "f t", "open p", ""),
        ("x += y", "x", "x y", "x"),
        ("d['k'].v = y", "", "d y", "d"),
        ("del d['k']", "", "d", "d"),
        ("class A(B):\n    v = 1\n    w = v", "A", "B", ""),
        ("f = lambda a, b=c: a + g", "f", "c", ""),
        ("match p:\n    case [q, *r]: pass", "q r", "p", ""),
        ("y = get_ipython().run_line_magic('time', 'f(a)')", "y", "f a", ""),
        ("x: int", "", "int", ""),
    ],
)
def test_effects_of_a_statement(source: str, binds: str, reads: str, changes: str) -> None:
    (found,), _ = statements(source, str)
    assert (found.binds, found.reads, found.changes) == (set(binds.split()), set(reads.split()), set(changes.split()))
    assert found.text == source


@pytest.mark.core
def test_statements_not_cells_are_recorded(shell: InteractiveShell) -> None:
    run(shell, "é = 'ü'; a = [é]; b = 2\nc = 3", "a.append(4); print(a)", "c = a")
    assert own(shell, "a") == ["a = [é]", "a.append(4)"]
    assert own(shell, "c") == ["c = a"]
    assert made(shell, "c", saved=("b",)) == ["é = 'ü'", "a = [é]", "a.append(4)", "c = a"]


@pytest.mark.core
def test_a_failing_cell_counts_up_to_the_failing_statement(shell: InteractiveShell) -> None:
    run(shell, "x = [0]")
    run(shell, "y = [1]; x = 1 / 0; z = [3]", fails=True)
    assert own(shell, "x") == ["x = [0]"]
    assert own(shell, "y") == ["y = [1]"]
    run(shell, "for i in (1, 0):\n    w = 1 / i", fails=True)
    (loop,) = recorder(shell).lineage(["w", "i"], ["w"]).of("w")
    assert loop.refused == "it failed when it ran"


@pytest.mark.core
def test_magics_and_syntax_errors(shell: InteractiveShell) -> None:
    run(shell, "%%time\nx = [1]\ny = x", "z = %time len(x)", "n = get_ipython().run_cell('q = [5]')")
    assert own(shell, "y") == ["y = x"]
    assert made(shell, "z", saved=("y",))[0] == "x = [1]"
    assert own(shell, "q") == ["n = get_ipython().run_cell('q = [5]')"]
    run(shell, "x = = 1", fails=True)
    assert own(shell, "x") == ["x = [1]"]


def test_no_code_of_a_value_runs_to_find_out_what_a_statement_calls(shell: InteractiveShell) -> None:
    run(shell, "class Shy:\n    def __getattribute__(self, name): raise RuntimeError(name)\nshy = Shy(); load = print")
    run(shell, "kept = [shy]; out = load(shy is kept)")
    assert own(shell, "kept") == ["kept = [shy]"] and own(shell, "out") == ["out = load(shy is kept)"]


def test_names_that_a_function_binds_and_reads(shell: InteractiveShell) -> None:
    run(shell, "limit = 3\ndef fill():\n    global bag\n    bag = [limit]", "fill()", "limit = 4")
    assert own(shell, "bag") == ["fill()"]
    assert "limit = 3" in made(shell, "bag")


def test_what_no_name_needs_is_dropped(shell: InteractiveShell) -> None:
    run(shell, "first = [1]", "second = [2]", "del first", "second = 3")
    lineage = recorder(shell).lineage(["second"], ["second"])
    assert [s.text for s in lineage.statements] == ["second = 3"]
    recorder(shell)._prune_at = 0
    run(shell, "third = 3")
    assert "first = [1]" not in str(recorder(shell)._statements)


def test_a_rebound_name_keeps_what_a_placeholder_needs(shell: InteractiveShell) -> None:
    run(shell, "n = 2", "g = (i for i in range(n)); next(g)", "n = 9")
    assert made(shell, "g") == ["n = 2", "g = (i for i in range(n))", "next(g)"]


def test_hooks_hold_no_value_and_never_raise(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    events = recorder(shell)
    events.before_cell(None)
    events.after_cell(object())
    events._transform = None  # type: ignore[assignment]
    run(shell, "x = object()")
    assert not capsys.readouterr().out

    def values(holder: Any) -> Iterator[Any]:
        if isinstance(holder, dict):
            yield from (v for pair in holder.items() for part in pair for v in values(part))
        elif isinstance(holder, (list, tuple, set)):
            yield from (v for part in holder for v in values(part))
        else:
            yield holder

    assert {type(v).__name__ for v in values(events._statements)} <= {"int", "str", "Statement", "Effects"}


CANARY = "canary-7c1d"


@pytest.mark.parametrize(
    "cells",
    [
        (f"k = '{CANARY}'", "g = (i for i in k); next(g)", "del k"),
        (f"k = '{CANARY}'; g = (i for i in k); next(g)\ndel k",),
        (f"k = '{CANARY}'", f"g = (i for i in ['x{CANARY}y']); next(g)", "del k"),
        (f"n, k = 1, '{CANARY}'", "del k"),
        (f"d = {{'k': '{CANARY}', 'n': 1}}", "del d['k']"),
        (f"d = {{'k': '{CANARY}', 'n': 1}}", "d.pop('k');"),
        (f"k = '{CANARY}'", "g = (i for i in k); next(g)", "k = None"),
        (f"k = '{CANARY}'", f"g = (i for i in [  # {CANARY}\n 1, 2]); next(g)", "del k"),
        (f"class C:\n    pass\nc = C()\nc.v = '{CANARY}'", "del c.v"),
    ],
)
def test_what_was_deleted_is_nowhere_in_the_store(
    shell: InteractiveShell, tmp_path: Path, cells: tuple[str, ...]
) -> None:
    run(shell, *cells, "%save_session s")
    stored = [p.read_bytes() for p in (tmp_path / "store").rglob("*") if p.is_file()]
    assert stored
    assert not any(CANARY.encode() in data for data in stored)


def test_what_is_not_saved_is_not_in_statements(shell: InteractiveShell, tmp_path: Path) -> None:
    run(shell, f"k = '{CANARY}'", "g = (i for i in k); next(g)", "%save_session s --exclude k")
    records = [p.read_bytes() for p in (tmp_path / "store" / "sessions").rglob("*.json")]
    assert records and not any(CANARY.encode() in data for data in records)


def chain(*rows: tuple[str, str, dict[str, tuple[int, ...]], str], made_by: dict[str, tuple[int, ...]]) -> Lineage:
    kept = [
        Statement(i + 1, text, tuple(binds.split()), reads, tuple(changes.split()))
        for i, (text, binds, reads, changes) in enumerate(rows)
    ]
    return Lineage(tuple(kept), made_by)


def test_saved_values_are_put_back() -> None:
    lineage = chain(
        ("n, p = 7, object()", "n p", {}, ""), ("q = [n, p]", "q", {"n": (1,), "p": (1,)}, ""),
        made_by={"n": (1,), "p": (1,), "q": (2,)},
    )  # fmt: skip
    namespace: dict[str, Any] = {"n": 5}
    chains = plan_chains(lineage, [], whole={"p", "q"}, inside=(), kept={"n"})
    done = run_again(chains, namespace, lineage, source="s@1", flags=0)
    assert done.made == ("p", "q")
    assert namespace["n"] == 5
    assert namespace["q"] == [5, namespace["p"]]


def test_changing_a_saved_value_in_place_is_refused() -> None:
    rows = (("p = make(d)", "p", {"d": ()}, "d"),)
    chains = plan_chains(chain(*rows, made_by={"p": (1,)}), ["p"], whole={"p"}, inside=(), kept={"d"})
    assert not chains.steps
    assert chains.refused["p"].startswith("it would change d")


def test_a_missing_name_is_named() -> None:
    lineage = chain(("p = f(gone)", "p", {"f": (), "gone": ()}, ""), made_by={"p": (1,)})
    chains = plan_chains(lineage, [], whole={"p"}, inside=(), kept={"f"})
    assert chains.refused == {"p": "it needs gone, which is not here: p = f(gone)"}


def test_an_interrupt_puts_everything_back() -> None:
    lineage = chain(
        ("n = 2", "n", {}, ""), ("p = [n]\nraise KeyboardInterrupt", "p", {"n": (1,)}, ""), made_by={"p": (2,)}
    )
    namespace: dict[str, Any] = {"n": 1}
    with pytest.raises(KeyboardInterrupt):
        run_again(plan_chains(lineage, [], whole={"p"}, inside=(), kept=()), namespace, lineage, source="s@1", flags=0)
    assert namespace == {"n": 1}


def test_an_interrupt_after_the_last_statement_leaves_nothing_made_again() -> None:
    lineage = chain(("p = object()", "p", {}, ""), ("q = [p]", "q", {"p": (1,)}, ""), made_by={"p": (1,), "q": (2,)})
    namespace: dict[str, Any] = {"p": "as loaded"}
    chains = plan_chains(lineage, [], whole={"p", "q"}, inside=(), kept=())

    def settle() -> list[str]:
        namespace["n"] = "put right"
        assert type(namespace["q"]) is list
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_again(LoadReport("s@1", (), (), (), (), 0.0), chains, namespace, lineage, flags=0, settle=settle)
    assert namespace == {"p": "as loaded", "n": "put right"}


def test_an_interrupt_while_a_second_value_is_made_as_it_was_puts_the_first_back() -> None:
    lineage = chain(
        ("a = [1]", "a", {}, ""),
        ("b = stop()", "b", {"stop": ()}, ""),
        ("p = [*a, *b]", "p", {"a": (1,), "b": (2,)}, ""),
        ("a.append(2)", "", {"a": (1,)}, "a"),
        ("b.append(2)", "", {"b": (2,)}, "b"),
        made_by={"a": (1, 4), "b": (2, 5), "p": (3,)},
    )

    def stop() -> None:
        assert a == [1]
        raise KeyboardInterrupt

    a = [1, 2]
    namespace: dict[str, Any] = {"a": a, "b": [7], "stop": stop}
    chains = plan_chains(lineage, [], whole={"p"}, inside=(), kept={"a", "b", "stop"})
    with pytest.raises(KeyboardInterrupt):
        run_again(chains, namespace, lineage, source="s@1", flags=0)
    assert a == [1, 2]
    assert namespace == {"a": a, "b": [7], "stop": stop}


LIVE = (
    "import socket, threading\nsizes = [3, 4]\nhost = 'a'",
    "def parts(n):\n    yield host\n    yield from range(n)",
    "g = parts(sizes[0])\nfirst = next(g)",
    "a, b = socket.socketpair(); b.send(b'hello')",
    "reader = (a.recv(n) for n in [2, 3]); next(reader)",
    "t = threading.Thread(target=lambda: None, name='worker')",
    "box = {'rest': 1, 'g': parts(2)}\nhead = next(box['g'])",
    "host = 'b'",
)


@pytest.mark.core
def test_placeholders_are_made_again_after_a_kill(machine: Machine) -> None:
    saved = machine.save(*LIVE)
    assert {"g", "a", "b", "reader", "box"} <= saved.roots
    assert "made by: g = parts(sizes[0]) (and 1 more); %load_session case --only g --rerun g" in saved.text
    kernel = machine.load("canary = 1")
    kernel.check(is_placeholder("g"), "'made by: g = parts' in g.explanation", is_placeholder("box['g']"))
    kernel.run("sizes_before = sizes\nloaded = %load_session case --rerun")
    assert "made again: a, b, g, reader" in read_report(kernel, "loaded").text
    kernel.check(
        "list(g) == [0, 1, 2]", "next(reader) == b'llo'", "host == 'b'", "first == 'a'", is_placeholder("box['g']")
    )


@pytest.mark.core
def test_only_what_was_named_runs(machine: Machine) -> None:
    machine.save(*LIVE)
    kernel = machine.load(options="--rerun box g")
    kernel.check("list(g) == [0, 1, 2]", "list(box['g']) == [0, 1]", "head == 'a'", is_placeholder("a"))
    kernel.run("loaded = %load_session case --rerun a")
    kernel.check("next(reader) == b'llo'", is_placeholder("g"))
    said = complaint(kernel, "%load_session case --rerun nonsense")
    assert "no such variable" in said
    assert re.search(r": placeholders are .*\bg\b.*; nothing ran", said)
    assert "leave out --prefix" in complaint(kernel, "%load_session case --rerun --prefix x")


def complaint(kernel: Kernel, cell: str) -> str:
    return kernel.run(cell, check=False).complaint


@pytest.mark.parametrize(("option", "name"), [("--prefix old_", "old_gen"), ("--into old", "old.gen")])
def test_under_other_names_the_report_speaks_of_these(shell: InteractiveShell, option: str, name: str) -> None:
    run(
        shell,
        "gen = (i for i in range(3)); next(gen)",
        "box = {'rest': gen}",
        "n = 5",
        "%save_session s",
        "del gen, box",
    )
    run(shell, f"loaded = %load_session s {option}", "n = 6")
    report = shell.user_ns["loaded"]
    explained = eval(f"{name}.explanation", shell.user_ns)
    assert {v.name for v in report.variables} == {name.replace("gen", own) for own in ("gen", "box", "n")}
    assert {p.path for v in report.placeholders for p in v.problems} >= {name, f"{name.replace('gen', 'box')}['rest']"}
    assert explained.startswith(f"{name} is a placeholder")
    command = "%load_session s@1 --only gen --rerun gen"
    assert f"{command} makes gen again" in explained and f"{command} makes gen again" in repr(report)
    run(shell, command, "assert next(gen) == 1 and n == 6")


def test_a_dry_run_shows_what_would_run(machine: Machine) -> None:
    machine.save(*LIVE)
    kernel = machine.load()
    shown = kernel.run("%load_session case --dry-run --rerun g").text
    assert "would run again: g = parts(sizes[0])" in shown
    assert "socketpair" not in shown
    kernel.check(is_placeholder("g"))


def test_a_failing_statement_leaves_the_placeholder(machine: Machine) -> None:
    machine.write("here.txt", "text")
    machine.save(
        "lines = (line for line in open('here.txt')); next(lines)",
        "g = (i for i in range(3)); next(g)",
    )
    (machine.project / "here.txt").unlink()
    kernel = machine.load(options="--rerun")
    kernel.check(is_placeholder("lines"), "next(g) == 1")
    text = read_report(kernel, "loaded").text
    assert "failed: FileNotFoundError" in text and "lines  a statement that it needs failed" in text


def test_a_loaded_value_that_a_statement_changes_unseen_is_loaded_once_more(machine: Machine) -> None:
    machine.save(
        "data = [1, 2]\nalias = data\nother = [3]",
        "def rest(items):\n    items.append(9)\n    return (i for i in items)",
        "class Account:\n    total = 0\n    def take(self, n):\n        self.total += n; return (i for i in range(n))",
        "account = Account()\ng = rest(alias); next(g)\nh = account.take(5); next(h)\nk = (i for i in other); next(k)",
    )
    kernel = machine.load()
    kernel.run("loaded = %load_session case --rerun")
    text = read_report(kernel, "loaded").text
    assert "loaded once more, since a statement that ran again had changed them: alias, data" in text
    assert "ran, for account as it was then" in text
    kernel.check("data == [1, 2, 9] and alias is data", "account.total == 5", "type(account) is Account")
    kernel.check("next(g) == 2", "next(h) == 1", "other.append(4) or list(k) == [4]")


FORMS = {
    "m1": ("%%time\nm1 = rng(5); next(m1)", [1, 2, 3, 4]),
    "m2": ("files = !echo hi\nm2 = (f for f in files); next(m2)", []),
    "m3": ("%%capture shown\nm3 = rng(3); next(m3)", [1, 2]),
    "w1": ("with contextlib.nullcontext(4) as k:\n    w1 = rng(k); next(w1)", [1, 2, 3]),
    "f1": ("for i in range(2):\n    f1 = rng(i + 3); next(f1)", [1, 2, 3]),
    "i1": ("if limit > 2:\n    i1 = rng(limit); next(i1)\nelse:\n    i1 = None", [1, 2]),
    "t1": ("try:\n    t1 = rng(3); next(t1); 1 / 0\nexcept ZeroDivisionError as e:\n    pass", [1, 2]),
    "a1": ("count = 2\ncount += 3\na1 = rng(count); next(a1)", [1, 2, 3, 4]),
    "v1": ("if (v1 := rng(6)): next(v1)", [1, 2, 3, 4, 5]),
    "u1": ("u1, (u2, *rest) = rng(2), (rng(3), 1, 2); next(u1); next(u2)", [1]),
    "u2": ("pass", [1, 2]),
    "x1": ("tmp = 5\nx1 = rng(tmp); next(x1)\ndel tmp", [1, 2, 3, 4]),
    "gg": ("def setg():\n    global gg\n    gg = rng(limit); next(gg)\nsetg()", [1, 2]),
    "d1": ("@functools.cache\ndef mk(n): return rng(n)\nd1 = mk(4); next(d1)", [1, 2, 3]),
    "c1": ("c1 = C().go(); next(c1)\nC.n = 7; C.more.append(9)", [1]),
    "n1": ("def fd(): return rng(fd.k)\nfd.k = 2\nn1 = fd(); next(n1)\nfd.k = 9", [1]),
    "b1": ("box = [3]\nb1 = rng(box[0]); next(b1)\nbox[0] = 9", [1, 2]),
    "b2": ("kept = {'a': 1}\nb2 = (v for v in kept.items()); list(b2)\nb2 = rng(len(kept)); kept['b'] = 2", [0]),
    "y1": ("y1: object = rng(3); next(y1)", [1, 2]),
    "z1": ("z1 = z2 = rng(3); next(z1)", [1, 2]),
}
REFUSED = {
    "bm": ("def bump():\n    C.n += 1\n    return rng(C.n)\nbm = bump(); next(bm)", "it would change C"),
    "sv": ("def sv(): return saver()\nsv = sv(); next(sv)", "saves or loads sessions"),
    "jv": ("jv = (jss.save('third', {'a': 1}), rng(3))[1]; next(jv)", "saves or loads sessions"),
}


@pytest.mark.core
def test_every_form_of_statement_runs_again_with_the_values_of_its_time(machine: Machine) -> None:
    machine.save(
        "import contextlib, functools, jupyter_session_save as jss\nlimit = 3",
        "def rng(n):\n    yield from range(n)",
        "class C:\n    n = 2; more = [1]\n    def go(self): return rng(self.n + len(self.more) - 1)\nc = C()",
        "def saver():\n    get_ipython().run_line_magic('save_session', 'other')\n    return rng(3)",
        *(cell for cell, _ in (*FORMS.values(), *REFUSED.values())),
        "limit = 100",
    )
    kernel = machine.load(options="--rerun")
    assert {name: kernel.get(f"list({name})") for name in FORMS} == {name: left for name, (_, left) in FORMS.items()}
    kernel.check("C.n == 8 and C.more == [1, 9] and fd.k == 9 and box == [9] and limit == 100 and count == 5")
    kernel.check("kept == {'a': 1, 'b': 2} and type(c) is C and z1 is z2", *map(is_placeholder, REFUSED))
    text = read_report(kernel, "loaded").text
    for name, (_, reason) in REFUSED.items():
        assert any(line.split()[:1] == [name] and reason in line for line in text.splitlines())
    kernel.check("'other@2' not in repr(get_ipython().run_line_magic('sessions', ''))")


def test_what_cannot_be_rewound_is_not_made_again_and_the_report_says_so(machine: Machine) -> None:
    machine.write("here.txt", "1\n2\n3\n")
    machine.save(
        "f = open('here.txt', 'r+')", "g = (line for line in [f]); next(g)", "f.seek(2); f.write('9'); f.flush()"
    )
    kernel = machine.load(options="--rerun")
    text = read_report(kernel, "loaded").text
    assert "f  " in text and "used as it is now, though it has been changed since" in text
    assert (machine.project / "here.txt").read_text() == "1\n9\n3\n"


def test_lineage_survives_a_second_kernel(machine: Machine) -> None:
    machine.save(*LIVE)
    kernel = machine.load()
    kernel.run("host = 'c'")
    facts = save(kernel)
    assert "made by: g = parts(sizes[0])" in facts.text
    kernel.sigkill()
    other = machine.load(options="--rerun g")
    other.check("list(g) == [0, 1, 2]", "host == 'c'")


def test_what_was_made_again_keeps_its_recipe_through_further_kernels(machine: Machine) -> None:
    machine.save("def counter(n):\n    yield from range(n)", "gen = counter(9); next(gen)")
    second = machine.load(options="--rerun gen")
    second.run("got = next(gen)")
    second.check("got == 1")
    facts = save(second)
    assert "made by: gen = counter(9) (and 2 more)" in facts.text
    second.sigkill()
    third = machine.load()
    third.run("again = %load_session case --rerun")
    report = read_report(third, "again").text
    assert "load_session" not in report.partition("made again: gen")[2]
    third.run("got = next(gen)")
    third.check("got == 2")


@pytest.mark.parametrize(
    "cell", ["loaded = %load_session s", "loaded = get_ipython().run_cell('%load_session s')", "%time %load_session s"]
)
def test_a_cell_that_loads_makes_nothing_that_it_loads(shell: InteractiveShell, cell: str) -> None:
    run(shell, "n = 3", "g = (i for i in range(n)); next(g)", "%save_session s", "del g, n", cell)
    assert own(shell, "g") == ["g = (i for i in range(n))", "next(g)"]
    assert own(shell, "n") == ["n = 3"]
    kept = recorder(shell).lineage(["g", "n", "loaded"], ["loaded"])
    assert [s.refused for s in kept.of("loaded")] in ([], ["it calls a magic that saves or loads sessions"])


def test_functions_made_again_live_in_the_namespace(machine: Machine) -> None:
    machine.save("step = 2\ndef make():\n    return (lambda: step), (i for i in [1])\npair = make()\nnext(pair[1])")
    kernel = machine.load(options="--rerun pair")
    kernel.run("step = 5")
    kernel.check("pair[0]() == 5", "pair[0].__globals__ is get_ipython().user_ns")


def test_a_save_in_the_middle_of_a_cell_knows_the_statements_before_it(machine: Machine) -> None:
    machine.begin().run("g = (i for i in range(4)); next(g)\n%save_session case\nnext(g)")
    kernel = machine.fresh()
    kernel.run("%load_ext jupyter_session_save")
    kernel.run("loaded = %load_session case --rerun")
    kernel.check("list(g) == [1, 2, 3]")


def test_an_unknown_name_is_refused(shell: InteractiveShell) -> None:
    run(shell, "g = (i for i in range(3)); next(g)", "%save_session s")
    magics = shell.magics_manager.registry["SessionMagics"]
    manager = magics._manager(create=False)
    with pytest.raises(SessionNameError, match="no such variable"):
        manager.rerun(manager.load("s"), ["other"])
    with pytest.raises(SessionNameError, match="no such variable"):
        manager.plan("s", rerun=["other"])


def test_an_autosaved_session_can_be_made_again(machine: Machine) -> None:
    kernel = machine.begin("%autosave_session on --name case", *LIVE)
    kernel.sigkill()
    other = machine.load(options="--rerun g")
    other.check("list(g) == [0, 1, 2]", "host == 'b'", is_placeholder("a"), "'made by' in a.explanation")


def test_placeholders_that_stayed_are_made_again_like_those_that_were_loaded(machine: Machine) -> None:
    on = "%autosave_session on --name case"
    cells = ("n = [3, 4]", "gen = (i for i in range(n[0])); next(gen)", "k = (i for i in 'ab'); next(k)", "x = 1")
    machine.begin(on, *cells).sigkill()
    kernel = machine.begin(on, "%load_session case", "n_before = n", "first = %load_session case")
    kernel.check(is_placeholder("gen"), "not first.variables", "first.absent == ('gen', 'k')")
    # A version alone is one of the session that autosave saves to.
    assert "variables of case@1" in kernel.run("%sessions @1").text
    kernel.run("loaded = %load_session case --only gen --rerun")
    kernel.check("list(gen) == [1, 2]", "n is n_before", is_placeholder("k"))
    report = read_report(kernel, "loaded").text
    assert "made again: gen" in report and "1 reconnected" in report
    assert "stayed, since nothing in them differs, 1 placeholder among them: k" in report
    assert "no such variable" in complaint(kernel, "%load_session case --rerun nonsense")
    kernel.run("made = id(gen)\nloaded = %load_session case --rerun")
    kernel.check("next(k) == 'b'", "id(gen) == made", "loaded.rerun.made == ('k',)", "'gen' in loaded.stayed")
    assert "its value is there" in kernel.run("%load_session case --rerun gen").text


def test_a_rerun_is_suggested_only_where_it_would_be_accepted(shell: InteractiveShell) -> None:
    run(
        shell,
        "token = 'ghp_abcdefghijklmnopqrstuvwxyz1234567890'\nsealed = (token for _ in range(3)); next(sealed)",
        "acc = []\ndef count():\n    for i in range(5):\n        acc.append(i); yield i",
        "changing = count(); next(changing)",
        "free = (i for i in range(3)); next(free)",
        "saved = %save_session s --exclude token",
        "loaded = %load_session s",
        "listed = %sessions s",
    )
    secret, again = "was not recorded: token = '***'", "%load_session s{} --only {} --rerun {} makes {} again"
    stands = {name: shell.user_ns[name].explanation for name in ("sealed", "changing", "free")}
    for report in ("saved", "loaded", "listed"):
        for variable in shell.user_ns[report].placeholders:
            advice = variable.problems[0].advice
            name = variable.name
            typed = again.format("" if report == "saved" else "@1", name, name, name)
            assert (secret if name == "sealed" else typed) in advice and ("--rerun" in advice) == (name != "sealed")
            assert (secret if name == "sealed" else again.format("@1", name, name, name)) in stands[name]
    run(shell, "again = %load_session s --rerun")
    assert {name for name, _ in shell.user_ns["again"].rerun.refused} == {"sealed", "changing"}


def test_what_is_advised_takes_back_nothing_that_was_done_since(shell: InteractiveShell) -> None:
    made = "n = 3; acc = []\ndef count():\n    for i in range(n):\n        acc.append(i); yield i"
    run(shell, made, "gen = count(); next(gen)", "%save_session s", "%reset -f", "%load_ext jupyter_session_save")
    run(shell, "loaded = %load_session s", "n = 99; acc.append('later'); own = acc; new = count", "explained = gen")
    with pytest.raises(PlaceholderError) as caught:
        next(shell.user_ns["gen"])
    (command,) = re.findall(r"%load_session .*? --only gen --rerun gen", str(caught.value))
    before = {n: v for n, v in shell.user_ns.items() if not n.startswith("_") and n not in ("gen", "report")}
    run(shell, f"report = {command}")
    after = shell.user_ns
    assert {n for n, v in before.items() if after.get(n) is not v} == set()
    assert (after["n"], after["acc"]) == (99, [0, "later"])
    assert after["report"].rerun.made == ("gen",)
    run(shell, "assert list(gen) == [1, 2]")


def test_an_autosave_keeps_what_only_moved_a_generator_on(machine: Machine) -> None:
    kernel = machine.begin("def counter(n):\n    yield from range(n)", "gen = counter(9)")
    for cell in ("%autosave_session on --name case", "z = 1", "next(gen)", "print(next(gen))", "len([gen])"):
        kernel.run(cell)
    kernel.sigkill()
    second = machine.load(options="--rerun gen")
    for cell in ("%autosave_session on --name case", "third = next(gen)", "third", "next(gen)"):
        second.run(cell)
    second.check("third == 2")
    second.sigkill()
    third = machine.kernel()
    third.run("%load_ext jupyter_session_save")
    third.run("loaded = %load_session case --rerun gen")
    third.check("next(gen) == 4", "third == 2")


def test_a_function_that_moves_a_generator_on_is_among_its_statements(machine: Machine) -> None:
    machine.save(
        "gen = (i for i in range(9))\ndef advance(): return next(gen)\ndef twice(): return advance(), advance()",
        "next(gen)",
        "got = twice()",
    )
    kernel = machine.load(options="--rerun gen")
    kernel.check("got == (1, 2)", "next(gen) == 3", "advance() == 4")


def test_no_autosave_is_made_while_a_placeholder_is_left_alone(shell: InteractiveShell, tmp_path: Path) -> None:
    def snapshots() -> int:
        return len([*(tmp_path / "store" / "sessions" / "s").glob("*.json")])

    run(shell, "n = 3", "g = (i for i in range(n)); next(g)", "%autosave_session on --name s", "next(g)")
    before = snapshots()
    run(shell, "n", "print(n)", "len([n])", "max(n, 2)")
    assert snapshots() == before
    run(shell, "next(g)")
    assert snapshots() == before + 1


def test_what_every_cell_changes_does_not_keep_every_cell(shell: InteractiveShell) -> None:
    run(shell, "import random; noise = random.Random(1); items = []", *["items.append(noise.random())"] * 200)
    kept = recorder(shell).lineage(["items", "noise"], [])
    assert len(kept.statements) <= 4
    assert "too many statements changed it" in how_made(kept, "items", "s")
    (again,) = plan_chains(kept, ["items"], whole=["items"], inside=(), kept=()).refused.values()
    assert again == "a statement that it needs was not kept"
    run(shell, "items = [1]")
    assert "makes items again" in how_made(recorder(shell).lineage(["items"], []), "items", "s")
