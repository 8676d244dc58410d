from __future__ import annotations

import inspect
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.process import arg_split
from traitlets.config import Config

from jupyter_session_save import save
from jupyter_session_save.display import typed
from jupyter_session_save.errors import SessionNameError
from jupyter_session_save.magics import COMPLETED, SessionMagics, meter
from jupyter_session_save.magics.lines import unquoted
from jupyter_session_save.reports import LoadPlan, LoadReport, SaveReport
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Problem, Snapshot

from .machine import Machine
from .shells import EXTENSION, FakeError, FakeManager, fresh_shell, install


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("JPY_SESSION_NAME", "JUPYTER_SESSION_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return tmp_path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeManager:
    return install(monkeypatch)


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    with fresh_shell() as shell:
        shell.run_line_magic("load_ext", EXTENSION)
        yield shell


def ours(shell: InteractiveShell) -> Any:
    return shell.magics_manager.registry["SessionMagics"]


NOTHING = {"only": [], "exclude": []}


@pytest.mark.core
@pytest.mark.parametrize(
    ("line", "name", "options"),
    [
        ("sales", "sales", {}),
        ("'two words' -m \"and more\"", "two words", {"message": "and more"}),
        (
            "umläut --only df_* 'x y' --only z --exclude *_raw",
            "umläut",
            {"only": ["df_*", "x y", "z"], "exclude": ["*_raw"]},
        ),
        ("s --strict", "s", {"strict": True}),
        ("s --with-history", "s", {"history": True}),
        ("a/b@x", "a/b@x", {}),
    ],
)
def test_save_arguments(
    shell: InteractiveShell, fake: FakeManager, line: str, name: str, options: dict[str, Any]
) -> None:
    report = shell.run_line_magic("save_session", line)
    assert isinstance(report, SaveReport)
    assert fake.calls == [
        ("save", (name,), {"message": "", **NOTHING, "strict": False, "history": False, "parent": None, **options})
    ]
    namespace, surroundings = fake.made[0]
    assert namespace is shell.user_ns
    assert surroundings["live"]["shell"] is shell
    assert "In" in surroundings["hidden"]


@pytest.mark.core
@pytest.mark.parametrize(
    ("line", "args", "options"),
    [
        ("sales", ("sales", None), {}),
        ("'my sales@12'", ("my sales", 12), {}),
        ("s --no-overwrite --trust", ("s", None), {"conflicts": "keep", "trust": True}),
        ("s --replace --verify-data", ("s", None), {"replace": True, "verify_data": True}),
        ("s --prefix old_ --only a", ("s", None), {"prefix": "old_", "only": ["a"]}),
        ("s --into old", ("s", None), {"into": "old"}),
        ("s --no-state", ("s", None), {"state": False}),
    ],
)
def test_load_arguments(
    shell: InteractiveShell, fake: FakeManager, line: str, args: tuple[Any, ...], options: dict[str, Any]
) -> None:
    shell.run_line_magic("save_session", "store-is-there-now")
    assert isinstance(shell.run_line_magic("load_session", line), LoadReport)
    flags = {"conflicts": "overwrite", "replace": False, "state": True, "trust": False, "verify_data": False}
    flags |= {"repoint": False, "since": None}
    assert fake.calls[1:] == [("load", args, {**NOTHING, "prefix": "", "into": "", **flags, **options})]


def test_a_dry_run_plans_and_loads_nothing(shell: InteractiveShell, fake: FakeManager) -> None:
    shell.run_line_magic("save_session", "s")
    assert isinstance(shell.run_line_magic("load_session", "s@3 --dry-run --exclude b"), LoadPlan)
    options: dict[str, Any] = {
        "only": [],
        "exclude": ["b"],
        "prefix": "",
        "into": "",
        "conflicts": "overwrite",
        "replace": False,
    }
    options |= {"state": True, "rerun": None}
    assert fake.calls[1:] == [("plan", ("s", 3), options)]
    for line, option in (
        ("--exclude b --no-overwrite", {"conflicts": "keep"}),
        ("--replace", {"replace": True, "exclude": []}),
    ):
        assert isinstance(shell.run_line_magic("load_session", f"s@3 --dry-run {line};"), LoadPlan)
        assert fake.calls.pop() == ("plan", ("s", 3), options | option)


@pytest.mark.parametrize(
    ("magic", "line", "complaint"),
    [
        ("load_session", "s --prefix a --into b", "exclude each other"),
        ("load_session", "s --replace --no-overwrite", "exclude each other"),
        ("load_session", "s --replace --only a", "goes with neither --only nor --exclude"),
        ("load_session", "s --exclude a --replace --dry-run", "goes with neither --only nor --exclude"),
        ("save_session", "@", "cannot end in @"),
        ("autosave_session", "on --name s@", "cannot end in @"),
        ("load_session", "sales @2", "write a version without a blank before it, as in NAME@2"),
        ("undo_session", "1 2", "unrecognized arguments: 2: give one number"),
        ("save_session", "a b", "unrecognized arguments: b"),
        ("save_session", "--nonsense", "unrecognized arguments: --nonsense: its options are .*--only.*--verify"),
        ("save_session", "--onyl x", "unrecognized arguments: --onyl: did you mean --only?"),
        ("load_session", "s --no-overwite=1", "did you mean --no-overwrite?"),
        ("delete_session", "s --nonsense", "it takes no options"),
        ("undo_session", "x", "argument N: invalid int value: 'x': a whole number is expected"),
        ("autosave_session", "on --max-block x", "invalid float value: 'x': a number is expected"),
        ("save_session", "s -m 'not closed", "No closing quotation"),
        ("save_session", "s@3", "makes its own version"),
        ("save_session", "", "give one, as in %save_session NAME"),
        ("load_session", "", "give one, as in %load_session NAME"),
        ("load_session", "--only a s", "as in %load_session NAME; .* put the name first"),
        ("save_session", "--exclude a s", "as in %save_session NAME; .* put the name first"),
        ("load_session", "s", "no session store at"),
        ("sessions", "", "no session store at"),
        ("delete_session", "", "required: NAME"),
    ],
)
def test_mistakes_cost_one_line(
    shell: InteractiveShell, fake: FakeManager, magic: str, line: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        shell.run_line_magic(magic, line)
    assert "\n" not in str(caught.value)
    assert not fake.calls


def test_our_errors_become_one_line_and_others_pass(shell: InteractiveShell, fake: FakeManager) -> None:
    fake.fail = FakeError("no room:\n  free some")
    with pytest.raises(UsageError, match=r"^no room: free some$") as caught:
        shell.run_line_magic("save_session", "s")
    assert caught.value.__suppress_context__
    fake.fail = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        shell.run_line_magic("save_session", "s")


@pytest.mark.core
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%save_session s", "interrupted: nothing was saved"),
        ("%load_session s", "interrupted: the namespace is as it was"),
    ],
)
def test_an_interrupt_stops_the_cell_with_one_line(
    shell: InteractiveShell, fake: FakeManager, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    shell.run_line_magic("save_session", "s")
    fake.fail = KeyboardInterrupt()
    result = shell.run_cell(line)
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("namespace", "environment", "name"),
    [
        ({"__session__": "/data/one/analysis.ipynb"}, None, "/data/one/analysis"),
        ({"__session__": "{home}/one/analysis.ipynb"}, None, "one/analysis"),
        ({}, "{home}/two/analysis.ipynb", "two/analysis"),
        ({"__vsc_ipynb_file__": "{home}/x y.ipynb"}, None, "x y"),
        ({"__session__": "mine"}, "{home}/two/analysis.ipynb", "mine"),
        ({"__session__": 3, "__vsc_ipynb_file__": " "}, "Console 1", "Console 1"),
    ],
)
def test_without_a_name_the_notebook_gives_it(
    shell: InteractiveShell,
    fake: FakeManager,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    namespace: dict[str, Any],
    environment: str | None,
    name: str,
) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(place))
    home = str(place.resolve())
    if environment is not None:
        monkeypatch.setenv("JPY_SESSION_NAME", environment.format(home=home))
    shell.user_ns.update({k: v.format(home=home) if isinstance(v, str) else v for k, v in namespace.items()})
    shell.run_line_magic("save_session", "--strict")
    assert fake.calls[0][1] == (name,)


