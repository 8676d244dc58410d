from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save import __version__, cli, demo
from jupyter_session_save.catalog import name_of_notebook, split_reference, store_location
from jupyter_session_save.cli import main
from jupyter_session_save.errors import SessionError
from jupyter_session_save.names import quote, unquote
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Component, Problem, Snapshot, Variable
from jupyter_session_save.trust import Signer

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Two sessions: ``sales`` with three snapshots and ``odd name`` with one."""
    place = tmp_path / "store"
    repository = Repository.open(place)
    variables = (
        Variable("df", "pandas.DataFrame", "(3, 2)", 120),
        Variable("g", "builtins.generator", "", 9, "placeholder", (Problem("g", "generator", "runs", "again"),)),
    )
    for name, times in (("sales", 3), ("odd name", 1)):
        for number in range(times):
            with repository.writer() as writer:
                part = writer.put([f"{name}{number}".encode() * 100])
                snapshot = Snapshot(
                    name,
                    created=f"2026-02-0{number + 1}T04:05:06+00:00",
                    message=f"message {number}",
                    variables=variables,
                    components=(Component(("df", "g"), part),),
                )
                writer.commit(snapshot, sign=lambda data: "")
    return str(place)


def test_list(store: str, capsys: Capture) -> None:
    assert main(["list", "--store", store]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2 sessions\n")
    assert "sales@3" in shown
    assert "odd name@1" in shown


@pytest.fixture
def autosaves(store: str) -> str:
    """Ten autosaves of ``sales`` in one line, after its three snapshots."""
    repository = Repository.open(store)
    known = repository.resolve("sales")
    for cell in range(1, 11):
        with repository.writer() as writer:
            part = writer.put([f"autosave {cell}".encode() * 100])
            components = (Component(("df", "g"), part),)
            created = f"2026-02-04T04:05:{cell:02}+00:00"
            draft = Snapshot("sales", created=created, parent=known.sequence, cell=cell, components=components)
            known = writer.commit(draft, sign=lambda data: "")
    for file in Path(store).rglob("*"):
        os.utime(file, (1, 1))
    return store


def packed(store: str) -> int:
    return sum(file.stat().st_size for file in Path(store, "packs").rglob("*") if file.is_file())


def test_prune(autosaves: str, capsys: Capture) -> None:
    command = ["prune", "--store", autosaves, "--keep", "last=3"]
    assert main([*command, "--dry-run"]) == 0
    foretold = capsys.readouterr().out
    assert foretold.startswith("sales: 7 autosaves would be removed (4-10), 6 snapshots kept\n")
    assert main([*command, "--dry-run", "--json", "sales"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["sessions"] == [{"name": "sales", "kept": 6, "removed": [4, 5, 6, 7, 8, 9, 10]}]
    assert row["dry_run"] and row["bytes"] > 0
    repository = Repository.open(autosaves)
    assert repository.versions("sales") == [*range(1, 14)]
    assert "B would be freed; what is less than an hour old is freed by a later prune" in foretold
    assert main([*command, "--dry-run", "odd name"]) == 0
    assert capsys.readouterr().out == "nothing would be removed: the policy keeps every snapshot\n"
    assert main([*command, "odd name"]) == 0
    assert capsys.readouterr().out.startswith("0 B freed; ")
    before = packed(autosaves)
    assert main(command) == 0
    assert capsys.readouterr().out.startswith(foretold.splitlines()[0].replace("would be removed", "removed"))
    assert repository.versions("sales") == [1, 2, 3, 11, 12, 13]
    assert before - packed(autosaves) == row["bytes"]
    assert repository.check() == []


def test_pruning_what_is_not_there_and_by_no_policy(autosaves: str, capsys: Capture) -> None:
    assert main(["prune", "--store", autosaves, "sale"]) == 1
    assert "did you mean 'sales'?" in capsys.readouterr().err
    assert main(["prune", "--store", autosaves, "--keep", "most=5"]) == 1
    assert "'most=5'" in capsys.readouterr().err
    assert len(Repository.open(autosaves).versions("sales")) == 13


def test_pruning_beside_what_cannot_be_read_frees_nothing(autosaves: str, capsys: Capture) -> None:
    record = Path(autosaves, "sessions", "sales", "2.json")
    record.unlink()
    record.mkdir()
    command = ["prune", "--store", autosaves, "--keep", "last=3"]
    for option, verb in (["--dry-run"], "would be"), ([], "were"):
        assert main([*command, *option]) == 0
        pruned, freed = capsys.readouterr().out.splitlines()
        assert pruned.startswith("sales: 7 autosaves ")
        assert freed.startswith(f"no bytes {verb} freed, because ")
        assert freed.endswith("sessions/sales/2.json: it is not a regular file: move it away")
    assert Repository.open(autosaves).versions("sales") == [1, 2, 3, 11, 12, 13]
    record.rmdir()
    record.write_bytes(b"{")
    assert main(command) == 0
    assert "no bytes were freed, because sessions/sales/2.json" in capsys.readouterr().out


def test_the_store_may_stand_before_the_command(store: str, capsys: Capture) -> None:
    assert main(["--store", store, "list"]) == 0
    assert "sales@3" in capsys.readouterr().out


def test_list_and_show_print_everything(tmp_path: Path, capsys: Capture) -> None:
    repository = Repository.open(tmp_path / "many")
    variables = tuple(Variable(f"v{i}", "builtins.int") for i in range(130))
    for number in range(110):
        with repository.writer() as writer:
            writer.commit(Snapshot(f"s{number}-{'x' * 90}", variables=variables), sign=lambda data: "")
    assert main(["list", "--store", str(tmp_path / "many")]) == 0
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert shown.count("@1 ") == 110
    assert main(["show", f"s7-{'x' * 90}", "--store", str(tmp_path / "many")]) == 0
    assert "v129" in capsys.readouterr().out


def test_a_reader_that_leaves_is_no_error(store: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jupyter_session_save", "list", "--store", store]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_version_is_told(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"jupyter session {__version__}\n"


@pytest.mark.parametrize("command", ["show", "delete"])
def test_a_misspelt_name_gets_suggestions(store: str, capsys: Capture, command: str) -> None:
    assert main([command, "Slaes", "--store", store]) == 1
    assert "no session 'Slaes' in " in (said := capsys.readouterr().err)
    assert "did you mean 'sales'? It holds 2 sessions" in said
    assert main([command, "quite another", "--store", store]) == 1
    assert "did you mean" not in capsys.readouterr().err
    assert main([command, "sales@x", "--store", store]) == 1
    assert "'x' is no version, since versions are numbers: give one, such as sales@" in capsys.readouterr().err
    assert main([command, "quite@x", "--store", store]) == 1
    assert "if 'x' is to be a version: it is a number, as in quite@1" in capsys.readouterr().err
    assert main([command, "sales@9", "--store", store]) == 1
    assert "did you mean" not in capsys.readouterr().err


def test_list_as_json(store: str, capsys: Capture) -> None:
    assert main(["list", "--json", "--store", store]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(r["name"], r["version"], r["variables"]) for r in rows] == [("sales", 3, 2), ("odd name", 1, 2)]
    assert rows[0]["message"] == "message 2"
    assert rows[0]["bytes"] == 600


def test_show(store: str, capsys: Capture) -> None:
    assert main(["show", "sales", "--store", store]) == 0
    shown = capsys.readouterr().out
    assert "sales: 3 snapshots" in shown
    assert "pandas.DataFrame" in shown
    assert "runs; again" in shown


def test_show_as_json(store: str, capsys: Capture) -> None:
    assert main(["show", "sales@2", "--json", "--store", store]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["version"] == 2
    assert record["variables"][1]["problems"] == [
        {"path": "g", "type": "generator", "reason": "runs", "advice": "again"}
    ]


def test_delete(store: str, capsys: Capture) -> None:
    assert main(["delete", "sales@2", "--store", store]) == 0
    assert "deleted sales@2: 1 snapshot" in capsys.readouterr().out
    assert Repository.open(store).versions("sales") == [1, 3]
    assert main(["delete", "odd name", "--store", store]) == 0
    assert Repository.open(store).names() == ["sales"]
    assert main(["delete", "odd name", "--store", store]) == 1
    assert "no session 'odd name'" in capsys.readouterr().err


def test_check(store: str, capsys: Capture) -> None:
    assert main(["check", "--store", store]) == 0
    assert "no damage in" in capsys.readouterr().out
    pack = next(p for p in sorted((Path(store) / "packs").rglob("*")) if p.is_file())
    pack.chmod(0o600)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    assert main(["check", "--store", store, "--no-data"]) == 0
    assert main(["check", "--store", store]) == 1
    assert "df of" in capsys.readouterr().out
    assert main(["check", "--store", store, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (line,) = found["damage"]
    assert pack.name in line
    assert line.endswith(
        ": all else still loads; save again from a kernel that has it whole, or `jupyter session delete` that snapshot"
    )
    assert len(found["notes"]) == 2


def test_check_names_what_this_user_has_not_signed(
    store: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notes() -> list[str]:
        assert main(["check", "--store", store]) == 0
        first, *others = capsys.readouterr().out.splitlines()
        assert first.startswith("no damage in ")
        return others

    keys = Path(store).with_name("keys")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(keys))
    unsigned = "not signed by you, so that loading it needs --trust"
    assert notes() == [f"odd name: {unsigned}", f"sales: {unsigned}"]
    assert not keys.exists()  # looking makes no key
    repository = Repository.open(store)
    sign = Signer.of_user().sign
    with repository.writer() as writer:
        writer.commit(Snapshot("sales"), sign=sign)
    assert notes() == [f"odd name: {unsigned}", f"sales 1-3: {unsigned}"]
    repository.delete("odd name")
    for version in (1, 2, 3):
        repository.delete("sales", version)
    assert notes() == []
    record = Path(store, "sessions", "sales", "4.json")
    record.write_bytes(record.read_bytes().replace(b'"message":""', b'"message":"x"'))
    assert notes() == [f"sales: {unsigned}"]
    (keys / "session-key").chmod(0o644)
    assert notes()[0].startswith("no signature can be checked, because ")


def test_a_damaged_newest_snapshot_does_not_hide_its_session(store: str, capsys: Capture) -> None:
    newest = Path(store, "sessions", "sales", "3.json")
    newest.chmod(0o600)
    newest.write_bytes(b"{")
    assert main(["list", "--store", store]) == 0
    shown = capsys.readouterr().out
    assert "sales@2" in shown
    assert "sessions/sales/3.json" in shown
    assert "another kind of file: `jupyter session delete sales@3` removes it" in shown
    for command in (["list"], ["show", "sales"]):
        assert main([*command, "--json", "--store", store]) == 0
        printed = capsys.readouterr()
        assert next(row["version"] for row in json.loads(printed.out) if row["name"] == "sales") == 2
        assert printed.err.startswith("jupyter session: ")
        assert printed.err.count("sessions/sales/3.json") == printed.err.count("\n") == 1
    assert main(["delete", "odd name", "--store", store]) == 0
    assert "no bytes were freed, because" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["list"], 1),
        (["nonsense"], 2),
        ([], 2),
        (["list", "--help"], 0),
        (["show"], 2),
        (["--sto", "x", "list"], 2),
    ],
)
def test_mistakes(
    arguments: list[str], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("JUPYTER_SESSION_STORE", str(tmp_path / "nowhere"))
    assert main(arguments) == status
    if status == 1:
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("jupyter session: no session store at")


def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch, store: str, capsys: Capture) -> None:
    def interrupted(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "open_repository", interrupted)
    assert main(["list", "--store", store]) == 130
    assert capsys.readouterr().err == "jupyter session: interrupted\n"


@pytest.mark.core
def test_as_a_program_it_never_loads_a_pickler(store: str) -> None:
    code = """
