"""How the components of a snapshot are tracked that the namespace holds at this moment.

Invariant: what was seen of a value counts for that very value only, and not for one that was loaded in its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from .examining import Tracked, same_component
from .reloaded import Loaded
from .snapshot import Snapshot


def baseline(
    snapshot: Snapshot, names: frozenset[str], known: Mapping[str, Tracked], loaded: Loaded
) -> dict[str, Tracked]:
    """Return how each name is stored.

    Parameters
    ----------
    snapshot : Snapshot
    names : frozenset of str
        Those of its names that are bound to what it holds.
    known : mapping of str to Tracked
        What was tracked until now.
    loaded : Loaded
    """
    variables = {v.name: v for v in snapshot.variables}
    found: dict[str, Tracked] = {}
    for component in snapshot.components:
        if names.issuperset(component.names):
            before = known.get(component.names[0])
            anew = not loaded.names.isdisjoint(component.names)
            if before is None or anew or not same_component(before.component, component):
                rows = tuple(variables[name] for name in component.names)
                tracked = Tracked(component, rows, reloaded=loaded.otherwise.get(component.names))
            else:
                tracked = before.at(component)
            found.update(dict.fromkeys(component.names, tracked))
    return found