def test_the_trait_comes_before_the_variable_and_the_data_directory(
    shell: InteractiveShell, fake: FakeManager, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def used() -> str:
        shell.run_line_magic("save_session", "s")
        return Path(fake.made[-1][1]["repository"].store.url).name

    assert used() == "sessions"
    monkeypatch.setenv("JUPYTER_SESSION_STORE", str(place / "by-variable"))
    assert used() == "by-variable"
    shell.run_line_magic("config", f"SessionMagics.store = {str(place / 'by-trait')!r}")
    assert used() == "by-trait"


def test_autosave_follows_the_store_and_stays_where_it_cannot(
    shell: InteractiveShell, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.user_ns["__session__"] = "nb.ipynb"

    def run(cell: str) -> None:
        assert shell.run_cell(cell, store_history=True).success

    def where(shown: str) -> list[Path]:
        assert "autosave to it is on" in shown
        return [Path(line.partition("store: ")[2]) for line in shown.splitlines() if "store: " in line]

    for store in ("a", "b"):
        run(f"%config SessionMagics.store = {str(place / store)!r}")
        run("status = %autosave_session on --name it" if store == "a" else "x.append(2)")
        run("x = [1]" if store == "a" else "y = 2")
        assert where(str(shell.run_line_magic("autosave_session", "status"))) == [place / store]
    before, after = Repository.open(place / "a"), Repository.open(place / "b")
    assert {v.name for v in before.resolve("it").variables} == {"status", "x"}
    assert {v.name for v in after.resolve("it").variables} == {"status", "x", "y"}
    assert len(after.versions("it")) == 3
    run("%undo_session 2")
    assert shell.user_ns["x"] == [1]
    assert "y" not in shell.user_ns
    (place / "file").touch()
    with pytest.raises(
        UsageError, match=r"SessionMagics\.store stays '.*b', since autosave cannot go on there: .*file"
    ):
        ours(shell).store = str(place / "file")
    run(f"%config SessionMagics.store = {str(place / 'file')!r}")
    run("%config SessionMagics.autosave = True")
    assert where(str(shell.run_line_magic("autosave_session", ""))) == [Path(ours(shell).store)] == [place / "b"]
    for line in ("on --name ''", "--name ''"):
        with pytest.raises(UsageError, match="name"):
            shell.run_line_magic("autosave_session", line)
    run("z = 1")
    assert "z" in {v.name for v in after.resolve("it").variables}
    assert before.versions("it") == [1, 2]
    assert "nb" not in after.names()


def test_a_store_in_memory_stays_the_same(shell: InteractiveShell, fake: FakeManager) -> None:
    ours(shell).store = "memory:"
    shell.run_line_magic("save_session", "s")
    assert ours(shell).repository() is fake.made[0][1]["repository"]


@pytest.mark.core
def test_configuration_reaches_the_magics_and_is_documented(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Config()
    config.SessionMagics.store = str(place / "configured")
    config.SessionMagics.progress_after = 0.25
    with fresh_shell(config) as shell:
        shell.run_line_magic("load_ext", EXTENSION)
        assert ours(shell).store == str(place / "configured")
        shell.run_line_magic("config", "SessionMagics")
    shown = capsys.readouterr().out
    for name, trait in SessionMagics.class_own_traits(config=True).items():
        assert f"SessionMagics.{name}=" in shown.replace("<", "=<")
        assert len(trait.help) > 60


def test_every_magic_has_help(shell: InteractiveShell) -> None:
    for name in COMPLETED:
        assert "::" in (shell.find_line_magic(name).__doc__ or "")


def commit(place: Path, name: str, *, times: int = 1) -> None:
    repository = Repository.open(place / "store")
    for _ in range(times):
        with repository.writer() as writer:
            writer.commit(Snapshot(name, message="words"), sign=lambda data: "")


def test_listing_and_deleting(shell: InteractiveShell, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours(shell).store = str(place / "store")
    commit(place, "sales", times=3)
    commit(place, "other one")
    shown = shell.run_line_magic("sessions", "")
    assert sorted(s.reference for s in shown.snapshots) == ["other one@1", "sales@3"]
    shown = shell.run_line_magic("sessions", "sales")
    assert [s.sequence for s in shown.snapshots] == [3, 2, 1]
    assert [s.sequence for s in shell.run_line_magic("sessions", "sales@2").snapshots] == [2]
    shell.run_line_magic("delete_session", "sales@2")
    shell.run_line_magic("delete_session", "'other one'")
    assert "deleted sales@2: 1 snapshot, " in capsys.readouterr().out
    assert Repository.open(place / "store").versions("sales") == [1, 3]
    assert Repository.open(place / "store").names() == ["sales"]
    with pytest.raises(UsageError, match="no version 2"):
        shell.run_line_magic("delete_session", "sales@2")
    with pytest.raises(UsageError, match="no session 'nope'"):
        shell.run_line_magic("sessions", "nope")
    assert [s.sequence for s in shell.run_line_magic("sessions", "sales;").snapshots] == [3, 1]
    for magic in ("sessions", "load_session", "delete_session"):
        with pytest.raises(UsageError, match=r"no session 'sale' .*: did you mean 'sales'\?"):
            shell.run_line_magic(magic, "sale")
    save("proj/analysis", {"a": 1}, store=place / "store")
    save("proj/analysis", {"a": 2}, store=place / "store")
    with pytest.raises(UsageError, match=r"no session 'analysis' .*: did you mean 'proj/analysis'\?"):
        shell.run_line_magic("load_session", "analysis")
    shell.user_ns["__session__"] = "proj/fresh.ipynb"
    for magic, line in (("load_session", ""), ("load_session", "@1"), ("sessions", "@1"), ("diff_session", "@1 @2")):
        with pytest.raises(UsageError, match=r"nothing is saved for this notebook yet .*: %save_session saves it"):
            shell.run_line_magic(magic, line)
    shell.user_ns["__session__"] = "proj/analysis.ipynb"
    assert [s.sequence for s in shell.run_line_magic("sessions", "@1").snapshots] == [1]
    assert shell.run_line_magic("diff_session", "@1").named("changed") == ("a",)
    assert shell.run_line_magic("diff_session", "@2 @1").before == "proj/analysis@2"
    # A version alone is one of the session that was just named, not of this notebook's.
    found = shell.run_line_magic("diff_session", "sales@1 @1")
    assert (found.before, found.after) == ("sales@1", "sales@1")
    assert "compared with itself: name two snapshots, of those that %sessions sales lists" in repr(found)
    assert "itself" not in repr(shell.run_line_magic("diff_session", "sales@1 @3"))
    with pytest.raises(UsageError, match="'sales' has no version 99"):
        shell.run_line_magic("diff_session", "sales@1 @99")
    with pytest.raises(UsageError, match="a save makes its own version: give the name only"):
        shell.run_line_magic("save_session", "@1")
    shell.run_line_magic("delete_session", "@1")
    assert Repository.open(place / "store").versions("proj/analysis") == [2]


@pytest.mark.parametrize("name", sorted(COMPLETED))
@pytest.mark.parametrize("line", ["-h", "--help", "s --help;"])
def test_help_is_what_a_question_mark_shows(
    shell: InteractiveShell, fake: FakeManager, capsys: pytest.CaptureFixture[str], name: str, line: str
) -> None:
    assert shell.run_line_magic(name, line) is None
    assert capsys.readouterr().out.strip() == inspect.getdoc(shell.find_line_magic(name)).strip()
    assert not fake.calls


def test_a_message_may_speak_of_help(shell: InteractiveShell, fake: FakeManager) -> None:
    assert isinstance(shell.run_line_magic("save_session", "s -m 'use -h'"), SaveReport)
    assert fake.calls[0][2]["message"] == "use -h"
    with pytest.raises(UsageError, match="unrecognized arguments: try: quote what has blanks, as in -m 'first try'"):
        shell.run_line_magic("save_session", "s -m first try")


def test_a_swallowed_name_is_suspected_where_the_notebook_has_one(shell: InteractiveShell, fake: FakeManager) -> None:
    shell.user_ns["__session__"] = "mine"
    fake.fail = SessionNameError("no variable matches 's'")
    with pytest.raises(UsageError, match=r"no variable matches 's'; .*put the name first"):
        shell.run_line_magic("save_session", "--only a s")
    with pytest.raises(UsageError, match=r"no variable matches 's'$"):
        shell.run_line_magic("save_session", "s --only a")


def test_a_policy_that_cannot_be_read_is_refused_when_it_is_set(
    shell: InteractiveShell, caplog: pytest.LogCaptureFixture
) -> None:
    found = []
    for policy in ("last=3", "bad", "last=3,last=4", ""):
        shell.run_line_magic("config", f"SessionMagics.autosave_keep = {policy!r}")
        found.append(ours(shell).autosave_keep)
    assert found == ["last=3", "last=3", "last=3", ""]
    # IPython shows what a trait refuses as one line.
    assert [r.getMessage().partition(":")[0] for r in caplog.records] == [
        "The 'autosave_keep' trait of SessionMagics cannot be read"
    ] * 2


@pytest.mark.core
@pytest.mark.parametrize(("value", "said"), [("'x'", "expected a float"), ("-1.0", "should not be less than 0.0")])
def test_a_wrong_trait_is_named_at_the_next_reload(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], value: str, said: str
) -> None:
    shell.run_cell(f"%config SessionMagics.progress_after = {value}")
    before = [c for c in shell.configurables if not type(c).__module__.startswith(EXTENSION)]
    with pytest.raises(UsageError, match=said) as caught:
        shell.run_line_magic("reload_ext", EXTENSION)
    assert "\n" not in str(caught.value)
    assert shell.configurables == before
    (cure,) = re.findall(r"set (get_ipython\(\)\S+ = \S+) ", str(caught.value))
    assert shell.run_cell(cure).success
    shell.run_line_magic("load_ext", EXTENSION)
    assert ours(shell).progress_after == 1.0


@pytest.mark.parametrize("verification", [(), (Problem("x", "int", "is 3", "say so"),)])
def test_verify_compares_what_was_saved(
    shell: InteractiveShell,
    fake: FakeManager,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    verification: tuple[Problem, ...],
) -> None:
    asked: list[tuple[Any, ...]] = []

    def verify(namespace: Any, snapshot: Any, *, store: str, live: Any) -> tuple[Problem, ...]:
        asked.append((namespace, snapshot.reference, store, live["shell"]))
        return verification

    monkeypatch.setattr("jupyter_session_save.verification.verify", verify)
    ours(shell).store = str(place / "store")
    commit(place, "s")
    assert shell.run_line_magic("save_session", "s --verify").verification == verification
    assert asked == [(shell.user_ns, "s@1", str((place / "store").resolve()), shell)]


def test_an_interrupted_verification_says_that_the_save_stands(
    shell: InteractiveShell, fake: FakeManager, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jupyter_session_save.verification.verify", verify)
    ours(shell).store = str(place / "store")
    commit(place, "s")
    with pytest.raises(KeyboardInterrupt, match="s@1 is saved, but not verified"):
        shell.run_line_magic("save_session", "s --verify")


STEPS = (("saving x", 1, 4), ("saving df", 3, 4))


def test_a_terminal_shows_progress_on_one_line_and_clears_it(
    shell: InteractiveShell, fake: FakeManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("jupyter_session_save.display.ProgressMeter.EVERY", 0.0)
    fake.steps = STEPS
    shell.run_line_magic("save_session", "s")
    assert terminal.getvalue() == ""  # it took less than a second
    ours(shell).progress_after = 0.0
    shell.run_line_magic("save_session", "s")
    assert terminal.getvalue() == "\r 25%  saving x\r 75%  saving df\r" + " " * len(" 75%  saving df") + "\r"


def test_no_progress_where_nobody_looks(
    shell: InteractiveShell, fake: FakeManager, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.steps = STEPS
    ours(shell).progress_after = 0.0
    shell.run_line_magic("save_session", "s")
    ours(shell).progress = False
    fake.steps = ()
    shell.run_line_magic("load_session", "s")
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""


def test_a_kernel_updates_one_display_and_empties_it(
    shell: InteractiveShell, fake: FakeManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, str]]] = []

    class Handle:
        def update(self, bundle: dict[str, str], *, raw: bool) -> None:
            sent.append(("update", bundle))

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        sent.append(("display", bundle))
        return Handle()

    monkeypatch.setattr(meter, "display", display)
    monkeypatch.setattr("jupyter_session_save.display.ProgressMeter.EVERY", 0.0)
    shell.kernel = object()
    fake.steps = STEPS
    ours(shell).progress_after = 0.0
    shell.run_line_magic("save_session", "s")
    assert [kind for kind, _ in sent] == ["display", "update", "update", "update"]
    assert "saving x" in sent[1][1]["text/plain"]
    assert "<progress" in sent[1][1]["text/html"]
    # A front end that knows no updates keeps the first for good.
    assert sent[0][1] == sent[-1][1] == {"text/plain": "", "text/html": ""}


@pytest.mark.parametrize(
    ("text", "plain"),
    [("'a b'", "a b"), ('"a"', "a"), ("a'b", "a'b"), ("'", "'"), ("'a\"", "'a\""), ("''", ""), ("", "")],
)
def test_quotes_are_taken_off(text: str, plain: str) -> None:
    assert unquoted(text) == plain


@pytest.mark.core
def test_the_report_is_what_the_cell_returns(shell: InteractiveShell, fake: FakeManager) -> None:
    assert shell.run_cell("r = %save_session s").success
    assert isinstance(shell.user_ns["r"], SaveReport)
    assert isinstance(shell.run_cell("%save_session s").result, SaveReport)
    for line in ("%save_session s;", "%load_session s ; "):
        assert isinstance(shell.run_cell(line).result, SaveReport | LoadReport)
    assert shell.run_cell("r = %save_session s;").success
    assert isinstance(shell.user_ns["r"], SaveReport)
    assert {call[1][0] for call in fake.calls} == {"s"}


@pytest.mark.core
def test_in_a_real_kernel_progress_comes_and_goes(machine: Machine) -> None:
    kernel = machine.begin("%config SessionMagics.progress_after = 0", "x = 1; d = {'k': [x]}")
    for line in ("%save_session s", "%load_session s"):
        result = kernel.run(line)
        first, *updates, last, report = result.displays
        assert updates
        assert all("%" in update["text/plain"] and "<progress" in update["text/html"] for update in updates)
        assert first["text/plain"] == last["text/plain"] == ""
        assert "s@1" in report["text/plain"]
        assert "s@1" in report["text/html"]
    assert not kernel.run("%config SessionMagics.progress_after = 60\nr = %save_session s;").displays
    kernel.check("r.reference == 's@2'")


@pytest.mark.core
def test_in_a_real_kernel_mistakes_show_one_line(machine: Machine) -> None:
    complaint = machine.begin().run("%save_session", check=False).complaint
    assert complaint == (
        "UsageError: this front end does not tell the notebook's name: give one, as in %save_session NAME"
    )


@pytest.mark.core
def test_in_a_terminal(machine: Machine) -> None:
    def terminal(*lines: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "-c", "\n".join(lines)],
            cwd=machine.project,
            env={**machine.environment(), "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    load_ext = "%load_ext jupyter_session_save"
    saved = terminal(load_ext, "x = [1]; y = x; ip = get_ipython(); leave = exit", "r = %save_session s", "print(r)")
    assert "saved s@1: 4 variables" in saved
    shown = terminal(load_ext, "r = %load_session s", "x.append(2); print(y, ip is get_ipython(), leave is exit)")
    assert shown.strip().endswith("[1, 2] True True")
    # The other way: what a terminal saved goes on in a kernel.
    kernel = machine.kernel()
    for cell in (load_ext, "r = %load_session s"):
        kernel.run(cell)
    kernel.check("y is x", "ip is get_ipython()", "leave is exit")


@pytest.mark.parametrize(
    "name", ["plain", "a/b-c@home", "my sales data", "don't", 'the "one"', "a;", "why?", "#1", "ü", "%7"]
)
def test_a_name_in_advice_can_be_typed_as_it_stands(shell: InteractiveShell, name: str) -> None:
    for reference in (name, f"{name}@3"):
        assert [unquoted(word) for word in arg_split(typed(reference))] == [reference]
    ran(shell, f"%autosave_session on --name {typed(name)}", "x = 1", "x = 2")
    ran(shell, f"%delete_session {typed(name + '@1')}", f"%load_session {typed(name + '@2')}", "assert x == 2")


def test_advice_quotes_a_name_with_blanks(shell: InteractiveShell) -> None:
    ran(shell, '%autosave_session on --name "my data"', "x = 1", "x = 2", "x = 3", "g = (i for i in [x]); next(g)")
    for line, advice in (
        ("undo_session 9", '%sessions "my data" shows what there is'),
        ("load_session 'my data@x'", 'such as "my data@4"'),
    ):
        with pytest.raises(UsageError, match=re.escape(advice)):
            shell.run_line_magic(line.partition(" ")[0], line.partition(" ")[2])
    same = repr(shell.run_line_magic("diff_session", "'my data@1' @1"))
    assert '%sessions "my data" lists' in same and '%load_session "my data@1" --dry-run' in same
    assert '%load_session "my data" --only g' in repr(shell.run_line_magic("save_session", '"my data"'))
    ran(shell, '%delete_session "my data@2"')
    with pytest.raises(UsageError, match=re.escape('%load_session "my data@1" goes there')):
        shell.run_line_magic("undo_session", "2")
    ran(shell, "%autosave_session off")
    assert 'is off in this kernel: %autosave_session on --name "my data"' in repr(
        shell.run_line_magic("load_session", "'my data@3'")
    )


def ran(shell: InteractiveShell, *cells: str) -> None:
    for cell in cells:
        assert shell.run_cell(cell, store_history=True).success


def test_an_undo_that_cannot_be_says_a_command_that_works(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match=r"autosave is off: %autosave_session on --name NAME$"):
        shell.run_line_magic("undo_session", "")
    ran(shell, "%autosave_session on --name s", "x = 1", "x = 2", "x = 3", "%delete_session s@2")
    with pytest.raises(UsageError, match=r"s@2, .* was deleted: .*%load_session s@1 goes there$"):
        shell.run_line_magic("undo_session", "")
    ran(shell, "%load_session s@1", "assert x == 1", "%autosave_session off")
    shell.user_ns["__session__"] = "proj/sales.ipynb"
    with pytest.raises(UsageError, match=r"autosave is off: %autosave_session on$"):
        shell.run_line_magic("undo_session", "")


@pytest.mark.parametrize("notebook", ["proj/sales.ipynb", f"/{'long/' * 20}sales.ipynb"])
def test_the_last_part_of_the_notebooks_own_name_finds_it(shell: InteractiveShell, notebook: str) -> None:
    shell.user_ns["__session__"] = notebook
    ran(shell, "%save_session other")
    with pytest.raises(UsageError, match="nothing is saved for this notebook yet"):
        shell.run_line_magic("sessions", "@")
    ran(shell, "x = 1", "saved = %save_session", "x = 2", "%save_session")
    own = shell.user_ns["saved"].reference.removesuffix("@1")
    assert own.startswith("sales-") or own == "proj/sales"
    for line in ("sales", "@"):
        assert [s.name for s in shell.run_line_magic("sessions", line).snapshots] == [own, own]
    assert shell.run_line_magic("load_session", "sales@1").reference == f"{own}@1"
    for line in ("sales@1", "sales@1 @2", "sales@1 sales", "@1 sales@2"):
        assert repr(shell.run_line_magic("diff_session", line)).startswith(f"from {own}@1 to {own}@2")
    with pytest.raises(UsageError, match="no session 'sales'"):
        shell.run_line_magic("delete_session", "sales")
    with pytest.raises(UsageError, match="no session 'ales'"):
        shell.run_line_magic("sessions", "ales")
    ran(shell, "%save_session sales")
    assert [s.name for s in shell.run_line_magic("sessions", "sales").snapshots] == ["sales"]
    del shell.user_ns["__session__"]
    with pytest.raises(UsageError, match="@: this front end does not tell"):
        shell.run_line_magic("sessions", "@")
