"""What a load would do is found without unpickling, and never calls different values the same."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_session_save.errors import SessionNameError
from jupyter_session_save.namespace import user_names
from jupyter_session_save.pickling import Restoring

from .cells import Notebook, notebook

CELL = """\
import numpy as np
big = np.arange(300_000.0)
items = [1, [2]]
alias = items[1]
n = 3
word = 'w'
class Foo:
    def get(self): return 1
foo = Foo()
def h(x=[1]): return n
"""


@pytest.fixture
def a() -> Iterator[Notebook]:
    with notebook(CELL) as made:
        made.save()
        yield made


def plan(notebook: Notebook, **options: object) -> dict[str, str]:
    return {variable.name: status for variable, status, _ in notebook.plan(**options).rows}


def test_an_unchanged_namespace_is_the_same(a: Notebook) -> None:
    assert set(plan(a).values()) == {"same"}


def test_an_empty_namespace_gets_everything_new(a: Notebook) -> None:
    assert set(plan(a.fresh()).values()) == {"new"}


CHANGES = {
    "n = 4": {"n"},
    "n = 3.0": {"n"},
    "n = True": {"n"},
    "word = b'w'": {"word"},
    "items.append(3)": {"items"},
    "alias[0] = 5": {"items", "alias"},
    "alias = [2]": {"items", "alias"},
    "big[7] = -1": {"big"},
    "big = big.astype('f4')": {"big"},
    "big = big.reshape(2, -1)": {"big"},
    "big.flags.writeable = False": {"big"},
    "np = 5": {"np"},
    "def h(x=[2]): return n": {"h"},
    "def h(x=[1]): return n + 1": {"h"},
    "Foo.get = lambda self: 2": {"Foo"},
    "foo.x = 1": {"foo"},
    "del word": set(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_conflicts(a: Notebook, change: str) -> None:
    a.run(change)
    found = plan(a)
    assert {name for name, status in found.items() if status == "conflicting"} == CHANGES[change]
    if change.startswith("del"):
        assert found["word"] == "new"


def test_an_equal_class_made_again_conflicts_with_old_instances(a: Notebook) -> None:
    a.run("class Foo:\n    def get(self): return 1")
    assert plan(a)["foo"] == "conflicting"


def test_what_was_just_loaded_is_the_same(a: Notebook) -> None:
    b = a.fresh()
    b.load()
    assert {n for n, status in plan(b).items() if status != "same"} == set()
    assert b.load().overwritten == ()


def test_nothing_is_unpickled_and_nothing_changed(a: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    b = a.fresh("n = 9; items = [1]")
    before, keys = b.described(), [*a.repository.store.list()]
    for target, method in ((Restoring, "load"), (pickle, "loads"), (pickle, "load"), (pickle, "Unpickler")):
        monkeypatch.setattr(target, method, lambda *_, **__: pytest.fail("it unpickled"))
    found = plan(b)
    assert found["n"] == found["items"] == "conflicting"
    assert found["big"] == "new"
    assert b.described() == before
    assert [*a.repository.store.list()] == keys


def test_a_plan_for_some_names(a: Notebook) -> None:
    assert plan(a.fresh("n = 1"), only=["n", "wor*"]) == {"n": "conflicting", "word": "new"}
    assert "n" not in plan(a.fresh(), exclude=["n"])


def test_a_plan_for_other_names(a: Notebook) -> None:
    b = a.fresh("n = 1; old_word = 2")
    found = plan(b, prefix="old_")
    assert found["word"] == "conflicting"
    assert found["n"] == "new"
    assert set(plan(b, into="n").values()) == {"conflicting"}
    assert set(plan(b, into="fresh").values()) == {"new"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"replace": True},
        {"conflicts": "keep"},
        {"prefix": "old_"},
        {"prefix": "old_", "conflicts": "keep"},
        {"into": "box"},
        {"only": ["foo"]},
        {"only": ["h"], "replace": True},
    ],
)
def test_the_plan_is_what_the_load_does(a: Notebook, options: dict[str, Any]) -> None:
    b = a.fresh("n = 1; old_word = 2; mine = 3; other = 4")
    before, foretold = set(user_names(b.namespace, {})), b.plan(**options)
    report = b.load(**options)
    bound = {name.partition(".")[0] for name in foretold.bound} - set(foretold.kept)
    assert set(user_names(b.namespace, {})) == (before | bound) - set(foretold.removed)
    assert foretold.removed == report.removed
    assert foretold.kept == report.kept
    assert set(foretold.notes) <= set(report.notes)


def test_a_plan_names_what_would_be_removed_kept_and_bound(a: Notebook) -> None:
    b = a.fresh("n = 1; mine = 3")
    assert b.plan(replace=True).removed == ("mine",)
    assert "would remove: mine" in repr(b.plan(replace=True))
    assert b.plan().removed == b.plan().kept == ()
    kept = b.plan(conflicts="keep")
    assert kept.kept == ("n",)
    assert [(v.name, why) for v, _, why in kept.rows if why] == [("n", "what is there is kept")]
    assert b.plan(only=["n", "word"], prefix="old_").bound == ("old_n", "old_word")
    assert b.plan(only=["n"], into="box").bound == ("box.n",)
    assert "old_word" in repr(b.plan(only=["word"], prefix="old_"))
    with pytest.raises(SessionNameError, match="'class' is a word of Python's own"):
        b.plan(into="class")
    with pytest.raises(SessionNameError, match="cannot be used as a Python name"):
        b.plan(into="a-b")


def test_missing_bytes_are_unavailable(a: Notebook) -> None:
    part = next(b for c in a.repository.resolve("s").components for b in c.buffers if "big" in c.names)
    a.repository.store.delete(f"blobs/{part.digest[:2]}/{part.digest}")
    rows = {v.name: (status, why) for v, status, why in a.fresh().plan().rows}
    assert rows["big"][0] == "unavailable"
    assert part.digest in rows["big"][1]
    assert {status for name, (status, _) in rows.items() if name != "big"} == {"new"}


def test_a_placeholder_says_why(a: Notebook) -> None:
    a.run("class Bad:\n    def __reduce__(self): raise ValueError('never')\nbad = [Bad()]").save()
    rows = {v.name: why for v, _, why in a.fresh().plan().rows}
    assert "bad[0]" in rows["bad"]
    assert "never" in rows["bad"]


def test_an_object_whose_comparison_raises_is_compared_all_the_same(a: Notebook) -> None:
    a.run("class Odd:\n    def __eq__(self, o): raise ValueError\n    __hash__ = None\nodd = Odd(); odd.x = 1").save()
    assert plan(a)["odd"] == "same"
    a.run("odd.x = 2")
    assert plan(a)["odd"] == "conflicting"


@pytest.mark.parametrize("value", ["float('nan')", "-0.0", "0.0", "'a\\ud800'", "10**400", "b''", "None", "1j"])
def test_plain_values(a: Notebook, value: str) -> None:
    a.run(f"v = {value}").save()
    assert plan(a)["v"] == "same"
    a.run("v = 'something else'")
    assert plan(a)["v"] == "conflicting"


def test_zeros_of_either_sign_differ(a: Notebook) -> None:
    a.run("z = 0.0").save()
    a.run("z = -0.0")
    assert plan(a)["z"] == "conflicting"


def test_what_is_alive_and_was_not_stored_would_be_overwritten(a: Notebook) -> None:
    a.run("lines = (n for n in range(9)); next(lines); box = [lines, 1]").save()
    assert {"lines": "conflicting", "box": "conflicting"}.items() <= plan(a).items()
    assert {"lines", "box"} <= {*a.load().overwritten}
    assert plan(a)["lines"] == "same"  # Now the placeholder of the last load.
