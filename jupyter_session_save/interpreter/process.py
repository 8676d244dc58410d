"""The process's own: working directory, search path, decimal context, locale, recursion limit.

Invariant: the environment's variables are neither read into a snapshot nor changed; directories are added to the
search path only where they exist, and before what stands there only if they stood first.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import said
from .parts import StatePart, Surroundings, nothing, resetting

_HOMES = ("lib", "dlls", "python") if os.name == "nt" else ("lib/python", "lib64/python")
"""How what an interpreter puts on its path begins, below its prefix."""


def _here() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # removed meanwhile
        return None


def _read_directory(_: Surroundings) -> Any:
    return _here()


def _write_directory(value: Any, _: Surroundings) -> Iterator[str]:
    before = _here()
    if before == value:
        return
    if not os.path.isdir(value):
        yield f"{value} is not here: it stays {before}"
        return
    os.chdir(value)
    yield f"it is {value} again"


def _keep_directory(_: Surroundings) -> Callable[[], None]:
    before = _here()
    return nothing if before is None else lambda: os.chdir(before)


def _read_path(_: Surroundings) -> Any:
    own = {os.path.normcase(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    mine = [type(p) is str and p and os.path.normcase(p) not in own and not _installed(p) for p in list(sys.path)]
    found = [path for path, is_mine in zip(sys.path, mine, strict=False) if is_mine]
    return {"found": found, "first": (*mine, False).index(False)} if found else None


def _installed(path: str) -> bool:
    """Whether a directory comes with an interpreter or holds installed packages."""
    plain = os.path.normcase(path)
    roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    homes = [os.path.join(os.path.normcase(root), place) for root in roots for place in _HOMES]
    return plain.startswith(tuple(homes)) or bool({"site-packages", "dist-packages"}.intersection(plain.split(os.sep)))


def _write_path(value: Any, _: Surroundings) -> Iterator[str]:
    found, ahead = (value, 0) if isinstance(value, list) else (value["found"], value["first"])
    missing = [entry for entry in found if entry not in sys.path]
    added = [entry for entry in missing if os.path.exists(entry)]
    # A checkout that stands before the installed package of its name has to do so again.
    first = [entry for entry in added if entry in found[:ahead]]
    sys.path[:] = [*first, *sys.path, *(entry for entry in added if entry not in first)]
    importlib.invalidate_caches()
    if added:
        yield f"added {', '.join(added)}"
    lost = [entry for entry in missing if entry not in added]
    if lost:
        yield f"{', '.join(lost)} is not here: not added"


def _keep_path(_: Surroundings) -> Callable[[], None]:
    before = list(sys.path)

    def back() -> None:
        sys.path[:] = before

    return back


_CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


def _context(context: Any) -> tuple[Any, ...]:
    signals = [
        tuple(sorted(kind.__name__ for kind, on in kinds.items() if on)) for kinds in (context.flags, context.traps)
    ]
    return (*(getattr(context, name) for name in _CONTEXT), *signals)


def _read_decimal(_: Surroundings) -> Any:
    decimal = sys.modules.get("decimal")
    if decimal is None:
        return None
    found = _context(decimal.getcontext())
    return None if found == _context(decimal.DefaultContext) else found


def _write_decimal(value: Any, _: Surroundings) -> tuple[str, ...]:
    import decimal

    flags, traps = ([getattr(decimal, name) for name in names] for names in value[-2:])
    plain = dict(zip(_CONTEXT, value[:-2], strict=True))
    decimal.setcontext(decimal.Context(**plain, flags=flags, traps=traps))
    return ()


def _keep_decimal(_: Surroundings) -> Callable[[], None]:
    decimal = sys.modules.get("decimal")
    if decimal is None:
        return nothing
    before = decimal.getcontext()
    return lambda: decimal.setcontext(before)


def _reset_decimal(value: Any, around: Surroundings) -> tuple[str, ...]:
    if value is None and _read_decimal(around) is not None:
        decimal = sys.modules["decimal"]
        decimal.setcontext(decimal.DefaultContext.copy())
    return ()


_CATEGORIES = ("LC_COLLATE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME")
"""All that Python leaves at "C"; the rest comes from the environment's variables."""


def _locale() -> dict[str, str]:
    locale = sys.modules.get("locale")
    if locale is None:
        return {}
    return {name: locale.setlocale(getattr(locale, name)) for name in _CATEGORIES}


def _read_locale(_: Surroundings) -> Any:
    return {name: value for name, value in _locale().items() if value != "C"} or None


def _write_locale(value: Any, _: Surroundings) -> Iterator[str]:
    import locale

    for name, setting in value.items():
        try:
            locale.setlocale(getattr(locale, name), setting)
        except (locale.Error, AttributeError) as error:
            yield f"{name} stays as it is: {said(error)}"


def _keep_locale(around: Surroundings) -> Callable[[], None]:
    before = _locale()

    def back() -> None:
        list(_write_locale(before, around))

    return back


_RECURSION = 1000
"""Python's own limit."""
_JEDI = 3000
"""What jedi sets when it is imported."""


def _read_recursion(_: Surroundings) -> Any:
    limit = sys.getrecursionlimit()
    return None if limit == _RECURSION else limit


def _write_recursion(value: Any, _: Surroundings) -> tuple[str, ...]:
    sys.setrecursionlimit(value)
    return ()


def _keep_recursion(_: Surroundings) -> Callable[[], None]:
    before = sys.getrecursionlimit()
    return lambda: sys.setrecursionlimit(before)


def _reset_recursion(value: Any, _: Surroundings) -> tuple[str, ...]:
    if value is None:
        # What completes names in cells has raised it for itself, and would not do so again.
        sys.setrecursionlimit(_JEDI if "jedi.api" in sys.modules else _RECURSION)
    return ()


_reset_locale = resetting(_read_locale, lambda _: dict.fromkeys(_CATEGORIES, "C"), _write_locale)

PLACES = (
    StatePart("working directory", _read_directory, _write_directory, _keep_directory, early=True),
    StatePart("sys.path", _read_path, _write_path, _keep_path, early=True),
)
PARTS = (
    StatePart("decimal context", _read_decimal, _write_decimal, _keep_decimal, early=True, reset=_reset_decimal),
    StatePart("locale", _read_locale, _write_locale, _keep_locale, reset=_reset_locale),
    StatePart("recursion limit", _read_recursion, _write_recursion, _keep_recursion, reset=_reset_recursion),
)
