"""What a user's words mean: which store, which session, which version; and what is there.

Invariant: nothing here unpickles, and looking changes nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3

from .collection import Pruning
from .display import human_bytes, listing, one_line, plural
from .errors import DamagedError, FormatError, SessionError, SessionNameError, SessionNotFoundError
from .history import changes, steps
from .listings import SessionDiff, SessionList, SnapshotList
from .preview import LONGEST, previews
from .repository import Repository
from .retention import DEFAULT
from .retention import parse as parse_policy
from .snapshot import Snapshot

STORE_VARIABLE = "JUPYTER_SESSION_STORE"
"""Environment variable that moves the store."""

_LONGEST_NAME = 64
"""UTF-8 bytes of a derived name: percent-encoded it still fits into a directory's name."""


def store_location(given: str | os.PathLike[str] | None = None) -> str:
    """Return the address of the store.

    Parameters
    ----------
    given : str or path, optional
        What the user asked for: a trait, ``--store`` or an argument. Without it the environment variable
        ``JUPYTER_SESSION_STORE`` counts, and without that ``sessions`` in the Jupyter data directory.
    """
    asked = os.fspath(given) if given else os.environ.get(STORE_VARIABLE, "")
    if asked:
        return asked
    from jupyter_core.paths import jupyter_data_dir

    return os.path.join(jupyter_data_dir(), "sessions")


def open_repository(given: str | os.PathLike[str] | None = None, *, create: bool = True) -> Repository:
    """Open the repository that `store_location` finds.

    Raises
    ------
    StoreError, FormatError
        As `Repository.open`.
    """
    return Repository.open(store_location(given), create=create)


def split_reference(text: str) -> tuple[str, int | None]:
    """Split ``NAME[@VERSION]``.

    Returns
    -------
    name : str
    version : int or None
        None if there is none. Only digits after the last ``@`` are a version.
    """
    name, at, version = text.rpartition("@")
    if at and re.fullmatch("[0-9]{1,18}", version):
        return name, int(version)
    return text, None


def session_name(namespace: Mapping[str, Any], command: str = "%save_session") -> str:
    """Return the name of the session that a notebook is saved to and loaded from when the user gives none.

    Parameters
    ----------
    namespace : mapping of str to object
        Where front ends leave the notebook's path: ``__session__`` (Jupyter; also in the environment variable
        ``JPY_SESSION_NAME``) or ``__vsc_ipynb_file__`` (VS Code).
    command : str
        What the user typed, for the error.

    Raises
    ------
    SessionNameError
        If no front end said which notebook this is.
    """
    for found in (
        namespace.get("__session__"),
        os.environ.get("JPY_SESSION_NAME"),
        namespace.get("__vsc_ipynb_file__"),
    ):
        if isinstance(found, str) and found.strip():
            return name_of_notebook(found)
    raise SessionNameError(f"this front end does not tell the notebook's name: give one, as in {command} NAME")


def name_of_notebook(path: str) -> str:
    """Return a short name that differs for notebooks of the same name in different directories.

    Parameters
    ----------
    path : str
        A whole path becomes its part below the home directory, anything else stays; ``.ipynb`` is left out.
    """
    name = path
    if os.path.isabs(path):
        place = Path(path).resolve()
        name = str(place)
        # A home directory that cannot be found out is not worth an error here.
        with contextlib.suppress(ValueError, RuntimeError):
            name = str(place.relative_to(Path.home().resolve()))
    name = name.removesuffix(".ipynb").replace(os.sep, "/")
    if len(name.encode("utf-8", "surrogateescape")) <= _LONGEST_NAME:
        return name
    whole = name.encode("utf-8", "surrogateescape")
    last = name.rpartition("/")[2].encode("utf-8", "replace")
    mark = blake3(whole).hexdigest(length=6)
    return f"{last[: _LONGEST_NAME - len(mark) - 1].decode('utf-8', 'ignore')}-{mark}"


@contextlib.contextmanager
def suggesting(repository: Repository, name: str) -> Iterator[None]:
    """Make the error for a name that is not there begin with the names that look like it."""
    try:
        yield
    except SessionNotFoundError as error:
        names = repository.names()
        close = [] if name in names else _resembling(name, names)
        if not close:
            raise
        meant = " or ".join(map(repr, close))
        line = f"no session {name!r} in {repository.store.url}: did you mean {meant}?"
        raise SessionNotFoundError(f"{line} It holds {plural(len(names), 'session')}") from error


def _resembling(name: str, names: list[str]) -> list[str]:
    # Imported late: only a mistake needs it, and %load_ext should cost little.
    from difflib import get_close_matches

    folded: dict[str, list[str]] = {}
    for known in names:
        folded.setdefault(known.casefold(), []).append(known)
    return [known for close in get_close_matches(name.casefold(), folded) for known in folded[close]][:3]


def list_sessions(repository: Repository) -> SessionList:
    """Return the newest readable snapshot of each session, the newest first."""
    newest = []
    for name in repository.names():
        try:
            newest.append(repository.resolve(name))
        except (DamagedError, FormatError):
            newest += repository.snapshots(name)[:1]
    return SessionList(tuple(sorted(newest, key=lambda s: s.created, reverse=True)))


