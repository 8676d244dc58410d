"""Where definitions end in their file: as `inspect.getblock` says, in one walk."""

from __future__ import annotations

import inspect
import linecache
import types
from collections.abc import Iterator

import pytest

from jupyter_session_save.pickling import blocks

ODD = r'''
import functools
def one_line(x): return x  # a comment
    # not of it
def black(
    x=(
        "a)b", "it's # no comment",
    ),
):
    """Text
of several lines ("
"""
    return [
  1]
    # of it

    # of it, too
# not of it, but a comment further in is
        # of it
if True:
    @functools.lru_cache(
)
    @(lambda f: f)
    # between
    async \
  def decorated():
        if 1 + \
2: return lambda: 0
        def inside(): pass

        return {'a': [
]}
    class Inside:
        'A class.'

        def method(self):
            def deep():
                return self
            return deep  # of it

        x = 1
def last(x=lambda: 1): return f"{x!r:>{10}} {'#'} {{"
'''


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield const
            yield from codes(const)


def cell(text: str, name: str) -> types.CodeType:
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    return compile(text, name, "exec")


def block(code: types.CodeType) -> str:
    return blocks.block(code.co_filename, code.co_firstlineno, len(linecache.getlines(code.co_filename)), None)


@pytest.mark.parametrize("ending", ["", "\n", "\n\n# end\n", "\n    # of it\nx = 1"])
def test_definitions_end_where_the_tokenizer_says(ending: str) -> None:
    whole = cell(ODD.rstrip("\n") + ending, f"<odd {ending!r}>")
    found = [code for code in codes(whole) if code.co_name != "<lambda>"]
    assert len(found) == 7
    lines = linecache.getlines(whole.co_filename)
    for code in found:
        assert block(code) == "".join(inspect.getblock(lines[code.co_firstlineno - 1 :])), code.co_name


@pytest.mark.parametrize("first", ["x = (1", "x = [1))", "a\x0cb"])
def test_a_file_that_makes_no_sense_is_left_to_the_tokenizer(first: str) -> None:
    name, text = f"<senseless {first!r}>", f"{first}\ndef f(): pass\n"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    lines = linecache.getlines(name)
    assert blocks.block(name, len(lines), len(lines), None) == "def f(): pass\n"


def test_the_walk_tells_of_all_definitions_of_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "getblock", lambda _: pytest.fail("tokenized"))
    methods = "class A:\n    def m(self):\n        pass\n"
    whole = cell(f"def f():\n    return 1\n\n@staticmethod\ndef g(): pass\n{methods}", "<definitions>")
    assert [block(code) for code in codes(whole)] == [
        "def f():\n    return 1\n",
        "@staticmethod\ndef g(): pass\n",
        "class A:\n    def m(self):\n        pass\n",
        "    def m(self):\n        pass\n",
    ]
