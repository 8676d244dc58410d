"""Real kernels for the tests: start one, run cells, look inside, interrupt it, kill it with SIGKILL.

Invariant: whatever a kernel writes stays below its machine's directory, and no kernel outlives its machine.
"""

from __future__ import annotations

import ast
import os
import queue
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_client.launcher import launch_kernel

ROOT = Path(__file__).resolve().parent.parent
TRANSPORT = "tcp" if sys.platform == "win32" else "ipc"
PATIENCE = 120.0
"""Seconds after which a kernel that does not answer fails the test."""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FACTS = """{{
    'reference': f'{{{0}.reference}}',
    'states': {{v.name: v.state for v in {0}.variables}},
    'problems': [
        (p.path, p.type, p.reason, p.advice) for v in {0}.variables if v.state == 'placeholder' for p in v.problems
    ],
    'notes': [*{0}.notes],
    'text': f'{{{0}!r}}',
}}"""


class KernelError(AssertionError):
    """A cell failed that should not have."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a cell: exception class, its message, and the traceback as shown."""

    name: str
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Result:
    """What one cell produced; ``outputs`` are messages in order, each with its ``type``."""

    count: int | None
    outputs: tuple[dict[str, Any], ...]
    error: Failure | None

    def stream(self, name: str) -> str:
        """Everything written to ``"stdout"`` or ``"stderr"``, without colours."""
        return _ANSI.sub("", "".join(o["text"] for o in self.outputs if o.get("name") == name))

    @property
    def displays(self) -> tuple[dict[str, Any], ...]:
        """The MIME bundles that were displayed or returned."""
        return tuple(o["data"] for o in self.outputs if "data" in o)

    @property
    def text(self) -> str:
        """Standard output and the plain text of all displays, in the order of the cell."""
        return _ANSI.sub("", "".join(_plain(o) for o in self.outputs if o.get("name") != "stderr"))

    @property
    def complaint(self) -> str:
        """What a user sees of a failure: standard error and the traceback."""
        shown = self.error.traceback if self.error else ""
        return (self.stream("stderr") + shown).strip()


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


