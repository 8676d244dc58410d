"""What the shell holds: options, loaded extensions, aliases, magics defined in cells, the number of the next prompt.

Invariant: only the user's additions are read, and what is taken back leaves every table of magics as it was.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import said
from .parts import StatePart, Surroundings, nothing, resetting

_ALIASES = frozenset(
    {("line", "ed"), ("line", "hist"), ("line", "rep"), ("cell", "SVG"), ("cell", "HTML"), ("cell", "file")}
)
"""Second names that IPython itself gives to magics."""
_USUAL = frozenset({"storemagic", "IPython.extensions.storemagic", "jupyter_session_save"})


def _manager(around: Surroundings) -> Any:
    return getattr(around.shell, "magics_manager", None)


def _keep_magics(around: Surroundings) -> Callable[[], None]:
    manager = _manager(around)
    if manager is None:
        return nothing
    tables = [(table, dict(table)) for table in (*manager.magics.values(), manager.registry)]
    configurables = list(around.shell.configurables)

    def back() -> None:
        for table, before in tables:
            table.clear()
            table.update(before)
        around.shell.configurables[:] = configurables

    return back


def _read_extensions(around: Surroundings) -> Any:
    manager = getattr(around.shell, "extension_manager", None)
    loaded = sorted(set(getattr(manager, "loaded", ())) - _USUAL)
    if not loaded:
        return None
    reloader = _reloader(around)
    mode = None if reloader is None else (reloader.enabled, reloader.check_all)
    return {"loaded": loaded, "autoreload": mode}


def _reloader(around: Surroundings) -> Any:
    registry = getattr(_manager(around), "registry", {})
    return getattr(dict(registry).get("AutoreloadMagics"), "_reloader", None)


def _write_extensions(value: Any, around: Surroundings) -> Iterator[str]:
    manager = getattr(around.shell, "extension_manager", None)
    if manager is None:
        return
    for name in value["loaded"]:
        try:
            refused = manager.load_extension(name)
        except Exception as error:
            refused = said(error)
        if refused not in (None, "already loaded"):
            yield f"%load_ext {name} failed: {refused}"
    reloader = _reloader(around)
    if value["autoreload"] is not None and reloader is not None:
        reloader.enabled, reloader.check_all = value["autoreload"]


def _keep_extensions(around: Surroundings) -> Callable[[], None]:
    manager = getattr(around.shell, "extension_manager", None)
    if manager is None:
        return nothing
    loaded, reloader, magics = set(manager.loaded), _reloader(around), _keep_magics(around)
    mode = (getattr(reloader, "enabled", False), getattr(reloader, "check_all", True))

    def back() -> None:
        for name in sorted(set(manager.loaded) - loaded):
            manager.unload_extension(name)
        manager.loaded.intersection_update(loaded)
        magics()
        if reloader is not None:
            reloader.enabled, reloader.check_all = mode

    return back


def _read_aliases(around: Surroundings) -> Any:
    manager = getattr(around.shell, "alias_manager", None)
    if manager is None:
        return None
    usual = {row for name, cmd in manager.default_aliases + manager.user_aliases for row in _variants(name, cmd)}
    return {name: cmd for name, cmd in manager.aliases if (name, cmd) not in usual} or None


def _variants(name: str, command: str) -> Iterator[tuple[str, str]]:
    yield name, command
    yield name, command.replace(" --color", "")  # Without colours the shell takes it out.


def _write_aliases(value: Any, around: Surroundings) -> Iterator[str]:
    manager = getattr(around.shell, "alias_manager", None)
    if manager is None:
        return
    for name, command in value.items():
        try:
            manager.define_alias(name, command)
        except Exception as error:
            yield f"{name} is not defined: {said(error)}"


def _read_magics(around: Surroundings) -> Any:
    manager = _manager(around)
    if manager is None:
        return None
    functions = {
        (kind, name): function
        for kind, table in manager.magics.items()
        for name, function in list(table.items())
        if type(function) is types.FunctionType and function.__module__ == "__main__"
    }
    classes = {
        name: (type(magics), _own_attributes(magics))
        for name, magics in list(dict(manager.registry).items())
        if type(magics).__module__ == "__main__"
    }
    aliases = {
        (kind, name): (alias.magic_name, alias.magic_kind, getattr(alias, "magic_params", None))
        for kind, table in manager.magics.items()
        for name, alias in list(table.items())
        if type(alias).__name__ == "MagicAlias" and (kind, name) not in _ALIASES
    }
    found = {"functions": functions, "classes": classes, **({"aliases": aliases} if aliases else {})}
    return found if any(found.values()) else None


def _own_attributes(magics: Any) -> dict[str, Any]:
    """Return what the user has set on a magics object."""
    machinery = {"shell", "options_table", "magics", "parent"}
    return {k: v for k, v in vars(magics).items() if k not in machinery and not k.startswith("_")}


def _write_magics(value: Any, around: Surroundings) -> Iterator[str]:
    manager = _manager(around)
    if manager is None:
        return
    for name, (kind, attributes) in value["classes"].items():
        try:
            around.shell.register_magics(kind)
            vars(manager.registry[name]).update(attributes)
        except Exception as error:
            yield f"the magics of {name} are not registered: {said(error)}"
    for (kind, name), function in value["functions"].items():
        if callable(function):
            manager.magics[kind][name] = function
        else:
            yield f"%{name} is not registered"
    for (_, name), (target, of_kind, options) in value.get("aliases", {}).items():
        try:
            manager.register_alias(name, target, of_kind, *filter(None, [options]))
        except Exception as error:
            yield f"%{name} is not registered: {said(error)}"


def next_number(shell: Any) -> int:
    """Return the number that the next cell will have.

    From 9.16 on IPython counts before it runs a cell, earlier ones do so after it; the inputs tell.
    """
    count = int(shell.execution_count)
    noted = len(getattr(getattr(shell, "history_manager", None), "input_hist_parsed", ()))
    return count + 1 if noted == count + 1 else count


def _read_number(around: Surroundings) -> Any:
    return next_number(around.shell) if hasattr(around.shell, "execution_count") else None


def _write_number(value: Any, around: Surroundings) -> tuple[str, ...]:
    shell = around.shell
    if hasattr(shell, "execution_count"):
        forward = value - next_number(shell)
        if forward > 0:  # Numbers are never used twice.
            shell.execution_count += forward
            pad_inputs(shell, value)
    return ()


def pad_inputs(shell: Any, length: int) -> None:
    """Let ``In`` have one entry for each prompt number, as before."""
    history = getattr(shell, "history_manager", None)
    for inputs in (getattr(history, "input_hist_parsed", None), getattr(history, "input_hist_raw", None)):
        if inputs is not None:
            inputs.extend([""] * (length - len(inputs)))


def _keep_number(around: Surroundings) -> Callable[[], None]:
    shell = around.shell
    if not hasattr(shell, "execution_count"):
        return nothing
    count = shell.execution_count
    history = getattr(shell, "history_manager", None)
    lists = [getattr(history, name, None) for name in ("input_hist_parsed", "input_hist_raw")]
    before = [(inputs, list(inputs)) for inputs in lists if inputs is not None]

    def back() -> None:
        shell.execution_count = count
        for inputs, old in before:
            inputs[:] = old

    return back


_SHELL = {"ast_node_interactivity": "last_expr", "autoawait": True, "autocall": 0}
_TEXT = {"pprint": True, "float_precision": ""}
"""Options that decide what a cell shows, with their defaults: of the shell, and of its formatter of plain text."""


def _options(around: Surroundings) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name, the owner and the default of each option."""
    formatters = getattr(getattr(around.shell, "display_formatter", None), "formatters", {})
    for owner, defaults in ((around.shell, _SHELL), (formatters.get("text/plain"), _TEXT)):
        for name, default in defaults.items():
            if hasattr(owner, name):
                yield name, owner, default


