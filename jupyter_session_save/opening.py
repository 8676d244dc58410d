"""A session as a read-only mapping that loads one variable when it is asked for.

Invariant: the session has a namespace of its own; nothing is put into the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from . import environment
from .integrity import checked_at_once
from .interrupts import watched
from .loading import check_trust, stored_components, unavailable, unreadable
from .pickling import Restoring, collection_paused
from .repository import Repository
from .snapshot import Snapshot, Variable, types_of
from .trust import Signer


class OpenSession(Mapping[str, Any]):
    """The variables of one snapshot.

    Parameters
    ----------
    snapshot : Snapshot
    repository : Repository
    signer : Signer
    trust : bool
        Open it though this user did not sign it.

    Attributes
    ----------
    snapshot : Snapshot
    """

    def __init__(self, snapshot: Snapshot, *, repository: Repository, signer: Signer, trust: bool) -> None:
        check_trust(snapshot, signer, trust)
        self.snapshot = snapshot
        self._components = snapshot.components
        self._where = {name: i for i, c in enumerate(snapshot.components) for name in c.names}
        # The globals of the session's functions.
        self._namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        self._restoring = Restoring(
            self._namespace,
            stored_components(snapshot, snapshot.components, repository, verify=checked_at_once),
            live={},
            publish=self._namespace.__setitem__,
            explain=lambda error: environment.explain(error, snapshot.environment),
            types=types_of(snapshot),
        )

    def __getitem__(self, name: str) -> Any:
        """Return a variable, loading it and what it needs."""
        if name not in self._where:
            raise KeyError(name)
        with collection_paused():
            self._load(name)
        return self._restoring.values[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, loading nothing."""
        return (variable.name for variable in self.snapshot.variables)

    def __len__(self) -> int:
        """Return the number of variables."""
        return len(self.snapshot.variables)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a variable; loads nothing."""
        return name in self._where

    def __repr__(self) -> str:
        """Name the snapshot and its variables, loading nothing."""
        return f"<session {self.snapshot.reference}: {', '.join(self)}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: what it would load later is in its own store."""
        raise TypeError("an open session is not saved with the others: open it again")

    def info(self, name: str) -> Variable:
        """Return what is known of a variable without loading it."""
        return next(v for v in self.snapshot.variables if v.name == name)

    @watched
    def _load(self, name: str) -> None:
        todo, seen = [name], {name}
        while todo:
            position = self._where[todo.pop()]
            self._load_component(position)
            component = self._components[position]
            fresh = {*component.refs, *component.mentions}.intersection(self._where) - seen
            seen |= fresh
            todo += fresh

    def _load_component(self, position: int) -> None:
        restoring = self._restoring
        restoring.load(position)
        if position in restoring.failures:
            restoring.retry(position)
            restoring.settle()
        error = restoring.failures.pop(position, None)
        if error is not None:
            names = self._components[position].names
            restoring.values.update(unavailable(names, types_of(self.snapshot), *unreadable(error, self.snapshot)))
