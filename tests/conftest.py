"""Fixtures that start real kernels on a machine of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .machine import Machine


@pytest.fixture(scope="session")
def shared_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What kernels may share: matplotlib's font cache, which takes seconds to build."""
    return {"MPLCONFIGDIR": str(tmp_path_factory.mktemp("matplotlib"))}


@pytest.fixture
def machine(tmp_path: Path, shared_environment: dict[str, str]) -> Iterator[Machine]:
    """A machine on which nothing has run, and whose kernels end with the test."""
    machine = Machine(tmp_path / "machine", shared_environment)
    try:
        yield machine
    finally:
        machine.close()
