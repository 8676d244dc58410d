"""Real kernels for the tests: start one, run cells, look inside, interrupt it, kill it with SIGKILL.

Invariant: whatever a kernel writes stays below its machine's directory, and no kernel outlives its machine.
"""

from __future__ import annotations

import ast
import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_client.launcher import launch_kernel

TRANSPORT = "tcp" if sys.platform == "win32" else "ipc"
PATIENCE = 120.0
"""Seconds after which a kernel that does not answer fails the test."""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


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
        # However busy the machine is: autosave leaves no variable for later because of the time that it took.
        patient = "--SessionMagics.autosave_max_block=600"
        command = [python, "-m", "ipykernel_launcher", "-f", connection, patient]
        with self._log.open("wb") as log:
            self.process: subprocess.Popen[bytes] = launch_kernel(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log.fileno(),
                stderr=log.fileno(),
                env=dict(environment),
                cwd=str(cwd),
            )
        self._client: BlockingKernelClient | None = BlockingKernelClient()
        self._client.load_connection_file(connection)
        self._client.start_channels(stdin=False, hb=False)
        self._ready = False

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def submit(self, code: str, *, silent: bool = False, expressions: Mapping[str, str] | None = None) -> str:
        """Send a cell without waiting for it; ``finish`` takes the returned id."""
        self._wait_until_ready()
        return str(
            self._channel.execute(
                code, silent=silent, user_expressions=expressions, allow_stdin=False, stop_on_error=False
            )
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

    def run_in_subshell(self, code: str) -> None:
        """Run a cell in a new subshell of the kernel, which has a thread of its own; fails if it cannot."""
        self._wait_until_ready()
        client = self._channel
        client.control_channel.send(client.session.msg("create_subshell_request", {}))
        made = client.get_control_msg(timeout=PATIENCE)["content"]
        request = client.session.msg("execute_request", {"code": code, "silent": False, "store_history": True})
        request["header"]["subshell_id"] = made["subshell_id"]
        client.shell_channel.send(request)
        result = self.finish(str(request["header"]["msg_id"]))
        if result.error is not None:
            raise KernelError(f"{code}\n{result.complaint}")

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
        if self.process.poll() is None and "COVERAGE_PROCESS_CONFIG" in os.environ:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
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
        return str(shown["data"]["text/plain"] if shown["status"] == "ok" else shown["evalue"])[:600]


def _plain(output: Mapping[str, Any]) -> str:
    if output["type"] == "stream":
        return str(output["text"])
    return str(output["data"].get("text/plain", "")) + "\n"


def _failure(content: Mapping[str, Any]) -> Failure | None:
    if content.get("status") in ("abort", "aborted"):
        # After an error the kernel may refuse what was sent meanwhile, with no error of its own.
        return Failure("Aborted", "the kernel did not run the cell", "")
    if "ename" not in content:
        return None
    shown = _ANSI.sub("", "\n".join(content.get("traceback") or ()))
    return Failure(content["ename"], content["evalue"], shown)


def _tail(shown: Mapping[str, Any]) -> str:
    return _ANSI.sub("", "\n".join((shown.get("traceback") or [])[-3:]))


def _is_idle(message: Mapping[str, Any]) -> bool:
    return bool(message["msg_type"] == "status" and message["content"]["execution_state"] == "idle")


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
