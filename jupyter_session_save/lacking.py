"""What a save tells of things that are not all there: globals that functions use, values that a load could not make.

Invariant: only names are compared; what was left out on purpose stays left out.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet

from .display import listing
from .namespace import user_names
from .snapshot import Problem

_SHOWN = 5


def unsaved_globals(
    used: Iterable[tuple[tuple[str, ...], AbstractSet[str]]], saved: AbstractSet[str], users: Collection[str]
) -> Iterator[str]:
    """Say which names functions and classes will miss where the snapshot is all that there is.

    Parameters
    ----------
    used : iterable of (tuple of str, set of str)
        Variables, and what the functions in them use as globals of the namespace or of ``__main__``.
    saved : set of str
    users : collection of str
        The user's names in the namespace; those that are not saved were left out.

    Yields
    ------
    str
        One line for names that were left out, one for names that only the functions' own module has.
    """
    rows = [(", ".join(names), uses) for names, uses in used if not uses <= saved]
    if not rows:
        return
    left_out = set(users).difference(saved)
    main = sys.modules.get("__main__")
    elsewhere = set(user_names(vars(main), {}) if main is not None else ()).difference(saved, users)
    yield from _told(rows, left_out, "left out of this save: save it too, or define it before it is needed")
    yield from _told(rows, elsewhere, "not saved: pass globals(), or add it")


def saved_again(stand_ins: Iterable[Problem]) -> Iterator[str]:
    """Say what was saved as it had been stored, though this process has placeholders for it; a line for each reason."""
    found: dict[str, list[str]] = {}
    for one in stand_ins:
        found.setdefault("; ".join(filter(None, (one.reason, one.advice))), []).append(one.path)
    for why, paths in found.items():
        yield f"saved as stored before, though it is a placeholder here: {listing(sorted(set(paths)), _SHOWN)} ({why})"


def _told(rows: list[tuple[str, AbstractSet[str]]], missing: set[str], what: str) -> Iterator[str]:
    found = sorted((names, ", ".join(sorted(uses & missing))) for names, uses in rows if uses & missing)
    if found:
        said = "; ".join(f"{names} uses {lacking}" for names, lacking in found[:_SHOWN])
        more = f"; and {len(found) - _SHOWN} more variables use others" if len(found) > _SHOWN else ""
        yield f"{said}{more}; {what}"
