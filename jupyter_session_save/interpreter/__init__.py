"""State of the interpreter that is in no variable: generators, options, directories, magics, the prompt's number.

Each part is saved, restored, reported and taken back on its own, and one that fails costs only itself.

Invariant: saving imports nothing, draws no random number and changes no option; the environment's variables are
neither saved nor changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import said
from . import (
    figures,
    filters,
    generators,
    history,
    loggers,
    networks,
    options,
    process,
    prompt,
    pyplot,
    reducers,
    settings,
)
from .history import outputs, pass_over
from .parts import StatePart, Surroundings, same

__all__ = ["PARTS", "Changes", "Surroundings", "changed", "collect", "outputs", "pass_over"]

PARTS: tuple[StatePart, ...] = (
    # Imports and extensions add filters, so these come late; user code may draw numbers, so generators come last.
    *process.PLACES,
    figures.BACKEND,
    *networks.BACKEND,
    *prompt.PARTS,
    *loggers.PARTS,
    *process.PARTS,
    *options.PARTS,
    *settings.PARTS,
    *figures.PARTS,
    *pyplot.PARTS,
    *filters.PARTS,
    *prompt.NUMBER,
    *reducers.PARTS,
    *history.PARTS,
    *networks.PARTS,
    *generators.PARTS,
    *networks.SEEDS,
)
"""All parts in the order in which they are put in place."""


def collect(around: Surroundings) -> tuple[dict[str, Any], list[str]]:
    """Read the state.

    Parameters
    ----------
    around : Surroundings

    Returns
    -------
    values : dict of str to object
        By part; only what differs from a fresh interpreter, where that is known.
    notes : list of str
        What could not be read, one line each.
    """
    values: dict[str, Any] = {}
    notes = []
    for part in PARTS:
        try:
            value = part.read(around)
        except Exception as error:
            notes.append(f"{part.name}: not saved: {said(error)}")
            continue
        if value is not None:
            values[part.name] = value
    return values, notes


def changed(values: Mapping[str, Any], before: Mapping[str, Any]) -> set[str]:
    """Return the parts that may differ from what `collect` has returned before; never too few."""
    gone = before.keys() - values.keys()
    return gone | {name for name, value in values.items() if name not in before or not same(value, before[name])}


class Changes:
    """Parts put in place, one after the other, so that all can be taken back.

    Parameters
    ----------
    around : Surroundings

    Attributes
    ----------
    done : list of str
        Parts that are in place.
    notes : list of str
        One line for each thing that could not be put in place.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._undo: list[Callable[[], None]] = []
        self.done: list[str] = []
        self.notes: list[str] = []

    def apply(self, names: Mapping[str, Callable[[], Any]], *, early: bool, whole: bool = False) -> None:
        """Put parts in place.

        Parameters
        ----------
        names : mapping of str to callable
            Each returns the value of its part.
        early : bool
            Whether these are the parts that variables need to come back, or all others.
        whole : bool
            Whether these are all that there were: then what they do not list was at its default, and is put there.
        """
        for part in PARTS:
            if part.early == early and (part.name in names or (whole and part.reset is not None)):
                self._apply(part, names.get(part.name), part.reset if whole else None)

    def _apply(
        self,
        part: StatePart,
        value: Callable[[], Any] | None,
        reset: Callable[[Any, Surroundings], Iterable[str]] | None,
    ) -> None:
        mark = len(self._undo)
        try:
            found = None if value is None else value()
            there = part.read(self._around) if value is None else None
            if value is None and there is None:
                return
            self._undo.append(part.keep(self._around))
            notes = [] if reset is None else [*reset(found, self._around)]
            notes += [] if value is None else part.write(found, self._around)
            self.notes += [f"{part.name}: {note}" for note in notes]
        except Exception as error:
            self._back_to(mark)
            self.notes.append(f"{part.name}: not restored: {said(error)}")
            return
        # What a library has set for itself may have been all, and stays.
        if value is not None or not same(part.read(self._around), there):
            self.done.append(part.name)

    def undo(self) -> None:
        """Put everything back as it was, the last first."""
        self._back_to(0)
        self.done.clear()

    def _back_to(self, mark: int) -> None:
        for back in _reversed(self._undo, mark):
            try:
                back()
            except Exception as error:
                self.notes.append(f"not put back: {said(error)}")


def _reversed(steps: list[Callable[[], None]], mark: int) -> Iterator[Callable[[], None]]:
    while len(steps) > mark:
        yield steps.pop()
