"""``python -m tests.support`` writes the page; with words, it runs the cases whose group or name holds one of them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from . import GROUPS, cases
from .running import run
from .table import PAGE, page


def main(words: list[str]) -> int:
    """Write the page, or try some cases and print what is wrong with them."""
    if not words:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    wrong = 0
    for group in GROUPS:
        chosen = [c for c in cases(group) if any(w in (group, c.group) or w in c.name for w in words)]
        able = [case for case in chosen if not case.missing()]
        if not able:
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            failures = run(able, Path(directory))
        wrong += len(failures)
        print(f"{group}: {len(able)} cases run, {len(chosen) - len(able)} skipped, {len(failures)} wrong")
        for name, why in failures.items():
            print(f"\n--- {name}\n{why}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
