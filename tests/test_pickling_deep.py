"""Nesting far beyond the recursion limit neither kills the process nor costs another variable."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from .cells import Notebook, notebook

DEPTH = 100_000
SHAPES = {
    "list": ("[]", "[x]", "x[0]"),
    "dict": ("{}", "{'k': x}", "x['k']"),
    "tuple": ("()", "(x,)", "x[0]"),
    "mixed": ("[]", "{'k': [(x, 1)]}", "x['k'][0][0]"),
}


@pytest.fixture
def a() -> Iterator[Notebook]:
    with notebook("sentinel = 1; other = [1]; same = other") as made:
        yield made


def _depth(b: Notebook, step: str) -> int:
    b.run(f"x, depth = deep, 0\nwhile x:\n    x = {step}\n    depth += 1\ndel x")
    return int(b.namespace.pop("depth"))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_hundred_thousand_levels(a: Notebook, shape: str) -> None:
    start, wrap, step = SHAPES[shape]
    levels = DEPTH // 3 if shape == "mixed" else DEPTH
    a.run(f"x = {start}\nfor _ in range({levels}): x = {wrap}\ndeep = x; del x")
    limit, stack = sys.getrecursionlimit(), threading.stack_size()
    report = a.save()
    assert (sys.getrecursionlimit(), threading.stack_size()) == (limit, stack)
    assert {v.name for v in report.placeholders} <= {"deep"}
    b = a.fresh()
    loaded = b.load()
    assert (sys.getrecursionlimit(), threading.stack_size()) == (limit, stack)
    assert {v.name for v in loaded.placeholders} <= {"deep"}
    b.check("sentinel == 1", "other == [1]", "same is other")
    if not loaded.placeholders:
        assert _depth(b, step) == levels
    _release(a)
    _release(b)


def test_a_long_linked_list_of_instances(a: Notebook) -> None:
    a.run(
        """
        class Node:
            def __init__(self, next): self.next = next
        node = None
        for _ in range(5000): node = Node(node)
        """
    )
    report = a.save()
    assert not report.placeholders
    b = a.fresh()
    assert not b.load().placeholders
    b.run("n = 0; x = node\nwhile x: x = x.next; n += 1\ndel x")
    b.check("n == 5000", "type(node) is Node", "sentinel == 1")


def test_an_unsaveable_object_below_many_levels(a: Notebook) -> None:
    a.run(
        """
        class Bad:
            def __reduce__(self): raise ValueError('deep down')
        x = Bad()
        for _ in range(3000): x = [x]
        deep = x; del x
        """
    )
    report = a.save()
    assert [v.name for v in report.placeholders] == ["deep"]
    assert "deep down" in report.placeholders[0].problems[0].reason
    b = a.fresh()
    b.load()
    b.check("sentinel == 1", "other == [1]", "type(deep) is list", "len(deep) == 1")


def test_functions_that_close_over_each_other_in_a_long_chain(a: Notebook) -> None:
    # Python 3.12 alone has a depth of calls in C that nobody can raise.
    length = 500 if sys.version_info[:2] == (3, 12) else 2000
    a.run(f"length = {length}\ndef wrap(f): return lambda: f() + 1")
    a.run("g = lambda: 0\nfor _ in range(length): g = wrap(g)\nh = {'g': g}")
    report = a.save()
    assert not report.placeholders
    b = a.fresh()
    assert not b.load().placeholders
    b.check("h['g'] is g", "g.__closure__[0].cell_contents.__closure__[0].cell_contents.__name__ == '<lambda>'")


def test_a_long_chain_of_classes(a: Notebook) -> None:
    a.run("class C0: pass\nfor i in range(150): globals()[f'C{i + 1}'] = type(f'C{i + 1}', (globals()[f'C{i}'],), {})")
    b = a.resume()
    b.check(
        "len(C150.__mro__) == 152",
        "C150.__bases__ == (C149,)",
        "all(C0 in globals()[f'C{i}'].__mro__ for i in range(151))",
    )


def test_the_plan_of_a_deep_value(a: Notebook) -> None:
    a.run("deep = []\nfor _ in range(20000): deep = [deep]")
    a.save()
    assert {v.name: status for v, status, _ in a.plan().rows}["deep"] == "same"
    _release(a)


def _release(notebook: Notebook) -> None:
    """Take the value apart from the outside: its deallocation has limits of its own."""
    notebook.namespace.pop("deep", None)