def _read_options(around: Surroundings) -> Any:
    found = {name: getattr(owner, name) for name, owner, default in _options(around) if getattr(owner, name) != default}
    mode = _traceback_mode(around)
    if mode and mode != str(getattr(around.shell, "xmode", "Context")):
        found["xmode"] = mode
    return found or None


def _traceback_mode(around: Surroundings) -> str:
    return str(getattr(getattr(around.shell, "InteractiveTB", None), "mode", ""))


def _write_options(value: Any, around: Surroundings) -> tuple[str, ...]:
    for name, owner, _ in _options(around):
        if name in value:
            setattr(owner, name, value[name])
    if "xmode" in value and _traceback_mode(around):
        around.shell.InteractiveTB.set_mode(mode=value["xmode"])
    return ()


def _keep_options(around: Surroundings) -> Callable[[], None]:
    before = [(owner, name, getattr(owner, name)) for name, owner, _ in _options(around)]
    mode = _traceback_mode(around)

    def back() -> None:
        if mode and mode != _traceback_mode(around):
            around.shell.InteractiveTB.set_mode(mode=mode)
        for owner, name, value in before:
            setattr(owner, name, value)

    return back


def _first_options(around: Surroundings) -> dict[str, Any]:
    return {**_SHELL, **_TEXT, "xmode": str(getattr(around.shell, "xmode", "Context"))}


_reset_options = resetting(_read_options, _first_options, _write_options)

PARTS = (
    StatePart("shell options", _read_options, _write_options, _keep_options, reset=_reset_options),
    StatePart("extensions", _read_extensions, _write_extensions, _keep_extensions),
    StatePart("aliases", _read_aliases, _write_aliases, _keep_magics),
    StatePart("magics of cells", _read_magics, _write_magics, _keep_magics),
)
NUMBER = (StatePart("prompt number", _read_number, _write_number, _keep_number),)