def list_snapshots(repository: Repository, reference: str) -> SnapshotList:
    """Return the snapshots of one session, newest first, or the one that a version names.

    Raises
    ------
    SessionNotFoundError
        If there is none.
    DamagedError, FormatError
        If there are some and none can be read.
    """
    name, version = split_reference(reference)
    with suggesting(repository, name):
        if version is not None:
            snapshots = [repository.resolve(name, version)]
        else:
            snapshots = repository.snapshots(name) or [repository.resolve(name)]
    return SnapshotList(tuple(snapshots), tuple(steps(snapshots)))


def compare(repository: Repository, before: str, after: str = "") -> SessionDiff:
    """Return what differs between two snapshots, with small plain values.

    Parameters
    ----------
    repository : Repository
    before, after : str
        ``NAME[@VERSION]``; without `after` the newest of the same session.

    Raises
    ------
    SessionNotFoundError, DamagedError, FormatError
        If one of them is not there or cannot be read.
    """
    found = []
    for reference in (before, after or split_reference(before)[0]):
        name, version = split_reference(reference)
        with suggesting(repository, name):
            found.append(repository.resolve(name, version))
    old, new = found
    differing = changes(old, new)
    names = {change.name for change in differing}
    return SessionDiff(
        old.reference, new.reference, differing, _previews(repository, old, names), _previews(repository, new, names)
    )


def _previews(repository: Repository, snapshot: Snapshot, names: set[str]) -> dict[str, str]:
    """Read the small plain values among some variables; what cannot be read has no preview."""
    found: dict[str, str] = {}
    for component in snapshot.components:
        if names.intersection(component.names) and not component.buffers and component.stream.size <= LONGEST:
            with contextlib.suppress(SessionError):
                found |= previews(repository.read(component.stream))
    return {name: text for name, text in found.items() if name in names}


def delete(repository: Repository, reference: str) -> str:
    """Delete a session or one snapshot of it, free what nothing else needs, and say so in one line.

    Raises
    ------
    SessionNotFoundError
        If there is no such snapshot.
    """
    name, version = split_reference(reference)
    with suggesting(repository, name):
        removed = repository.delete(name, version)
    line = f"deleted {reference}: {plural(removed, 'snapshot')}"
    try:
        freed = repository.collect()
    except (DamagedError, FormatError) as error:
        return f"{line}; no bytes were freed, because {error}"
    # A grace period protects saves under way; without a word of it "0 B freed" looks like a fault.
    return f"{line}, {human_bytes(freed)} freed; what is less than an hour old is freed by a later delete"


def prune(repository: Repository, names: Sequence[str], policy: str = DEFAULT, *, dry_run: bool = False) -> Pruning:
    """Remove the autosaves that a policy, such as ``last=50,size=20GB``, does not keep; all sessions' without names.

    Raises
    ------
    SessionNotFoundError
        If there is no such session.
    SessionNameError
        If the policy cannot be read.
    """
    rules = parse_policy(policy)
    for name in names:
        with suggesting(repository, name):
            if not repository.versions(name):
                repository.resolve(name)
    return repository.prune(rules, names, dry_run=dry_run)


def pruning_lines(pruning: Pruning, *, dry_run: bool = False) -> list[str]:
    """Say what a prune did or would do, a line for each session and one for the bytes."""
    verb = "would be removed" if dry_run else "removed"
    lines = [
        f"{one_line(session.name)}: {plural(len(session.removed), 'autosave')} {verb} ({_ranges(session.removed)}), "
        f"{plural(session.kept, 'snapshot')} kept"
        for session in pruning.sessions
        if session.removed
    ]
    if dry_run:
        return [*lines, f"{human_bytes(pruning.freed)} would be freed"]
    freed = (
        pruning.note or f"{human_bytes(pruning.freed)} freed; what is less than an hour old is freed by a later prune"
    )
    return [*lines, freed]


def _ranges(versions: Sequence[int]) -> str:
    """Return versions on one line, those that follow one another as ``3-7``."""
    spans: list[list[int]] = []
    for version in versions:
        if spans and version == spans[-1][1] + 1:
            spans[-1][1] = version
        else:
            spans.append([version, version])
    return listing([str(first) if first == last else f"{first}-{last}" for first, last in spans], 20)


def completions(repository: Repository, token: str, *, versions: bool) -> list[str]:
    """Return what a half-typed ``NAME[@VERSION]`` can become.

    Parameters
    ----------
    repository : Repository
    token : str
        Without quotes.
    versions : bool
        Whether versions are meant, too; they are offered once the token holds a whole name and ``@``.
    """
    names = [name for name in repository.names() if name.startswith(token)]
    name, at, start = token.rpartition("@")
    if versions and at:
        found = reversed(repository.versions(name)) if name in repository.names() else ()
        names += [f"{name}@{v}" for v in found if str(v).startswith(start)]
    return names
