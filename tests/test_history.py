"""What changed from one snapshot to another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save import SessionNotFoundError, save
from jupyter_session_save.catalog import open_repository
from jupyter_session_save.history import cells_back, changes, standing, steps
from jupyter_session_save.looking import compare, list_snapshots
from jupyter_session_save.snapshot import Component, Part, Snapshot, Variable

from .cells import notebook


def snapshot(version: int, parent: int | None, **digests: str) -> Snapshot:
    components = tuple(Component((name,), Part(digest * 64, 10)) for name, digest in digests.items())
    variables = tuple(Variable(name, "int", digest=digest) for name, digest in digests.items())
    return Snapshot("s", version, parent=parent, variables=variables, components=components)


def test_changes_are_named_and_sorted() -> None:
    found = changes(snapshot(1, None, a="1", b="2", c="3"), snapshot(2, 1, d="4", b="5", c="3"))
    assert [(c.name, c.kind) for c in found] == [("a", "removed"), ("b", "changed"), ("d", "added")]
    assert [(c.before is None, c.after is None) for c in found] == [(False, True), (False, False), (True, False)]


def test_a_variable_without_a_digest_counts_as_changed() -> None:
    assert [c.kind for c in changes(snapshot(1, None, a=""), snapshot(2, 1, a=""))] == ["changed"]


def test_steps_go_by_the_parent_and_count_what_is_new() -> None:
    line = [snapshot(4, 2, a="1", b="9"), snapshot(3, 2, a="7"), snapshot(2, 1, a="1"), snapshot(1, None, a="0")]
    found = {step.snapshot.sequence: step for step in steps(line)}
    assert [(c.name, c.kind) for c in found[4].changes or ()] == [("b", "added")]
    assert found[4].bytes_new == 10
    assert [(c.name, c.kind) for c in found[1].changes or ()] == [("a", "added")]
    assert next(steps([snapshot(9, 5, a="1")])).changes is None


def test_going_back_follows_the_branch_and_counts_only_cells_that_changed_something() -> None:
    line = [
        replace(snapshot(1, None, a="1"), cell=2),
        replace(snapshot(2, 1, a="2"), cell=3),
        replace(snapshot(3, 1, a="3"), cell=4),
        replace(snapshot(4, 3, a="4"), cell=4),
        snapshot(5, 4, a="4"),
    ]
    by_version = {s.sequence: s for s in line}
    found = [cells_back(line[-1], cells, by_version.__getitem__, by_version.keys) for cells in range(4)]
    assert [getattr(s, "sequence", None) for s in found] == [5, 3, 1, None]


@pytest.mark.parametrize("other", [{"created": "2026-01-02"}, {"line": ((1, 1), (3, 3))}])
def test_nothing_goes_back_to_another_snapshot_under_the_number_of_its_parent(other: dict[str, Any]) -> None:
    first = replace(snapshot(1, None, a="1"), cell=1, created="2026-01-01")
    held = replace(snapshot(2, 1, a="2"), cell=2, created="2026-01-01", line=first.line_on())
    assert cells_back(held, 1, {1: first}.__getitem__, dict) == first
    there = {1: replace(first, **other)}
    with pytest.raises(SessionNotFoundError, match="s@2 did not come from the s@1 that is there now"):
        cells_back(held, 1, there.__getitem__, there.keys)
    assert next(steps([held, there[1]])).changes is None


def test_where_the_one_before_was_deleted_the_nearest_older_one_is_named() -> None:
    line = [snapshot(1, None, a="1")]
    for number in range(2, 6):
        made = replace(snapshot(number, number - 1, a=str(number)), cell=number, line=line[-1].line_on())
        line.append(made)
    there = {s.sequence: s for s in line if s.sequence not in (3, 4)}

    def read(version: int) -> Snapshot:
        if version not in there:
            raise SessionNotFoundError("no such version")
        return there[version]

    with pytest.raises(SessionNotFoundError, match=r"s@4, which s@5 came from, was deleted: .*%load_session s@2 goes"):
        cells_back(line[-1], 1, read, there.keys)
    del there[1], there[2]
    with pytest.raises(SessionNotFoundError, match=r"s@4, .* was deleted, and so was all before it: %sessions s"):
        cells_back(line[-1], 1, read, there.keys)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def test_a_diff_shows_small_values_and_shapes(store: str) -> None:
    save("s", {"a": 1, "word": "x" * 200, "gone": [1, 2], "same": {"k": (1, None, True)}}, store=store)
    save("s", {"a": 2, "word": "y" * 200, "big": list(range(9999)), "same": {"k": (1, None, True)}}, store=store)
    found = compare(open_repository(store), "s@1")
    assert (found.named("changed"), found.named("added"), found.named("removed")) == (
        ("a", "word"),
        ("big",),
        ("gone",),
    )
    text = found.whole()
    assert text.startswith("from s@1 to s@2: 1 added, 1 removed, 2 changed")
    assert "[1, 2]" in text
    assert "9999" in text
    assert "x" * 61 not in text
    assert repr(compare(open_repository(store), "s@1", "s@1")).splitlines()[0] == "from s@1 to s@1: nothing differs"


def test_a_diff_with_what_is_not_there_says_so(store: str) -> None:
    save("sales", {"a": 1}, store=store)
    with pytest.raises(SessionNotFoundError, match="did you mean 'sales'"):
        compare(open_repository(store), "sale")


def test_the_line_of_a_session_names_what_changed(store: str) -> None:
    for value in (1, 2):
        save("s", {"a": value, "b": [0]}, store=store)
    listed = list_snapshots(open_repository(store), "s")
    assert [step.snapshot.sequence for step in listed.steps] == [2, 1]
    assert "a save" in repr(listed)


CELL = """\
import numpy as np
big = np.arange(300_000.0)
view = big[:5]
class Foo: pass
foo = Foo()
items = [1, foo]
n = 1
def next_n(): return n + 1
"""


def test_going_back_loads_only_what_differs_and_leaves_the_rest_the_very_same_objects() -> None:
    with notebook(CELL) as a:
        first = a.save()
        a.run("n = 2; words = ['x']")
        second = a.save()
        kept = {name: a.namespace[name] for name in ("big", "view", "Foo", "foo", "items", "next_n", "np")}
        held = a.repository.resolve("s", 2)
        report = a.manager.load("s", 1, since=held, replace=True)
        assert all(a.namespace[name] is value for name, value in kept.items())
        assert {v.name for v in report.variables} == {"n"}
        assert report.removed == ("words",)
        assert a.namespace["next_n"]() == 2
        assert "stayed" in repr(report)
        a.manager.load("s", 2, since=a.repository.resolve("s", 1), replace=True)
        assert (a.namespace["n"], a.namespace["words"]) == (2, ["x"])
    assert (first.reference, second.reference) == ("s@1", "s@2")


def test_instances_follow_a_class_that_is_made_anew() -> None:
    with notebook(CELL) as a:
        a.save()
        a.run("class Foo:\n    later = True\nfoo.__class__ = Foo")
        a.save()
        assert "foo" not in standing(a.repository.resolve("s", 2), a.repository.resolve("s", 1))
        a.manager.load("s", 1, since=a.repository.resolve("s", 2), replace=True)
        a.check("type(foo) is Foo", "items[1] is foo", "not hasattr(Foo, 'later')", "view.base is big")


def test_what_only_shares_with_others_now_has_not_changed(tmp_path: Path) -> None:
    with notebook("big = {'k': [1]}; other = [2]; box = []; n = 1; import numpy as np; arr = np.zeros(300_000)") as a:
        a.save()
        a.run("box.append(big); last = [big, other]; view = arr[3:]").save()
        one, two = (a.repository.resolve("s", version) for version in (1, 2))
        assert [(c.name, c.kind) for c in changes(one, two)] == [
            ("box", "changed"),
            ("last", "added"),
            ("view", "added"),
        ]
        assert [c.kind for c in changes(two, one)] == ["changed", "removed", "removed"]
        # Of several that share with each other only one can stay: whether they did before is not known.
        assert standing(two, one) >= {"big", "arr", "n"}
        assert not standing(two, one).intersection({"box", "other"})
        assert a.load(version=1, state=False).overwritten == ("box",)
        a.run("same = big, arr")
        assert not a.load(version=1, state=False).overwritten
        a.run("big['k'].append(3)")
        assert a.load(version=1, state=False).overwritten == ("big",)


def test_a_number_that_is_not_what_it_was_stored_as_is_loaded_again() -> None:
    held = snapshot(2, 1, a="1", b="2")
    assert standing(held, snapshot(1, None, a="1", b="2")) == {"a", "b"}
    less = replace(held, components=held.components[:1])
    assert standing(less, snapshot(1, None, a="1", b="2")) == {"a"}
