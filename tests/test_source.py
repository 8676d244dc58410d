"""Source of functions: found, shown again, and compiled for another Python."""

from __future__ import annotations

import inspect
import linecache
import marshal
import traceback
import types
from typing import Any

import pytest

from jupyter_session_save.pickling import source
from jupyter_session_save.pickling.source import dump_code, of_code, recompile, remember

from .restore import cell, save

FUNCTIONS = '''
import functools
def plain(a, b=2):
    """Doc."""
    return a + b
def deco(f):
    @functools.wraps(f)
    def wrapper(*a): return f(*a)
    return wrapper
@deco
@deco
def decorated():
    # a comment

    return 1

small = lambda x: x + 1; after = 1
class K:
    def method(self):
        if self:
            return 1
    async def co(self):
        async with self: pass
def gen():
    yield from (
        1,
    )
def last(): return 1
'''


@pytest.mark.parametrize(
    ("expression", "first", "last"),
    [
        ("plain", "def plain(a, b=2):\n", "    return a + b\n"),
        ("decorated.__wrapped__.__wrapped__", "@deco\n", "    return 1\n"),
        ("small", "small = lambda x: x + 1; after = 1\n", "small = lambda x: x + 1; after = 1\n"),
        ("K.method", "    def method(self):\n", "            return 1\n"),
        ("K.co", "    async def co(self):\n", "        async with self: pass\n"),
        ("gen", "def gen():\n", "    )\n"),
        ("last", "def last(): return 1\n", "def last(): return 1\n"),
        ("deco(plain)", "    @functools.wraps(f)\n", "    def wrapper(*a): return f(*a)\n"),
    ],
)
def test_only_the_functions_own_lines_are_found(expression: str, first: str, last: str) -> None:
    lines = of_code(eval(expression, cell(FUNCTIONS)).__code__).splitlines(keepends=True)
    assert (lines[0], lines[-1]) == (first, last)


def test_what_stands_nowhere_has_no_source() -> None:
    ns: dict[str, Any] = {}
    exec(compile("def f(): return 1", "<not in a file>", "exec"), ns)
    assert of_code(ns["f"].__code__) == ""
    exec(compile("\n" * 50 + "def g(): return 1", "<too short>", "exec"), ns)
    linecache.cache["<too short>"] = (2, None, ["a\n", "b\n"], "<too short>")
    assert of_code(ns["g"].__code__) == ""


def test_a_changed_file_is_read_again() -> None:
    one = cell("def f():\n    return 1\n")
    code = one["f"].__code__
    assert of_code(code) == "def f():\n    return 1\n"
    linecache.cache[code.co_filename] = (3, 7.0, ["def f():\n", "    return 2\n", "x = 1\n"], code.co_filename)
    assert of_code(code) == "def f():\n    return 2\n"


def test_source_that_is_no_python_is_no_error() -> None:
    code = cell("def f():\n    return 1\n")["f"].__code__
    linecache.cache[code.co_filename] = (1, 8.0, ["def f(:\n", "  '''\n"], code.co_filename)
    assert type(of_code(code)) is str


def test_equal_code_gives_equal_bytes() -> None:
    text = "def f(a):\n    unused = 'text text'\n    return lambda: (a, 'text text', 'other', 1.5, b'x')\n"
    one, two = (compile(text, "<same>", "exec") for _ in range(2))
    held = [one.co_consts, one.co_consts[0].co_consts, one.co_names]  # More references than the other has.
    assert dump_code(one) == dump_code(two) and held
    assert marshal.loads(dump_code(one)) == one


# What tracebacks and `inspect` see after a load.


def restored_file(name: str) -> str:
    linecache.cache.pop(name, None)
    return name


def test_functions_of_one_cell_stand_in_their_lines() -> None:
    name = restored_file("<restored one>")
    remember(name, 4, "def late(): return 1\n")
    remember(name, 1, "def early():\n    return 2\n")
    lines = linecache.getlines(name)
    assert lines[0:2] == ["def early():\n", "    return 2\n"] and lines[3] == "def late(): return 1\n"
    linecache.checkcache()
    assert linecache.getline(name, 4) == "def late(): return 1\n"


def test_without_source_nothing_is_remembered() -> None:
    name = restored_file("<restored nothing>")
    remember(name, 1, "")
    assert name not in linecache.cache


def test_a_file_that_is_there_is_not_overwritten() -> None:
    linecache.cache.pop(__file__, None)
    remember(__file__, 1, "def other(): pass\n")
    assert linecache.getline(__file__, 1).startswith('"""Source of functions')


def test_a_loaded_function_has_its_source_and_its_lines_in_tracebacks() -> None:
    ns = cell("x = 0\n\ndef f(a):\n    b = a\n    return b / x\nsecret = 'swordfish'\n\ndef g(a):\n    return f(a)\n")
    saved = save(ns)
    filename = ns["f"].__code__.co_filename
    del linecache.cache[filename]
    fresh = saved.load()
    assert inspect.getsource(fresh["f"]) == "def f(a):\n    b = a\n    return b / x\n"
    assert inspect.getsource(fresh["g"]) == "def g(a):\n    return f(a)\n"
    with pytest.raises(ZeroDivisionError) as caught:
        fresh["g"](1)
    text = "".join(traceback.format_exception(caught.value))
    assert "return b / x" in text and "line 5, in f" in text and "line 9, in g" in text
    assert "swordfish" not in "".join(linecache.getlines(filename))
    again = save(fresh).load()
    assert inspect.getsource(again["f"]) == inspect.getsource(fresh["f"])


# Compiled again, as in a Python whose bytecode differs.


