"""The README and the architecture page are true: what they name exists, and what exists is named."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import jupyter_session_save
from jupyter_session_save import cli, magics
from jupyter_session_save.catalog import STORE_VARIABLE

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = ROOT / "jupyter_session_save"


def options(parser: argparse.ArgumentParser) -> list[str]:
    """Long options of a parser, without its help."""
    found = [o for a in parser._actions for o in a.option_strings if o.startswith("--")]
    return [option for option in found if option != "--help"]


NAMES = {*magics.COMPLETED, "autosave_session", "undo_session"}


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a magic."""
    kinds = (magics.SessionMagics, magics.AutosaveMagics)
    parser: argparse.ArgumentParser = next(getattr(kind, name).parser for kind in kinds if hasattr(kind, name))
    return parser


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_magic_and_option_is_named(name: str) -> None:
    assert f"`%{name}" in README
    parser = parser_of(name)
    for option in options(parser):
        assert f"`{option}" in README, option


def test_no_other_magic_or_option_is_named() -> None:
    assert set(re.findall(r"%(\w+_session|sessions)\b", README)) == NAMES
    known = {o for name in NAMES for o in options(parser_of(name))}
    known |= {o for command in commands().values() for o in options(command)}
    assert set(re.findall(r"`(--[a-z-]+)", README)) <= known


def test_every_trait_is_named() -> None:
    traits = magics.SessionMagics.class_own_traits(config=True)
    assert set(re.findall(r"\| `SessionMagics\.(\w+)`", README)) == set(traits)


def commands() -> dict[str, argparse.ArgumentParser]:
    """The commands of ``jupyter session``."""
    parser = cli._parser()
    (action,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def test_every_command_and_option_is_named() -> None:
    for name, parser in commands().items():
        assert f"\n| `{name}" in README
        for option in options(parser):
            assert f"`{option}" in README, option


def test_the_version_can_be_asked_for() -> None:
    assert "`jupyter session --version`" in README
    assert "--version" in options(cli._parser())


@pytest.mark.parametrize(
    "words",
    [
        "globals of their own",
        "history (`In`, `Out`, `_`) is not saved",
        "`{x}` and `$x`",
        "older than an hour",
        "mix in",
    ],
)
def test_what_surprised_readers_is_said(words: str) -> None:
    assert words in " ".join(README.split())


def test_a_semicolon_is_not_said_to_hide_the_report() -> None:
    (sentence,) = re.findall(r"A semicolon[^.]*\.", README)
    assert sentence.endswith(" is ignored.")


def test_public_names_and_the_variable_are_named() -> None:
    for name in jupyter_session_save.__all__:
        assert name in README or name.endswith("_ipython_extension"), name
    assert f"`{STORE_VARIABLE}`" in README


def test_the_plain_python_example_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(import jupyter_session_save.*?)```", README, re.DOTALL)
    environment = {
        **os.environ,
        STORE_VARIABLE: str(tmp_path / "store"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "PYTHONPATH": str(ROOT),
    }
    check = "assert session['result'] == namespace['result'] == [1, 2, 3]\n"
    check += "import sys; assert 'IPython' not in sys.modules\n"
    done = subprocess.run(
        [sys.executable, "-c", example + check], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def shell_lines() -> list[str]:
    return [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


def test_the_two_commands_install_what_the_project_offers() -> None:
    demo, tests = shell_lines()
    assert demo.endswith(".venv/bin/jupyter session demo")
    assert tests.endswith(".venv/bin/python -m tests")
    project: dict[str, Any] = PROJECT["project"]
    for line in (demo, tests):
        (extra,) = re.findall(r"'\.\[(\w+)\]'", line)
        assert extra in project["optional-dependencies"]
    assert project["scripts"] == {"jupyter-session": "jupyter_session_save.cli:main"}


def test_continuous_integration_runs_the_second_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"grep -E '(.*?)' README\.md", script)
    assert [line for line in README.splitlines() if re.search(pattern, line)] == [shell_lines()[1]]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_quickstarts_imports_are_in_the_demo_extra() -> None:
    quickstart = json.loads((ROOT / "notebooks" / "quickstart.ipynb").read_text(encoding="utf-8"))
    code = "\n".join("".join(c["source"]) for c in quickstart["cells"] if c["cell_type"] == "code")
    imported = set(re.findall(r"^\s*(?:import|from)\s+(\w+)", code, re.MULTILINE)) - set(sys.stdlib_module_names)
    offered = {re.split(r"[^\w-]", r)[0] for r in PROJECT["project"]["optional-dependencies"]["demo"]}
    assert imported <= offered | {"jupyter_session_save", "IPython"}


def test_the_architecture_names_every_room() -> None:
    rooms = [p.stem for p in PACKAGE.glob("*.py") if p.stem != "__init__"]
    rooms += [f"{p.parent.name}/{p.stem}" for p in PACKAGE.glob("*/*.py") if p.stem != "__init__"]
    unnamed = [room for room in rooms if f"`{room}`" not in ARCHITECTURE]
    assert not unnamed


def test_the_architecture_names_nothing_that_is_gone() -> None:
    named = re.findall(r"^\| `([\w/]+)` \|", ARCHITECTURE, re.MULTILINE)
    gone = [room for room in named if not (PACKAGE / f"{room}.py").exists() and not (PACKAGE / room).is_dir()]
    assert named
    assert not gone


def test_rooms_stay_small() -> None:
    long = {p.name: n for p in PACKAGE.rglob("*.py") if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long
