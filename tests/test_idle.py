"""Work between cells is given up as soon as a request comes, and not for what is no request."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_session_save.idle import Idle, message_arrives, message_waits
from jupyter_session_save.pickling import GiveWay

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows tells nothing of the sockets of a kernel")


class Channel:
    """A pair of sockets, of which one is read."""

    def __init__(self) -> None:
        self.socket, self._other = socket.socketpair()

    def send(self) -> None:
        self._other.send(b".")

    def read(self) -> None:
        self.socket.recv(1)

    def close(self) -> None:
        self.socket.close()
        self._other.close()


@pytest.fixture
def channels() -> Iterator[tuple[Channel, Channel]]:
    made = Channel(), Channel()
    yield made
    for one in made:
        one.close()


@pytest.fixture
def shell(channels: tuple[Channel, Channel]) -> Channel:
    return channels[0]


@pytest.fixture
def main(channels: tuple[Channel, Channel]) -> Channel:
    return channels[1]


def reading_in_a_thread(shell: Channel, main: Channel) -> Any:
    """A kernel as of ipykernel 7."""
    pair = SimpleNamespace(to_socket=main.socket)
    thread = SimpleNamespace(manager=SimpleNamespace(_shell_channel_to_main=pair))
    return SimpleNamespace(shell_channel_thread=thread, shell_stream=shell)


def reading_itself(shell: Channel, _: Channel) -> Any:
    """A kernel as of ipykernel 6."""
    return SimpleNamespace(shell_stream=shell)


def steps(kernel: Any, work: Callable[[int, Callable[[], None]], float | None]) -> int:
    """Run work on a loop until it returns None; return how often it was given up."""
    done = asyncio.Event()
    number = given_up = 0

    def one(pause: Callable[[], None]) -> float | None:
        nonlocal number, given_up
        number += 1
        try:
            delay = work(number, pause)
        except GiveWay:
            given_up += 1
            raise
        if delay is None:
            done.set()
        return delay

    async def run() -> None:
        idle = Idle(kernel, one)
        assert idle.start(0.0)
        await asyncio.wait_for(done.wait(), 60)
        idle.stop()

    asyncio.run(run())
    return given_up


def asking(pause: Callable[[], None]) -> None:
    """Ask for longer than two questions have to be apart."""
    for _ in range(200_000):
        pause()


def test_what_can_be_seen_of_each_kernel(shell: Channel, main: Channel) -> None:
    new, old = reading_in_a_thread(shell, main), reading_itself(shell, main)
    assert (message_waits(new), message_arrives(new), message_waits(old), message_arrives(old)) == (False,) * 4
    shell.send()
    assert (message_waits(new), message_arrives(new), message_waits(old), message_arrives(old)) == (
        (False, True, True, False)
    )
    shell.read()
    main.send()
    assert (message_waits(new), message_arrives(new)) == (True, False)
    assert message_waits(SimpleNamespace()) is message_waits(None) is None
    assert message_arrives(SimpleNamespace()) is message_arrives(None) is False


@pytest.mark.parametrize("kind", [reading_in_a_thread, reading_itself])
def test_work_is_given_up_for_a_request_that_nobody_has_read_yet(kind: Any, shell: Channel, main: Channel) -> None:
    def work(number: int, pause: Callable[[], None]) -> float | None:
        if number > 1:
            return None
        asking(pause)
        shell.send()
        try:
            asking(pause)
        finally:
            shell.read()  # As its thread does once it can.
        return None

    assert steps(kind(shell, main), work) == 1


def test_what_the_thread_leaves_unread_is_no_request(shell: Channel, main: Channel) -> None:
    shell.send()

    def work(number: int, pause: Callable[[], None]) -> float | None:
        asking(pause)
        if number == 1:
            main.send()
            try:
                asking(pause)
            finally:
                main.read()
        return None

    assert steps(reading_in_a_thread(shell, main), work) == 1


def test_where_nothing_can_be_seen_work_is_given_up_now_and_then_but_comes_to_an_end() -> None:
    def work(number: int, pause: Callable[[], None]) -> float | None:
        begun = time.perf_counter()
        while time.perf_counter() < begun + 0.3:
            pause()
        return None

    assert 1 < steps(None, work) < 6
