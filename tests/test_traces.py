"""What a notebook leaves in libraries comes back, or is named."""

from __future__ import annotations

import fractions
import sys
import textwrap
from collections.abc import Iterator

import pytest

from jupyter_session_save.pickling import traces

from .cells import notebook


@pytest.fixture
def _clean() -> Iterator[None]:
    yield
    for name in ("total", "kind"):
        if name in vars(fractions.Fraction):
            delattr(fractions.Fraction, name)
    vars(textwrap).pop("shout", None)
    for name in ("made_here", "made_here.inner"):
        sys.modules.pop(name, None)


def test_virtual_subclasses_of_library_classes_are_registered_again() -> None:
    cells = """
    import collections.abc, numbers, contextlib
    class Row: pass
    collections.abc.Sequence.register(Row)
    numbers.Number.register(Row)
    class Own(collections.abc.Sized):
        def __len__(self): return 0
    Own.register(Row)
    row = Row()
    """
    with notebook(cells) as first:
        second = first.resume()
    second.check(
        "isinstance(row, collections.abc.Sequence)",
        "issubclass(Row, numbers.Number)",
        "isinstance(row, Own)",
        "not isinstance(row, collections.abc.Mapping)",
    )
    assert second["Row"] is not first["Row"]


@pytest.fixture
def _without_accessors() -> Iterator[None]:
    yield
    for library, classes in (("pandas", ("DataFrame", "Series")), ("xarray", ("Dataset",))):
        for cls in (getattr(sys.modules[library], name) for name in classes if library in sys.modules):
            if "mine" in vars(cls):
                delattr(cls, "mine")
                getattr(cls, "_accessors", set()).discard("mine")


@pytest.mark.usefixtures("_without_accessors")
@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("import pandas as pd\nregister = pd.api.extensions.register_dataframe_accessor", "pandas.DataFrame.mine"),
        ("import pandas as pd\nregister = pd.api.extensions.register_series_accessor", "pandas.Series.mine"),
        ("import xarray as xr\nregister = xr.register_dataset_accessor", "Dataset.mine"),
    ],
)
def test_accessors_are_named(cell: str, said: str) -> None:
    pytest.importorskip(cell.split()[1])
    with notebook(cell) as first:
        assert not any("mine" in note for note in first.save().notes)
        first.run("@register('mine')\nclass Mine:\n    def __init__(self, of): self.of = of")
        (note,) = [note for note in first.save().notes if "mine" in note]
    assert said in note and "run that cell again after a load" in note


def test_cached_properties_are_named() -> None:
    with notebook(
        "import fractions, functools\nfractions.Fraction.mine = functools.cached_property(lambda s: 1)"
    ) as one:
        try:
            assert any("fractions.Fraction.mine" in note for note in one.save().notes)
        finally:
            del fractions.Fraction.mine  # type: ignore[attr-defined]


@pytest.mark.usefixtures("_clean")
def test_patched_attributes_are_named() -> None:
    cells = """
    import fractions, textwrap
    def total(self): return self + 1
    fractions.Fraction.total = total
    fractions.Fraction.kind = property(lambda self: 'k')
    textwrap.shout = lambda text: text.upper()
    kept = fractions.Fraction(1)
    """
    with notebook(cells) as first:
        (note,) = (n for n in first.save().notes if "set in this notebook" in n)
    for name in ("fractions.Fraction.total", "fractions.Fraction.kind", "textwrap.shout"):
        assert name in note
    assert "were not saved" in note and "again" in note


def test_nothing_is_named_that_was_not_set() -> None:
    with notebook(
        "import json, fractions, collections\ndef f(): return json\nclass C(fractions.Fraction): pass"
    ) as first:
        assert first.save().notes == ()


def test_long_lists_are_cut() -> None:
    said = traces.told([f"m.a{i}" for i in range(50)])
    assert "and 30 more were set" in said and "m.a19" in said and "m.a20" not in said
    assert traces.told(["m.a"]).startswith("m.a was set")


@pytest.mark.usefixtures("_clean")
def test_modules_that_a_notebook_made_are_importable_again() -> None:
    cells = """
    import sys, types
    made = types.ModuleType('made_here', 'Doc.')
    exec('n = [1]\\nclass C:\\n    def m(self): return n\\ndef f(): return C()', vars(made))
    sys.modules['made_here'] = made
    import made_here
    from made_here import f, C
    c = C()
    """
    with notebook(cells) as first:
        first.save()
        del sys.modules["made_here"]
        second = first.fresh()
        report = second.load()
    assert not report.placeholders
    second.run("from made_here import C as D")
    second.check(
        "made is made_here", "D is C is made.C", "type(c) is C", "f is made.f", "c.m() is made.n", "made.__doc__"
    )
    second.check("type(f()) is C", "f.__globals__ is vars(made)")


@pytest.mark.usefixtures("_clean")
def test_a_real_module_is_not_replaced_by_one_that_was_made() -> None:
    with notebook("import sys, types\nmade = sys.modules['made_here'] = types.ModuleType('made_here')") as first:
        first.save()
        real = sys.modules["made_here"] = type(sys)("made_here")
        real.__spec__ = sys.__spec__
        second = first.fresh()
        second.load()
    assert sys.modules["made_here"] is real and second["made"] is not real


EVIL = """
class Evil:
    def __get__(self, obj, kind=None): return self
    @property
    def __dict__(self): raise ValueError('evil')
class Meta(type):
    @property
    def __mro__(cls): raise ValueError('evil')
class Odd(metaclass=Meta):
    def __get__(self, obj, kind=None): return self
import fractions
fractions.Fraction.kind = Evil()
fractions.Fraction.total = Odd()
"""


@pytest.mark.usefixtures("_clean")
def test_looking_at_descriptors_runs_no_code_of_theirs() -> None:
    with notebook(EVIL) as first:
        assert {"Evil", "Odd", "fractions"} <= {v.name for v in first.save().variables}
