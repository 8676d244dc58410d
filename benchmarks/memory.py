"""How much memory a step needs at its highest, in a process of its own."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_UNIT = 1 if sys.platform == "darwin" else 1024


def resident() -> int:
    """Return the bytes that are resident now; where the system does not say, the most so far."""
    return _field("VmRSS") if _STATUS.exists() else _most()


def reset_peak() -> None:
    """Begin anew, so that what was needed earlier does not hide what is needed next; Linux only."""
    if _STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5", "ascii")


def peak() -> int:
    """Return the most bytes that were resident since the peak was reset."""
    return _field("VmHWM") if _STATUS.exists() else _most()


def _most() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def _field(name: str) -> int:
    for line in _STATUS.read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {name} in {_STATUS}")
