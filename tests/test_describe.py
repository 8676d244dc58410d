"""Type and shape of a value, without asking it."""

from __future__ import annotations

import collections
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_session_save.describe import describe
from jupyter_session_save.pickling import Placeholder
from jupyter_session_save.snapshot import Problem

from .restore import ROOT, cell

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": list("xyz")})


@pytest.mark.parametrize(
    ("value", "type_", "shape"),
    [
        ([1, 2], "list", "2"),
        ((), "tuple", "0"),
        ({"a": 1}, "dict", "1"),
        ({1, 2, 3}, "set", "3"),
        (frozenset(), "frozenset", "0"),
        ("text", "str", "4"),
        (b"ab", "bytes", "2"),
        (bytearray(5), "bytearray", "5"),
        (None, "NoneType", ""),
        (1, "int", ""),
        (len, "builtin_function_or_method", ""),
        (int, "type", ""),
        (sys, "module", ""),
        (range(9), "range", ""),
        (collections.OrderedDict(a=1), "collections.OrderedDict", ""),
        (np.zeros((3, 4)), "numpy.ndarray", "3 x 4"),
        (np.zeros(0), "numpy.ndarray", "0"),
        (np.array(1.5), "numpy.ndarray", "scalar"),
        (np.float64(1), "numpy.float64", ""),
        (FRAME, None, "3 x 2"),
        (FRAME["a"], None, "3"),
        (FRAME.index, None, "3"),
        (FRAME.set_index(["a", "b"]).index, None, "3"),
        (pd.Categorical(["a", "b"]), None, "2"),
        (pd.DataFrame(), None, "0 x 0"),
        (pd.Timestamp(0), None, ""),
    ],
)
def test_types_and_shapes(value: Any, type_: str | None, shape: str) -> None:
    found = describe(value)
    assert found[1] == shape
    assert found[0] == (type_ or found[0]) and found[0].rpartition(".")[2] == type(value).__qualname__


def test_a_placeholder_has_the_type_of_what_it_stands_for() -> None:
    assert describe(Placeholder(Problem("x", "socket.socket", "it is one"))) == ("socket.socket", "")


def test_classes_of_the_notebook_go_by_their_own_name() -> None:
    ns = cell("class Outer:\n    class Inner: pass\ninner = Outer.Inner()\nclass L(list): pass\nitems = L([1, 2])")
    assert describe(ns["inner"]) == ("Outer.Inner", "")
    # A subclass may count as it likes.
    assert describe(ns["items"]) == ("L", "")
    assert describe(ns["Outer"]) == ("type", "")


def test_nothing_of_the_values_is_asked() -> None:
    ns = cell("""
import numpy as np
class Meta(type):
    def __eq__(cls, other): raise ArithmeticError
    def __hash__(cls): raise ArithmeticError
    def __repr__(cls): raise ArithmeticError
class Odd(metaclass=Meta):
    def __getattribute__(self, name): raise ArithmeticError
    def __len__(self): raise ArithmeticError
    def __repr__(self): raise ArithmeticError
    def __eq__(self, other): raise ArithmeticError
    __class__ = property(lambda self: list)
class Named:
    @property
    def shape(self): raise ArithmeticError
class Array(np.ndarray):
    @property
    def shape(self): raise ArithmeticError
class Words(dict):
    def __len__(self): raise ArithmeticError
values = [Named(), np.zeros(3).view(Array), Words(a=1)]
odd = Odd()
""")
    assert [describe(value) for value in ns["values"]] == [("Named", ""), ("Array", ""), ("Words", "")]
    assert describe(ns["odd"])[1] == ""


def test_a_class_that_only_looks_like_a_frame() -> None:
    ns = cell(
        "class DataFrame:\n    shape = property(lambda s: 1 / 0)\nDataFrame.__module__ = 'pandas'\nd = DataFrame()"
    )
    assert describe(ns["d"]) == ("pandas.DataFrame", "")


def test_libraries_are_not_imported_to_look_for_their_types() -> None:
    code = (
        "import sys; from jupyter_session_save.describe import describe\n"
        "print(describe(object()), describe([1]), [m for m in ('numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "('object', '') ('list', '1') []"
