"""What there is in a store: sessions, snapshots, what differs between two of them; and tidying up.

Invariant: nothing here unpickles; only `delete` and `prune` change anything.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .catalog import split_reference, suggesting, within
from .collection import Pruning
from .display import human_bytes, listing, one_line, plural
from .errors import DamagedError, FormatError, SessionError, StoreError, TrustError
from .history import changes, steps
from .listings import SessionDiff, SessionList, SnapshotList
from .manifest import signed_bytes
from .names import strays
from .preview import LONGEST, previews
from .repository import Repository
from .retention import DEFAULT
from .retention import parse as parse_policy
from .sensitive import MARK
from .snapshot import Snapshot
from .statement import Statement
from .trust import Signer

_ASKED = re.compile(r"\b(?:getpass|get_password|get_secret)\b")


def list_sessions(repository: Repository) -> SessionList:
    """Return the newest readable snapshot of each session, the newest first."""
    newest, refused = list[Snapshot](), list[str]()
    for name in repository.names():
        try:
            for reading in repository.readings(name):
                if isinstance(reading, Snapshot):
                    newest.append(reading)
                    break
                refused.append(str(reading))
        except StoreError as error:
            refused.append(str(error))
    return SessionList(tuple(sorted(newest, key=lambda s: s.created, reverse=True)), tuple(refused))


def list_snapshots(repository: Repository, reference: str) -> SnapshotList:
    """Return the snapshots of one session, newest first, or the one that a version names.

    Raises
    ------
    SessionNotFoundError
        If there is none.
    DamagedError, FormatError, StoreError
        If there are some and none can be read.
    """
    name, version = split_reference(reference)
    refused: list[str] = []
    with suggesting(repository, name):
        if version is not None:
            snapshots = [repository.resolve(name, version)]
        else:
            readings = list(repository.readings(name))
            snapshots = [r for r in readings if isinstance(r, Snapshot)] or [repository.resolve(name)]
            refused = [str(r) for r in readings if not isinstance(r, Snapshot)]
    return SnapshotList(tuple(snapshots), tuple(steps(snapshots)), tuple(refused))


def compare(repository: Repository, before: str, after: str = "") -> SessionDiff:
    """Return what differs between two snapshots, with small plain values.

    Parameters
    ----------
    repository : Repository
    before, after : str
        ``NAME[@VERSION]``; without `after` the newest of the same session, of which ``@VERSION`` alone is one, too.

    Raises
    ------
    SessionNotFoundError, DamagedError, FormatError, StoreError
        If one of them is not there or cannot be read.
    """
    found = []
    same = split_reference(before)[0]
    for reference in (before, within(same, after) if after else same):
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
    return {name: _unless_secret(text, snapshot.lineage.of(name)) for name, text in found.items() if name in names}


def _unless_secret(text: str, made_by: Sequence[Statement]) -> str:
    """Return a preview, but not of what the user was asked for in secret, or was masked where it was made."""
    return MARK if any(MARK in s.text or _ASKED.search(s.text) for s in made_by) else text


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at a whole store has found.

    Attributes
    ----------
    damage : tuple of str
        One line for each damaged thing.
    notes : tuple of str
        What is no damage, but should be known: sessions that this user has not signed, files that are none of ours.
    """

    damage: tuple[str, ...]
    notes: tuple[str, ...]


def check(repository: Repository, *, data: bool = True) -> Checked:
    """Look for damage in a store, and say what in it this user has not signed.

    Parameters
    ----------
    repository : Repository
    data : bool
        Compare all bytes with their digests; otherwise only presence and length.
    """
    notes: list[str] = []
    signer: Signer | None = None
    try:
        signer = Signer.existing()
    except (TrustError, StoreError) as error:
        notes.append(f"no signature can be checked, because {error}")
    signed: dict[str, dict[int, bool]] = {}

    def each(snapshot: Snapshot) -> None:
        own = signer is not None and signer.verify(signed_bytes(snapshot), snapshot.signature)
        signed.setdefault(snapshot.name, {})[snapshot.sequence] = own

    damage = repository.check(data=data, each=each)
    notes += filter(None, (_unsigned(name, own) for name, own in sorted(signed.items())))
    found = f"in {repository.store.url} is neither a session nor part of one: move it away"
    return Checked(tuple(damage), (*notes, *(f"{key} {found}" for key in strays(repository.store))))


def _unsigned(name: str, signed: Mapping[int, bool]) -> str:
    """Say of a session which of its snapshots this user has not signed, ``""`` if there are none."""
    left = sorted(version for version, own in signed.items() if not own)
    if not left:
        return ""
    which = "" if len(left) == len(signed) else f" {_ranges(left)}"
    return f"{one_line(name)}{which}: not signed by you, so that loading it needs --trust"


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
    except (DamagedError, FormatError, StoreError) as error:
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
    if dry_run and not lines and not pruning.note:
        return ["nothing would be removed: the policy keeps every snapshot"]
    later = "what is less than an hour old is freed by a later prune"
    freed = f"{human_bytes(pruning.freed)} {'would be freed' if dry_run else 'freed'}; {later}"
    return [*lines, pruning.note or freed]


def _ranges(versions: Sequence[int]) -> str:
    """Return versions on one line, those that follow one another as ``3-7``."""
    spans: list[list[int]] = []
    for version in versions:
        if spans and version == spans[-1][1] + 1:
            spans[-1][1] = version
        else:
            spans.append([version, version])
    return listing([str(first) if first == last else f"{first}-{last}" for first, last in spans], 20)
