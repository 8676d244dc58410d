"""What threads read while the main thread goes on."""

from __future__ import annotations

import sys
import threading

import pytest

from jupyter_session_save import ahead
from jupyter_session_save.ahead import LEAST, Ahead
from jupyter_session_save.fingerprint import of_slices
from jupyter_session_save.pending import AbandonedError


def nothing() -> None:
    """Go on."""


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[memoryview]:
    monkeypatch.setattr(ahead, "_threads", lambda: 1)
    return [memoryview(bytes([n]) * (LEAST + n)) for n in range(5)]


def test_what_is_taken_is_what_reading_gives(views: list[memoryview]) -> None:
    with Ahead(nothing) as one:
        for n, view in enumerate(views[:4]):
            one.begin((n, view.nbytes), view)
        for n in (3, 0, 4, 1, 2):
            assert one.take((n, views[n].nbytes), views[n]) == of_slices(views[n], nothing)


def test_who_waits_reads_what_no_thread_has_begun_with(
    views: list[memoryview], monkeypatch: pytest.MonkeyPatch
) -> None:
    held, readers = threading.Event(), dict[int, str]()

    def noted(view: memoryview, pause: object) -> bytes:
        readers[view.nbytes - LEAST] = threading.current_thread().name
        if view.nbytes == LEAST:
            assert held.wait(60)
        elif view.nbytes == LEAST + 1:
            held.set()
        return of_slices(view, nothing)

    monkeypatch.setattr(ahead, "of_slices", noted)
    with Ahead(nothing) as one:
        for n, view in enumerate(views):
            one.begin((n, view.nbytes), view)
        found = [one.take((n, view.nbytes), view) for n, view in enumerate(views)]
    assert found == [of_slices(view, nothing) for view in views]
    assert readers[0].startswith("session-"), "taken for one of the user's otherwise"
    assert {readers[n] for n in range(1, 5)} == {threading.main_thread().name}


def test_little_is_left_to_the_caller(views: list[memoryview], monkeypatch: pytest.MonkeyPatch) -> None:
    with Ahead(nothing) as one:
        one.begin((0, LEAST - 1), views[0][1:])
        assert one._pool is None
        monkeypatch.setattr(ahead, "_threads", lambda: 0)
        one.begin((0, LEAST), views[0])
        assert one._pool is None


def test_threads_switch_as_before_when_all_is_over(views: list[memoryview]) -> None:
    before = sys.getswitchinterval()
    with Ahead(nothing) as one, Ahead(nothing) as other:
        one.begin((0, LEAST), views[0])
        assert sys.getswitchinterval() < before
        other.begin((0, LEAST), views[0])
        one.stop()
        assert sys.getswitchinterval() < before
        other.take((0, LEAST), views[0])
    assert sys.getswitchinterval() == before


def test_an_interrupt_stops_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_threads", lambda: 1)
    reading, stopped = threading.Event(), list[BaseException]()

    def endless(view: memoryview, pause: object) -> bytes:
        reading.set()
        try:
            while True:
                pause()  # type: ignore[operator]
        except AbandonedError as error:
            stopped.append(error)
            raise

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ahead, "of_slices", endless)
    view = memoryview(bytes(LEAST))
    with Ahead(interrupted) as one:
        one.begin((0, LEAST), view)
        assert reading.wait(60)
        with pytest.raises(KeyboardInterrupt):
            one.take((0, LEAST), view)
    assert stopped
    view.release()
