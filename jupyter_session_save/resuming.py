"""The state parts of a snapshot: pickled for a save, unpickled and put in place by a load, taken back if it fails.

Invariant: a part is read from the repository with its digest checked, and after the snapshot's signature was; one
that cannot be read or put in place costs only itself and one line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from .interpreter import Changes, Surroundings
from .pickling import Placeholder, Restoring, Scope, Stored, dumps
from .snapshot import Component
from .writing import Writer


def write_state(values: Mapping[str, Any], scope: Scope, writer: Writer) -> Iterator[tuple[Component, list[str]]]:
    """Pickle and write parts of the state.

    Parameters
    ----------
    values : mapping of str to object
        As `interpreter.collect` returns them.
    scope : Scope
        What of the namespace is saved: parts refer to it.
    writer : Writer

    Yields
    ------
    component : Component
    notes : list of str
        What of it could not be saved.
    """
    for name, value in values.items():
        payload = dumps({name: value}, scope)
        component = Component(
            names=(name,),
            stream=writer.put(payload.chunks),
            buffers=tuple(writer.put([buffer.raw()], to_map=True) for buffer in payload.buffers),
            refs=tuple(sorted(payload.refs)),
            modules=tuple(sorted(payload.modules - {"", "builtins", "__main__"})),
            mentions=tuple(sorted(payload.mentions)),
        )
        notes = [f"{name}: a {problem.type} in it is not saved: {problem.reason}" for problem in payload.problems]
        payload.release()
        yield component, notes


class Resumption:
    """The state of one load.

    Parameters
    ----------
    parts : iterable of Stored
        Empty if the load restores no state.
    namespace : dict
        Becomes the globals of functions in the state.
    live : mapping of str to object
        Kernel objects by tag.
    explain : callable
        As for `Restoring`.
    whole : bool
        Whether the kernel goes back to what the parts tell: then options that they do not list were at their defaults.
    """

    def __init__(
        self,
        parts: Iterable[Stored],
        namespace: dict[str, Any],
        live: Mapping[str, Any],
        explain: Callable[[BaseException], tuple[str, str]],
        *,
        whole: bool = False,
    ) -> None:
        self._parts = {part.names[0]: part for part in parts}
        self._namespace, self._live, self._explain, self._whole = namespace, live, explain, whole
        self._changes = Changes(Surroundings(namespace, live.get("shell")))

    @property
    def done(self) -> tuple[str, ...]:
        """The parts that are in place."""
        return tuple(self._changes.done)

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for each thing that could not be put in place."""
        return tuple(self._changes.notes)

    def begin(self) -> None:
        """Put in place what the variables need to come back."""
        self._apply({}, early=True)

    def finish(self, values: Mapping[str, Any]) -> None:
        """Put the rest in place.

        Parameters
        ----------
        values : mapping of str to object
            The restored variables.
        """
        self._apply(values, early=False)

    def undo(self) -> None:
        """Put everything back as it was."""
        self._changes.undo()

    def _apply(self, values: Mapping[str, Any], *, early: bool) -> None:
        readers = {name: partial(self._value, name, values) for name in self._parts}
        self._changes.apply(readers, early=early, whole=self._whole)

    def _value(self, name: str, values: Mapping[str, Any]) -> Any:
        restoring = Restoring(
            self._namespace,
            [self._parts[name]],
            live=self._live,
            publish=lambda name, value: None,
            explain=self._explain,
        )
        # What the state refers to by name is what the variables have just become.
        restoring.values.update(values)
        restoring.load(0)
        if 0 in restoring.failures:
            restoring.retry(0)
        if 0 in restoring.failures:
            raise restoring.failures.pop(0)
        return _without_placeholders(restoring.values[name])


def _without_placeholders(value: Any) -> Any:
    """Leave out of a part's settings those that could not be restored."""
    if isinstance(value, Placeholder):
        raise LookupError(value.problem.reason)  # noqa: TRY004
    if type(value) is dict:
        return {key: setting for key, setting in value.items() if not isinstance(setting, Placeholder)}
    return value


def names_of(state: Collection[Component]) -> tuple[str, ...]:
    """Return the names of stored parts."""
    return tuple(component.names[0] for component in state)
