"""Where lambdas and generator expressions stand, of which several share a line."""

from __future__ import annotations

import linecache
import marshal
import types
from typing import Any

import pytest

from jupyter_session_save.pickling import source, spans

from .restore import cell, save

LINES = """\
one, two = lambda x: x + 1, lambda x: x * 2
held = {
    'a': lambda: 'ä', 'b': lambda: (
        'b'
    ), 'nested': lambda n: lambda m: (n, m)}
inner = held['nested'](1)
gen, other = (v for v in [1, 2]), (v * 10 for v in [1, 2])
"""


def text_at(code: types.CodeType) -> str:
    text, span = spans.located(code)
    assert span
    first, column, last, end = span
    lines = text.encode().split(b"\n")[first : last + 1]
    lines[-1] = lines[-1][:end]
    return b"\n".join([lines[0][column:], *lines[1:]]).decode()


def test_each_is_found_by_its_columns() -> None:
    ns = cell(LINES)
    assert text_at(ns["one"].__code__) == "lambda x: x + 1"
    assert text_at(ns["two"].__code__) == "lambda x: x * 2"
    assert text_at(ns["held"]["b"].__code__) == "lambda: (\n        'b'\n    )"
    assert text_at(ns["held"]["nested"].__code__) == "lambda n: lambda m: (n, m)"
    assert text_at(ns["inner"].__code__) == "lambda m: (n, m)"
    assert text_at(ns["gen"].gi_code) == "(v for v in [1, 2])"
    assert text_at(ns["other"].gi_code) == "(v * 10 for v in [1, 2])"


def test_without_columns_each_is_found_by_what_it_does() -> None:
    ns = cell("pair = lambda: 5, lambda: 6; third = lambda a, b: a")
    found = []
    for function in (*ns["pair"], ns["third"]):
        code = function.__code__.replace(co_linetable=b"")
        found.append(text_at(code))
    assert found == ["lambda: 5", "lambda: 6", "lambda a, b: a"]


def test_a_function_with_a_statement_of_its_own_has_no_span() -> None:
    ns = cell("def f():\n    return 1\n")
    assert spans.located(ns["f"].__code__) == ("def f():\n    return 1\n", ())


def test_without_source_nothing_is_found() -> None:
    assert spans.located(eval("lambda: 1").__code__) == ("", ())


def test_what_was_loaded_elsewhere_can_be_saved_there_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ns = cell(LINES)
    filename = ns["one"].__code__.co_filename
    for magic in ("00000000", "11111111"):
        saved = save(ns)
        linecache.cache.pop(filename)
        with monkeypatch.context() as patched:
            patched.setattr(source, "MAGIC", magic)
            patched.setattr(marshal, "loads", None)
            ns = saved.load()
        check(ns)


def check(ns: dict[str, Any]) -> None:
    assert (ns["one"](1), ns["two"](4)) == (2, 8)
    held = ns["held"]
    assert (held["a"](), held["b"](), held["nested"](1)(2), ns["inner"](3)) == ("ä", "b", (1, 2), (1, 3))
