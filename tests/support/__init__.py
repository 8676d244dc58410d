"""What comes back: one list of objects, each with the state that it ends in, declared beforehand.

A case is the source of a cell that binds ``$x``, and of cells that print what must be the same in a kernel that never
died and in one that resumed. A word after ``$`` is a name of the case: ``$x`` and ``$Node`` become names that no other
case has, so that all cases of a group are variables of one notebook.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

GROUPS = (
    "basics",
    "live",
    "functions",
    "classes",
    "stdlib",
    "of_numpy",
    "of_frames",
    "of_learning",
    "of_torch",
    "of_plots",
    "of_science",
    "of_handles",
    "of_large",
    "of_keras",
)
"""Modules in here, each with a list ``CASES``."""

TRIED = {
    "astropy": "8.0.2",
    "catboost": "1.2.10",
    "cv2": "5.0.0.93",
    "flax": "0.12.8",
    "gensim": "4.4.0",
    "gym": "0.26.2",
    "holidays": "0.109",
    "jax": "0.10.2",
    "keras": "3.15.1",
    "lightning": "2.6.6",
    "llm": "0.36",
    "numba": "0.68.1",
    "openai": "3.54.0",
    "optax": "0.2.8",
    "photutils": "3.0.0",
    "prophet": "1.5.0",
    "pyspark": "4.3.0",
    "qiskit": "2.6.2",
    "ray": "2.60.0",
    "regex": "2026.11.15",
    "rich": "15.0.0",
    "spacy": "3.8.18",
    "tensorflow": "2.21.0",
    "textblob": "0.20.1",
    "torch": "2.13.0",
    "torchvision": "0.28.0, without its compiled operators",
    "transformers": "5.23.0",
    "typer": "0.29.2",
    "uncertainties": "3.2.3",
    "wordcloud": "1.9.6",
    "wrapt": "2.5.2",
    "xgboost": "3.2.0",
}
"""Modules that the extra `test` does not bring, with the versions with which their cases were run by hand."""

Outcome = Literal["equal", "reconnected", "placeholder"]

_NAME = re.compile(r"\$(\w+)")


@dataclass(frozen=True, slots=True)
class Case:
    """One object.

    Attributes
    ----------
    group, name : str
        The name says what the object is, as a row of the table.
    make : str
        A cell that binds ``$x``.
    check, mutate : str
        Cells that print: the value, and how it behaves; then a change, after which ``check`` runs once more.
    outcome : {"equal", "reconnected", "placeholder"}
        The worst state of the variables of the case.
    why : str
        Why it is not equal, or what is special about it.
    needs : tuple of str
        Modules without which the case is skipped.
    python : str
        The least Python that has it, such as ``"3.12"``.
    """

    group: str
    name: str
    make: str
    check: str
    mutate: str = ""
    outcome: Outcome = "equal"
    why: str = ""
    needs: tuple[str, ...] = ()
    python: str = ""

    def missing(self) -> str:
        """Say why the case cannot run here, ``""`` if it can."""
        if self.python and sys.version_info < tuple(map(int, self.python.split("."))):
            return f"needs Python {self.python}"
        absent = [name for name in self.needs if not installed(name)]
        return f"needs {', '.join(absent)}" if absent else ""

    def source(self, text: str, suffix: str) -> str:
        """Return a cell of the case with names of its own."""
        return _NAME.sub(rf"\1_{suffix}", textwrap.dedent(text).strip("\n"))


@cache
def installed(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def cases(group: str = "") -> Iterator[Case]:
    """Yield the cases of one group, or all."""
    for name in [group] if group else GROUPS:
        yield from importlib.import_module(f"{__name__}.{name}").CASES
