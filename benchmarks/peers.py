"""Further tools to compare with: cloudpickle, joblib and IPython's own ``%store``.

Invariant: as for `Contender`: when `save` returns, the data has been flushed to the disk.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from .contenders import Contender, CPickle, flush
from .notebook import user_variables, without_code


class Cloudpickle(Contender):
    name = "cloudpickle"
    note = "cloudpickle.dump of the dict with all its functions and classes, then fsync; pickle.load"

    def prepare(self) -> None:
        import cloudpickle

        self._tool = cloudpickle

    def save(self, names: dict[str, Any], where: Path) -> None:
        with open(where / "cloudpickle", "wb") as file:
            self._tool.dump(user_variables(names), file)
            file.flush()
            os.fsync(file.fileno())

    def load(self, names: dict[str, Any], where: Path) -> dict[str, Any]:
        with open(where / "cloudpickle", "rb") as file:
            loaded: dict[str, Any] = self._tool.load(file)
        return loaded


class Joblib(CPickle):
    name = "joblib"
    note = "joblib.dump of the same dict as C pickle's, then fsync; joblib.load"

    def prepare(self) -> None:
        import joblib

        self._tool = joblib

    def save(self, names: dict[str, Any], where: Path) -> None:
        path = where / "joblib"
        self._tool.dump(without_code(names), path)
        flush(path)

    def load(self, names: dict[str, Any], where: Path) -> dict[str, Any]:
        loaded: dict[str, Any] = self._tool.load(where / "joblib")
        return loaded


class Store(CPickle):
    name = "%store"
    note = "IPython's %store of each variable of the same dict, then fsync of each file; %store -r"

    def prepare(self) -> None:
        import IPython.extensions.storemagic

        del IPython

    def save(self, names: dict[str, Any], where: Path) -> None:
        shell = _shell(where, without_code(names))
        for name in without_code(names):
            shell.run_line_magic("store", name)
        for path in (where / "profile").rglob("db/autorestore/*"):
            flush(path)

    def load(self, names: dict[str, Any], where: Path) -> dict[str, Any]:
        shell = _shell(where, {})
        shell.run_line_magic("store", "-r")
        return {name: shell.user_ns[name] for name in map(os.path.basename, shell.db.keys("autorestore/*"))}


def _shell(where: Path, names: dict[str, Any]) -> Any:
    """Return a shell with a database of its own; what it prints goes nowhere."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.profiledir import ProfileDir
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    profile = ProfileDir.create_profile_dir(str(where / "profile"))
    shell = InteractiveShell(
        config=config, profile_dir=profile, user_ns=dict(names), user_module=sys.modules["__main__"]
    )
    shell.run_line_magic("load_ext", "storemagic")
    return shell


PEERS: tuple[Contender, ...] = tuple(
    one
    for module, one in (("cloudpickle", Cloudpickle()), ("joblib", Joblib()), ("IPython", Store()))
    if importlib.util.find_spec(module) is not None
)
"""Those that are installed."""
