"""Small values of the standard library that do not pickle themselves.

Invariant: what comes back equals what was saved.
"""

from __future__ import annotations

import argparse
import codecs
import csv
import itertools
import json.scanner
import random
import re
import struct
import types
from typing import TYPE_CHECKING, Any

from .. import rebuild
from ..code import Call
from .inside import held_by

if TYPE_CHECKING:
    from ..pickler import Pickling


def match(obj: re.Match[Any], pickling: Pickling) -> Any:
    """Reduce a match to the search that gives it again."""
    for start in (obj.pos, obj.start()):
        for how in ("match", "fullmatch", "search"):
            found = getattr(obj.re, how)(obj.string, start, obj.endpos)
            if found is not None and found.regs == obj.regs and found.lastindex == obj.lastindex:
                return match_again, (obj.re, how, obj.string, start, obj.endpos)
    return pickling.placeholder(obj, "the text has changed since it was matched", "match it again")


def time_zone(obj: Any, pickling: Pickling) -> Any:
    """Reduce a zone of dateutil that was asked for by its name; times with the very same zone are compared as shown."""
    from dateutil import tz

    known = dict(getattr(tz.gettz, "_GettzFunc__instances", {}))
    names = [name for name, zone in known.items() if zone is obj]
    return (zone_again, (names[0], dict(vars(obj)))) if names else pickling.by_reduce(obj)


def packed(obj: struct.Struct, pickling: Pickling) -> Any:
    """Reduce a `struct.Struct` to its format."""
    return struct.Struct, (obj.format,)


def codec(obj: codecs.CodecInfo, pickling: Pickling) -> Any:
    """Reduce a codec to its name."""
    return codecs.lookup, (obj.name,)


def system_random(obj: random.SystemRandom, pickling: Pickling) -> Any:
    """Reduce a generator that has no state."""
    return type(obj), ()


def random_numbers(obj: random.Random, pickling: Pickling) -> Any:
    """Reduce a subclass of `random.Random`, whose attributes its own reduce forgets, or the module's own generator.

    The latter is what ``from random import randint`` binds a method of; its state is one of the interpreter's.
    """
    if obj is getattr(random, "_inst", None):
        pickling.referenced.add(id(obj))
        return rebuild.importable, ("random", "_inst")
    if type(obj) is random.Random or type(obj).__reduce__ is not random.Random.__reduce__:
        return pickling.by_reduce(obj)
    attributes = {name: value for name, value in vars(obj).items() if name != "gauss_next"}
    return rebuild.new_object, (type(obj),), (obj.getstate(), attributes), None, None, set_random


def arguments(obj: Any, pickling: Pickling) -> Any:
    """Reduce a parser of arguments, or a part of one; `argparse.SUPPRESS` is compared by identity."""
    suppress = rebuild.importable, ("argparse", "SUPPRESS")
    reduced = pickling.by_reduce(obj)
    if not isinstance(reduced, tuple) or len(reduced) < 3 or type(reduced[2]) is not dict:
        return reduced
    marked = {k: Call(suppress[0], *suppress[1]) if v is argparse.SUPPRESS else v for k, v in reduced[2].items()}
    return *reduced[:2], marked, *reduced[3:]


def scanner(obj: Any, pickling: Pickling) -> Any:
    """Reduce what a `json.JSONDecoder` scans with to its settings."""
    return make_scanner, ({name: getattr(obj, name) for name in _SCANNED},)


_SCANNED = "strict object_hook object_pairs_hook parse_float parse_int parse_constant".split()


def of_sys(obj: Any, pickling: Pickling) -> Any:
    """Reduce a fact about the interpreter to its name: its type can be made by nobody else."""
    return rebuild.importable, ("sys", type(obj).__name__)


def csv_writer(obj: Any, pickling: Pickling) -> Any:
    """Reduce a csv writer to its file and its dialect."""
    write = next((held for held in held_by(obj) if callable(held)), None)
    target = getattr(write, "__self__", None)
    if target is None:
        return pickling.placeholder(obj, "it does not say what it writes to", "make it again")
    return make_csv_writer, (target, _dialect(obj.dialect))


def csv_reader(obj: Any, pickling: Pickling) -> Any:
    """Reduce a csv reader to what it reads from, where that stands."""
    source = next((held for held in held_by(obj) if hasattr(type(held), "__next__")), None)
    if source is None or obj.line_num > MOST_LINES:
        reason = f"it had read {obj.line_num} lines of a source that cannot be rewound"
        return pickling.placeholder(obj, reason, "open and read it again")
    return make_csv_reader, (source, _dialect(obj.dialect), obj.line_num)


MOST_LINES = 1_000_000
"""Lines up to which a csv reader is made to count again."""


def csv_dialect(obj: Any, pickling: Pickling) -> Any:
    """Reduce a dialect to its settings."""
    return make_csv_dialect, (_dialect(obj),)


_SETTINGS = "delimiter quotechar doublequote escapechar lineterminator quoting skipinitialspace strict".split()


def _dialect(dialect: Any) -> dict[str, Any]:
    return {name: getattr(dialect, name) for name in _SETTINGS}


@rebuild.setter
def set_random(made: Any, state: tuple[Any, dict[str, Any]]) -> None:
    """Set the state of a generator, past a subclass's own methods, and its attributes."""
    random.Random.setstate(made, state[0])
    made.__dict__.update(state[1])


def make_scanner(settings: dict[str, Any]) -> Any:
    """Make a scanner of JSON text."""
    return json.scanner.make_scanner(types.SimpleNamespace(**settings, memo={}))  # type: ignore[arg-type]


def match_again(pattern: re.Pattern[Any], how: str, string: Any, start: int, end: int) -> Any:
    """Match again."""
    return getattr(pattern, how)(string, start, end)


def zone_again(name: str, attributes: dict[str, Any]) -> Any:
    """Ask for a zone again, and make what was saved if it has changed."""
    from dateutil import tz

    found: Any = tz.gettz(name)
    # What dateutil 4 makes of `_tz_str` has no equality of its own.
    if type(found) is tz.tzfile and vars(found) | {"_tz_after": None} == attributes | {"_tz_after": None}:
        return found
    made: Any = tz.tzfile.__new__(tz.tzfile)
    vars(made).update(attributes)
    return made


def make_csv_writer(target: Any, settings: dict[str, Any]) -> Any:
    """Make a csv writer."""
    return csv.writer(target, **settings)


def make_csv_reader(source: Any, settings: dict[str, Any], lines: int) -> Any:
    """Make a csv reader that has counted its lines."""
    made = csv.reader(itertools.chain(itertools.repeat("", lines), source), **settings)
    for _ in range(lines):
        next(made)
    return made


def make_csv_dialect(settings: dict[str, Any]) -> Any:
    """Make a dialect: only readers and writers make them from settings."""
    return csv.reader((), **settings).dialect
