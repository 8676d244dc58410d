"""One user's computer for a test: where kernels A and B live, what is stored there, and what a report said.

Invariant: a kernel here sees no home, configuration, store or key but the machine's own.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .kernels import PATIENCE, Kernel, KernelError

ROOT = Path(__file__).resolve().parent.parent

_FACTS = """{{
    'reference': f'{{{0}.reference}}',
    'states': {{v.name: v.state for v in {0}.variables}},
    'problems': [
        (p.path, p.type, p.reason, p.advice)
        for v in {0}.variables
        if v.state == 'placeholder'
        for p in v.problems
    ],
    'notes': [*{0}.notes],
    'text': f'{{{0}!r}}',
}}"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One placeholder as a report names it."""

    path: str
    type: str
    reason: str
    advice: str

    @property
    def root(self) -> str:
        """The variable that the culprit belongs to."""
        return re.split(r"\W", self.path, maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Facts:
    """A save or load report, brought out of the kernel."""

    reference: str
    states: dict[str, str]
    placeholders: tuple[Finding, ...]
    notes: tuple[str, ...]
    text: str

    @property
    def roots(self) -> set[str]:
        """The variables that are, or hold, a placeholder."""
        return {finding.root for finding in self.placeholders}


class Machine:
    """One user's computer below a directory: a home, a store, a project, and kernels that see nothing else.

    Parameters
    ----------
    root : Path
    shared : mapping of str to str
        More environment for every kernel.
    """

    def __init__(self, root: Path, shared: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.project = root / "project"
        self.store = root / "store"
        self.project.mkdir(parents=True)
        self._shared = dict(shared or {})
        self._kernels: list[Kernel] = []
        self._spare: Kernel | None = None

    def environment(self) -> dict[str, str]:
        """The environment of every kernel here."""
        home = self.root / "home"
        home.mkdir(exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "JPY_", "MPL"))}
        own = {
            "HOME": str(home),
            "USERPROFILE": str(home),
            "JUPYTER_DATA_DIR": str(self.root / "jupyter"),
            "JUPYTER_CONFIG_DIR": str(self.root / "jupyter-config"),
            "JUPYTER_RUNTIME_DIR": str(self.root / "jupyter-runtime"),
            "IPYTHONDIR": str(self.root / "ipython"),
            "JUPYTER_SESSION_STORE": str(self.store),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        return {**inherited, **own, **self._shared}

    def kernel(
        self, *, python: str = sys.executable, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Kernel:
        """Start a kernel; its first cell waits until it is ready."""
        kernel = Kernel({**self.environment(), **(env or {})}, cwd or self.project, python=python)
        self._kernels.append(kernel)
        return kernel

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.project / name
        path.write_text(text, encoding="utf-8")
        return path

    def begin(self, *cells: str) -> Kernel:
        """Kernel A: fresh, with the extension, ``sentinel = 1`` and the given cells run."""
        kernel = self.kernel()
        # Kernel B starts meanwhile: starting is most of a case's time.
        self._spare = self._spare or self.kernel()
        for cell in ("%load_ext jupyter_session_save", "sentinel = 1", *cells):
            kernel.run(cell)
        return kernel

    def save(self, *cells: str, options: str = "") -> Facts:
        """Run cells in kernel A, save as ``case``, kill it, and return what the save reported."""
        kernel = self.begin(*cells)
        facts = save(kernel, options)
        kernel.sigkill()
        return facts

    def load(
        self, *before: str, options: str = "", cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Kernel:
        """Kernel B: fresh, with ``case`` loaded (its report is ``loaded``), and found to be in order."""
        kernel = self.fresh() if cwd is None and env is None else self.kernel(cwd=cwd, env=env)
        for cell in ("%load_ext jupyter_session_save", *before):
            kernel.run(cell)
        kernel.run(f"loaded = %load_session case {options}".rstrip())
        alive(kernel)
        return kernel

    def fresh(self) -> Kernel:
        """A kernel in which nothing has run."""
        kernel, self._spare = self._spare or self.kernel(), None
        return kernel

    def stored(self) -> dict[str, bytes]:
        """Every file of the store, by its path there."""
        files = (p for p in sorted(self.store.rglob("*")) if p.is_file())
        return {p.relative_to(self.store).as_posix(): p.read_bytes() for p in files}

    def modes(self) -> dict[str, int]:
        """The permission bits of everything in the store."""
        return {str(p): stat.S_IMODE(p.lstat().st_mode) for p in [self.store, *self.store.rglob("*")]}

    def close(self) -> None:
        """End all kernels."""
        for kernel in self._kernels:
            kernel.close()


def read_report(kernel: Kernel, name: str) -> Facts:
    """Bring the report bound to a name out of the kernel."""
    raw = kernel.get(_FACTS.format(name))
    findings = tuple(Finding(*row) for row in raw["problems"])
    return Facts(raw["reference"], raw["states"], findings, tuple(raw["notes"]), raw["text"])


def save(kernel: Kernel, options: str = "") -> Facts:
    """Save as ``case`` and return what the report says."""
    kernel.run(f"saved = %save_session case {options}".rstrip())
    return read_report(kernel, "saved")


def alive(kernel: Kernel) -> None:
    """Assert what every case promises: the sentinel came back, and the kernel still runs cells."""
    kernel.check("sentinel == 1")
    if kernel.run("assert sentinel + 1 == 2\nprint('alive')").text.strip() != "alive":
        raise KernelError("the kernel no longer runs cells")


def is_placeholder(expression: str) -> str:
    """Code that is true if the expression's value is a placeholder."""
    kind = f"type({expression})"
    return f"{kind}.__name__ == 'Placeholder' and {kind}.__module__.startswith('jupyter_session_save')"


@contextlib.contextmanager
def never_idle(kernel: Kernel) -> Iterator[None]:
    """Let autosave believe that a cell always waits: it does nothing between cells, however long they wait."""
    own = "__import__('jupyter_session_save.idle').idle.__dict__"
    kernel.get(f"(lambda own: own.update(asks=own['message_waits'], message_waits=lambda kernel: True))({own})")
    yield
    if kernel.process.poll() is None:
        kernel.get(f"(lambda own: own.update(message_waits=own.pop('asks')))({own})")


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something outside has happened."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise KernelError(f"{what} did not happen")
        time.sleep(0.02)
