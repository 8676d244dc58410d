"""One table of medians and ratios."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from .contenders import CONTENDERS
from .notebook import WORKLOADS

PHASES = ("save", "save again", "load", "load and read")
_TARGETS = {
    ("arrays", "save", "session/write"): "at most 1.6",
    ("objects", "save", "dill/session"): "at least 5",
}
_RATIOS = ("session/pickle", "dill/session", "session/write")
_HEAD = ("", "session", "pickle", "dill", "write", "memcpy", "BLAKE3", *_RATIOS)


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Return medians of seconds, and medians, least and greatest of the ratios within each round."""
    return {workload: _workload(one) for workload, one in found["workloads"].items()}


def _workload(one: dict[str, Any]) -> dict[str, Any]:
    rounds = one["rounds"]
    made: dict[str, Any] = {"bytes": rounds[0]["bytes"], "stored": rounds[-1]["stored"]}
    for limit in ("write", "memcpy", "blake3"):
        made[limit] = median(r[limit] for r in rounds)
    for phase in PHASES:
        made[phase] = {name: median(r[name][phase] for r in rounds) for name in CONTENDERS}
        made[phase]["ratios"] = {
            "session/pickle": _spread([r["session"][phase] / r["pickle"][phase] for r in rounds]),
            "dill/session": _spread([r["dill"][phase] / r["session"][phase] for r in rounds]),
            "session/write": _spread([r["session"][phase] / r["write"] for r in rounds]),
        }
    size = {name: max(m["namespace"], 1) for name, m in one["save memory"].items()}
    made["memory"] = {
        "namespace": median(size.values()),
        "save": {name: m["extra"] / size[name] for name, m in one["save memory"].items()},
        "load": {name: median(r[name]["taken"] for r in rounds) / size[name] for name in CONTENDERS},
    }
    return made


def _spread(ratios: list[float]) -> list[float]:
    return [median(ratios), min(ratios), max(ratios)]


def text(found: dict[str, Any]) -> str:
    """Return the table as text."""
    lines = []
    for workload, one in summary(found).items():
        size, memory = one["bytes"] / 1e6, one["memory"]
        lines += [f"{WORKLOADS[workload]}: {size:,.1f} MB to write, {memory['namespace'] / 1e6:,.0f} MB in memory"]
        rows: list[tuple[str, ...]] = [_HEAD]
        for phase in PHASES:
            limits = (f"{one[n]:.3f}" for n in ("write", "memcpy", "blake3")) if phase == "save" else ("", "", "")
            ratios = one[phase]["ratios"]
            rows.append(
                (
                    f"{phase}, s",
                    *(f"{one[phase][name]:.3f}" for name in ("session", "pickle", "dill")),
                    *limits,
                    *(_ratio(ratios[name], _TARGETS.get((workload, phase, name), "")) for name in _RATIOS),
                )
            )
        for what in ("save", "load"):
            shares = (f"{memory[what][name]:.0%}" for name in ("session", "pickle", "dill"))
            rows.append((f"memory added by {what}", *shares, *[""] * 6))
        stored = (f"{one['stored'][name] / 1e6:,.1f}" for name in ("session", "pickle", "dill"))
        rows.append(("stored, MB", *stored, *[""] * 6))
        lines += [*_aligned(rows), ""]
    setting = found["setting"]
    lines.append(
        f"Medians of {setting['rounds']} interleaved rounds; ratios are taken within a round: median (least-greatest). "
        f"Memory is relative to the namespace. Python {setting['python']}, {setting['processors']} processors."
    )
    lines += [f"{name}: {note}" for name, note in setting["contenders"].items()]
    return "\n".join(lines)


def _ratio(spread: list[float], target: str) -> str:
    middle, least, most = spread
    shown = f"{middle:.2f} ({least:.2f}-{most:.2f})"
    return f"{shown} [{target}]" if target else shown


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
