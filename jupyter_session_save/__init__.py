"""Save a running notebook's variables as a session, and go on from there in a fresh kernel.

Invariant: importing the package costs next to nothing; each public name loads its room when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import (
        DamagedError,
        FormatError,
        KeyExistsError,
        LoadError,
        PlaceholderError,
        SaveError,
        SessionError,
        SessionNameError,
        SessionNotFoundError,
        StoreError,
        TrustError,
    )
    from .listings import SessionDiff, SessionList, SnapshotList
    from .pickling.registered import register_reducer
    from .plain import load, open_session, save
    from .reports import LoadPlan, LoadReport, SaveReport
    from .repository import Repository
    from .sessions import SessionManager

__version__ = "0.1.0"

__all__ = [
    "DamagedError",
    "FormatError",
    "KeyExistsError",
    "LoadError",
    "LoadPlan",
    "LoadReport",
    "PlaceholderError",
    "Repository",
    "SaveError",
    "SaveReport",
    "SessionDiff",
    "SessionError",
    "SessionList",
    "SessionManager",
    "SessionNameError",
    "SessionNotFoundError",
    "SnapshotList",
    "StoreError",
    "TrustError",
    "load",
    "load_ipython_extension",
    "open_session",
    "register_reducer",
    "save",
    "unload_ipython_extension",
]

_ROOMS = {
    "register_reducer": "pickling.registered",
    "Repository": "repository",
    **dict.fromkeys(("LoadPlan", "LoadReport", "SaveReport"), "reports"),
    **dict.fromkeys(("SessionDiff", "SessionList", "SnapshotList"), "listings"),
    "SessionManager": "sessions",
    **dict.fromkeys(("load", "open_session", "save"), "plain"),
}


def load_ipython_extension(shell: Any) -> None:
    """Add the magics to a shell; what ``%load_ext jupyter_session_save`` calls."""
    importlib.import_module(".extension", __name__).load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take everything of ours out of a shell; what ``%unload_ext jupyter_session_save`` calls."""
    importlib.import_module(".extension", __name__).unload(shell)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module("." + _ROOMS.get(name, "errors"), __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
