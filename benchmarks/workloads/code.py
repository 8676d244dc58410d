"""100 functions and 100 classes that cells have defined, with instances, closures and defaults."""

from __future__ import annotations

import linecache
from typing import Any

FUNCTION = """\
def transform_{i}(value, factor={i}, *, offset=0):
    "Scale a value."
    def inner(x):
        return x * factor + offset
    return inner(value) if value > {i} else fallback(value)
"""

CLASS = """\
class Shape_{i}(Base):
    "A shape with a name and sides."

    count = {i}

    def __init__(self, sides, name="shape {i}"):
        super().__init__()
        self.sides, self.name = sides, name

    @property
    def area(self):
        return self.sides ** 2 * self.count

    @classmethod
    def unit(cls):
        return cls(1)

    def scaled(self, by):
        return type(self)(self.sides * by, self.name)

    def __repr__(self):
        return f"Shape_{i}({{self.sides}}, {{self.name}})"
"""


def fallback(value: float) -> float:
    return -value


class Base:
    pass


def run_cell(text: str, number: int) -> None:
    # As IPython does it: the source of a cell is found through linecache.
    file = f"<cell {number}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), globals())


for _i in range(100):
    run_cell(FUNCTION.format(i=_i), _i)
    run_cell(CLASS.format(i=_i), 1000 + _i)


def make(scale: float) -> dict[str, Any]:
    return {f"shape_{i}": globals()[f"Shape_{i}"](i) for i in range(max(int(100 * min(scale, 1.0)), 2))}


def change(names: dict[str, Any]) -> None:
    """Give one class another attribute."""
    names["Shape_0"].count = 99
