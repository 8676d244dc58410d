"""Inputs and outputs: ``In``, ``Out``, ``_``, ``_i`` and their numbered kin.

They hold deleted secrets and displayed frames, so they are saved only when asked for. Outputs travel as variables
``_5`` of the snapshot, so that ``Out[5] is df`` stays true; what stands here are texts and numbers.

Invariant: ``In`` and ``Out`` stay the history manager's own objects; an input of this kernel that has a number of its
own there is never replaced by another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .parts import StatePart, Surroundings, nothing
from .prompt import next_number

_LAST = ("_", "__", "___")
_INPUTS = ("_i00", "_i", "_ii", "_iii")
_CACHED = re.compile(r"_+|_i{0,3}|_i?\d+")
_OURS = __name__.partition(".")[0]


def outputs(around: Surroundings) -> dict[str, Any]:
    """Return the values that cells have shown, by the names that they go by; our own reports are left out."""
    found = {}
    for number, value in list(_out(around).items()):
        name = f"_{number}"
        ours = type(value).__module__.partition(".")[0] == _OURS
        if type(number) is int and not ours and around.namespace.get(name, value) is value:
            found[name] = value
    return found


def _history(around: Surroundings) -> Any:
    return getattr(around.shell, "history_manager", None)


def _out(around: Surroundings) -> dict[int, Any]:
    found = getattr(_history(around), "output_hist", None)
    return found if type(found) is dict else {}


def _read(around: Surroundings) -> Any:
    manager = _history(around)
    if not around.history or manager is None:
        return None
    numbers = {id(value): int(name[1:]) for name, value in outputs(around).items()}
    shown = (getattr(around.shell.displayhook, name, None) for name in _LAST)
    length = next_number(around.shell)
    return {
        "parsed": _padded(manager.input_hist_parsed, length),
        "raw": _padded(manager.input_hist_raw, length),
        "outputs": sorted(numbers.values()),
        "last": [numbers.get(id(value)) for value in shown],
        "inputs": [getattr(manager, name, "") for name in _INPUTS],
    }


def _padded(inputs: list[str], length: int) -> list[str]:
    return [*inputs[:length], *[""] * (length - len(inputs))]


def _write(value: Any, around: Surroundings) -> tuple[str, ...]:
    manager, namespace = _history(around), around.namespace
    if manager is None:
        return ("this is no IPython: inputs and outputs are not restored",)
    if next_number(around.shell) > len(value["parsed"]):
        return ("this kernel has run more cells than the session: its own inputs and outputs stay",)
    for inputs, old in ((manager.input_hist_parsed, value["parsed"]), (manager.input_hist_raw, value["raw"])):
        inputs[:] = old
    for attribute, name, text in zip(_INPUTS, ("", *_INPUTS[1:]), value["inputs"], strict=True):
        setattr(manager, attribute, text)
        if name:
            namespace[name] = text
    namespace.update({f"_i{number}": text for number, text in enumerate(value["raw"]) if number and text})
    out = _out(around)
    for number, shown in out.items():
        if namespace.get(f"_{number}") is shown:  # What this kernel has shown so far has no number any more.
            del namespace[f"_{number}"]
    out.clear()
    out.update({number: namespace[f"_{number}"] for number in value["outputs"] if f"_{number}" in namespace})
    _show_last(around.shell, namespace, [out.get(number, "") for number in value["last"]])
    return ()


def _show_last(shell: Any, namespace: dict[str, Any], values: list[Any]) -> None:
    for name, value in zip(_LAST, values, strict=True):
        if namespace.get(name, "") is getattr(shell.displayhook, name, ""):
            namespace[name] = value  # Otherwise it is a variable of the user's.
        setattr(shell.displayhook, name, value)


def _keep(around: Surroundings) -> Callable[[], None]:
    manager, namespace = _history(around), around.namespace
    if manager is None:
        return nothing
    lists = [(inputs, list(inputs)) for inputs in (manager.input_hist_parsed, manager.input_hist_raw)]
    out, texts = dict(_out(around)), [(name, getattr(manager, name, "")) for name in _INPUTS]
    last = [(name, getattr(around.shell.displayhook, name, "")) for name in _LAST]
    cached = _cached(namespace)

    def back() -> None:
        for inputs, old in lists:
            inputs[:] = old
        _out(around).clear()
        _out(around).update(out)
        for owner, pairs in ((manager, texts), (around.shell.displayhook, last)):
            for name, value in pairs:
                setattr(owner, name, value)
        for name in _cached(namespace):
            if name not in cached:
                del namespace[name]
        namespace.update(cached)

    return back


def _cached(namespace: dict[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in list(namespace.items()) if type(name) is str and _CACHED.fullmatch(name)}


def pass_over(shell: Any, report: object) -> None:
    """Let a report that the running cell shows become neither ``_`` nor an entry of ``Out``.

    Parameters
    ----------
    shell : InteractiveShell
    report : object
        Compared by identity.
    """
    hook, namespace = shell.displayhook, shell.user_ns
    last = [getattr(hook, name, "") for name in _LAST]

    def once(*_: object) -> None:
        shell.events.unregister("post_run_cell", once)
        if getattr(hook, "_", None) is not report:
            return
        _show_last(shell, namespace, last)
        out = _out(Surroundings(namespace, shell))
        for number in [number for number, value in out.items() if value is report]:
            del out[number]
            namespace.pop(f"_{number}", None)

    shell.events.register("post_run_cell", once)


PARTS = (StatePart("history", _read, _write, _keep),)
