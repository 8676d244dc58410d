"""What an interrupt leaves behind that arrives at any point at which Python asks whether there is one."""

from __future__ import annotations

import dis
import gc
import itertools
import signal
import sys
from collections.abc import Callable
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

import pytest

from jupyter_session_save import autosave, interrupts, silence
from jupyter_session_save.pickling import collection_paused, scope


class Interrupt:
    """Traces the code of one file, and interrupts it before a step, counted from 1, at which Python would notice."""

    def __init__(self, file: str, at: int) -> None:
        self._file, self._left = file, at
        self._points: dict[CodeType, set[int]] = {}

    def __call__(self, frame: FrameType, event: str, arg: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != self._file:
            return None
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame: FrameType, event: str, arg: object) -> Callable[..., Any]:
        if event == "opcode" and frame.f_lasti in self._of(frame.f_code):
            self._left -= 1
            if not self._left:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return self._step

    def _of(self, code: CodeType) -> set[int]:
        if code not in self._points:
            steps = list(dis.get_instructions(code))
            before = ("RESUME", "CALL", "JUMP_BACKWARD")
            found = {b.offset for a, b in itertools.pairwise(steps) if a.opname.startswith(before)}
            self._points[code] = found
        return self._points[code]


def everywhere(file: str | None, action: Callable[[], object], after: Callable[[], None], *, least: int) -> None:
    """Interrupt an action at each point in turn, looking at what is left each time."""
    assert file is not None
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    traced, at, kept = sys.gettrace(), 0, list[BaseException]()
    try:
        while True:
            at += 1
            interrupted = False
            sys.settrace(Interrupt(file, at))
            try:
                action()
                interrupted = sys.gettrace() is None
            except KeyboardInterrupt as error:
                # As IPython does: what the traceback holds does not end.
                interrupted, kept = True, [*kept, error]
            finally:
                sys.settrace(traced)
            after()
            if not interrupted:
                # From 3.12 on steps are not told reliably to a tracer that was there before.
                assert at > least or sys.version_info >= (3, 12)
                return
    finally:
        signal.signal(signal.SIGINT, usual)


def test_what_the_user_prints_shows_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    def after() -> None:
        print("shown")
        assert capsys.readouterr().out == "shown\n"

    display = SimpleNamespace(publish=print, clear_output=print)
    shell = SimpleNamespace(display_pub=display)
    everywhere(silence.__file__, lambda: silence.silently(shell, lambda: None), after, least=20)
    silence.silently(shell, lambda: print("not shown"))
    silence.silently(shell, lambda: display.publish("not shown"))
    after()


def test_the_next_one_is_heard_like_any_other() -> None:
    def after() -> None:
        assert interrupts.stopping(OSError) == (KeyboardInterrupt, OSError)
        heard()
        interrupts.check()

    @interrupts.watched
    def heard() -> None:
        interrupts.check()
        assert interrupts.stopping(OSError) == (OSError,)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert interrupts.stopping(OSError) == (BaseException,)

    everywhere(interrupts.__file__, interrupts.watched(lambda: None), after, least=5)


def test_the_collector_is_on_again_after_it() -> None:
    def after() -> None:
        assert gc.isenabled()

    def pausing() -> None:
        with collection_paused():
            pass

    everywhere(scope.__file__, pausing, after, least=3)


class _Tracker:
    """One of which nothing but that it is called matters."""

    current, name, unsettled = None, "nb", ()

    def __init__(self) -> None:
        self.saved = self.touched = 0

    def touch(self, reach: object) -> None:
        self.touched += 1

    def save(self, **options: object) -> None:
        self.saved += 1

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: 0.0 if name == "unseen" else None


def test_autosave_goes_on_and_lets_everything_count_that_was_not_looked_at() -> None:
    shell = SimpleNamespace(transform_cell=lambda raw: raw, log=SimpleNamespace(warning=print))
    tracker = _Tracker()
    tracker.repository = SimpleNamespace(store=None)  # type: ignore[attr-defined]
    ours = autosave.Autosave(shell, tracker, autosave.Settings)  # type: ignore[arg-type]
    info = SimpleNamespace(raw_cell="x = 1", store_history=True, silent=False)
    result = SimpleNamespace(info=info, execution_count=1, error_before_exec=None)

    def cell() -> None:
        ours.before()
        ours.announced(info)
        ours.between()
        ours.after(result)

    def after() -> None:
        saved, touched = tracker.saved, tracker.touched
        cell()
        assert tracker.saved > saved and tracker.touched > touched
        assert ours.catch_up(lambda _: ()) is None

    everywhere(autosave.__file__, cell, after, least=50)
