"""The tools that are compared: each saves ``__main__`` to a directory, durably, and loads it in a fresh process.

Invariant: when `save` returns, the data has been flushed to the disk.
"""

from __future__ import annotations

import os
import pickle
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from .notebook import define, user_variables, without_code


class Contender(ABC):
    """One tool."""

    name: str
    note: str

    @abstractmethod
    def prepare(self) -> None:
        """Import what is needed; not timed."""

    @abstractmethod
    def save(self, names: dict[str, Any], where: Path) -> None:
        """Save."""

    @abstractmethod
    def load(self, names: dict[str, Any], where: Path) -> dict[str, Any]:
        """Load, and return the variables."""

    def first_use(self, name: str, where: Path) -> Any:
        """Return one variable as quickly as the tool can; by default it has to load all."""
        return self.load(vars(sys.modules["__main__"]), where)[name]

    def before_load(self, workload: str) -> None:
        """Do in the loading process what the tool leaves to the user, which may be nothing; not timed."""
        return

    def variables(self, names: dict[str, Any]) -> dict[str, Any]:
        """Return what of the namespace the tool restores."""
        return user_variables(names)


class Session(Contender):
    name = "session"
    note = "jupyter_session_save.save and load; nothing but the imports is done beforehand"

    def prepare(self) -> None:
        import jupyter_core.paths  # noqa: F401 - as in every kernel

        import jupyter_session_save as session

        self._save, self._load, self._open = session.save, session.load, session.open_session

    def save(self, names: dict[str, Any], where: Path) -> None:
        self._save("bench", names, store=where / "store")

    def load(self, names: dict[str, Any], where: Path) -> dict[str, Any]:
        self._load("bench", names, store=where / "store")
        return names

    def first_use(self, name: str, where: Path) -> Any:
        return self._open("bench", store=where / "store")[name]


class Dill(Contender):
    name = "dill"
    note = "dill.dump_module of __main__, then fsync; dill.load_module"

    def prepare(self) -> None:
        import dill

        self._dill = dill

    def save(self, names: dict[str, Any], where: Path) -> None:
        path = where / "dill"
        self._dill.dump_module(str(path))
        flush(path)

    def load(self, names: dict[str, Any], where: Path) -> dict[str, Any]:
        self._dill.load_module(str(where / "dill"))
        return names


class CPickle(Contender):
    name = "pickle"
    note = (
        "pickle.dump of the dict, protocol 5, then fsync; without modules, functions and classes, of which it "
        "stores names at most: the loading process defines the classes first, untimed"
    )

    def prepare(self) -> None:
        """Nothing: pickle is there."""

    def save(self, names: dict[str, Any], where: Path) -> None:
        with open(where / "pickle", "wb") as file:
            pickle.dump(without_code(names), file, protocol=5)
            file.flush()
            os.fsync(file.fileno())

    def before_load(self, workload: str) -> None:
        define(workload)

    def load(self, names: dict[str, Any], where: Path) -> dict[str, Any]:
        with open(where / "pickle", "rb") as file:
            loaded: dict[str, Any] = pickle.load(file)
        return loaded

    def variables(self, names: dict[str, Any]) -> dict[str, Any]:
        return without_code(names)


def flush(path: Path) -> None:
    """Flush a file that a tool has closed."""
    fd = os.open(path, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
