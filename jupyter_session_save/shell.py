"""The running shell and its kernel: their objects by tag, and the names that are theirs and not the user's.

Invariant: only reads what the shell holds already, by duck typing, so that any front end's shell will do.
"""

from __future__ import annotations
import __future__

import builtins
import getpass
import sys
from collections.abc import Iterable, Mapping
from itertools import compress, repeat
from operator import not_
from typing import Any

_ROOTS = frozenset(
    {
        "IPython",
        "ipykernel",
        "jupyter_client",
        "comm",
        "traitlets",
        "zmq",
        "tornado",
        "asyncio",
        "prompt_toolkit",
    }
)
"""Packages whose objects on a shell or kernel are its machinery; what a user hung on it stays a value."""

_SHELL_NAMES = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open", "display"})

_INPUTS: list[str] = []
"""Names of the numbered inputs."""

_FRONT_END_NAMES = ("__session__", "__vsc_ipynb_file__", "_exit_code", "_dh")


def live_objects(shell: Any) -> dict[str, Any]:
    """Return the objects that belong to this kernel and are found again in another one by the same tag.

    Parameters
    ----------
    shell : InteractiveShell

    Returns
    -------
    dict of str to object
        Well-known objects under names of their own come first, then ``shell.<attribute>`` and
        ``kernel.<attribute>``.
    """
    live: dict[str, Any] = {"shell": shell}
    history = getattr(shell, "history_manager", None)
    kernel = getattr(shell, "kernel", None)
    namespace: Mapping[str, Any] = shell.user_ns
    hidden: Mapping[str, Any] = shell.user_ns_hidden
    known = {
        "In": getattr(history, "input_hist_parsed", None),
        "Out": getattr(history, "output_hist", None),
        "dir_hist": getattr(history, "dir_hist", None),
        # The kernel's own: a user may have given these names to something else.
        **{name: hidden.get(name) for name in ("exit", "quit", "get_ipython")},
        "input": builtins.input,
        "getpass": getpass.getpass,
        "displayhook": getattr(shell, "displayhook", None),
        "sys.displayhook": sys.displayhook,
        "display_pub": getattr(shell, "display_pub", None),
        "kernel": kernel,
        "comm_manager": _comm_manager(kernel),
        "event_loop": _event_loop(),
    }
    live |= {tag: value for tag, value in known.items() if value is not None}
    roots = _ROOTS | {c.__module__.partition(".")[0] for o in (shell, kernel) for c in type(o).__mro__}
    roots -= {"builtins", "__main__"}
    for prefix, owner in (("shell", shell), ("kernel", kernel)):
        for attribute, value in _attributes(owner).items():
            module = type(value).__module__
            if value is not namespace and str(module).partition(".")[0] in roots:
                live[f"{prefix}.{attribute}"] = value
    return live


def hidden_names(shell: Any) -> dict[str, Any]:
    """Return the names that the shell and the front end put into the namespace, with their values.

    A name is the user's as soon as it is bound to something else.
    """
    namespace, hidden = shell.user_ns, dict(shell.user_ns_hidden)
    names = {*_of_vscode(list(namespace)), *_FRONT_END_NAMES}
    # %pylab hides what it imports, too, but a fresh kernel does not have it. Inputs and outputs are passed over in C.
    public = compress(hidden, map(not_, map(str.startswith, hidden, repeat("_"))))
    for name in [name for name in public if name not in _SHELL_NAMES]:
        del hidden[name]
    return {**hidden, **_history_names(shell), **{name: namespace[name] for name in names if name in namespace}}


def _of_vscode(names: list[Any]) -> list[Any]:
    """Return the names that an editor made."""
    try:
        # All at once: there may be 100,000 names, and mostly none of these.
        if "\0_VSCODE" not in "\0".join(["", *names]):
            return []
    except TypeError:  # Some are no texts.
        pass
    return [name for name in names if type(name) is str and name.startswith("_VSCODE")]


def _history_names(shell: Any) -> dict[str, Any]:
    """Return the last output and the numbered inputs as the shell holds them: what else goes by these is the user's."""
    hook: Any = getattr(shell, "displayhook", None)
    manager = getattr(shell, "history_manager", None)
    last = {"_": hook._} if hasattr(hook, "_") else {}
    inputs = list(getattr(manager, "input_hist_raw", ()))
    # The names are made once, and nothing is done for each: after every cell there is one more of them.
    _INPUTS.extend(f"_i{number}" for number in range(len(_INPUTS), len(inputs)))
    return last | dict(compress(zip(_INPUTS, inputs, strict=False), inputs))


def adopt_compiler_flags(shell: Any, names: Iterable[str]) -> None:
    """Compile later cells under the features whose ``from __future__ import`` has been restored.

    Parameters
    ----------
    shell : InteractiveShell
    names : iterable of str
        Names that a load has bound.
    """
    for name in names:
        feature = shell.user_ns.get(name)
        if type(feature) is type(__future__.annotations) and hasattr(shell.compile, "flags"):
            shell.compile.flags |= feature.compiler_flag


def _attributes(owner: Any) -> dict[str, Any]:
    """Instance attributes and trait values that exist already; asking for others would make them."""
    return {**getattr(owner, "__dict__", {}), **getattr(owner, "_trait_values", {})}


def _comm_manager(kernel: Any) -> Any:
    found = getattr(kernel, "comm_manager", None)
    if found is None and "comm" in sys.modules:
        found = sys.modules["comm"].get_comm_manager()
    return found


def _event_loop() -> Any:
    """The loop that runs the kernel's cells."""
    asyncio = sys.modules.get("asyncio")
    return getattr(asyncio, "_get_running_loop", lambda: None)()


def starting(shell: Any) -> bool:
    """Whether a kernel has not had any request yet, so that nobody sees what is printed."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    try:
        return not kernel.get_parent()
    except LookupError:
        return True
