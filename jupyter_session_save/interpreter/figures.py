"""matplotlib's rcParams and colours that are not at their defaults, its backend, and how inline figures are shown.

Invariant: the backend is never asked for in a way that makes matplotlib choose one, and the hook that shows inline
figures after each cell stays.
"""

from __future__ import annotations

import copy
import functools
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import said
from .parts import StatePart, Surroundings, differs, nothing, resetting

INLINE = frozenset({"inline", "module://matplotlib_inline.backend_inline", "module://ipykernel.pylab.backend_inline"})
_BACKEND = frozenset({"backend", "backend_fallback"})


def _rc(name: str = "rcParams") -> dict[str, Any] | None:
    """Return a copy of parameters as they stand, past everything that asking for one may do."""
    params = getattr(sys.modules.get("matplotlib"), name, None)
    return dict(dict.items(params)) if isinstance(params, dict) else None


def _set_raw(values: dict[str, Any]) -> None:
    dict.update(sys.modules["matplotlib"].rcParams, values)


def _read_backend(_: Surroundings) -> Any:
    backend = (_rc() or {}).get("backend")
    return backend if type(backend) is str else None


def _write_backend(value: Any, around: Surroundings) -> Iterator[str]:
    matplotlib = importlib.import_module("matplotlib")
    current = _read_backend(around)
    kernel = getattr(around.shell, "kernel", None)
    if current == value or (current in INLINE and value in INLINE and (value != "inline" or kernel is None)):
        return
    if value in INLINE:
        if kernel is None:
            yield "inline figures need a notebook: the backend stays as it is"
            return
        # What `%matplotlib inline` does: it also shows figures after each cell.
        around.shell.enable_matplotlib("inline")
        return
    # Without pyplot it would take any backend, and fail at the first figure: Qt on a server, a module that is gone.
    importlib.import_module("matplotlib.pyplot")
    try:
        matplotlib.use(value)
    except Exception as error:
        yield f"{value} cannot be used here: {said(error)}"


def _keep_backend(_: Surroundings) -> Callable[[], None]:
    before = _rc()
    if before is None:
        return nothing

    def back() -> None:
        now = _rc()
        if now is None or now["backend"] is before["backend"] or now["backend"] == before["backend"]:
            return
        _set_raw({"backend": before["backend"]})
        if "matplotlib.pyplot" in sys.modules and type(before["backend"]) is str:
            sys.modules["matplotlib.pyplot"].switch_backend(before["backend"])

    return back


def _read_rc(_: Surroundings) -> Any:
    now, default, original = _rc(), _rc("rcParamsDefault"), _rc("rcParamsOrig")
    if now is None or default is None or original is None:
        return None
    found = {
        key: value
        for key, value in now.items()
        if key not in _BACKEND and (differs(value, default.get(key)) or differs(value, original.get(key)))
    }
    return {key: value.copy() if type(value) is list else value for key, value in found.items()} or None


def _write_rc(value: Any, _: Surroundings) -> Iterator[str]:
    params = importlib.import_module("matplotlib").rcParams
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, setting in value.items():
            try:
                params[key] = setting
            except Exception as error:
                yield f"{key} stays as it is: {said(error)}"


def _keep_rc(_: Surroundings) -> Callable[[], None]:
    before = _rc()
    if before is None:
        return nothing
    mine = {key: value for key, value in before.items() if key not in _BACKEND}
    return lambda: _set_raw(mine)


@functools.cache
def _own_colours() -> dict[str, Any]:
    """Return the colours that matplotlib names by itself, put together as it does."""
    data: Any = sys.modules["matplotlib._color_data"]
    found: dict[str, Any] = dict(data.XKCD_COLORS)
    found |= {name.replace("grey", "gray"): value for name, value in found.items() if "grey" in name}
    found |= data.CSS4_COLORS | data.TABLEAU_COLORS
    found |= {name.replace("gray", "grey"): value for name, value in data.TABLEAU_COLORS.items() if "gray" in name}
    return {**found, **data.BASE_COLORS}


def _colours() -> Any:
    """Return the mapping of all names, which `seaborn.set_theme` changes, if there is one."""
    if "matplotlib._color_data" not in sys.modules:
        return {}
    return getattr(sys.modules.get("matplotlib.colors"), "_colors_full_map", {})


