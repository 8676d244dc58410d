"""What autosave does at the moment, as text and as HTML.

Invariant: it is made of plain values, so that showing it asks nothing of what it tells about.
"""

from __future__ import annotations

from dataclasses import dataclass

from .display import human_time, listing
from .reports import Report


@dataclass(frozen=True, slots=True, repr=False)
class AutosaveStatus(Report):
    """What autosave does at the moment.

    Attributes
    ----------
    name : str
        The session, ``""`` while autosave is off.
    snapshot, created : str
        The newest snapshot of this kernel and its time, ``""`` as long as there is none.
    cell : int or None
        Execution count of the cell after which it was saved.
    late : tuple of str
        Names whose stored value may be older than the last cell.
    partial : tuple of str
        Names of variables for all or a part of which the newest snapshot has only a placeholder.
    fickle : tuple of str
        Names of values of which nobody can tell without a cell that names them whether they changed.
    unseen : float
        Seconds for which a change that no cell's text shows may wait to be stored, where there is no idle time; else 0.
    paused, failure : str
        Why nothing is saved any more, and how the last save failed or the next one would; ``""`` if all is well.
    nameless : bool
        Whether the front end does not tell the notebook's name, so that autosave is not on by itself.
    store : str
        The address of the store that is saved to, ``""`` while autosave is off.
    """

    name: str = ""
    snapshot: str = ""
    created: str = ""
    cell: int | None = None
    late: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    fickle: tuple[str, ...] = ()
    unseen: float = 0.0
    paused: str = ""
    failure: str = ""
    nameless: bool = False
    store: str = ""

    def _title(self) -> str:
        if not self.name and self.nameless:
            return "autosave is off: this front end does not tell the notebook's name: %autosave_session on --name NAME"
        if not self.name:
            return "autosave is off"
        return f"autosave to {self.name} is paused" if self.paused else f"autosave to {self.name} is on"

    def _facts(self) -> list[str]:
        facts = []
        if self.paused:
            facts.append(f"{self.paused}: %save_session or %autosave_session on goes on with what there is now")
        if self.snapshot:
            after = "" if self.cell is None else f", after cell {self.cell}"
            facts.append(f"newest: {self.snapshot}, {human_time(self.created)}{after}")
        if self.late:
            facts.append(f"older than the last cell, because saving takes long: {', '.join(self.late)}")
        if self.partial:
            why = "%save_session says why, and saves what is only larger than SessionMagics.autosave_max_variable"
            facts.append(f"placeholders stand for all or a part of {listing(self.partial, 5)}: {why}")
        if self.fickle:
            names = ", ".join(self.fickle)
            facts.append(f"differs each time it is looked at, so stored again only every few minutes at idle: {names}")
        if self.unseen:
            facts.append(
                "a terminal has no idle time: a change that no cell's text shows is stored with a cell, "
                f"at the latest the first one after {self.unseen:.0f} s"
            )
        if self.failure:
            facts.append(f"saving fails, and is tried again: {self.failure}")
        return [*facts, f"store: {self.store}"] if self.store else facts
