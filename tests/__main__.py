"""Everything that must hold before a change goes in: ``python -m tests``.

Lint, format, types, import contracts and the whole suite run here; a core of the suite runs again in environments of
their own, on the oldest supported IPython and on the other Python minors that are installed. The README's first
command runs as a user would run it. Environments are kept in ``.venv-*`` until what they hold changes.

What is too large for the extra `test` is installed first into the environment that runs this, if
``JUPYTER_SESSION_TEST_EXTRAS`` names it: requirements with blanks between them, as in ``"torch==2.13.0"``.

Invariant: the exit status is 0 only if every step passed; the last line is the summary line of the whole suite.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = ("ipython==7.34.*", "ipykernel==6.17.*")
MINORS = ("3.11", "3.12", "3.13", "3.14")
SUITE = "whole suite"

_SUMMARY = re.compile(r"=+ .*\b(?:passed|failed|errors?|no tests ran)\b.* in [0-9.]+s.* =+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended."""

    name: str
    passed: bool
    seconds: float
    line: str = ""


def main() -> int:
    """Run all steps, print a summary, and return the exit status."""
    # Block-buffered output of this process would come after that of the steps.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    python = sys.executable
    wanted = os.environ.get("JUPYTER_SESSION_TEST_EXTRAS", "").split()
    others = other_pythons()
    made = {minor: environment_for(f"Python {minor}", found, ()) for minor, found in others.items()}
    usable = [str(program(place_of(f"Python {minor}"), "python")) for minor, built in made.items() if built.passed]
    # Sessions travel between these and this one: tests/test_minors.py.
    travel = {"JUPYTER_SESSION_TEST_PYTHONS": os.pathsep.join(usable)}
    pytest = [python, "-m", "pytest", "--color=no", "-q", "-n", "2"]
    outcomes = [
        *([step("more libraries", [python, "-m", "pip", "install", "-q", *wanted])] if wanted else []),
        step("ruff check", [python, "-m", "ruff", "check", "."]),
        step("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        step("mypy", [python, "-m", "mypy"]),
        step("import contracts", [str(Path(python).with_name("lint-imports"))]),
        step(SUITE, [*pytest, "-v", "--no-header", "--cov", "--cov-report=term"], environment=travel),
        leg("oldest IPython", environment_for("oldest IPython", python, OLDEST)),
        *(leg(f"Python {minor}", built) for minor, built in made.items()),
        demo(),
    ]
    print(f"\n{' summary ':-^80}")
    for outcome in outcomes:
        state = "passed" if outcome.passed else "FAILED"
        print(f"{state}  {outcome.seconds:6.0f} s  {outcome.name:<18}  {outcome.line.strip('= ')}".rstrip())
    print(next(o.line for o in outcomes if o.name == SUITE) or "the whole suite did not come to an end")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def step(name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run a command, show what it prints, and remember pytest's summary line if it prints one."""
    print(f"\n{f' {name} ':-^80}\n+ {' '.join(command)}")
    started = time.monotonic()
    line = ""
    try:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        print(error)
        return Outcome(name, passed=False, seconds=0.0)
    with process:
        assert process.stdout is not None
        for text in process.stdout:
            print(text, end="")
            if _SUMMARY.search(text):
                line = text.strip()
    return Outcome(name, process.returncode == 0, time.monotonic() - started, line)


def leg(name: str, built: Outcome) -> Outcome:
    """Run the tests marked `core` in an environment of their own, which has been made."""
    if not built.passed:
        return Outcome(name, passed=False, seconds=built.seconds, line="its environment could not be made")
    place = place_of(name)
    # Files without a core test may import what this environment does not have.
    files = [str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("tests/test_*.py")) if "mark.core" in p.read_text()]
    command = [str(program(place, "python")), "-m", "pytest", "--color=no", "-q", "-v", "--no-header"]
    return step(name, [*command, "-n", "2", "-m", "core", "-p", "no:cacheprovider", *files])


def place_of(name: str) -> Path:
    """Return where the environment of a step stands."""
    return ROOT / f".venv-{re.sub('[^a-z0-9]+', '-', name.lower())}"


def environment_for(name: str, python: str, pins: Sequence[str]) -> Outcome:
    """Make the virtual environment of a step, unless one stands there that was made from the same."""
    place = place_of(name)
    recipe = f"{python}\n{pins}\n{(ROOT / 'pyproject.toml').read_text(encoding='utf-8')}"
    mark, digest = place / "made-from", hashlib.sha256(recipe.encode()).hexdigest()
    if mark.is_file() and mark.read_text() == digest:
        return Outcome(place.name, passed=True, seconds=0.0)
    shutil.rmtree(place, ignore_errors=True)
    made = step(f"{place.name}", [python, "-m", "venv", str(place)])
    if made.passed:
        install = [str(program(place, "python")), "-m", "pip", "install", "-q", "-e", ".[core]", *pins]
        made = step(f"{place.name}: install", install)
    if made.passed:
        mark.write_text(digest)
    return made


def demo() -> Outcome:
    """Run the README's first command, in an environment beside the one that runs this."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = next(line for line in readme.splitlines() if line.endswith("jupyter session demo"))
    shutil.rmtree(ROOT / ".venv-demo", ignore_errors=True)
    return step("demo", ["bash", "-c", command.replace(".venv", ".venv-demo")])


def other_pythons() -> dict[str, str]:
    """Find an interpreter for each supported minor but the running one."""
    found: dict[str, str] = {}
    for minor in MINORS:
        candidates = [shutil.which(f"python{minor}")]
        candidates += [str(p) for p in sorted(Path.home().glob(f".pyenv/versions/{minor}.*/bin/python"))]
        if minor != f"{sys.version_info.major}.{sys.version_info.minor}":
            usable = next((c for c in candidates if c and works(c, minor)), None)
            found.update({minor: usable} if usable else {})
    return found


def works(python: str, minor: str) -> bool:
    """Whether an interpreter starts (pyenv's shims may not), is of that minor, and can make environments."""
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == minor


def program(place: Path, name: str) -> Path:
    """Return a program of a virtual environment."""
    return place / ("Scripts" if sys.platform == "win32" else "bin") / name


if __name__ == "__main__":
    sys.exit(main())
