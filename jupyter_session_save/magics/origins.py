"""What the namespace came from: a snapshot that was saved by hand or loaded, before autosave was on and since.

Invariant: what it tells of loaded values was seen before any code of the user's could run after the load.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..namespace import user_names
from ..shell import hidden_names, live_objects

if TYPE_CHECKING:
    from ..reloaded import Loaded
    from ..snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Origin:
    """A snapshot that the namespace came from.

    Attributes
    ----------
    snapshot : Snapshot
    bound : frozenset of str
        The names that it was loaded into, or saved from.
    loaded : Loaded or None
        None if it was saved.
    failed : frozenset of str
        Names that are bound to placeholders, or to what holds some, though what is stored of them is whole.
    """

    snapshot: Snapshot
    bound: frozenset[str]
    loaded: Loaded | None = None
    failed: frozenset[str] = frozenset()


def of_load(
    shell: Any, snapshot: Snapshot, bound: frozenset[str], anew: frozenset[str], failed: Collection[str]
) -> Origin:
    """Return what was loaded a moment ago.

    Parameters
    ----------
    shell : InteractiveShell
    snapshot : Snapshot
    bound : frozenset of str
        Names that are bound to what it holds.
    anew : frozenset of str
        Those of them that were loaded, and did not just stay.
    failed : collection of str
        Those that came back as placeholders, or with some in them, from what is stored whole.
    """
    # Imported when it is needed: %load_ext has a budget of 60 ms.
    from ..pickling import Scope
    from ..reloaded import Loaded, as_loaded
    from ..silence import silently

    namespace = shell.user_ns
    values = {name: namespace[name] for name in user_names(namespace, hidden_names(shell))}
    there = bound.intersection(values)
    components = [c for c in snapshot.components if there.issuperset(c.names) and not anew.isdisjoint(c.names)]
    scope = Scope(namespace, values, live_objects(shell))
    try:
        loaded = silently(shell, lambda: as_loaded(anew, components, values, scope))
    except Exception:  # The load is done, and stays so: this spares some work only.
        loaded = Loaded(anew)
    # What could not be loaded takes nothing away from what is stored of it, as long as nothing changes it.
    kept = (bound - anew).union(name for c in components if c.names in loaded.otherwise for name in c.names)
    return Origin(snapshot, bound.difference(set(failed) - kept), loaded, frozenset(failed) & kept)
