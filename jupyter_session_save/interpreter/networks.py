"""On which library keras computes, which it decides once, when it is imported.

Invariant: the environment's variables are as they were once keras is imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from .parts import StatePart, Surroundings, nothing

_DEFAULT = "tensorflow"
_VARIABLE = "KERAS_BACKEND"


def _current() -> str:
    found: Any = getattr(sys.modules.get("keras.src.backend.config"), "_BACKEND", "")
    return found if type(found) is str else ""


def _read(_: Surroundings) -> str | None:
    current = _current()
    return current if current not in ("", _DEFAULT) else None


def _write(value: Any, _: Surroundings) -> Iterator[str]:
    if not _current():
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = value
        try:
            importlib.import_module("keras")
        finally:
            os.environ.pop(_VARIABLE)
            if before is not None:
                os.environ[_VARIABLE] = before
    if _current() != value:
        yield f"keras runs on {_current()} in this kernel: set {_VARIABLE}={value} in a fresh one and load again"


def _keep(_: Surroundings) -> Callable[[], None]:
    return nothing


BACKEND = StatePart("keras backend", _read, _write, _keep, early=True)
