"""The interpreter and the packages that a snapshot was made with, and what it means that they differ now.

Invariant: looking up a version imports nothing.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import platform
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from importlib.machinery import PathFinder
from pathlib import Path

from blake3 import blake3

from .errors import said
from .snapshot import Environment

LOAD_AGAIN = " and load again"
"""Ends the advice for what another load can make, once something is there that is missing now."""

_SOURCE = "source "
_INSTALLED_AS = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def current(modules: Iterable[str]) -> Environment:
    """Return this interpreter's versions, with those of some top-level modules."""
    packages, paths = {}, {}
    for module in sorted(set(modules)):
        if module and module not in sys.stdlib_module_names and module not in ("__main__", "builtins"):
            version = version_of(module)
            if version:
                packages[module] = version
            if version.startswith(_SOURCE):
                paths[module] = str(_directory(module))
    return Environment(
        python=platform.python_version(),
        implementation=sys.implementation.name,
        platform=_platform(),
        packages=packages,
        paths=paths,
    )


_LACKED: dict[str, tuple[str, str]] = {}
"""Versions and directories of modules that loads have looked for in vain: what needs them can be saved again."""


def to_save(modules: Collection[str]) -> Environment:
    """Return the same for a save, with what is known of modules that cannot be found here."""
    made = current(modules)
    lacked = {module: _LACKED[module] for module in missing({*modules} & _LACKED.keys())}
    if not lacked:
        return made
    versions = {module: version for module, (version, _) in lacked.items()}
    directories = {module: directory for module, (_, directory) in lacked.items() if directory}
    return replace(made, packages={**made.packages, **versions}, paths={**made.paths, **directories})


@functools.cache
def _platform() -> str:
    """Return system, release and machine; `platform.platform` starts another process to know more."""
    return f"{platform.system()}-{platform.release()}-{platform.machine()}"


def version_of(module: str) -> str:
    """Return a module's version; for a file of the user's own, which has none, a digest of its source."""
    # This package has a version even where it is run from a checkout, which it would take long to read.
    if module != __package__ and _is_own(module):
        return _source_digest(module)
    # Read past a module's own `__getattr__`, which may do anything.
    version = getattr(sys.modules.get(module), "__dict__", {}).get("__version__")
    if type(version) is str:
        return version
    try:
        return importlib.metadata.version(_INSTALLED_AS.get(module, module))
    except importlib.metadata.PackageNotFoundError:
        return _source_digest(module)


def _is_own(module: str) -> bool:
    """Whether a module is a file of the user's own, which no package index knows."""
    origin = getattr(getattr(sys.modules.get(module), "__spec__", None), "origin", None)
    if type(origin) is not str or not origin.endswith(".py"):
        return False
    parts = set(Path(origin).parts)
    return not parts & {"site-packages", "dist-packages"}


def _directory(module: str) -> Path:
    """Return the directory that has to be on ``sys.path`` for a module of the user's own."""
    spec = importlib.util.find_spec(module)
    origin = Path(spec.origin or "").absolute() if spec else Path()
    return origin.parent.parent if spec and spec.submodule_search_locations else origin.parent


def find_again(saved: Environment) -> list[str]:
    """Append the directories of the user's own modules to ``sys.path`` where the modules are not found otherwise.

    Returns
    -------
    list of str
        The directories that were appended, so that they can be taken away again.
    """
    added = []
    for module in missing(saved.paths):
        directory = saved.paths[module]
        if directory not in sys.path and Path(directory).is_dir():
            sys.path.append(directory)
            added.append(directory)
    return added


def not_found(saved: Environment, modules: Iterable[str]) -> list[str]:
    """Return which of some top-level modules a load would not find, though it looks where they stood, too."""
    lost = missing(modules)
    there = {m for m in lost if m in saved.paths and PathFinder.find_spec(m, [saved.paths[m]]) is not None}
    return [module for module in lost if module not in there]


def needed(saved: Environment, modules: Iterable[str]) -> str:
    """Say that modules are needed and not found here, in which version."""
    versions = {m: saved.packages.get(m, "") for m in modules}
    said = ", ".join(m if v.startswith(_SOURCE) else f"{m} {v}".strip() for m, v in versions.items())
    return f"needs {said}, which is not found here"


