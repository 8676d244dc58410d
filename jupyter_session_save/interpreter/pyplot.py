"""Which figures pyplot manages, their numbers and order, which one is current, and whether it is interactive.

A figure that a variable leads to is told by the variable's name, and any other is part of the state itself.

Invariant: nothing is shown, and a figure that was closed stays closed; reading runs no code of the user's.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ..pickling.scope import module_of
from .figures import INLINE, inline
from .parts import StatePart, Surroundings

_INLINE_MODULES = "matplotlib_inline.backend_inline", "ipykernel.pylab.backend_inline"

_UPWARDS = "_parent_figure", "_root_figure", "figure", "_parent"
"""Where artists and parts of figures hold what they stand in, in the versions of matplotlib."""

_SHOWN = re.compile(r"_\d*|__|___|_(i|o|d)h|Out|In")
"""Names of what cells have shown, which is saved only with the history."""

_NOT_SAVED = "IPython.", "ipykernel.", "traitlets.", "matplotlib.backend"
"""Where classes are from whose instances lead to figures, or to everything, but belong to the kernel."""

_DEPTH = 3
_OBJECTS = 1000
"""How deep and among how many objects of a variable figures are looked for; those further in are saved twice."""


def _managers() -> OrderedDict[Any, Any] | None:
    """Return pyplot's own table of figures, the current one last, if there is one."""
    found = getattr(getattr(sys.modules.get("matplotlib._pylab_helpers"), "Gcf", None), "figs", None)
    return found if isinstance(found, OrderedDict) else None


def _pyplot() -> Any:
    """Return pyplot if it has a backend by now; before that it has neither figures nor a mode that stays."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot if getattr(pyplot, "_backend_mod", None) is not None else None


def _is_interactive() -> bool:
    params: Any = sys.modules["matplotlib"].rcParams
    return bool(dict.get(params, "interactive"))


def _set_interactive(value: bool) -> None:
    if _is_interactive() != value:
        getattr(sys.modules["matplotlib.pyplot"], "ion" if value else "ioff")()


@contextmanager
def _silent() -> Iterator[None]:
    """Make managers as without interactive mode, in which backends show every new figure."""
    params: Any = sys.modules["matplotlib"].rcParams
    before = dict.get(params, "interactive")
    dict.update(params, interactive=False)
    try:
        yield
    finally:
        dict.update(params, interactive=before)


def _about_to_close() -> bool:
    """Whether the cell that runs has drawn figures which are shown and closed at its end."""
    if dict.get(sys.modules["matplotlib"].rcParams, "backend") not in INLINE:
        return False
    shown = (getattr(sys.modules.get(name), "show", None) for name in _INLINE_MODULES)
    closing = getattr(inline(), "close_figures", True)
    return bool(closing and any(getattr(show, "_draw_called", False) for show in shown))


def _root(value: Any) -> Any:
    """Return the figure that an object of matplotlib is, or stands in; None for any other."""
    artist: Any = sys.modules["matplotlib.artist"]
    if not issubclass(type(value), artist.Artist):
        return None
    figure: Any = sys.modules["matplotlib.figure"]
    for _ in range(_OBJECTS):
        if issubclass(type(value), figure.Figure):
            return value
        own = vars(value)
        value = next(
            (own[name] for name in ("_parent_figure", "_root_figure", "figure", "_parent") if name in own), None
        )
        if value is None:
            return None
    return None


def _parts(value: Any) -> Iterable[Any]:
    kind = type(value)
    if kind in (list, tuple, deque):
        return value if len(value) <= _OBJECTS else ()
    if kind is dict:
        return list(value.values()) if len(value) <= _OBJECTS else ()
    numpy: Any = sys.modules["numpy"]
    if kind is numpy.ndarray:
        return list(value.flat) if value.dtype == object and value.size <= _OBJECTS else ()
    if (
        issubclass(kind, (type, ModuleType))
        or module_of(kind).startswith(_NOT_SAVED)
        or not isinstance(own := _own(value), dict)
    ):
        return ()
    return list(own.values()) if len(own) <= _OBJECTS else ()


def _own(value: Any) -> Any:
    """Return an instance's own attributes, past what its class may do when asked for them."""
    try:
        return object.__getattribute__(value, "__dict__")
    except (AttributeError, TypeError):
        return None


