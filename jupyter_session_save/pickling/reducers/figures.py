"""matplotlib figures: restored where they can be drawn, with the backend of the new kernel.

Invariant: saving does not resolve the backend, which `matplotlib.get_backend` would.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..pickler import Pickling


def figure(obj: Any, pickling: Pickling) -> Any:
    """Reduce a figure by its own protocol, with a constructor that readies the backend."""
    reduced = obj.__reduce_ex__(4)
    return new_figure, (type(obj),), *reduced[2:]


def new_figure(cls: Any) -> Any:
    """Make an empty figure, and let the backend hook itself into the shell, as the first plot would have done."""
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    # Without a screen the figure can still be written to a file.
    with contextlib.suppress(ImportError):
        pyplot.draw_if_interactive()
    return cls.__new__(cls)
