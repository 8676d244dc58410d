"""Which snapshots of a session to keep.

Invariant: a snapshot that the user asked for is always kept, and so is the newest of each of the last lines. Only
versions say what is newer; times do nothing but sort snapshots into hours and days, so a clock that jumps back does no
harm.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .errors import SessionNameError
from .snapshot import Snapshot

DEFAULT = "last=50,hourly=24,daily=30,size=20GB"

HEADS = 20
"""Lines, the newest ones, whose end is kept whatever the policy says.

Every kernel that begins with nothing begins a line, and so does each going back: the ends of older lines are kept or
not like any other autosave.
"""

_UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
_COUNTS = ("last", "hourly", "daily")


@dataclass(frozen=True, slots=True)
class Policy:
    """How many autosaves to keep.

    Attributes
    ----------
    last : int
        The newest ones.
    hourly, daily : int
        Of those, the newest of each hour and of each day, for as many hours and days in which there are any.
    size : int or None
        Bytes that the kept snapshots of a session may take together, what they share counted once; None for any.
        To stay below it, the oldest go first. What the invariant keeps may be more than that.
    """

    last: int = 50
    hourly: int = 24
    daily: int = 30
    size: int | None = None


def parse(text: str) -> Policy:
    """Read a policy such as ``"last=50,hourly=24,daily=30,size=20GB"``; what it leaves out keeps nothing or any size.

    Raises
    ------
    SessionNameError
        If it is not one.
    """
    given: dict[str, int] = {}
    for word in filter(None, (word.strip() for word in text.split(","))):
        key, _, value = (part.strip() for part in word.partition("="))
        number = _count(value) if key in _COUNTS else _bytes(value) if key == "size" else None
        if number is None or key in given:
            raise SessionNameError(
                f"{word!r} in {text!r} does not say what to keep: give something like {DEFAULT}, each once"
            )
        given[key] = number
    if not given:
        raise SessionNameError(f"{text!r} does not say what to keep: give something like {DEFAULT}")
    return Policy(**{**dict.fromkeys(_COUNTS, 0), **given})


def keep(snapshots: Iterable[Snapshot], policy: Policy) -> set[int]:
    """Choose the snapshots to keep.

    Parameters
    ----------
    snapshots : iterable of Snapshot
        All of one session that can be read.
    policy : Policy

    Returns
    -------
    set of int
        Their versions.
    """
    newest_first = sorted(snapshots, key=lambda s: s.sequence, reverse=True)
    fixed = {s.sequence for s in newest_first if s.cell is None}.union(sorted(heads(newest_first))[-HEADS:])
    autosaves = [s for s in newest_first if s.cell is not None]
    wanted = {s.sequence for s in autosaves[: policy.last]}
    for count, letters in ((policy.hourly, len("2026-02-03T04")), (policy.daily, len("2026-02-03"))):
        wanted |= _newest_of_each(autosaves, count, letters)
    if policy.size is None:
        return fixed | wanted
    return _within(newest_first, fixed, wanted, policy.size)


def heads(snapshots: Sequence[Snapshot]) -> set[int]:
    """Return the versions that no other snapshot came from: the newest of every line."""
    before = {span for s in snapshots for span in s.line}.union((s.parent, s.parent) for s in snapshots if s.parent)
    spans: list[tuple[int, int]] = []
    for first, last in sorted(before):
        if spans and first <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return {s.sequence for s in snapshots if not any(first <= s.sequence <= last for first, last in spans)}


def _newest_of_each(newest_first: Sequence[Snapshot], count: int, letters: int) -> set[int]:
    found: dict[str, int] = {}
    for snapshot in newest_first:
        if len(found) == count:
            break
        when = _utc(snapshot.created)
        if when:
            found.setdefault(when[:letters], snapshot.sequence)
    return set(found.values())


def _within(newest_first: Sequence[Snapshot], fixed: Collection[int], wanted: Collection[int], size: int) -> set[int]:
    """Return what is fixed, and of the rest as many of the newest as fit."""
    parts: dict[str, int] = {}
    kept = set(fixed)
    for snapshot in newest_first:
        if snapshot.sequence in fixed:
            parts.update((part.digest, part.size) for part in snapshot.parts())
    total = sum(parts.values())
    for snapshot in newest_first:
        if snapshot.sequence in wanted and snapshot.sequence not in kept:
            fresh = {part.digest: part.size for part in snapshot.parts() if part.digest not in parts}
            total += sum(fresh.values())
            if total > size:
                break
            parts.update(fresh)
            kept.add(snapshot.sequence)
    return kept


def _utc(created: str) -> str:
    try:
        return datetime.fromisoformat(created).isoformat()
    except ValueError:
        return ""


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _bytes(text: str) -> int | None:
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)", text)
    unit = _UNITS.get(match[2].upper()) if match else None
    return int(float(match[1]) * unit) if match and unit else None
