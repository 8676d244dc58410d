"""Objects with traits: what observes them, which their own protocol leaves out.

Invariant: nothing is observed twice, and no observer is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling

Observers = dict[Any, dict[Any, list[Any]]]


def with_traits(obj: Any, pickling: Pickling) -> Any:
    """Reduce an object with traits to what its own protocol says, and what was told to observe it."""
    reduced = pickling.by_reduce(obj)
    own = object.__getattribute__(obj, "__dict__").get("_trait_notifiers")
    if type(own) is not dict or not isinstance(reduced, tuple):
        return reduced
    from traitlets import EventHandler

    # Those that stand in the class enter by themselves.
    given: Observers = {
        name: {kind: [one for one in handlers if not isinstance(one, EventHandler)] for kind, handlers in kinds.items()}
        for name, kinds in own.items()
    }
    given = {name: {k: found for k, found in kinds.items() if found} for name, kinds in given.items()}
    given = {name: kinds for name, kinds in given.items() if kinds}
    padded = [*reduced, *(None,) * (6 - len(reduced))]
    if not given or padded[5] is not None:
        return reduced
    return (*padded[:2], (padded[2], given), *padded[3:5], observed_state)


@rebuild.setter
def observed_state(made: Any, state: tuple[Any, Observers]) -> None:
    """Give an object with traits its state, and then its observers."""
    attributes, given = state
    made.__setstate__(attributes)
    for name, kinds in given.items():
        for kind, handlers in kinds.items():
            known = made._trait_notifiers.setdefault(name, {}).setdefault(kind, [])
            known += [one for one in handlers if not any(one is other for other in known)]
