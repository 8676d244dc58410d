"""matplotlib figures: restored where they can be drawn, with the backend of the new kernel.

Invariant: saving does not resolve the backend, which `matplotlib.get_backend` would.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..pickler import Pickling


def figure(obj: Any, pickling: Pickling) -> Any:
    """Reduce a figure by its own protocol, with a constructor that readies the backend."""
    reduced = obj.__reduce_ex__(4)
    return new_figure, (type(obj),), *reduced[2:]


def new_figure(cls: Any) -> Any:
    """Make an empty figure, and let the backend hook itself into the shell, as the first plot would have done."""
    import matplotlib.pyplot as plt

    with contextlib.suppress(ImportError):  # A backend without a screen: the figure can still be saved to a file.
        plt.draw_if_interactive()
    return cls.__new__(cls)
