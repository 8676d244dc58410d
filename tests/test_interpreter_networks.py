"""What keras, jax and tensorflow keep beside networks, with stand-ins for them: they are too large to be here."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jupyter_session_save.interpreter import PARTS, Surroundings
from jupyter_session_save.interpreter.parts import StatePart

AROUND = Surroundings({})


def part(name: str) -> StatePart:
    return next(one for one in PARTS if one.name == name)


@pytest.fixture
def keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that decides on its backend when it is imported, as keras does."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "keras":
            monkeypatch.delitem(sys.modules, name)
    config = tmp_path / "keras" / "src" / "backend" / "config.py"
    config.parent.mkdir(parents=True)
    config.write_text("import os\n_BACKEND = os.environ.get('KERAS_BACKEND', 'tensorflow')\n")
    for directory in (config.parent, *config.parents[1:3]):
        (directory / "__init__.py").touch()
    (tmp_path / "keras" / "__init__.py").write_text("import keras.src.backend.config\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in list(sys.modules):
        if name.partition(".")[0] == "keras":
            del sys.modules[name]


@pytest.mark.parametrize("variable", [None, "jax"])
def test_keras_is_imported_for_the_library_that_it_computed_on(
    keras: None, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if variable:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    backend = part("keras backend")
    assert backend.early and backend.read(AROUND) is None
    assert [*backend.write("torch", AROUND)] == []
    assert backend.read(AROUND) == "torch" and os.environ.get("KERAS_BACKEND") == variable
    (note,) = backend.write("jax", AROUND)
    assert "keras runs on torch" in note and "KERAS_BACKEND=jax" in note
    assert backend.read(AROUND) == "torch"


def test_the_default_library_of_keras_needs_no_import(keras: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    importlib.import_module("keras")
    assert part("keras backend").read(AROUND) is None


def test_options_of_jax_are_put_in_place_before_variables_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    values: dict[str, Any] = {"jax_enable_x64": False, "jax_disable_jit": True, "jax_of_no_interest": 3}
    jax: Any = ModuleType("jax")
    jax.config = SimpleNamespace(values=values, update=values.__setitem__)
    monkeypatch.setitem(sys.modules, "jax", jax)
    options = part("jax options")
    assert options.early and options.read(AROUND) == {"jax_disable_jit": True}
    back = options.keep(AROUND)
    assert [*options.write({"jax_enable_x64": True, "jax_disable_jit": True}, AROUND)] == []
    assert options.read(AROUND) == {"jax_enable_x64": True, "jax_disable_jit": True}
    back()
    assert values == {"jax_enable_x64": False, "jax_disable_jit": True, "jax_of_no_interest": 3}


def test_the_seed_of_tensorflow_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def set_seed(seed: int | None) -> None:
        context._seed, context._rng = seed, random.Random(seed)

    context = SimpleNamespace(_seed=None, _rng=None, _set_global_seed=set_seed)
    eager: Any = ModuleType("tensorflow.python.eager.context")
    tensorflow: Any = ModuleType("tensorflow")
    eager._context, tensorflow.random = context, SimpleNamespace(set_seed=set_seed)
    monkeypatch.setitem(sys.modules, eager.__name__, eager)
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    seed = part("tensorflow seed")
    assert seed.read(AROUND) is None
    undo = seed.keep(AROUND)
    set_seed(7)
    context._rng.random()
    saved = seed.read(AROUND)
    expected = context._rng.random()
    back = seed.keep(AROUND)
    assert [*seed.write(saved, AROUND)] == [] and context._rng.random() == expected
    back()
    assert context._rng.random() != expected and context._seed == 7
    undo()
    assert seed.read(AROUND) is None


SETTINGS = """
import keras
from jupyter_session_save.interpreter import PARTS, Surroundings
part, around = next(p for p in PARTS if p.name == "keras settings"), Surroundings({})
assert part.read(around) is None
undo = part.keep(around)
keras.layers.Dense(1)
keras.config.set_floatx("float64")
keras.config.set_dtype_policy("mixed_bfloat16")
saved = part.read(around)
assert saved == {"names": {"dense": 1}, "settings": {"floatx": "float64", "dtype_policy": "mixed_bfloat16"}}, saved
undo()
assert part.read(around) is None, part.read(around)
part.write(saved, around)
assert part.read(around) == saved and keras.layers.Dense(1).name == "dense_1"
"""


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="needs keras")
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_precision_and_names_of_keras(tmp_path: Path) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "-c", SETTINGS], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
