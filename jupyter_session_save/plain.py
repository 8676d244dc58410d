"""Save, load and open a session from plain Python, in one call each.

Invariant: what is no name or no namespace is refused in one line, before a store is opened.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Literal

from .catalog import open_repository, split_reference, store_location
from .opening import OpenSession
from .reports import LoadReport, SaveReport
from .sessions import SessionManager
from .trust import Signer


def save(
    name: str,
    namespace: dict[str, Any] | None = None,
    *,
    store: str | os.PathLike[str] = "",
    message: str = "",
    only: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    strict: bool = False,
) -> SaveReport:
    """Save variables as a session, from plain Python.

    Parameters
    ----------
    name : str
    namespace : dict, optional
        By default the caller's globals.
    store : str or path
        By default the environment variable JUPYTER_SESSION_STORE, or the Jupyter data directory.
    message, only, exclude, strict
        As for `SessionManager.save`; a string is one pattern.

    Returns
    -------
    SaveReport
    """
    namespace = sys._getframe(1).f_globals if namespace is None else namespace
    _check(name, namespace, "save")
    manager = _manager(namespace, store, create=True)
    return manager.save(name, message=message, only=_patterns(only), exclude=_patterns(exclude), strict=strict)


def load(
    name: str,
    namespace: dict[str, Any] | None = None,
    *,
    store: str | os.PathLike[str] = "",
    only: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    prefix: str = "",
    into: str = "",
    conflicts: Literal["overwrite", "keep"] = "overwrite",
    replace: bool = False,
    trust: bool = False,
    verify_data: bool = False,
    repoint: bool = False,
    state: bool = True,
) -> LoadReport:
    """Load a session into a namespace, from plain Python.

    Parameters
    ----------
    name : str
        Such as ``"sales"`` or ``"sales@7"``.
    namespace : dict, optional
        By default the caller's globals.
    store : str or path
        As for `save`.
    only, exclude, prefix, into, conflicts, replace, trust, verify_data, state, repoint
        As for `SessionManager.load`; a string is one pattern.

    Returns
    -------
    LoadReport
    """
    namespace = sys._getframe(1).f_globals if namespace is None else namespace
    _check(name, namespace, "load")
    manager = _manager(namespace, store, create=False)
    return manager.load(
        *split_reference(name),
        only=_patterns(only),
        exclude=_patterns(exclude),
        prefix=prefix,
        into=into,
        conflicts=conflicts,
        replace=replace,
        trust=trust,
        verify_data=verify_data,
        repoint=repoint,
        state=state,
    )


def open_session(name: str, *, store: str | os.PathLike[str] = "", trust: bool = False) -> OpenSession:
    """Open a session as a read-only mapping that loads each variable when it is asked for.

    Parameters
    ----------
    name : str
        Such as ``"sales"`` or ``"sales@7"``.
    store : str or path
        As for `save`.
    trust : bool
        Open it though this user did not sign it.

    Returns
    -------
    OpenSession
    """
    _check(name, {}, "open_session")
    repository = open_repository(store_location(os.fspath(store)), create=False)
    snapshot = repository.resolve(*split_reference(name))
    return OpenSession(snapshot, repository=repository, signer=Signer.of_user(), trust=trust)


def _manager(namespace: dict[str, Any], store: str | os.PathLike[str], *, create: bool) -> SessionManager:
    repository = open_repository(store_location(os.fspath(store)), create=create)
    return SessionManager(namespace, repository=repository, signer=Signer.of_user())


def _check(name: object, namespace: object, command: str) -> None:
    """Refuse what is no name or no namespace before anything is opened."""
    if not isinstance(name, str):
        raise TypeError(f"a session's name is a string, not {type(name).__name__}: give one, as in {command}('sales')")
    if not isinstance(namespace, dict):
        kind = type(namespace).__name__
        raise TypeError(f"a namespace is a dict of names and values, not {kind}: give one, such as globals()")


def _patterns(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given
