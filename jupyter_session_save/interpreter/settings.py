"""Settings of single modules that decide what later cells compute or show: the standard library's, and libraries'.

Invariant: a module that is not imported has no settings, and one that refuses its settings costs only itself.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import said
from .parts import StatePart, Surroundings, differs


def _of_logging(logging: Any) -> Any:
    return logging.root.manager.disable


def _of_sklearn(sklearn: Any) -> Any:
    default = getattr(sys.modules.get("sklearn._config"), "_global_config", {})
    return {k: v for k, v in sklearn.get_config().items() if k in default and differs(v, default[k])}


def _of_xarray(xarray: Any) -> Any:
    return {k: v for k, v in xarray.get_options().items() if k in _XARRAY and differs(v, _XARRAY[k])}


def _of_torch(torch: Any) -> Any:
    options = sys.modules["torch._tensor_str"].PRINT_OPTS
    return {k: getattr(options, k) for k, default in _TORCH.items() if getattr(options, k, default) != default}


_XARRAY = {
    "arithmetic_join": "inner",
    "cmap_divergent": "RdBu_r",
    "cmap_sequential": "viridis",
    "display_max_rows": 12,
    "display_style": "html",
    "display_width": 80,
    "keep_attrs": "default",
}
_TORCH = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
"""Defaults of libraries that do not tell them."""

Reading = Callable[[Any], Any]
Writing = Callable[[Any, Any], Any]

_SETTINGS: dict[str, tuple[Any, Reading, Writing]] = {
    "calendar": (0, lambda m: int(m.firstweekday()), lambda m, v: m.setfirstweekday(v)),
    "csv": (131072, lambda m: m.field_size_limit(), lambda m, v: m.field_size_limit(v)),
    "logging": (0, _of_logging, lambda m, v: m.disable(v)),
    "socket": (None, lambda m: m.getdefaulttimeout(), lambda m, v: m.setdefaulttimeout(v)),
    "sys": (
        sys.int_info.default_max_str_digits,
        lambda m: m.get_int_max_str_digits(),
        lambda m, v: m.set_int_max_str_digits(v),
    ),
    "sklearn": ({}, _of_sklearn, lambda m, v: m.set_config(**v)),
    "xarray": ({}, _of_xarray, lambda m, v: m.set_options(**v)),
    "torch": ({}, _of_torch, lambda m, v: m.set_printoptions(**v)),
    "plotly.io": ("plotly", lambda m: m.templates.default, lambda m, v: setattr(m.templates, "default", v)),
}
"""For each module the value at first, how it is read, and how it is set."""


def _now() -> Iterator[tuple[str, Any, Any]]:
    """Yield the name, the default and the value of each setting of a module that is there."""
    for name, (default, read, _) in _SETTINGS.items():
        module = sys.modules.get(name)
        if module is None:
            continue
        try:
            yield name, default, read(module)
        except Exception:
            continue  # It is being imported, or is of a version that has no such setting.


def _read(_: Surroundings) -> Any:
    return {name: value for name, default, value in _now() if differs(value, default)} or None


def _write(value: Any, _: Surroundings) -> Iterator[str]:
    for name, setting in value.items():
        if name not in _SETTINGS:
            yield f"those of {name} are not known to this version"
            continue
        try:
            _SETTINGS[name][2](importlib.import_module(name), setting)
        except Exception as error:
            yield f"those of {name} stay as they are: {said(error)}"


def _keep(_: Surroundings) -> Callable[[], None]:
    before = {name: value for name, _, value in _now()}
    return lambda: _go_back(before)


def _go_back(before: dict[str, Any]) -> None:
    for name, default, value in list(_now()):
        earlier = before.get(name, default)
        if not differs(value, earlier):
            continue
        if isinstance(value, dict):
            # Only what is not at its default is read, so what was at its default has to be told.
            earlier = {**{key: _default(name, key) for key in value}, **earlier}
        _SETTINGS[name][2](sys.modules[name], earlier)


def _reset(value: Any, _: Surroundings) -> tuple[str, ...]:
    _go_back(value or {})
    return ()


def _default(name: str, key: str) -> Any:
    if name == "sklearn":
        return sys.modules["sklearn._config"]._global_config[key]
    defaults: dict[str, dict[str, Any]] = {"xarray": _XARRAY, "torch": _TORCH}
    return defaults[name][key]


PARTS = (StatePart("settings of modules", _read, _write, _keep, reset=_reset),)
