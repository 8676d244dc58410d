"""Versions of packages, what it means that they differ, and the user's own modules."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_session_save import environment
from jupyter_session_save.environment import current, differences, explain, find_again, missing, moved, version_of
from jupyter_session_save.snapshot import Environment


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on ``sys.path`` with a module and a package of the user's own; nothing is imported."""
    (tmp_path / "own_module.py").write_text("raise AssertionError('imported')\n")
    (tmp_path / "own_package" / "deep").mkdir(parents=True)
    (tmp_path / "own_package" / "__init__.py").write_text("raise AssertionError('imported')\n")
    (tmp_path / "own_package" / "deep" / "part.py").write_text("x = 1\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    importlib.invalidate_caches()
    before = set(sys.modules)
    yield tmp_path
    assert not {"own_module", "own_package"} & (set(sys.modules) - before), "a version was looked up by importing"


def saved_with(**packages: str) -> Environment:
    return replace(current([]), packages=packages)


def test_versions_of_what_is_imported_and_of_what_is_only_installed() -> None:
    found = current(["numpy", "dill", "", "json", "__main__", "builtins", "sys", "not_there_at_all", "numpy"])
    assert found.packages["numpy"] == np.__version__
    assert found.packages.keys() == {"numpy", "dill"}
    assert found.paths == {}
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.implementation == sys.implementation.name and found.platform


def test_a_package_that_is_installed_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(environment.importlib.metadata, "version", lambda name: asked.append(name) or "4.5")
    for module in ("cv2", "PIL", "yaml", "bs4", "skimage"):
        monkeypatch.delitem(sys.modules, module, raising=False)
        assert version_of(module) == "4.5"
    assert asked == ["opencv-python", "pillow", "pyyaml", "beautifulsoup4", "scikit-image"]


def test_a_modules_own_getattr_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("own_asking")

    def ask(name: str) -> Any:
        raise AssertionError(name)

    module.__getattr__ = ask  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "own_asking", module)
    assert version_of("own_asking") == ""
    module.__version__ = (1, 2)  # type: ignore[attr-defined]
    assert version_of("own_asking") == ""
    module.__version__ = "1.2"  # type: ignore[attr-defined]
    assert version_of("own_asking") == "1.2"


@pytest.mark.parametrize("name", ["no_such_module", "a.b.c", "with space"])
def test_what_is_not_there_has_no_version(name: str) -> None:
    assert version_of(name) == ""


def test_a_users_own_module_is_known_by_its_source(place: Path) -> None:
    one = version_of("own_module")
    assert one.startswith("source ") and one == version_of("own_module")
    (place / "own_module.py").write_text("raise AssertionError('imported again')\n")
    assert version_of("own_module") not in ("", one)


def test_a_users_own_package_is_known_by_all_its_files(place: Path) -> None:
    one = version_of("own_package")
    (place / "own_package" / "data.txt").write_text("no code")
    assert version_of("own_package") == one
    (place / "own_package" / "deep" / "part.py").write_text("x = 2\n")
    assert version_of("own_package") not in ("", one)


def test_a_source_that_cannot_be_read_is_no_error(place: Path) -> None:
    assert version_of("own_module")
    (place / "own_module.py").unlink()
    assert version_of("own_module") == ""


def test_the_directories_of_own_modules_are_found_again(place: Path) -> None:
    saved = current(["own_module", "own_package", "numpy"])
    assert saved.paths == {"own_module": str(place), "own_package": str(place)}
    sys.path.remove(str(place))
    assert missing(saved.paths) == ["own_module", "own_package"]
    assert find_again(saved) == [str(place)]
    assert sys.path[-1] == str(place) and sys.path.count(str(place)) == 1
    assert missing(saved.paths) == [] and find_again(saved) == []


def test_what_is_found_otherwise_or_gone_adds_nothing(place: Path) -> None:
    saved = current(["own_module"])
    assert find_again(saved) == []
    sys.path.remove(str(place))
    before = list(sys.path)
    assert find_again(replace(saved, paths={"own_module": str(place / "gone")})) == []
    assert find_again(replace(saved, paths={"numpy": str(place)})) == []
    assert sys.path == before


def test_missing_modules() -> None:
    odd = ["numpy", "dill", "sys", "", "__main__", "no_such_module", "no.such", "with space"]
    assert missing(odd) == ["no_such_module", "no.such", "with space"]


