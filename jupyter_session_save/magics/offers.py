"""The last state of a notebook, offered or restored in a kernel that is still empty.

Invariant: one line is all that shows, and only where there is something to go on from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from ..catalog import session_name
from ..display import plural
from ..errors import SessionError
from ..namespace import user_names
from ..shell import hidden_names, starting

if TYPE_CHECKING:
    from .session import SessionMagics

_LOADS = re.compile(r"^[ \t]*%?load_session\b", re.MULTILINE)


def offer(shell: Any, sessions: SessionMagics) -> None:
    """Print one line about the last state of this notebook, or restore it, in a kernel that is still empty."""
    from ..offering import on_offer
    from ..trust import Signer

    namespace = shell.user_ns
    if user_names(namespace, hidden_names(shell)):
        return
    try:
        name = session_name(namespace)
        repository = sessions.repository(create=False)
        if not repository.versions(name):
            return
    except (SessionError, OSError):
        return
    try:
        repository.resolve(name)
        found = on_offer(repository, name, Signer.of_user())
    except SessionError as error:
        _show(shell, " ".join(str(error).split()))
        return
    if found is None or not sessions.autorestore:
        _show(shell, "" if found is None or _is_loading(shell) else str(found))
        return
    try:
        report = sessions.load_session(f"@{found.snapshot.sequence}")
        restored = f"restored {report.reference}: {plural(len(report.variables), 'variable')}"
        if report.placeholders:
            number = plural(len(report.placeholders), "placeholder")
            restored += f" ({number}: %load_session --rerun makes again what can be)"
        _show(shell, f"{restored}; {found.aside}" if found.newer is not None else restored)
    except UsageError as error:
        _show(shell, str(error))


def _is_loading(shell: Any) -> bool:
    """Whether the cell that loads this extension goes on to load a session."""
    inputs: list[str] = getattr(shell.history_manager, "input_hist_raw", [])
    return bool(inputs) and _LOADS.search(inputs[-1]) is not None


def _show(shell: Any, line: str) -> None:
    """Print a line where the user sees it: with the first cell if a kernel is only starting."""
    if not line or not starting(shell):
        print(line, end="\n" if line else "")
        return

    def once(*_: Any) -> None:
        shell.events.unregister("pre_run_cell", once)
        print(line)

    shell.events.register("pre_run_cell", once)
