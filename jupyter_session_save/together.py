"""Which cells one snapshot holds the changes of, where saving has failed in between.

Invariant: a cell counts as missed only until something else is what the namespace came from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from .pickling import GiveWay
from .snapshot import Snapshot


class Together:
    """Follows the saves of one kernel."""

    def __init__(self) -> None:
        self._missed: tuple[int, Snapshot | None] | None = None
        self._first: dict[int, int] = {}

    def miss(self, cell: int | None, held: Snapshot | None) -> None:
        """Take note that a cell was not saved.

        Parameters
        ----------
        cell : int or None
            Its execution count.
        held : Snapshot or None
            What the next snapshot will come from.
        """
        is_saved = held is not None and held.cell == cell
        if cell is not None and not is_saved and (self._missed is None or self._missed[1] is not held):
            self._missed = cell, held

    def saving(self, save: Callable[[], Snapshot | None], cell: int | None, held: Snapshot | None) -> Snapshot | None:
        """Save, and take note of what came of it; parameters as for `miss`."""
        try:
            saved = save()
        except GiveWay:
            raise
        except BaseException:
            self.miss(cell, held)
            raise
        missed, self._missed = self._missed, None
        last = None if saved is None else saved.cell
        if missed is not None and missed[1] is held and last is not None and last > missed[0]:
            self._first[last] = missed[0]
        return saved

    def spans(self, cells: Collection[int | None]) -> tuple[tuple[int, int], ...]:
        """Return the first and the last of those that were saved together, for each of some cells that were last."""
        return tuple((first, last) for last, first in self._first.items() if last in cells)
