"""One table of medians and ratios for each workload, and the targets that hang on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .field import CONTENDERS
from .notebook import WORKLOADS

PHASES = ("save", "save again", "save changed", "load", "load and read", "first use")
LIMITS = ("write", "memcpy", "xxh3", "blake3")


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio that is to be at most, or at least, a figure.

    Attributes
    ----------
    over, under : str
        ``"contender/phase"`` or a limit: what is divided by what, within each round.
    """

    workload: str
    what: str
    over: str
    under: str
    figure: float
    at_least: bool = False


TARGETS = (
    Target("arrays", "first save, of the plain write", "session/save", "write", 1.25),
    Target("arrays", "second save, of one XXH3 pass", "session/save again", "xxh3", 1.5),
    Target("arrays", "one element changed, of the first save", "session/save changed", "session/save", 0.05),
    Target("arrays", "load, of pickle.load", "session/load", "pickle/load", 0.03),
    Target("objects", "save, of C pickle", "session/save", "pickle/save", 1.3),
    Target("objects", "save, times faster than dill", "dill/save", "session/save", 10, at_least=True),
    Target("objects", "load, of C unpickle", "session/load", "pickle/load", 1.2),
    Target("mixed", "save, of dill", "session/save", "dill/save", 1.0),
    Target("mixed", "load, of dill", "session/load", "dill/load", 1.0),
    Target("text", "save, of C pickle", "session/save", "pickle/save", 1.3),
    Target("code", "save, of dill", "session/save", "dill/save", 1.0),
    Target("code", "load, of dill", "session/load", "dill/load", 1.0),
)


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Return medians of seconds, and medians, least and greatest of the ratios within each round."""
    return {workload: _workload(workload, one) for workload, one in found["workloads"].items()}


def _workload(workload: str, one: dict[str, Any]) -> dict[str, Any]:
    rounds = one["rounds"]
    failed = {name: why for r in rounds for name, why in r["failed"].items()}
    sound = [name for name in CONTENDERS if name not in failed]
    made: dict[str, Any] = {"bytes": rounds[0]["bytes"], "stored": rounds[-1]["stored"], "grown": rounds[-1]["grown"]}
    made |= {limit: median(r[limit] for r in rounds) for limit in LIMITS}
    for phase in PHASES:
        made[phase] = {name: median(r[name][phase] for r in rounds) for name in sound}
        made[phase]["of pickle"] = {
            name: _spread([r[name][phase] / r["pickle"][phase] for r in rounds]) for name in sound if "pickle" in sound
        }
    size = {name: max(m["namespace"], 1) for name, m in one["save memory"].items()}
    made["memory"] = {
        "namespace": median(size.values()),
        "save": {name: m["extra"] / size[name] for name, m in one["save memory"].items()},
        "load": {name: median(r[name]["taken"] for r in rounds) / size[name] for name in sound if name in size},
    }
    made["failed"] = failed
    made["targets"] = [
        {"what": t.what, "figure": t.figure, "at least": t.at_least, "ratio": _ratio(t, rounds)}
        for t in TARGETS
        if t.workload == workload and _known(t.over, sound) and _known(t.under, sound)
    ]
    return made


def _known(term: str, sound: Sequence[str]) -> bool:
    return term in LIMITS or term.partition("/")[0] in sound


def _ratio(target: Target, rounds: list[dict[str, Any]]) -> list[float]:
    return _spread([_seconds(target.over, r) / _seconds(target.under, r) for r in rounds])


def _seconds(term: str, one_round: dict[str, Any]) -> float:
    name, _, phase = term.partition("/")
    return float(one_round[name][phase] if phase else one_round[name])


def _spread(ratios: list[float]) -> list[float]:
    return [median(ratios), min(ratios), max(ratios)]


def text(found: dict[str, Any]) -> str:
    """Return the tables as text."""
    lines = []
    for workload, one in summary(found).items():
        size, memory = one["bytes"] / 1e6, one["memory"]
        lines += [f"{WORKLOADS[workload]}: {size:,.1f} MB to write, {memory['namespace'] / 1e6:,.0f} MB in memory"]
        rows: list[tuple[str, ...]] = [("s", *PHASES, "stored, MB", "grown, MB", "memory: save", "load")]
        rows += [_row(name, one) for name in one["save"] if name != "of pickle"]
        lines += [*_aligned(rows)]
        lines.append("limits: " + ", ".join(f"{limit} {one[limit]:.3f} s" for limit in LIMITS))
        lines += [_judged(target) for target in one["targets"]]
        lines += [f"left out: {name}: {why}" for name, why in one["failed"].items()] + [""]
    setting = found["setting"]
    lines.append(
        f"Medians of {setting['rounds']} interleaved rounds; in brackets the ratio to C pickle within a round. "
        f"Memory is relative to the namespace. Python {setting['python']}, {setting['processors']} processors."
    )
    lines += [f"{name}: {note}" for name, note in setting["contenders"].items()]
    return "\n".join(lines)


def _row(name: str, one: dict[str, Any]) -> tuple[str, ...]:
    cells = []
    for phase in PHASES:
        ratio = one[phase]["of pickle"].get(name)
        cells.append(f"{one[phase][name]:.3f}" + (f" ({ratio[0]:.2f})" if ratio and name != "pickle" else ""))
    memory = one["memory"]
    shares = (f"{memory[what][name]:.0%}" if name in memory[what] else "" for what in ("save", "load"))
    return (name, *cells, f"{one['stored'][name] / 1e6:,.1f}", f"{one['grown'][name] / 1e6:,.1f}", *shares)


def _judged(target: dict[str, Any]) -> str:
    middle, least, most = target["ratio"]
    met = middle >= target["figure"] if target["at least"] else middle <= target["figure"]
    word = "at least" if target["at least"] else "at most"
    state = "met" if met else "MISSED"
    return f"{state}: {target['what']}: {middle:.3f} ({least:.3f}-{most:.3f}), {word} {target['figure']}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
