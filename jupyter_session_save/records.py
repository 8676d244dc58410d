"""The record that the next snapshot has of what is tracked, or that it would say nothing new.

Invariant: what did not change is the very same record as in the snapshot before.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping

from . import environment
from .around import States
from .snapshot import Environment, Snapshot
from .standing import Standing
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
        standing: Standing,
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
        standing : Standing
            What is tracked.
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
        if before is None and not standing.rows and not message:
            return None
        lost = [v.name for v in standing.broken.values() if v.state == "placeholder"]
        same = before is not None and standing.identical(before) and not anyway and message in ("", before.message)
        if same and not lost:
            return None
        lineage = self._lineage(standing.names, list(standing.broken))
        if same and before and lineage.tells_as(before.lineage, lost):
            return None
        if standing.modules not in self._environments:
            self._environments = {standing.modules: environment.to_save(standing.modules)}
        return Snapshot(
            name=self._name,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            parent=None if before is None else before.sequence,
            message=message,
            cell=cell,
            environment=self._environments[standing.modules],
            variables=standing.variables(),
            components=standing.mentioning(ids),
            state=tuple(part.component for part in state.values()),
            lineage=lineage,
        )
