"""Fixtures that start real kernels on a machine of their own, and what each test may rely on.

Examples that Hypothesis makes up are the same in every run, so that no change is refused for what another one broke.
``HYPOTHESIS_PROFILE=random`` in the environment makes up new ones, to look for what nobody has found yet.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .machine import Machine

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # Where only the core of the suite runs.
    pass
else:
    # However busy the machine is: no example has to be made up or to pass in a given time.
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("same", patient, derandomize=True, database=None)
    settings.register_profile("random", patient, derandomize=False)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def shared_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What kernels may share: matplotlib's font cache, which takes seconds to build."""
    return {"MPLCONFIGDIR": str(tmp_path_factory.mktemp("matplotlib"))}


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Let an interrupt arrive: a shell starts its background jobs with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module", autouse=True)
def young() -> Iterator[None]:
    """Keep what other modules have imported out of garbage collections, which would take most of the time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def machine(tmp_path: Path, shared_environment: dict[str, str]) -> Iterator[Machine]:
    """A machine on which nothing has run, and whose kernels end with the test."""
    machine = Machine(tmp_path / "machine", shared_environment)
    try:
        yield machine
    finally:
        machine.close()
