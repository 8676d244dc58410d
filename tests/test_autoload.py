from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_session_save.autoload import startup_file
from jupyter_session_save.cli import main

from .machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    machine = Machine(tmp_path / "machine")
    monkeypatch.setenv("IPYTHONDIR", machine.environment()["IPYTHONDIR"])
    yield machine
    machine.close()


def test_every_kernel_of_the_profile_saves_by_itself(machine: Machine) -> None:
    assert main(["autoload", "--enable", "--autosave"]) == 0
    named = {"JPY_SESSION_NAME": "nb.ipynb"}
    kernel = machine.kernel(env=named)
    kernel.run("x = [1]")
    assert kernel.get("[n for n in globals() if n[0] != '_' and n not in ('In', 'Out', 'exit', 'quit', 'open')]") == [
        "get_ipython",
        "x",
    ]
    kernel.sigkill()
    kernel = machine.kernel(env=named)
    # Nobody would have seen what was printed while the kernel started.
    offer = kernel.run("1 + 1").text
    assert offer.startswith("the last state of this notebook is from ") and "%load_session @1 brings it back\n" in offer
    assert kernel.run("1 + 1").text == "2\n"
    kernel.run("%load_session")
    kernel.check("x == [1]")
    assert main(["autoload", "--disable"]) == 0
    assert not startup_file().exists()
    assert machine.kernel(env=named).run("%load_session", check=False).error is not None


def test_only_our_file_is_touched(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["autoload", "--disable", "--profile", "work"]) == 0
    assert main(["autoload", "--enable", "--profile", "work"]) == 1
    path = startup_file("work")
    assert "there is no IPython profile 'work'" in capsys.readouterr().err and not path.parent.parent.exists()
    path.parent.parent.mkdir(parents=True)
    assert main(["autoload", "--enable", "--profile", "work"]) == 0
    assert "profile_work" in str(path) and "autosave" not in path.read_text(encoding="utf-8").splitlines()[2]
    path.write_text("mine = 1\n", encoding="utf-8")
    assert main(["autoload", "--enable", "--profile", "work"]) == 1
    assert main(["autoload", "--disable", "--profile", "work"]) == 1
    assert path.read_text(encoding="utf-8") == "mine = 1\n"
    assert "not a file of jupyter_session_save" in capsys.readouterr().err
