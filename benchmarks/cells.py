"""Run cells in a real kernel, and measure each from its request to its reply, as somebody at a notebook waits for it.

Invariant: a kernel has a home, a Jupyter data directory and an IPython directory of its own, gone when it ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TIMEOUT = 600


class Kernel:
    """A running kernel."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, code: str) -> tuple[float, str]:
        """Run a cell; return the seconds until its reply, and what it printed. SystemExit if it fails."""
        said: list[str] = []

        def keep(message: dict[str, Any]) -> None:
            content = message["content"]
            said.append(str(content.get("text") or content.get("data", {}).get("text/plain", "")))

        started = time.perf_counter()
        request = self._client.execute(code)
        reply = self._client.get_shell_msg(timeout=_TIMEOUT)
        while reply["parent_header"].get("msg_id") != request:  # to one of the questions whether the kernel is ready
            reply = self._client.get_shell_msg(timeout=_TIMEOUT)
        seconds = time.perf_counter() - started
        while True:
            message = self._client.get_iopub_msg(timeout=_TIMEOUT)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            keep(message)
        if reply["content"]["status"] != "ok":
            raise SystemExit(f"a cell failed: {code[:200]}\n{reply['content'].get('evalue')}")
        return seconds, "".join(said)


@contextmanager
def kernel(python: str, home: Path, environment: dict[str, str]) -> Iterator[Kernel]:
    """Start a kernel of an interpreter, below a directory."""
    from jupyter_client.manager import KernelManager

    home.mkdir(parents=True, exist_ok=True)
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[0] = python
    own = {"HOME": str(home), "JUPYTER_DATA_DIR": str(home / "jupyter"), "IPYTHONDIR": str(home / "ipython")}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager.start_kernel(cwd=str(home), env={**os.environ, **own, **environment}, **quiet)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class Off:
    """No automatic saving."""

    name, python, first = "off", sys.executable, ""

    def environment(self, home: Path) -> dict[str, str]:
        """Prepare the directory; return what the kernel's environment needs."""
        return {}

    def stored(self, home: Path) -> int:
        """Return the bytes on disk."""
        return 0


class Autosave(Off):
    """This project's hook."""

    name = "session"
    first = "%load_ext jupyter_session_save\n%autosave_session on --name bench"

    def environment(self, home: Path) -> dict[str, str]:
        return {"JUPYTER_SESSION_STORE": str(home / "store"), "PYTHONPATH": str(Path(__file__).parent.parent)}

    def stored(self, home: Path) -> int:
        return sum(file.stat().st_size for file in (home / "store").rglob("*") if file.is_file())


class Kishu(Off):
    """Kishu, in an environment of its own."""

    name = "Kishu"
    first = "from kishu import init_kishu; init_kishu()"

    def __init__(self, python: str) -> None:
        self.python = python

    def environment(self, home: Path) -> dict[str, str]:
        home.mkdir(parents=True, exist_ok=True)
        notebook = {
            "cells": [],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "python3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (home / "bench.ipynb").write_text(json.dumps(notebook), "utf-8")
        # Without a notebook server Kishu finds its notebook only in this mode.
        return {"ENV_KISHU_TEST_MODE": "1", "TEST_NOTEBOOK_PATH": str(home / "bench.ipynb"), "PYTHONPATH": ""}

    def stored(self, home: Path) -> int:
        return sum(file.stat().st_size for file in home.glob("*.kishudb*"))


def run_all(watcher: Off, home: Path, cells: Sequence[tuple[str, str]], check: str) -> dict[str, Any]:
    """Run cells under a watcher; return the seconds of each, what the check printed, and the bytes stored."""
    with kernel(watcher.python, home, watcher.environment(home)) as running:
        if watcher.first:
            running.run(watcher.first)
        seconds = [running.run(code)[0] for _, code in cells]
        _, said = running.run(check)
        return {"cells": seconds, "total": sum(seconds), "said": said, "stored": watcher.stored(home)}
