"""Wire magics, events and completion into a shell, and unwire all of it.

Invariant: after `unload` the shell holds nothing of ours, since ``%reload_ext`` would go on with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import TryNext

from .catalog import completions
from .display import typed
from .errors import SessionError
from .magics import COMPLETED, AutosaveMagics, SessionMagics, offer, switch

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_NAME = "SessionMagics"
_OURS = {_NAME: SessionMagics, "AutosaveMagics": AutosaveMagics}
_TOKEN = re.compile(r"""(?:^|\s)(?:(?P<quote>["'])(?P<quoted>[^"']*)|(?P<plain>\S*))$""")


def load(shell: InteractiveShell) -> None:
    """Add magics, events and completion to a shell; once, however often it is called."""
    if isinstance(dict.get(shell.magics_manager.registry, _NAME), SessionMagics):
        return
    sessions = SessionMagics(shell=shell)
    sessions.follower = AutosaveMagics(shell, sessions)
    # First of all events: who saves after a cell wants the cell recorded.
    shell.events.register("pre_run_cell", sessions.recorder.before_cell)
    shell.events.register("post_run_cell", sessions.recorder.after_cell)
    shell.register_magics(sessions, sessions.follower)
    if sessions.autosave:
        switch(sessions.follower, on=True)
    for command in COMPLETED:
        for key in (f"%{command}", command):
            shell.set_hook("complete_command", _complete, str_key=key)
    offer(shell, sessions)


def unload(shell: InteractiveShell) -> None:
    """Remove magics, events, configurable and completion from a shell."""
    manager = shell.magics_manager
    for name, kind in _OURS.items():
        ours: Any = dict.get(manager.registry, name)
        if type(ours).__module__ == kind.__module__:
            if name != _NAME:
                ours.turn_off()
            _remove(shell, name, ours)
    for callbacks in shell.events.callbacks.values():
        callbacks[:] = [c for c in callbacks if not _is_ours(c)]
    dispatcher = shell.strdispatchers["complete_command"]
    for command in COMPLETED:
        for key in (f"%{command}", command):
            _unhook(dispatcher, key)


def _remove(shell: InteractiveShell, name: str, ours: Any) -> None:
    manager = shell.magics_manager
    del manager.registry[name]
    for kind in ("line", "cell"):
        for magic, function in list(dict.items(manager.magics[kind])):
            if getattr(function, "__self__", None) is ours:
                del manager.magics[kind][magic]
    shell.configurables[:] = [c for c in shell.configurables if c is not ours]


def _is_ours(callback: Any) -> bool:
    """Whether a callback is a method of ours, of whatever generation of this package."""
    return str(getattr(callback, "__module__", "")).partition(".")[0] == __name__.partition(".")[0]


def _unhook(dispatcher: Any, key: str) -> None:
    """Take our hook, of whatever generation of this module, out of a chain of completers."""
    chain = dispatcher.strs.get(key)
    if chain is None:
        return
    chain.chain[:] = [
        (priority, hook)
        for priority, hook in chain.chain
        if getattr(getattr(hook, "__func__", None), "__module__", None) != __name__
    ]
    if not chain.chain:
        del dispatcher.strs[key]


def _complete(shell: InteractiveShell, event: Any) -> list[str]:
    """Complete session names and versions; IPython wants the rest of what it calls the symbol."""
    match = _TOKEN.search(event.text_until_cursor)
    magics = dict.get(shell.magics_manager.registry, _NAME)
    command = event.command.lstrip("%")
    if match is None or magics is None or (match["plain"] or "").startswith("-"):
        raise TryNext
    token = match["quoted"] if match["quote"] else match["plain"]
    quote = match["quote"] or ""
    own = "" if magics.follower is None else magics.follower.own
    try:
        found = completions(magics.repository(create=False), token, versions=COMPLETED[command], own=own)
    except (SessionError, OSError):
        raise TryNext from None
    # The symbol starts after the last delimiter, such as the "@" or the blank in a name.
    known = len(token) - len(event.symbol.lstrip("\"'"))
    rest = [_typed(name, quote, known) for name in found if known >= 0]
    if not rest:
        raise TryNext
    return rest


def _typed(name: str, quote: str, known: int) -> str:
    if quote or known:
        return name[known:]
    return typed(name)
