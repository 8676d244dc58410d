"""What dill can pickle: each of its registered reducers captured for the C pickler, and its own pickler whole.

Invariant: dill is imported only when a type needs it (it costs some 40 ms), and what its import does to the standard
library's pickler is undone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .scope import module_of

if TYPE_CHECKING:
    from .pickler import Pickling


def _dill() -> Any:
    if "dill" in sys.modules:
        return sys.modules["dill"]
    import dill

    dill.extend(use_dill=False)
    return dill


class _Recorder:
    """Stands for dill's pickler while one of its save functions runs, and keeps the reduce that it makes."""

    def __init__(self) -> None:
        dill = _dill()
        self.proto = 5
        self.memo: dict[int, Any] = {}
        self.captured: Any = None
        self._byref = self._recurse = self._strictio = self._session = False
        self._fmode = 0
        self._main = dill._dill._main_module
        self._postproc: dict[int, Any] = {}
        self._diff_cache: dict[int, Any] = {}
        self._file = None

    def save_reduce(
        self,
        func: Any,
        args: Any,
        state: Any = None,
        listitems: Any = None,
        dictitems: Any = None,
        state_setter: Any = None,
        obj: Any = None,
    ) -> None:
        """Keep the reduce."""
        self.captured = (func, args, state, listitems, dictitems, state_setter)


def knows(cls: type) -> bool:
    """Whether dill's own pickler has a way for a type."""
    return cls in _dill().Pickler.dispatch


def captured(cls: type) -> Callable[[Any, Pickling], Any] | None:
    """Return a reducer made of what dill has registered for a type, None if it has nothing."""
    if "dill" not in sys.modules and module_of(cls).partition(".")[0] not in sys.stdlib_module_names:
        return None  # Of its own accord dill knows types of the standard library only.
    save = _dill().Pickler.dispatch.get(cls)
    if save is None:
        return None

    def reduce(obj: Any, pickling: Pickling) -> Any:
        recorder = _Recorder()
        save(recorder, obj)
        if recorder.captured is None:
            raise TypeError(f"dill pickles {cls.__name__} in a way of its own")
        return recorder.captured

    return reduce


def lane(sink: Any, reduce: Callable[[Any], Any], keep: Callable[[Any], bool]) -> Any:
    """Return dill's own pickler, asking `reduce` first."""

    class Lane(_dill().Pickler):  # type: ignore[misc]
        reducer_override = staticmethod(reduce)

    return Lane(sink, protocol=5, buffer_callback=keep)
