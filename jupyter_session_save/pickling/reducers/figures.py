"""Figures of matplotlib, restored where they can be drawn with the backend of the new kernel, and parts of plotly's.

Invariant: saving does not resolve the backend, which `matplotlib.get_backend` would, and writes the same bytes for
the same figure.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import types
from typing import TYPE_CHECKING, Any

from .. import rebuild
from ..scope import is_library, module_of

if TYPE_CHECKING:
    from ..pickler import Pickling


def figure(obj: Any, pickling: Pickling) -> Any:
    """Reduce a figure by its own protocol, with a constructor that readies the backend.

    Whether pyplot manages it is state of the interpreter: matplotlib itself would show it, under another number.
    """
    state, *rest = obj.__reduce_ex__(4)[2:]
    if type(state) is dict:
        state = {key: value for key, value in state.items() if key != "_restore_to_pylab"}
    return new_figure, (type(obj),), state, *rest


def axes(obj: Any, pickling: Pickling) -> Any:
    """Reduce which axes of a figure are current.

    matplotlib counts on from the latest itself, so that two axes would be the latest when another becomes current.
    """
    *made, state = obj.__reduce_ex__(4)[:3]
    return *made, {**state, "_counter": state["_counter"] + 1} if obj.as_list() else state


def callbacks(obj: Any, pickling: Pickling) -> Any:
    """Reduce a registry of callbacks, with those of the user's, which matplotlib itself would leave out.

    Its own protocol draws a number from the registry, so that each save would differ from the one before.
    """
    twin: Any = rebuild.instance(type(obj))
    vars(twin).update(vars(obj), _cid_gen=itertools.count(int(repr(obj._cid_gen)[6:-1])))
    state = twin.__getstate__()
    for signal, known in obj.callbacks.items():
        functions = {number: proxy() for number, proxy in known.items()}
        kept = {n: f for n, f in functions.items() if n in obj._pickled_cids or _is_users(f)}
        state["callbacks"][signal] = {n: f for n, f in kept.items() if f is not None}
    state["_pickled_cids"] = sorted(obj._pickled_cids)
    return rebuild.instance, (type(obj),), state, None, None, set_callbacks


_CONNECTED = frozenset(
    f"matplotlib.{name}" for name in ("widgets", "colorbar", "colorizer", "cm", "image", "collections", "contour")
)
"""Modules whose objects listen to each other; canvases, figures and axes connect themselves when they are made."""


def _is_users(function: Any) -> bool:
    owner = type(function.__self__) if isinstance(function, types.MethodType) else function
    module = module_of(owner)
    return module in _CONNECTED or not is_library(module)


@rebuild.setter
def set_callbacks(made: Any, state: dict[str, Any]) -> None:
    """Give a registry its callbacks."""
    made.__setstate__({**state, "_pickled_cids": set(state["_pickled_cids"])})


def trace(obj: Any, pickling: Pickling) -> Any:
    """Reduce a trace of plotly to its place in its figure."""
    if obj.figure is None:
        return NotImplemented
    return trace_of, (obj.figure, next(i for i, one in enumerate(obj.figure.data) if one is obj))


def layout(obj: Any, pickling: Pickling) -> Any:
    """Reduce a layout of plotly to its figure."""
    return NotImplemented if obj.figure is None else (layout_of, (obj.figure,))


def trace_of(figure: Any, index: int) -> Any:
    """Return a trace of a figure."""
    return figure.data[index]


def layout_of(figure: Any) -> Any:
    """Return the layout of a figure."""
    return figure.layout


def new_figure(cls: Any) -> Any:
    """Make an empty figure, and let the backend hook itself into the shell, as the first plot would have done."""
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    # Without a screen the figure can still be written to a file.
    with contextlib.suppress(ImportError):
        pyplot.draw_if_interactive()
    return cls.__new__(cls)
