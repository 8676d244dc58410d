"""Builtin values, their iterators and views."""

from __future__ import annotations

from functools import partial

from . import Case

_value = partial(Case, "values")
_iterator = partial(Case, "iterators")
_weak = partial(Case, "weak references")

CASES = [
    _value(
        "None, booleans, NotImplemented",
        "$x = [None, True, False, NotImplemented, ...]",
        "print($x, $x[3] is NotImplemented, $x[4] is ...)",
    ),
    _value(
        "int of any size", "$x = [0, -1, 2**200, -(2**70)]", "print($x, [type(n) for n in $x])", "$x.append($x[2] + 1)"
    ),
    _value("float with nan, inf and -0.0", "$x = [1.5, float('nan'), float('inf'), -0.0]", "print($x)"),
    _value("complex", "$x = [3 + 4j, complex(0.0, -0.0)]", "print($x, abs($x[0]))"),
    _value("str with lone surrogates and nulls", "$x = 'ä\\ud800\\x00' + chr(0x1F600)", "print(ascii($x), len($x))"),
    _value(
        "bytes and bytearray",
        "$x = [b'\\x00\\xff', bytearray(b'abc'), bytearray(100_000)]",
        "print($x[:2], len($x[2]))",
        "$x[1][0] = 0; $x[2].extend(b'end'); print($x[2][-3:])",
    ),
    _value("list that holds itself", "$x = [1]; $x.append($x)", "print($x[1] is $x, len($x))", "$x[1].append(2)"),
    _value("tuple in a cycle", "$x = ([],); $x[0].append($x)", "print($x[0][0] is $x)"),
    _value(
        "dict in insertion order",
        "$x = {'b': 1, 'a': 2, 3: None, (1, 2): 'tuple'}",
        "print($x, list($x))",
        "$x['a'] = $x.pop('b')",
    ),
    _iterator(
        "iterator of a list", "$y = [1, 2, 3]; $x = iter($y); next($x)", "print(next($x, None), $y)", "$y.append(4)"
    ),
    _iterator(
        "suspended generator",
        "def $f():\n    yield 1\n    yield 2\n$x = {'g': $f(), 'n': [1]}; next($x['g'])",
        "print($x['n'])\nprint(next($x['g'], None))",
        outcome="placeholder",
        why="its frame is in the middle of a run; it can be made again",
    ),
]
