"""The record that the next snapshot has of what is tracked, or that it would say nothing new.

Invariant: what did not change is the very same record as in the snapshot before.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from itertools import chain
from operator import attrgetter

from . import environment
from .around import States
from .examining import Tracked, identical, rows_of
from .snapshot import Environment, Snapshot
from .statement import Lineage


class Records:
    """Puts together the records of one session.

    Parameters
    ----------
    name : str
        The session.
    lineage : callable
        As `Recorder.lineage`.
    """

    def __init__(self, name: str, lineage: Callable[..., Lineage]) -> None:
        self._name, self._lineage = name, lineage
        self._environments: dict[frozenset[str], Environment] = {}

    def next(
        self,
        where: Mapping[str, Tracked],
        ids: Mapping[str, int],
        state: States,
        before: Snapshot | None,
        cell: int | None,
        message: str,
        *,
        anyway: bool,
    ) -> Snapshot | None:
        """Return a snapshot of what is tracked, None if it would be as the one before.

        Parameters
        ----------
        where : mapping of str to Tracked
        ids : mapping of str to int
            The names that there are.
        state : dict
            The interpreter's.
        before : Snapshot, optional
        cell : int, optional
        message : str
        anyway : bool
            Whether there is more that is new.
        """
        tracked = list(dict(zip(map(id, where.values()), where.values(), strict=True)).values())
        components = tuple(t.mentioning(ids) if t.reads else t.component for t in tracked)
        rows = rows_of(tracked, where)
        variables = dict(zip(map(attrgetter("name"), rows), rows, strict=True))
        if before is None and not variables and not message:
            return None
        same = before is not None and identical(tracked, before) and len(variables) == len(before.variables)
        same = same and not anyway
        broken = [v for v in rows if v.state != "saved"]
        lineage = self._lineage(variables, [v.name for v in broken])
        lost = [v.name for v in broken if v.state == "placeholder"]
        if same and before and message in ("", before.message) and lineage.tells_as(before.lineage, lost):
            return None
        modules = frozenset(chain.from_iterable(map(attrgetter("modules"), components)))
        if modules not in self._environments:
            self._environments = {modules: environment.current(modules)}
        return Snapshot(
            name=self._name,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            parent=None if before is None else before.sequence,
            message=message,
            cell=cell,
            environment=self._environments[modules],
            variables=tuple(map(variables.__getitem__, sorted(variables))),
            components=components,
            state=tuple(part.component for part in state.values()),
            lineage=lineage,
        )