import sys
from jupyter_session_save.cli import main
assert main(["list"]) == main(["show", "sales"]) == main(["check"]) == main(["delete", "sales@1"]) == 0
# Other libraries import pickle for themselves; these rooms are where values come back.
bad = {"dill", "IPython", "jupyter_session_save.pickling", "jupyter_session_save.sessions"}
loaded = bad & set(sys.modules)
assert not loaded, loaded
"""
    environment = {**os.environ, "JUPYTER_SESSION_STORE": store, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_session_save", "list"],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sales@3" in done.stdout


def test_references() -> None:
    assert split_reference("sales") == ("sales", None)
    assert split_reference("sales@7") == ("sales", 7)
    assert split_reference("me@home") == ("me@home", None)
    assert split_reference("me@home@2") == ("me@home", 2)
    assert split_reference("sales@") == ("sales@", None)


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("JUPYTER_SESSION_STORE", raising=False)
    assert store_location() == store_location("") == str(tmp_path / "sessions")
    monkeypatch.setenv("JUPYTER_SESSION_STORE", "elsewhere")
    assert store_location(None) == "elsewhere"
    assert store_location(tmp_path / "given") == str(tmp_path / "given")


def test_names_of_notebooks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    home = tmp_path.resolve()
    assert name_of_notebook(str(home / "a" / "n.ipynb")) == "a/n"
    assert name_of_notebook(str(home / "a" / ".." / "n.ipynb")) == "n"
    assert name_of_notebook(str(home.parent / "n.ipynb")).endswith("/n")
    assert name_of_notebook("n.ipynb") == "n"
    deep = [str(home / d / ("deep/" * 20) / "analysis.ipynb") for d in ("one", "two")]
    names = [name_of_notebook(path) for path in deep]
    assert len(set(names)) == 2
    assert all(name.startswith("analysis-") and len(name) == 21 for name in names)
    assert name_of_notebook(deep[0]) == names[0]
    assert len(name_of_notebook(str(home / f"{'ü' * 100}.ipynb")).encode()) <= 64


@pytest.mark.parametrize(
    ("title", "begins"),
    [("report@2", "report@2-"), ("two\nlines", "two_lines-"), ("\u2028", "_-"), ("b\udcff", "b?-"), ("", "-")],
)
def test_notebooks_whose_names_no_session_can_have_get_one_of_their_own(title: str, begins: str) -> None:
    name = name_of_notebook(f"{title}.ipynb")
    assert re.fullmatch(f"{re.escape(begins)}[0-9a-f]{{12}}", name)
    assert unquote(quote(name)) == name == name_of_notebook(f"{title}.ipynb")
    assert split_reference(name) == (name, None) and split_reference(f"{name}@3") == (name, 3)
    others = [name_of_notebook(other) for other in (f"a/{title}.ipynb", f"{title}@2.ipynb", f"{title}\n.ipynb")]
    assert len({name, *others}) == 4


CELLS = [
    "%load_ext jupyter_session_save\nimport os, random\nx = [1, 2]\nrng = random.Random(7)",
    "%save_session demo",
    "x.append(3); print(len(x)); print(object())",
    "rng.random()",
]


def notebook(path: Path, cells: list[str]) -> Path:
    """Write a notebook with these code cells."""
    rows = [{"cell_type": "markdown", "source": ["# Title"]}]
    rows += [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in [*cells, ""]]
    path.write_text(json.dumps({"cells": rows}), encoding="utf-8")
    return path


@pytest.mark.core
def test_the_demo_resumes_and_agrees(tmp_path: Path, capsys: Capture) -> None:
    assert demo.run(notebook(tmp_path / "n.ipynb", CELLS)) == 0
    shown = capsys.readouterr().out
    assert "saved demo@1" in shown
    assert "loaded demo@1" in shown
    assert shown.count("  same ") == 2
    assert "all 2 later cells came out as if the kernel had never died" in shown


def test_the_demo_finds_what_differs(tmp_path: Path, capsys: Capture) -> None:
    cells = [*CELLS[:2], "print(os.getpid())", "x"]
    assert demo.run(notebook(tmp_path / "n.ipynb", cells)) == 1
    shown = capsys.readouterr().out
    assert "DIFFERENT  cell 1 after the save: print(os.getpid())" in shown
    assert "1 of 2 later cells came out different" in shown


def test_the_demo_says_which_cell_failed(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"a cell failed with ZeroDivisionError: division by zero: 1 / 0"):
        demo.run(notebook(tmp_path / "n.ipynb", ["1 / 0", "%save_session x", "1"]))


@pytest.mark.parametrize("cells", [["x = 1"], ["%save_session x"], ["%save_session", "1"], ["%save_session -m a", "1"]])
def test_the_demo_needs_a_save_with_cells_after_it(tmp_path: Path, cells: list[str]) -> None:
    with pytest.raises(SessionError, match="nothing to resume"):
        demo.run(notebook(tmp_path / "n.ipynb", cells))


def test_where_a_notebook_is_cut() -> None:
    cells = ["a", "x = 1\nr = %save_session 'quick' -m 'words'", "b"]
    text = json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]})
    assert demo.read_notebook(text, source="n") == demo.Notebook(tuple(cells), 1, "quick")


def test_outputs_are_compared_as_a_reader_sees_them() -> None:
    pieces = [("stdout", "a\n"), ("stdout", "b\n"), ("text/plain", "<X at 0x7f00>")]
    assert demo._comparable(demo._merged(pieces)) == [("stdout", "a\nb\n"), ("text/plain", "<X at 0x…>")]


def test_the_demo_command_runs_the_quickstart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "run", lambda: 1)
    assert main(["demo"]) == 1
    assert demo.read_notebook(demo.find_notebook().read_text(encoding="utf-8"), source="q").session == "quickstart"
