"""Where progress shows: a display that is updated in kernels, a line that is written over in terminals."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.display import display

from ..display import ProgressMeter, columns_of, progress_html

_NOTHING = {"text/plain": "", "text/html": ""}


@contextmanager
def meter(shell: Any, *, after: float) -> Iterator[ProgressMeter]:
    """Yield a progress callback that is silent for `after` seconds, and clear what it has shown at the end."""
    sink: _Sink = _KernelLine() if hasattr(shell, "kernel") else _TerminalLine()
    progress = ProgressMeter(sink.show, after=after)
    try:
        yield progress
    finally:
        if progress.shown:
            sink.clear()


class _Sink:
    """Where progress is shown."""

    def show(self, line: str, share: float) -> None:
        raise NotImplementedError

    def clear(self) -> None:
        raise NotImplementedError


class _KernelLine(_Sink):
    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, line: str, share: float) -> None:
        self._send({"text/plain": line, "text/html": progress_html(line, share)})

    def clear(self) -> None:
        self._send(_NOTHING)

    def _send(self, bundle: dict[str, str]) -> None:
        if self._handle is None:
            # Empty at first: a front end that knows no updates would keep for good what it is shown here.
            self._handle = display(_NOTHING, raw=True, display_id=True)
        self._handle.update(bundle, raw=True)


class _TerminalLine(_Sink):
    def __init__(self) -> None:
        self._columns = 0

    def show(self, line: str, share: float) -> None:
        self._write(line)
        self._columns = columns_of(line)

    def clear(self) -> None:
        self._write("")

    def _write(self, line: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r" + line + " " * max(0, self._columns - columns_of(line)))
            sys.stderr.write("" if line else "\r")
            sys.stderr.flush()
