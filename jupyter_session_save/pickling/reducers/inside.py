"""What objects written in C hold, as the garbage collector sees it, and what rebuilds them quietly.

Invariant: looking changes nothing and runs no user code.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

from ..scope import is_library


def held_by(obj: Any) -> list[Any]:
    """Return what an object holds, in the order of its C struct; its type, which some Pythons report, left out."""
    return [held for held in gc.get_referents(obj) if held is not type(obj)]


def place_in_module(obj: Any) -> tuple[str, str] | None:
    """Return (module, name) of an imported library module where this very object stands."""
    for module, held in list(sys.modules.items()):
        names = getattr(held, "__dict__", None)
        if type(names) is dict and is_library(module):
            for name, value in list(names.items()):
                if value is obj:
                    return module, name
    return None
