"""Variables that refer to dicts, lists and sets of libraries' modules."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator

import pytest

from jupyter_session_save.pickling import borrowed
from jupyter_session_save.pickling.borrowed import is_plain

from .cells import Notebook, notebook

CELL = """
import colorsys, keyword, math, mimetypes, sys
s = colorsys.settings; same = s; held = [s]; table = mimetypes.types_map; names = vars(math); inside = {'names': names}
own = {'depth': 1}
path = sys.path; paths = {'of': path}; words = keyword.kwlist; copied = [*words]
files = colorsys.files; order = colorsys.order; orders = {'of': order}
"""


@pytest.fixture
def a(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    # As a module has its settings, and nobody else uses these.
    monkeypatch.setattr(colorsys, "settings", {"depth": 1, "of": [{"x": 0.5}]}, raising=False)
    monkeypatch.setattr(colorsys, "files", {"a", "b"}, raising=False)
    monkeypatch.setattr(colorsys, "order", [1], raising=False)
    monkeypatch.setattr(borrowed, "_PLACES", borrowed._Places())  # Which goes through each module once.
    with notebook(CELL) as first:
        yield first


def test_the_modules_own_dict_is_taken_again(a: Notebook) -> None:
    b = a.move().move()
    b.check(
        "s is same is held[0] is colorsys.settings and own is not s and own == {'depth': 1}",
        "table is mimetypes.types_map and names is inside['names'] is vars(math)",
        "path is sys.path is paths['of'] and words is keyword.kwlist is not copied and copied == words",
        "files is colorsys.files and order is colorsys.order is orders['of']",
    )


def test_a_list_and_a_set_that_hold_something_else_are_copies(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    a.run("files.add('c'); order.append(2)")
    a.save()
    monkeypatch.setattr(colorsys, "files", {"a", "b"})
    monkeypatch.setattr(colorsys, "order", [1])
    b = a.fresh()
    with pytest.warns(UserWarning, match="holds something else now") as said:
        b.load()
    assert sorted(str(one.message).split(" ")[0] for one in said) == ["colorsys.files", "colorsys.order"]
    b.check("files == {'a', 'b', 'c'} and colorsys.files == {'a', 'b'}", "order == [1, 2] and orders['of'] is order")


def test_what_was_changed_is_kept_apart_and_said(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    a.run("s['depth'] = 2")
    a.save()
    monkeypatch.setattr(colorsys, "settings", {"depth": 1, "of": [{"x": 0.5}]})
    b = a.fresh()
    with pytest.warns(UserWarning, match="colorsys.settings holds something else now"):
        b.load()
    b.check("s is same is held[0] and s == {'depth': 2, 'of': [{'x': 0.5}]}", "colorsys.settings['depth'] == 1")


def test_a_dict_that_is_gone_comes_back_as_saved(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    a.save()
    monkeypatch.delattr(colorsys, "settings")
    b = a.fresh()
    b.load()
    b.check("s is same is held[0] and s['of'] == [{'x': 0.5}]")


def test_what_is_not_plain_data_is_saved_as_ever(a: Notebook) -> None:
    a.run("class Mine: pass\ns['mine'] = Mine(); s['mine'].back = s")
    a.move().check("s is held[0] is s['mine'].back is not colorsys.settings and type(s['mine']) is Mine")


def test_plain_data_is_told_without_an_end() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert is_plain({"a": [1, (2.0, None), {"b": b"c"}]}) and is_plain([re.compile("a"), UserWarning, {int}])
    assert not is_plain([Notebook, print])
    assert not is_plain(endless) and not is_plain({"a": [object()]}) and not is_plain([*range(50_000)])
