"""What keras, jax and tensorflow keep beside every network: the library below, precision, names, the next seeds.

Invariant: reading starts nothing of theirs, and the environment's variables are as they were once keras is imported.
"""

from __future__ import annotations

import collections
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import said
from .parts import StatePart, Surroundings, differs, nothing, resetting

_DEFAULT = "tensorflow"
_VARIABLE = "KERAS_BACKEND"


def _current() -> str:
    found: Any = getattr(sys.modules.get("keras.src.backend.config"), "_BACKEND", "")
    return found if type(found) is str else ""


def _read(_: Surroundings) -> str | None:
    current = _current()
    return current if current not in ("", _DEFAULT) else None


def _write(value: Any, _: Surroundings) -> Iterator[str]:
    if not _current():
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = value
        try:
            importlib.import_module("keras")
        finally:
            os.environ.pop(_VARIABLE)
            if before is not None:
                os.environ[_VARIABLE] = before
    if _current() != value:
        yield f"keras runs on {_current()} in this kernel: set {_VARIABLE}={value} in a fresh one and load again"


def _keep(_: Surroundings) -> Callable[[], None]:
    return nothing


_JAX = {
    "jax_enable_x64": False,
    "jax_default_matmul_precision": None,
    "jax_default_prng_impl": "threefry2x32",
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_disable_jit": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
}
"""Those of its options that decide what is computed, with their defaults, which jax does not tell."""


def _jax_options() -> dict[str, Any]:
    config: Any = getattr(sys.modules.get("jax"), "config", None)
    values = getattr(config, "values", {})
    return {name: values[name] for name in _JAX if name in values}


def _read_jax(_: Surroundings) -> Any:
    return {name: value for name, value in _jax_options().items() if differs(value, _JAX[name])} or None


def _write_jax(value: Any, _: Surroundings) -> Iterator[str]:
    config = importlib.import_module("jax").config
    for name, setting in value.items():
        try:
            config.update(name, setting)
        except Exception as error:
            yield f"{name} stays as it is: {said(error)}"


def _keep_jax(_: Surroundings) -> Callable[[], None]:
    before = {**_JAX, **_jax_options()}

    def back() -> None:
        for name, value in _jax_options().items():
            if differs(value, before[name]):
                sys.modules["jax"].config.update(name, before[name])

    return back


def _keras_state() -> tuple[dict[str, int], dict[str, Any]]:
    """Return how many objects of each name there have been, and the settings that are not at their defaults."""
    module: Any = sys.modules.get("keras.src.backend.common.global_state")
    config: Any = sys.modules.get("keras.src.backend.config")
    if module is None or not hasattr(config, "image_data_format"):
        return {}, {}
    here = vars(module.GLOBAL_STATE_TRACKER)
    policy = getattr(here.get("dtype_policy"), "name", None)
    now = {"floatx": config.floatx(), "epsilon": config.epsilon(), "image_data_format": config.image_data_format()}
    now["dtype_policy"] = policy or now["floatx"]
    default = {**_KERAS, "dtype_policy": now["floatx"]}
    return dict(here.get("object_name_uids", {})), {k: v for k, v in now.items() if differs(v, default[k])}


_KERAS = {"floatx": "float32", "epsilon": 1e-07, "image_data_format": "channels_last"}


def _read_keras(_: Surroundings) -> Any:
    names, settings = _keras_state()
    return {"names": names, "settings": settings} if names or settings else None


def _write_keras(value: Any, _: Surroundings) -> tuple[str, ...]:
    importlib.import_module("keras")
    _set_keras(value["names"], value["settings"])
    return ()


def _set_keras(names: dict[str, int], settings: dict[str, Any]) -> None:
    config: Any = sys.modules["keras"].config
    for name, setting in settings.items():
        getattr(config, f"set_{name}")(setting)
    module: Any = sys.modules["keras.src.backend.common.global_state"]
    known = module.get_global_attribute("object_name_uids", collections.defaultdict(int), set_to_default=True)
    known.clear()
    known.update(names)


def _keep_keras(_: Surroundings) -> Callable[[], None]:
    names, settings = _keras_state()

    def back() -> None:
        if _keras_state() != (names, settings):
            floatx = settings.get("floatx", _KERAS["floatx"])
            _set_keras(names, {**_KERAS, "dtype_policy": floatx, **settings})

    return back


def _tensorflow() -> Any:
    """Return what holds the seed of tensorflow, if that has one; asking it for its context would start the runtime."""
    context: Any = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    return context if getattr(context, "_seed", None) is not None else None


def _read_seeds(_: Surroundings) -> Any:
    context = _tensorflow()
    return None if context is None else {"seed": context._seed, "next": context._rng.getstate()}


def _write_seeds(value: Any, _: Surroundings) -> tuple[str, ...]:
    importlib.import_module("tensorflow").random.set_seed(value["seed"])
    _tensorflow()._rng.setstate(value["next"])
    return ()


def _keep_seeds(around: Surroundings) -> Callable[[], None]:
    before = _read_seeds(around)

    def back() -> None:
        if before is not None:
            _write_seeds(before, around)
        elif _tensorflow() is not None:
            _tensorflow()._set_global_seed(None)

    return back


_reset_jax = resetting(_read_jax, lambda _: _JAX, _write_jax)

BACKEND = (
    StatePart("keras backend", _read, _write, _keep, early=True),
    StatePart("jax options", _read_jax, _write_jax, _keep_jax, early=True, reset=_reset_jax),
)
PARTS = (StatePart("keras settings", _read_keras, _write_keras, _keep_keras),)
SEEDS = (StatePart("tensorflow seed", _read_seeds, _write_seeds, _keep_seeds),)