def _read_colours(_: Surroundings) -> Any:
    now = _colours()
    own = _own_colours() if now else {}
    return {name: value for name, value in now.items() if differs(value, own.get(name))} or None


def _write_colours(value: Any, _: Surroundings) -> tuple[str, ...]:
    importlib.import_module("matplotlib.colors")
    _set_colours(value)
    return ()


def _set_colours(values: dict[str, Any]) -> None:
    """Set colours one by one: the mapping forgets what it has looked up when an item is set, but not at an update."""
    now = _colours()
    for name, value in values.items():
        now[name] = value


def _keep_colours(_: Surroundings) -> Callable[[], None]:
    before = dict(_colours())
    return lambda: _make_colours(before or (_own_colours() if _colours() else {}))


def _make_colours(wanted: dict[str, Any]) -> None:
    now = _colours()
    for name in [name for name in now if name not in wanted]:
        del now[name]
    _set_colours(wanted)


def _reset_colours(value: Any, around: Surroundings) -> tuple[str, ...]:
    found = _read_colours(around) or {}
    if found.keys() - (value or {}).keys():
        _make_colours({**_own_colours(), **{name: c for name, c in found.items() if name in (value or {})}})
    return ()


_INLINE_OPTIONS = {"figure_formats": {"png"}, "print_figure_kwargs": {"bbox_inches": "tight"}, "close_figures": True}


def inline() -> Any:
    """Return the configurable behind ``%config InlineBackend``, if there is one already."""
    return getattr(getattr(sys.modules.get("matplotlib_inline.config"), "InlineBackend", None), "_instance", None)


def _inline_options() -> dict[str, Any]:
    options = inline()
    return {} if options is None else {key: copy.copy(getattr(options, key)) for key in _INLINE_OPTIONS}


def _configured(around: Surroundings) -> dict[str, Any]:
    """Return what ``%config`` has set before the first figure was shown: it waits in the shell's configuration."""
    config: Any = getattr(around.shell, "config", None)
    section = dict(config.get("InlineBackend", {})) if isinstance(config, dict) else {}
    if type(section.get("figure_format")) is str:
        section["figure_formats"] = {section["figure_format"]}
    kinds = {key: type(default) for key, default in _INLINE_OPTIONS.items()}
    return {key: section[key] for key, kind in kinds.items() if type(section.get(key)) is kind}


def _read_inline(around: Surroundings) -> Any:
    options = _configured(around) if inline() is None else _inline_options()
    found = {key: copy.copy(value) for key, value in options.items() if value != _INLINE_OPTIONS[key]}
    return {key: sorted(value) if isinstance(value, set) else value for key, value in found.items()} or None


def _write_inline(value: Any, around: Surroundings) -> tuple[str, ...]:
    if getattr(around.shell, "kernel", None) is None:
        return ("there are no inline figures without a notebook",)
    options = importlib.import_module("matplotlib_inline.config").InlineBackend.instance(parent=around.shell)
    options.shell = around.shell
    for key, setting in value.items():
        setattr(options, key, set(setting) if type(setting) is list else setting)
    return ()


def _keep_inline(_: Surroundings) -> Callable[[], None]:
    before = _inline_options()

    def back() -> None:
        for key, setting in (before or _INLINE_OPTIONS).items():
            if inline() is not None:
                setattr(inline(), key, setting)

    return back


def _original(_: Surroundings) -> dict[str, Any]:
    found = {key: value for key, value in (_rc("rcParamsOrig") or {}).items() if key not in _BACKEND}
    return {key: value.copy() if type(value) is list else value for key, value in found.items()}


_reset_rc = resetting(_read_rc, _original, _write_rc)
_reset_inline = resetting(
    # One that was not used yet has nothing to put back.
    lambda around: None if inline() is None else _read_inline(around),
    lambda _: copy.deepcopy(_INLINE_OPTIONS),
    _write_inline,
)

BACKEND = StatePart("matplotlib backend", _read_backend, _write_backend, _keep_backend, early=True)
PARTS = (
    StatePart("matplotlib rcParams", _read_rc, _write_rc, _keep_rc, reset=_reset_rc),
    StatePart("matplotlib colours", _read_colours, _write_colours, _keep_colours, reset=_reset_colours),
    StatePart("inline figures", _read_inline, _write_inline, _keep_inline, reset=_reset_inline),
)
