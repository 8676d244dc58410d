"""1,000,000 small dicts, lists and instances of classes that the notebook defines, with and without slots."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any


class Event:
    def __init__(self, number: int, kind: str, tags: list[str]) -> None:
        self.number, self.kind, self.tags = number, kind, tags

    def __repr__(self) -> str:
        return f"Event({self.number}, {self.kind}, {self.tags})"


@dataclass(slots=True)
class Point:
    x: float
    y: float
    name: str


def make(scale: float) -> dict[str, Any]:
    rng = random.Random(20240502)
    each = max(int(250_000 * scale), 10)
    words = [f"word{i}" for i in range(2_000)]
    dicts = [{"id": i, "name": rng.choice(words), "score": rng.random(), "ok": rng.random() > 0.5} for i in range(each)]
    events = [Event(i, rng.choice(words), rng.choices(words, k=2)) for i in range(each)]
    points = {i: Point(rng.random(), rng.random(), f"p{i}") for i in range(each)}
    lists = [[i, rng.random(), rng.choice(words)] for i in range(each)]
    return {"dicts": dicts, "events": events, "points": points, "lists": lists}


def change(names: dict[str, Any]) -> None:
    """Change one field of one dict."""
    names["dicts"][0]["score"] += 1.0