def _figures_in(value: Any) -> Iterator[Any]:
    """Yield the figures that a variable leads to, in an order that is the same after a load."""
    todo = deque([(value, 0)])
    seen: dict[int, Any] = {}
    while todo and len(seen) < _OBJECTS:
        obj, depth = todo.popleft()
        figure = _root(obj)
        obj = obj if figure is None else figure
        if id(obj) in seen:
            continue
        seen[id(obj)] = obj
        if figure is not None:
            yield figure
        elif depth < _DEPTH:
            todo.extend((part, depth + 1) for part in _parts(obj))


def _is_saved(name: str, around: Surroundings) -> bool:
    return _SHOWN.fullmatch(name) is None or (around.history and name[1:].isdigit())


def _places(figures: list[Any], around: Surroundings) -> dict[int, tuple[str, int]]:
    """Return for figures, by id, the variable that leads to each, and how many it leads to before."""
    namespace = dict(around.namespace)
    wanted, found = set(map(id, figures)), dict[int, tuple[str, int]]()
    names = [name for name in namespace if type(name) is str and _is_saved(name, around)]
    for name in sorted(names, key=lambda name: (_root(namespace[name]) is None, name)):
        if wanted <= found.keys():
            break
        for position, figure in enumerate(_figures_in(namespace[name])):
            if id(figure) in wanted:
                found.setdefault(id(figure), (name, position))
    return found


def _read(around: Surroundings) -> Any:
    managers = _managers()
    if _pyplot() is None or managers is None:
        return None
    managed = {} if _about_to_close() else {n: m.canvas.figure for n, m in managers.items() if type(n) is int}
    places = _places(list(managed.values()), around) if managed else {}
    return {
        "interactive": _is_interactive(),
        "figures": [(number, *places.get(id(figure), ("", 0))) for number, figure in managed.items()],
        "others": {number: figure for number, figure in managed.items() if id(figure) not in places},
    }


def _found(name: str, position: int, namespace: Mapping[str, Any]) -> Any:
    if name not in namespace:
        return None
    return next((f for index, f in enumerate(_figures_in(namespace[name])) if index == position), None)


def _write(value: Any, around: Surroundings) -> Iterator[str]:
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    # pyplot chooses its backend now, or it would at the first figure, which may turn interactive mode on.
    backend = pyplot._get_backend_mod()
    managers = _managers()
    assert managers is not None
    standing = {id(manager.canvas.figure): manager for manager in managers.values()}
    managers.clear()
    for number, name, position in value["figures"]:
        figure = _found(name, position, around.namespace) if name else value["others"].get(number)
        if figure is None or _root(figure) is not figure:
            yield f"figure {number} did not come back" + (f" with {name}" if name else "")
            continue
        manager = standing.get(id(figure))
        if manager is None or manager.num != number:
            with _silent():
                manager = backend.new_figure_manager_given_figure(number, figure)
        _adopt(manager)
    _set_interactive(value["interactive"])


def _adopt(manager: Any) -> None:
    """Let pyplot manage a figure as its current one."""
    sys.modules["matplotlib._pylab_helpers"].Gcf._set_new_active_manager(manager)


def _keep(_: Surroundings) -> Callable[[], None]:
    before = _managers()
    if before is None or _pyplot() is None:
        return _forget
    managers, interactive = before.copy(), _is_interactive()

    def back() -> None:
        before.clear()
        before.update(managers)
        _set_interactive(interactive)

    return back


def _forget() -> None:
    """Put pyplot back to where it had no backend: without a figure."""
    (_managers() or {}).clear()


PARTS = (StatePart("pyplot", _read, _write, _keep),)