def test_no_differences_to_this_very_environment(place: Path) -> None:
    assert differences(current(["numpy", "dill", "own_module"])) == []


def test_each_difference_is_a_line(place: Path) -> None:
    saved = replace(
        saved_with(numpy="0.1", own_module="source 0000", dill=version_of("dill"), not_there="1.0", own_package="3"),
        python="3.1.4",
    )
    python, numpy, own, package = differences(saved)
    assert "3.1.4" in python and current([]).python in python
    assert numpy == f"saved with numpy 0.1, here is {np.__version__}"
    assert own.startswith("own_module has changed since the save")
    assert package == "saved with own_package 3, here is a version of your own"


def test_only_what_the_loaded_variables_need_is_compared(place: Path) -> None:
    saved = saved_with(numpy="0.1", dill="0.1", own_module="source 0000")
    lines = differences(saved, {"numpy": {"a"}, "own_module": set(map(str, range(7)))})
    assert lines == [
        f"saved with numpy 0.1, here is {np.__version__} (needed by a)",
        "own_module has changed since the save: its new code is used (needed by 0, 1, 2, 3, 4 and 2 more)",
    ]


def test_another_platform_and_another_implementation_are_differences() -> None:
    here = current([])
    assert differences(replace(here, platform=f"{here.platform}.patched")) == []
    (line,) = differences(replace(here, platform="Plan9-4-mips"))
    assert line.startswith("saved on Plan9-4-mips, this is ")
    (line,) = differences(replace(here, implementation="pypy"))
    assert line.startswith(f"saved with pypy {here.python}, this is Python")


def test_a_patch_release_of_python_is_no_difference() -> None:
    minor = ".".join(map(str, sys.version_info[:2]))
    assert differences(replace(saved_with(), python=f"{minor}.999")) == []


def test_packages_that_moved() -> None:
    saved = saved_with(numpy="0.1", dill=version_of("dill"), not_there="1")
    assert moved(saved) == [f"numpy 0.1 -> {np.__version__}"]


def test_the_package_that_matters_is_the_one_that_is_named(place: Path) -> None:
    saved = saved_with(numpy="0.1", own_module="source 0000")
    gone = AttributeError("Can't get attribute 'T' on <module 'own_module' from 'x'>")
    assert explain(gone, saved)[0].endswith("; since the save: own_module has changed")
    other = ImportError("cannot import name", name="numpy.random")
    assert explain(other, saved)[0].endswith(f"; since the save: numpy 0.1 -> {np.__version__}")
    assert explain(AttributeError("no"), saved)[0].count(",") == 1


@pytest.mark.parametrize(
    ("error", "packages", "reason", "advice"),
    [
        (
            ModuleNotFoundError("no", name="not_there.sub"),
            {"not_there": "1.2"},
            "module not_there 1.2 (in use when it was saved) is not installed",
            "pip install not_there==1.2 and load again",
        ),
        (
            ModuleNotFoundError("no", name="not_there"),
            {},
            "module not_there is not installed",
            "pip install not_there and load again",
        ),
        (
            ModuleNotFoundError("no", name="mine"),
            {"mine": "source 1234"},
            "module mine is not found",
            "put mine.py on sys.path and load again",
        ),
        (
            AttributeError("module 'numpy' has no attribute 'gone'"),
            {"numpy": "0.1"},
            f"since the save: numpy 0.1 -> {np.__version__}",
            "install the version that was in use",
        ),
        (
            ModuleNotFoundError("No module named 'numpy.gone'", name="numpy.gone"),
            {"numpy": "0.1"},
            f"numpy.gone'; since the save: numpy 0.1 -> {np.__version__}",
            "install the version that was in use",
        ),
        (ImportError("cannot import name 'x'"), {}, "cannot import name 'x'", "install the version"),
        (ValueError("one\ntwo"), {"numpy": "0.1"}, "one two", "run the statement that made it again"),
        (ModuleNotFoundError(), {}, "ModuleNotFoundError", "install the version"),
    ],
)
def test_a_failure_is_explained(error: Exception, packages: dict[str, str], reason: str, advice: str) -> None:
    said, do = explain(error, saved_with(**packages))
    assert reason in said and advice in do
    assert "\n" not in said + do


def test_the_advice_names_the_package_not_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    saved = saved_with(cv2="4.5")
    assert explain(ModuleNotFoundError("no", name="cv2"), saved)[1] == "pip install opencv-python==4.5 and load again"