class Kernel:
    """One kernel process and a client to it.

    Parameters
    ----------
    environment : mapping of str to str
        The whole environment of the process.
    cwd : Path
    python : str
        The interpreter that runs the kernel.
    """

    def __init__(self, environment: Mapping[str, str], cwd: Path, *, python: str = sys.executable) -> None:
        # Unix sockets have short names (104 bytes on macOS), so they cannot stand below pytest's tmp_path.
        self._sockets = tempfile.mkdtemp(prefix="k")
        connection = os.path.join(self._sockets, "c.json")
        ip = os.path.join(self._sockets, "s") if TRANSPORT == "ipc" else ""
        write_connection_file(connection, transport=TRANSPORT, ip=ip, key=os.urandom(16).hex().encode())
        self._log = Path(self._sockets, "log")
        command = [python, "-m", "ipykernel_launcher", "-f", connection]
        with self._log.open("wb") as log:
            self.process: subprocess.Popen[bytes] = launch_kernel(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment), cwd=str(cwd)
            )
        self._client: BlockingKernelClient | None = BlockingKernelClient()
        self._client.load_connection_file(connection)
        self._client.start_channels(stdin=False, hb=False)
        self._ready = False

    def __enter__(self) -> Kernel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, code: str, *, silent: bool = False, expressions: Mapping[str, str] | None = None) -> str:
        """Send a cell without waiting for it; ``finish`` takes the returned id."""
        self._wait_until_ready()
        return str(
            self._channel.execute(code, silent=silent, user_expressions=expressions, allow_stdin=False)
        )

    def finish(self, request: str, *, timeout: float = PATIENCE) -> Result:
        """Wait for a submitted cell and return what it produced."""
        outputs, error = self._collect(request, timeout)
        reply = self._reply(request, timeout)
        return Result(reply.get("execution_count"), tuple(outputs), error or _failure(reply))

    def run(self, code: str, *, timeout: float = PATIENCE, check: bool = True) -> Result:
        """Run a cell.

        Parameters
        ----------
        code : str
        timeout : float
            Seconds.
        check : bool
            Raise if the cell fails.

        Raises
        ------
        KernelError
            If the cell failed, the kernel died, or the time ran out.
        """
        result = self.finish(self.submit(code), timeout=timeout)
        if check and result.error is not None:
            raise KernelError(f"{code}\n{result.complaint}")
        return result

    def get(self, expression: str) -> Any:
        """Evaluate an expression in the kernel, leaving no trace there, and bring its literal here."""
        shown = self._evaluate(expression)
        if shown["status"] != "ok":
            raise KernelError(f"{expression}: {shown['ename']}: {shown['evalue']}\n{_tail(shown)}")
        return ast.literal_eval(shown["data"]["text/plain"])

    def check(self, *expressions: str) -> None:
        """Assert that each expression is true inside the kernel; a failure shows the values on both sides."""
        for expression in expressions:
            verdict = self._evaluate(f"not not ({expression})")
            if verdict["status"] != "ok":
                raise KernelError(f"{expression}: {verdict['ename']}: {verdict['evalue']}\n{_tail(verdict)}")
            if verdict["data"]["text/plain"] != "True":
                shown = [f"    {part} = {self._show(part)}" for part in _operands(expression)]
                raise KernelError("\n".join([f"not so: {expression}", *shown]))

    def facts(self, report: str) -> Facts:
        """Bring the report bound to a name out of the kernel."""
        raw = self.get(_FACTS.format(report))
        findings = tuple(Finding(*row) for row in raw["problems"])
        return Facts(raw["reference"], raw["states"], findings, tuple(raw["notes"]), raw["text"])

    def interrupt(self) -> None:
        """Interrupt as a front end does: SIGINT, or its event on Windows."""
        if sys.platform == "win32":
            from jupyter_client.win_interrupt import send_interrupt

            send_interrupt(self.process.win32_interrupt_event)  # type: ignore[attr-defined]
        else:
            self.process.send_signal(signal.SIGINT)

    def sigkill(self) -> None:
        """Kill the process at once, and wait until the system has forgotten it."""
        self.process.kill()
        self.wait_dead()
        if sys.platform != "win32" and self.process.returncode != -signal.SIGKILL:
            raise KernelError(f"the kernel had ended by itself with {self.process.returncode}\n{self.log()}")

    def wait_dead(self) -> None:
        """Wait until the process has ended, reap it, and let go of the client."""
        self.process.wait(timeout=PATIENCE)
        if self._client is not None:
            self._client.stop_channels()
            self._client = None

    def log(self) -> str:
        """What the process wrote to its own standard streams."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Kill the process if it lives, and remove its sockets."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait_dead()
        shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def _channel(self) -> BlockingKernelClient:
        if self._client is None:
            raise KernelError("the kernel is dead")
        return self._client

    def _wait_until_ready(self) -> None:
        """Ask until both channels answer: a subscriber that joined late misses the first messages."""
        deadline = time.monotonic() + PATIENCE
        while not self._ready:
            self._still_alive(deadline)
            request = self._channel.kernel_info()
            with suppress(queue.Empty):
                while self._channel.get_shell_msg(timeout=1.0)["parent_header"].get("msg_id") != request:
                    continue
                while not self._ready:
                    message = self._channel.get_iopub_msg(timeout=0.5)
                    self._ready = message["parent_header"].get("msg_id") == request and _is_idle(message)

    def _still_alive(self, deadline: float) -> None:
        if self.process.poll() is not None:
            raise KernelError(f"the kernel ended with {self.process.returncode}\n{self.log()}")
        if time.monotonic() > deadline:
            raise KernelError(f"the kernel did not answer in time\n{self.log()}")

    def _collect(self, request: str, timeout: float) -> tuple[list[dict[str, Any]], Failure | None]:
        """All messages of a request up to idle."""
        outputs: list[dict[str, Any]] = []
        error: Failure | None = None
        deadline = time.monotonic() + timeout
        while True:
            try:
                message = self._channel.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                self._still_alive(deadline)
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                outputs.append({"type": kind, "name": content["name"], "text": content["text"]})
            elif kind in ("display_data", "execute_result", "update_display_data"):
                outputs.append({"type": kind, "data": content["data"]})
            elif kind == "error":
                error = _failure(content)
            elif _is_idle(message):
                return outputs, error

    def _reply(self, request: str, timeout: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            try:
                message = self._channel.get_shell_msg(timeout=0.5)
            except queue.Empty:
                self._still_alive(deadline)
                continue
            if message["parent_header"].get("msg_id") == request:
                return dict(message["content"])

    def _evaluate(self, expression: str) -> dict[str, Any]:
        request = self.submit("", silent=True, expressions={"it": expression})
        self._collect(request, PATIENCE)
        reply = self._reply(request, PATIENCE)
        if reply["status"] != "ok":
            raise KernelError(f"{expression}: the kernel answered {reply}")
        return dict(reply["user_expressions"]["it"])

    def _show(self, expression: str) -> str:
        shown = self._evaluate(expression)
        return str(shown["data"]["text/plain"] if shown["status"] == "ok" else shown["evalue"])[:2000]


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
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "JPY_", "MPL"))
        }
        own = {
            "HOME": str(home),
            "USERPROFILE": str(home),
            "JUPYTER_DATA_DIR": str(self.root / "jupyter"),
            "JUPYTER_CONFIG_DIR": str(self.root / "jupyter-config"),
            "JUPYTER_RUNTIME_DIR": str(self.root / "jupyter-runtime"),
            "IPYTHONDIR": str(self.root / "ipython"),
            "JUPYTER_SESSION_STORE": str(self.store),
            "PYTHONPATH": str(ROOT),
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


def save(kernel: Kernel, options: str = "") -> Facts:
    """Save as ``case`` and return what the report says."""
    kernel.run(f"saved = %save_session case {options}".rstrip())
    return kernel.facts("saved")


def alive(kernel: Kernel) -> None:
    """Assert what every case promises: the sentinel came back, and the kernel still runs cells."""
    kernel.check("sentinel == 1")
    if kernel.run("assert sentinel + 1 == 2\nprint('alive')").text.strip() != "alive":
        raise KernelError("the kernel no longer runs cells")


def is_placeholder(expression: str) -> str:
    """Code that is true if the expression's value is a placeholder."""
    kind = f"type({expression})"
    return f"{kind}.__name__ == 'Placeholder' and {kind}.__module__.startswith('jupyter_session_save')"


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something outside has happened."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise KernelError(f"{what} did not happen")
        time.sleep(0.02)


def _plain(output: Mapping[str, Any]) -> str:
    if output["type"] == "stream":
        return str(output["text"])
    return str(output["data"].get("text/plain", "")) + "\n"


def _failure(content: Mapping[str, Any]) -> Failure | None:
    if "ename" not in content:
        return None
    shown = _ANSI.sub("", "\n".join(content.get("traceback") or ()))
    return Failure(content["ename"], content["evalue"], shown)


def _tail(shown: Mapping[str, Any]) -> str:
    return _ANSI.sub("", "\n".join((shown.get("traceback") or [])[-3:]))


def _is_idle(message: Mapping[str, Any]) -> bool:
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def _operands(expression: str) -> list[str]:
    node = ast.parse(expression.strip(), mode="eval").body
    parts: list[ast.expr] = []
    if isinstance(node, ast.Compare):
        parts = [node.left, *node.comparators]
    elif isinstance(node, ast.BoolOp):
        parts = node.values
    elif isinstance(node, ast.UnaryOp):
        parts = [node.operand]
    elif isinstance(node, ast.Call):
        parts = node.args
    return [ast.unparse(part) for part in parts]
