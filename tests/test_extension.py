from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import TryNext
from IPython.core.interactiveshell import InteractiveShell

import jupyter_session_save
from jupyter_session_save.extension import load, unload
from jupyter_session_save.magics import COMPLETED, SessionMagics
from jupyter_session_save.repository import Repository
from jupyter_session_save.shell import hidden_names, live_objects
from jupyter_session_save.snapshot import Snapshot

from .shells import EXTENSION, fresh_shell


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_SESSION_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    with fresh_shell() as shell:
        yield shell


def traces(shell: InteractiveShell) -> list[str]:
    """Everything in a shell that is ours."""
    manager = shell.magics_manager
    found = [name for kind in ("line", "cell") for name in dict.keys(manager.magics[kind]) if name in COMPLETED]
    found += [name for name in dict.keys(manager.registry) if name == "SessionMagics"]
    found += [type(c).__name__ for c in shell.configurables if type(c).__name__ == "SessionMagics"]
    strings = shell.strdispatchers["complete_command"].strs
    found += [key for key in strings if key.lstrip("%") in COMPLETED]
    for callbacks in shell.events.callbacks.values():
        found += [c.__qualname__ for c in callbacks if EXTENSION in getattr(c, "__module__", "")]
    return found


@pytest.mark.core
def test_load_adds_magics_traits_and_completion(shell: InteractiveShell) -> None:
    assert not traces(shell)
    shell.run_line_magic("load_ext", EXTENSION)
    for name in COMPLETED:
        assert shell.find_line_magic(name) is not None
    assert sum(isinstance(c, SessionMagics) for c in shell.configurables) == 1


@pytest.mark.core
def test_unload_leaves_no_trace(shell: InteractiveShell) -> None:
    shell.set_hook("complete_command", lambda shell, event: ["theirs"], str_key="%sessions")
    before = sorted(shell.strdispatchers["complete_command"].strs)
    configurables = list(shell.configurables)
    shell.run_line_magic("load_ext", EXTENSION)
    ours = weakref.ref(shell.magics_manager.registry["SessionMagics"])
    shell.run_line_magic("unload_ext", EXTENSION)
    assert traces(shell) == ["%sessions"]
    assert sorted(shell.strdispatchers["complete_command"].strs) == before
    assert len(list(shell.strdispatchers["complete_command"].flat_matches("%sessions"))) == 1
    # Some versions load their own magics late, so that totals differ.
    assert shell.configurables[: len(configurables)] == configurables
    gc.collect()
    assert ours() is None


@pytest.mark.core
def test_reload_replaces_and_loading_twice_adds_nothing(shell: InteractiveShell) -> None:
    shell.run_line_magic("load_ext", EXTENSION)
    once = traces(shell)
    load(shell)
    assert traces(shell) == once
    shell.run_line_magic("reload_ext", EXTENSION)
    assert traces(shell) == once


def test_unload_twice_and_without_load(shell: InteractiveShell) -> None:
    unload(shell)
    load(shell)
    shell.strdispatchers["complete_command"].strs.pop("%sessions")
    unload(shell)
    unload(shell)
    assert not traces(shell)


def test_unload_keeps_a_users_magic_of_the_same_name(shell: InteractiveShell) -> None:
    load(shell)
    shell.register_magic_function(lambda line: "theirs", magic_name="sessions")
    unload(shell)
    assert shell.run_line_magic("sessions", "") == "theirs"


