"""Which memory of this process other processes can write to, such as that of ``multiprocessing``.

Invariant: looking reads none of it; where the system does not tell, no memory counts as shared.
"""

from __future__ import annotations

import contextlib
import re
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

_SHARED = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) ..[^ ]s ", re.MULTILINE)


class Shared:
    """The shared mappings that there are when it is first asked; for one save."""

    def holds(self, view: memoryview) -> bool:
        """Whether a buffer lies in memory that others can write to."""
        start = address_of(view) if self._ranges else None
        return start is not None and any(low < start + view.nbytes and start < high for low, high in self._ranges)

    @cached_property
    def _ranges(self) -> list[tuple[int, int]]:
        if sys.platform.startswith("linux"):
            with contextlib.suppress(OSError):
                found = _SHARED.findall(Path("/proc/self/maps").read_bytes())
                return [(int(low, 16), int(high, 16)) for low, high in found]
        return []


def address_of(view: memoryview) -> int | None:
    """Return where the bytes of a buffer stand in memory; None if there are none, or without numpy, which can tell."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not view.nbytes:
        return None
    return int(numpy.frombuffer(view, dtype="u1").__array_interface__["data"][0])
