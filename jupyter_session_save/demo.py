"""``jupyter session demo``: save a notebook, kill its kernel, resume in a fresh one, and compare.

Invariant: all of it happens in a temporary directory; no store or file of the user's is touched.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .display import human_seconds, one_line, plural
from .errors import SessionError

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

_EXTENSION = "%load_ext jupyter_session_save"
_SAVE = re.compile(r"^\s*(?:\w+\s*=\s*)?%?save_session[ \t]+([^-\s]\S*)", re.MULTILINE)
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
_PATIENCE = 300.0
"""Seconds that one cell may take."""

Output = tuple[str, str]
"""A kind (stream's name, MIME type or ``"error"``) and a text."""


class DemoError(SessionError):
    """The demo could not be run to its end."""


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook's code cells, and where it is cut.

    Attributes
    ----------
    cells : tuple of str
    save : int
        Index of the cell that saves.
    session : str
        The name it saves to.
    """

    cells: tuple[str, ...]
    save: int
    session: str


def run(path: Path | None = None) -> int:
    """Run the demo and print what happens.

    Parameters
    ----------
    path : Path, optional
        A notebook with a cell that runs ``%save_session NAME``; by default the packaged quickstart.

    Returns
    -------
    int
        0 if every later output is what it is without the interruption, else 1.

    Raises
    ------
    DemoError
        If packages of the ``demo`` extra are missing, a cell fails, or a kernel dies by itself.
    """
    start = time.monotonic()
    place = path or find_notebook()
    notebook = read_notebook(place.read_text(encoding="utf-8"), source=str(place))
    before, after = notebook.cells[: notebook.save + 1], notebook.cells[notebook.save + 1 :]
    with tempfile.TemporaryDirectory(prefix="session-demo-", ignore_cleanup_errors=True) as root:
        here = Path(root)
        _say(f"{place.name}: {plural(len(notebook.cells), 'cell')}, the save is in cell {notebook.save + 1}")
        with _kernel(here / "resumed") as first:
            saved = [first.run(cell) for cell in before][-1]
            _say(_shown(saved))
            first.kill()
        _say("killed that kernel (SIGKILL) and started another one")
        # The same directory: files that the notebook wrote are still there, as after a real crash.
        with _kernel(here / "resumed") as second:
            second.run(_EXTENSION)
            _say(_shown(second.run(f'%load_session "{notebook.session}"')))
            resumed = [second.run(cell) for cell in after]
        _say("running the whole notebook in a third kernel, without interruption")
        with _kernel(here / "whole") as third:
            whole = [third.run(cell) for cell in notebook.cells][notebook.save + 1 :]
    return _compare(after, resumed, whole, time.monotonic() - start)


def find_notebook() -> Path:
    """Return the quickstart: the packaged one, or in a checkout the one beside the package."""
    package = Path(str(resources.files(__package__)))
    for place in (
        package / "notebooks" / "quickstart.ipynb",
        package.parent / "notebooks" / "quickstart.ipynb",
    ):
        if place.is_file():
            return place
    raise DemoError("notebooks/quickstart.ipynb is not installed: install jupyter_session_save again")


def read_notebook(text: str, *, source: str) -> Notebook:
    """Read a notebook's code cells and find the one that saves.

    Raises
    ------
    DemoError
        If no cell, or only the last one, runs ``%save_session NAME``.
    """
    raw = json.loads(text)
    cells = tuple("".join(c["source"]) for c in raw["cells"] if c["cell_type"] == "code")
    cells = tuple(cell for cell in cells if cell.strip())
    for index, cell in enumerate(cells[:-1]):
        match = _SAVE.search(cell)
        if match:
            return Notebook(cells, index, match[1].strip("\"'"))
    raise DemoError(f"{source} has no %save_session NAME with cells after it: there is nothing to resume")


class _Kernel:
    """A real kernel and what its cells print."""

    def __init__(self, manager: Any, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def run(self, cell: str) -> list[Output]:
        """Run a cell and return its outputs."""
        outputs: dict[str, list[Output]] = {}
        errors: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            kind, content = message["header"]["msg_type"], message["content"]
            # A display that is updated counts once, with its last state.
            key = content.get("transient", {}).get("display_id") or f"#{len(outputs)}"
            if kind == "stream":
                outputs[key] = [(content["name"], content["text"])]
            elif kind in ("display_data", "execute_result", "update_display_data"):
                outputs[key] = [(mime, _text(data)) for mime, data in sorted(content["data"].items())]
            elif kind == "error":
                errors.append(f"{content['ename']}: {content['evalue']}")

        try:
            self._client.execute_interactive(cell, allow_stdin=False, output_hook=hook, timeout=_PATIENCE)
        except (TimeoutError, queue.Empty):
            raise DemoError(f"a cell did not end within {_PATIENCE:.0f} s: {one_line(cell, 60)}") from None
        if errors:
            raise DemoError(f"a cell failed with {one_line(errors[0], 200)}: {one_line(cell, 60)}")
        return _merged([output for group in outputs.values() for output in group])

    def kill(self) -> None:
        """Kill the process at once: SIGKILL where there are signals."""
        self._manager.shutdown_kernel(now=True)


@contextmanager
def _kernel(directory: Path) -> Iterator[_Kernel]:
    """Start a kernel of this very Python, with a store, key and configuration of its own."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager
        from jupyter_client.manager import KernelManager
    except ImportError as error:
        raise DemoError(f"the demo needs {error.name}: pip install 'jupyter_session_save[demo]'") from None
    work = directory / "work"
    work.mkdir(parents=True, exist_ok=True)
    spec = directory / "kernels" / "demo"
    spec.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "demo", "language": "python"}))
    own = {
        "JUPYTER_SESSION_STORE": str(directory / "store"),
        "JUPYTER_DATA_DIR": str(directory / "jupyter"),
        "IPYTHONDIR": str(directory / "ipython"),
        "PYTHONHASHSEED": "0",
    }
    package = Path(str(resources.files(__package__))).parent
    if package != Path(sysconfig.get_path("purelib")):
        # From a checkout: the kernel, which runs elsewhere, must find this very package.
        own["PYTHONPATH"] = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    specs = KernelSpecManager(kernel_dirs=[str(spec.parent)], ensure_native_kernel=False)
    sockets = tempfile.mkdtemp(prefix="k")
    manager = KernelManager(kernel_name="demo", kernel_spec_manager=specs)
    if sys.platform != "win32":
        # Unix sockets keep the kernel off the network; their paths must be short.
        manager.transport, manager.ip = "ipc", os.path.join(sockets, "s")
    manager.connection_file = os.path.join(sockets, "kernel.json")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        manager.start_kernel(cwd=str(work), env={**os.environ, **own}, stdout=nowhere, stderr=nowhere)
        client = manager.blocking_client()
        try:
            client.start_channels()
            try:
                client.wait_for_ready(timeout=_PATIENCE)
            except RuntimeError as error:
                raise DemoError(f"a kernel did not start: {error}") from None
            yield _Kernel(manager, client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            shutil.rmtree(sockets, ignore_errors=True)


def _compare(
    cells: Sequence[str], resumed: Sequence[list[Output]], whole: Sequence[list[Output]], seconds: float
) -> int:
    differing = 0
    for number, (cell, one, other) in enumerate(zip(cells, resumed, whole, strict=True), 1):
        same = _comparable(one) == _comparable(other)
        differing += not same
        title = next((line for line in cell.splitlines() if line.strip()), "")
        _say(f"  {'same     ' if same else 'DIFFERENT'}  cell {number} after the save: {one_line(title, 60)}")
        if not same:
            _say(f"    resumed:       {one_line(_shown(one), 200)}")
            _say(f"    uninterrupted: {one_line(_shown(other), 200)}")
    took = human_seconds(seconds)
    if differing:
        _say(f"{differing} of {plural(len(cells), 'later cell')} came out different ({took})")
        return 1
    _say(f"all {plural(len(cells), 'later cell')} came out as if the kernel had never died ({took})")
    return 0


def _comparable(outputs: Sequence[Output]) -> list[Output]:
    """Outputs without what differs between any two processes: addresses of objects."""
    return [(kind, _ADDRESS.sub("0x…", text)) for kind, text in outputs]


def _merged(outputs: Sequence[Output]) -> list[Output]:
    """Join neighbouring pieces of one stream: where a kernel flushes is chance."""
    joined: list[Output] = []
    for kind, text in outputs:
        if joined and kind in ("stdout", "stderr") and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined


def _shown(outputs: Sequence[Output]) -> str:
    return "\n".join(text.rstrip() for kind, text in outputs if kind in ("stdout", "stderr", "text/plain") and text)


def _text(data: Any) -> str:
    return data if isinstance(data, str) else json.dumps(data, sort_keys=True)


def _say(text: str) -> None:
    if text:
        print(text, flush=True)