def test_importing_and_loading_are_cheap() -> None:
    code = f"""
import sys
import {EXTENSION}
assert not {{'dill', 'blake3', 'IPython'}} & set(sys.modules), sorted(sys.modules)
from IPython.core.completer import provisionalcompleter
from IPython.core.error import TryNext
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
shell.run_line_magic('load_ext', '{EXTENSION}')
heavy = {{'numpy', 'pandas', 'matplotlib', 'dill', 'nbformat', 'jupyter_client'}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_package_names_what_it_offers() -> None:
    assert set(jupyter_session_save.__all__) <= set(dir(jupyter_session_save))
    for name in jupyter_session_save.__all__:
        assert getattr(jupyter_session_save, name).__doc__
    assert jupyter_session_save.__version__
    with pytest.raises(AttributeError, match="no attribute 'dump'"):
        jupyter_session_save.dump  # noqa: B018


def save(store: Path, *names: str) -> None:
    repository = Repository.open(store)
    for name in names:
        with repository.writer() as writer:
            writer.commit(Snapshot(name), sign=lambda data: "")


def complete(shell: InteractiveShell, line: str) -> list[str]:
    """What the line can become by a tab at its end, as a kernel asks for it."""
    shell.Completer.use_jedi = False
    with provisionalcompleter():
        found = list(shell.Completer.completions(line, len(line)))
    return sorted({line[: c.start] + c.text + line[c.end :] for c in found if c.text[:1] != "%"})


@pytest.mark.core
@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("%load_session sal", ["es"]),
        ("load_session sal", ["es"]),
        ("%save_session sal", ["es"]),
        ("%sessions proj", ["ects/x-1", "ects/x-2"]),
        ("%sessions projects/x-", ["1", "2"]),
        ("%delete_session sales@1", ["", "0"]),
        ("%delete_session projects/x-1@", ["1"]),
        ('%load_session "my wo', ["rk"]),
        ("%load_session 'mine", [""]),
        ("%load_session sales --into sal", ["es"]),
    ],
)
def test_names_and_versions_are_completed(shell: InteractiveShell, store: Path, line: str, ends: list[str]) -> None:
    save(store, "my work", "mine", "projects/x-1", "projects/x-2", *["sales"] * 10)
    load(shell)
    found = [done[len(line) :] for done in complete(shell, line) if done.startswith(line)]
    # After a delimiter IPython offers other things, too.
    assert found == ends or (line[-1] == "@" and set(ends) <= set(found))


def test_a_save_is_offered_no_versions(shell: InteractiveShell, store: Path) -> None:
    save(store, "sales", "sales")
    load(shell)
    assert hook(shell, "%save_session sales@", "") is None
    assert hook(shell, "%load_session sales@", "") == ["2", "1"]


def test_versions_of_this_notebook_are_offered_without_its_name(shell: InteractiveShell, store: Path) -> None:
    save(store, "sales", "sales")
    load(shell)
    assert hook(shell, "%load_session @", "") is None
    shell.user_ns["__session__"] = "sales.ipynb"
    assert hook(shell, "%load_session @", "") == ["2", "1"]


def test_a_last_state_that_cannot_be_read_is_told_in_one_line(
    shell: InteractiveShell, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, "nb", "nb")
    newest = store / "sessions" / "nb" / "2.json"
    newest.unlink()
    newest.mkdir()
    monkeypatch.setenv("JPY_SESSION_NAME", "nb.ipynb")
    load(shell)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("2.json: it is not a regular file: move it away; nb@1 can be read: load that")


def hook(shell: InteractiveShell, text: str, symbol: str) -> list[str] | None:
    """Call the hook as IPython does."""
    command = text.split(maxsplit=1)[0]
    event = SimpleNamespace(line=text, symbol=symbol, command=command, text_until_cursor=text)
    for completer in shell.strdispatchers["complete_command"].flat_matches(command):
        with contextlib.suppress(TryNext):
            return list(completer(event))
    return None


def test_names_with_blanks_are_quoted(shell: InteractiveShell, store: Path) -> None:
    save(store, "my work")
    load(shell)
    assert hook(shell, "%load_session ", "") == ['"my work"']
    assert hook(shell, "%load_session m", "m") == ['"my work"']


def test_completion_leaves_the_rest_to_ipython(shell: InteractiveShell, store: Path) -> None:
    load(shell)
    assert hook(shell, "%load_session sal", "sal") is None  # there is no store yet
    assert not store.exists()
    save(store, "sales")
    assert hook(shell, "%load_session --pre", "--pre") is None
    assert hook(shell, "%load_session nothing", "nothing") is None
    (store / "format.json").write_bytes(b"junk")
    assert hook(shell, "%load_session sal", "sal") is None


@pytest.mark.core
def test_live_objects_are_the_shells(shell: InteractiveShell) -> None:
    live = live_objects(shell)
    assert live["shell"] is shell
    assert live["shell.events"] is shell.events
    assert live["displayhook"] is shell.displayhook
    assert live["exit"] is shell.user_ns["exit"]
    assert live["In"] is shell.history_manager.input_hist_parsed
    assert live["Out"] is shell.history_manager.output_hist
    assert live["input"] is input
    assert "kernel" not in live
    assert not any(type(v) in (str, int, bool, dict, list, tuple, type(None)) for k, v in live.items() if "." in k)


def test_live_objects_are_tagged_alike_in_two_shells() -> None:
    with fresh_shell() as one, fresh_shell() as other:
        assert set(live_objects(one)) == set(live_objects(other))


def test_what_a_user_hangs_on_the_shell_stays_the_users(shell: InteractiveShell) -> None:
    class Mine:
        pass

    shell.mine = Mine()
    shell.other = SimpleNamespace()
    shell.user_ns["exit"] = "mine"
    live = live_objects(shell)
    assert "shell.mine" not in live
    assert "shell.other" not in live
    assert live["exit"] != "mine"


def test_a_kernels_objects_are_live(shell: InteractiveShell) -> None:
    """Any front end's kernel will do, whatever its class is called."""
    kernel_type = type("Kernel", (), {"__module__": "strange_kernel.core"})
    machinery = type("Stream", (), {"__module__": "strange_kernel.streams"})()
    kernel = kernel_type()
    kernel.stream, kernel.comm_manager, kernel.name = machinery, object(), "strange"
    shell.kernel = kernel
    live: dict[str, Any] = live_objects(shell)
    assert live["kernel"] is kernel
    assert live["kernel.stream"] is machinery
    assert live["comm_manager"] is kernel.comm_manager
    assert "kernel.name" not in live


@pytest.mark.core
def test_hidden_names_are_the_shells(shell: InteractiveShell) -> None:
    shell.run_cell("x = 1; !true\n")
    shell.user_ns.update({"__session__": "/a/b.ipynb", "_VSCODE_probe": 1, "y": 2})
    hidden = hidden_names(shell)
    assert {"In", "Out", "exit", "get_ipython", "__session__", "_VSCODE_probe"} <= set(hidden)
    assert not {"x", "y"} & set(hidden)
    assert hidden["__session__"] == "/a/b.ipynb"