def _source_digest(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
        origin = Path(spec.origin) if spec is not None and spec.origin else None
        if origin is None or origin.suffix != ".py":
            return ""
        files = sorted(origin.parent.rglob("*.py")) if spec and spec.submodule_search_locations else [origin]
        return _SOURCE + blake3(b"".join(file.read_bytes() for file in files[:1000])).hexdigest()[:16]
    except (ImportError, ValueError, OSError, AttributeError):
        return ""


def differences(saved: Environment, users: Mapping[str, Collection[str]] | None = None) -> list[str]:
    """Return one line for each difference between a snapshot's environment and this one.

    Parameters
    ----------
    saved : Environment
    users : mapping of str to collection of str, optional
        The modules that matter, each with the variables that need it; by default all, with no variables named.
    """
    packages = {m: v for m, v in saved.packages.items() if users is None or m in users}
    now = current(packages)
    lines = []
    if (saved.implementation, _minor(saved.python)) != (now.implementation, _minor(now.python)):
        lines.append(
            f"saved with {_interpreter(saved)}, this is {_interpreter(now)}: functions are compiled from source"
        )
    if _kind(saved.platform) != _kind(now.platform):
        lines.append(f"saved on {saved.platform}, this is {now.platform}: paths and compiled parts may differ")
    for module, version in packages.items():
        here = now.packages.get(module, "")
        if here == version or not here:
            continue
        needed = _shortened((users or {}).get(module, ()))
        if version.startswith(_SOURCE) and here.startswith(_SOURCE):
            lines.append(f"{module} has changed since the save: its new code is used{needed}")
        else:
            lines.append(f"saved with {module} {_shown(version)}, here is {_shown(here)}{needed}")
    return lines


def _minor(python: str) -> str:
    return python.rpartition(".")[0]


def _interpreter(environment: Environment) -> str:
    name = "Python" if environment.implementation == "cpython" else environment.implementation
    return f"{name} {environment.python}"


def _kind(described: str) -> tuple[str, str]:
    """Return the system and the processor of a description that also names every patch of the kernel."""
    machines = ("x86_64", "amd64", "aarch64", "arm64", "i686")
    text = described.lower()
    machine = next((m for m in machines if m in text), "")
    return text.partition("-")[0], {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def _shown(version: str) -> str:
    return "a version of your own" if version.startswith(_SOURCE) else version


def _shortened(names: Collection[str]) -> str:
    """Return the variables that need a module, as the end of a line."""
    if not names:
        return ""
    shown = sorted(names)[:5]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f" (needed by {', '.join(shown)}{more})"


def missing(modules: Iterable[str]) -> list[str]:
    """Return which of some top-level modules cannot be found here."""
    lost = []
    for module in modules:
        # Top-level names only: looking for a module in a package would import the package.
        if module in sys.modules or module in ("", "__main__"):
            continue
        try:
            found = module.isidentifier() and importlib.util.find_spec(module) is not None
        except (ImportError, ValueError, AttributeError):
            found = False
        if not found:
            lost.append(module)
    return lost


def explain(error: BaseException, saved: Environment) -> tuple[str, str]:
    """Say why a value could not be restored and what to do.

    Parameters
    ----------
    error : BaseException
    saved : Environment

    Returns
    -------
    reason, advice : str
    """
    text = said(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        root = error.name.partition(".")[0]
        version = saved.packages.get(root, "")
        is_missing = bool(missing([root]))
        if is_missing and version:
            _LACKED[root] = version, saved.paths.get(root, "")
        if version.startswith(_SOURCE):
            return f"module {error.name} is not found", f"put {root}.py on sys.path{LOAD_AGAIN}"
        if is_missing:
            wanted = f"{_INSTALLED_AS.get(root, root)}=={version}" if version else _INSTALLED_AS.get(root, root)
            used = f" {version} (in use when it was saved)" if version else ""
            return f"module {root}{used} is not installed", f"pip install {wanted}{LOAD_AGAIN}"
    if isinstance(error, (ImportError, AttributeError)):
        versions = ", ".join(moved(saved, _module_of(error)))
        hint = f"; since the save: {versions}" if versions else ""
        return f"{text}{hint}", f"install the version that was in use{LOAD_AGAIN}"
    return text, "run the statement that made it again"


def moved(saved: Environment, only: str = "") -> list[str]:
    """Return the packages whose version differs, as ``name old -> new``; if `only` is among them, that one."""
    now = current(saved.packages)
    found = {
        module: f"{module} has changed"
        if version.startswith(_SOURCE) and now.packages[module].startswith(_SOURCE)
        else f"{module} {_shown(version)} -> {_shown(now.packages[module])}"
        for module, version in saved.packages.items()
        if module in now.packages and now.packages[module] != version
    }
    return [found[only]] if only in found else [*found.values()]


def _module_of(error: BaseException) -> str:
    """Return the top-level module in which something was looked for, ``""`` if the error does not say."""
    name = getattr(error, "name", None) if isinstance(error, ImportError) else None
    if type(name) is not str:
        found = re.search(r"module '([^']+)'", said(error))
        name = found[1] if found else ""
    return name.partition(".")[0]