def compiled(text: str, name: str, *, free: tuple[str, ...] = (), line: int = 1, flags: int = 0) -> types.CodeType:
    return recompile(text, filename="<again>", firstlineno=line, name=name, free=free, flags=flags)


def test_a_function_is_found_by_its_name() -> None:
    code = compiled("    @deco\n    def f(a):\n        def inner(): return a\n        return inner\n", "f", line=7)
    made = types.FunctionType(code, {})
    assert made(3)() == 3
    assert (code.co_firstlineno, code.co_filename) == (7, "<again>")
    assert made(3).__code__.co_firstlineno == 9


def test_a_closure_has_its_cells_in_their_order() -> None:
    code = compiled("    def f(x):\n        return a + b * x\n", "f", free=("a", "b"), line=5)
    assert code.co_freevars == ("a", "b") and code.co_firstlineno == 5
    assert types.FunctionType(code, {}, "f", None, (types.CellType(1), types.CellType(10)))(2) == 21


def test_super_without_arguments() -> None:
    class Base:
        def f(self) -> int:
            return 1

    class Sub(Base): ...

    code = compiled("    def f(self): return super().f() + 1\n", "f", free=("__class__",))
    assert types.FunctionType(code, {}, "f", None, (types.CellType(Sub),))(Sub()) == 2


def test_lambdas_and_comprehensions_by_their_name() -> None:
    assert types.FunctionType(compiled("small = lambda x: x + 1; after = 1\n", "<lambda>"), {})(1) == 2


def test_features_of_the_original_stay_on() -> None:
    import __future__

    text = "def f(x: Nowhere) -> Nowhere:\n    def g(y: Nowhere): pass\n    return g\n"
    flags = __future__.annotations.compiler_flag
    assert types.FunctionType(compiled(text, "f", flags=flags), {})(1).__annotations__ == {"y": "Nowhere"}
    with pytest.raises(NameError):
        types.FunctionType(compiled(text, "f"), {})(1).__annotations__  # noqa: B018
    # Flags that are no features, such as those of generators, are not the compiler's.
    assert compiled(text, "f", flags=0x20 | 0x08).co_flags & 0x20 == 0


@pytest.mark.parametrize(
    ("text", "free", "said"),
    [
        ("", (), "the source of f was not known when it was saved"),
        ("def f(:\n", (), "the source of f cannot be compiled by Python 3"),
        ("def g(): pass\n", (), "holds 0 functions that could be f"),
        ("class A:\n    def f(): pass\nclass B:\n    def f(): pass\n", (), "holds 0 functions that could be f"),
        ("def f(): return a\n", ("b",), "holds 0 functions that could be f"),
        ("    def f(): return a, b\n", ("b", "a"), "another order"),
    ],
)
def test_what_cannot_be_found_is_an_error(text: str, free: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compiled(text, "f", free=free)


def elsewhere(text: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Save, and load where the bytecode cannot be used."""
    saved = save(cell(text))
    monkeypatch.setattr(source, "MAGIC", "00000000")
    monkeypatch.setattr(marshal, "loads", None)
    fresh, problems = saved.attempt()
    assert not problems, problems
    return fresh


RECOMPILED: dict[str, tuple[str, list[str]]] = {
    "functions and defaults": (
        (
            "import math\ndef f(a, *, b=[2]):\n    'Doc.'\n    return helper(a) + b[0]\n"
            "def helper(x): return math.floor(x)"
        ),
        ["f(1.5) == 3", "f.__doc__ == 'Doc.'", "f.__code__.co_firstlineno == 2"],
    ),
    "closures": (
        (
            "def make(n):\n    def inc():\n        nonlocal n\n        n += 1\n        return n\n    return inc\n"
            "inc = make(1)"
        ),
        ["(inc(), inc()) == (2, 3)", "make(5)() == 6"],
    ),
    "classes": (
        (
            "class A:\n    k = 1\n    def f(self): return self.k\n    @property\n    def p(self): return self.f() + 1\n"
            "    @staticmethod\n    def s(): return 7\n    @classmethod\n    def c(cls): return cls\n"
            "class B(A):\n    def f(self): return super().f() + 10\nb = B()"
        ),
        ["b.p == 12", "B.s() == 7", "B.c() is B"],
    ),
    "generators": (
        "def g():\n    yield 1\n    yield 2\nasync def co(): return 3\n",
        ["list(g()) == [1, 2]"],
    ),
    "private names": (
        "class A:\n    def __init__(self): self.__x = 1\n    def get(self): return self.__x\na = A()",
        ["a.get() == 1", "A().get() == 1", "vars(A()) == {'_A__x': 1}"],
    ),
    "text of several lines in a method": (
        'class A:\n    def sql(self):\n        return """\n        SELECT\n      x"""\n',
        [r"A().sql() == '\n        SELECT\n      x'"],
    ),
    "text at the margin in a method": (
        'class A:\n    def text(self):\n        return """one\ntwo"""\n',
        [r"A().text() == 'one\ntwo'"],
    ),
    "text of several lines in a closure": (
        'def make(k):\n    def inner():\n        return """one\n  two""" + k\n    return inner\ninner = make("!")',
        [r"inner() == 'one\n  two!'", r"make('?')() == 'one\n  two?'"],
    ),
    "a closure on one line": ("def make(k): return lambda: k\ninner = make(3)", ["inner() == 3"]),
}


@pytest.mark.parametrize("case", RECOMPILED)
def test_functions_mean_the_same_when_compiled_again(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, checks = RECOMPILED[case]
    here, there = cell(text), elsewhere(text, monkeypatch)
    for check in checks:
        assert eval(check, here), check
        assert eval(check, there), check
