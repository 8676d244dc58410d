"""SIGKILL at fifty random points of a save: earlier snapshots always load, the new one is whole or absent.

A plain Python process saves generation after generation of a namespace; every byte follows from the number.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jupyter_session_save
from jupyter_session_save.repository import Repository

from .machine import ROOT, Machine

KILLS = 50
CHILD = """\
import sys, time
from tests.test_kill import generation
import jupyter_session_save
for number in range(100):
    namespace = generation(number)
    print("saving", number, flush=True)
    began = time.perf_counter()
    jupyter_session_save.save("case", namespace)
    print("saved", number, time.perf_counter() - began, flush=True)
"""


def generation(number: int) -> dict[str, Any]:
    """A namespace of some 30 MB: arrays of several sizes, a view, containers of small objects, text."""
    rng = np.random.default_rng(number)
    large = rng.random(2_500_000)
    records = [{"number": number, "place": place, "tags": [str(place)]} for place in range(10_000)]
    return {
        "number": number,
        "large": large,
        "view": large[::1000],
        "whole": rng.integers(0, 1000, (1000, 1000)),
        "small": [rng.random(size) for size in (10, 1000, 100_000)],
        "records": records,
        "alias": records[number],
        "noise": rng.bytes(2_000_000),
    }


def assert_is(namespace: dict[str, Any], number: int) -> None:
    """Compare a loaded namespace with its generation, byte by byte."""
    expected = generation(number)
    assert namespace.keys() == expected.keys()
    # Not in one expression with the assert: pytest would look for minutes for what differs in megabytes.
    differ = [n for n in ("large", "view", "whole") if namespace[n].tobytes() != expected[n].tobytes()]
    differ += [n for n in ("large", "view", "whole") if namespace[n].dtype != expected[n].dtype]
    small = zip(namespace["small"], expected["small"], strict=True)
    differ += ["small" for array, other in small if array.tobytes() != other.tobytes()]
    differ += [n for n in ("number", "records", "alias", "noise") if namespace[n] != expected[n]]
    assert not differ
    assert namespace["alias"] is namespace["records"][number]
    assert np.shares_memory(namespace["view"], namespace["large"])


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_kill_during_a_save_costs_at_most_that_save(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, kill: int
) -> None:
    chance = random.Random(kill)
    environment = machine.environment()
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        lines: list[list[str]] = []
        while lines[-1:] != [["saving", "1"]]:
            line = child.stdout.readline().split()
            assert line, "the child ended before its second save"
            lines.append(line if line[0] == "saving" else line[:2])
            if line[0] == "saved":
                seconds = float(line[2])
        # Anywhere between the start of the second save and somewhat after its end.
        time.sleep(chance.uniform(0, 1.2) * seconds)
        child.kill()
        lines += [line.split()[:2] for line in child.stdout.read().splitlines()]
    if sys.platform != "win32":
        assert child.returncode == -signal.SIGKILL
    for key in ("JUPYTER_DATA_DIR", "JUPYTER_SESSION_STORE"):
        monkeypatch.setenv(key, environment[key])
    acknowledged = [int(number) for word, number in lines if word == "saved"]
    begun = [int(number) for word, number in lines if word == "saving"]
    repository = Repository.open(machine.store)
    versions = sorted(repository.versions("case"))
    # A kill between the commit and its announcement leaves one more than was announced.
    assert versions in ([n + 1 for n in acknowledged], [n + 1 for n in begun])
    for version in versions:
        namespace: dict[str, Any] = {}
        jupyter_session_save.load(f"case@{version}", namespace)
        assert_is(namespace, version - 1)
    assert repository.check() == []
    # The store goes on: the next save takes the next number.
    jupyter_session_save.save("case", {"number": -1})
    assert max(repository.versions("case")) == versions[-1] + 1


def test_a_killed_kernel_leaves_no_process(machine: Machine) -> None:
    kernel = machine.kernel()
    kernel.run("x = 1")
    kernel.sigkill()
    if sys.platform != "win32":
        with pytest.raises(ProcessLookupError):
            os.kill(kernel.process.pid, 0)


def test_the_generations_differ(tmp_path: Path) -> None:
    assert_is(generation(3), 3)
    with pytest.raises(AssertionError):
        assert_is(generation(3), 4)
