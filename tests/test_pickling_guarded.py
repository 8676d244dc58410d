"""What is missing when a snapshot is loaded costs only what needs it, and comes back once it is repaired."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_session_save.errors import PlaceholderError
from jupyter_session_save.pickling import Placeholder
from jupyter_session_save.snapshot import Problem

from .cells import Notebook, notebook, problems

MODULE = """\
class Thing:
    def __init__(self, x): self.x = x
    def __eq__(self, o): return self.x == o.x
    __hash__ = None
class Base: pass
class Meta(type): pass
class Key:
    def __hash__(self): return 1
    def __eq__(self, o): return isinstance(o, Key)
def make(x): return Thing(x)
def decorate(f): return f
VALUE = object()
"""

CELL = """\
import spare
thing = spare.Thing([1])
nested = {'ok': [1], 'deep': [0, (thing, {'t': thing})], 'other': 2}
func = spare.make
held = [func, 5]
class Sub(spare.Base):
    x = 1
    def f(self): return 2
sub = Sub(); sub.v = [3]
class Made(metaclass=spare.Meta): pass
made = Made()
key = {spare.Key(): 1, 'plain': 2}
several = {spare.Key(), 7}
def default(t=thing): return t
def closing():
    inner = spare.Thing(2)
    return lambda: inner
closed = closing()
attribute = thing
fine = [1, 2]; same = fine
def f(): return fine
"""
NEEDING = {
    *("spare thing nested func held Sub sub Made made key several default closed attribute".split()),
}


@pytest.fixture
def a(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "spare.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    monkeypatch.chdir(tmp_path)
    with notebook(CELL) as made:
        made.save()
        yield made
    sys.modules.pop("spare", None)


def lose(tmp_path: Path) -> None:
    sys.modules.pop("spare", None)
    (tmp_path / "lib" / "spare.py").rename(tmp_path / "gone.py")
    importlib.invalidate_caches()


def restore(tmp_path: Path) -> None:
    (tmp_path / "gone.py").rename(tmp_path / "lib" / "spare.py")
    importlib.invalidate_caches()


def test_a_missing_module_costs_only_what_needs_it(a: Notebook, tmp_path: Path) -> None:
    lose(tmp_path)
    rows = {v.name: status for v, status, _ in a.fresh().plan().rows}
    assert {n for n, status in rows.items() if status == "unavailable"} == NEEDING
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == NEEDING
    assert {*b.namespace} >= NEEDING | {"fine", "same", "f"}
    b.check("same is fine", "f() is fine")
    found = problems(report)
    assert all("spare" in p.reason + p.advice for p in found.values()), found
    assert "nested['deep'][1][0]" in found
    b.check("nested['ok'] == [1]", "nested['other'] == 2", "nested['deep'][0] == 0", "held[1] == 5")
    b.check("key['plain'] == 2", "7 in several")
    stand_in = b.get("nested['deep'][1][0]")
    assert type(stand_in) is Placeholder
    assert b.get("nested['deep'][1][1]['t']") is stand_in


def test_once_repaired_it_loads_again(a: Notebook, tmp_path: Path) -> None:
    lose(tmp_path)
    b = a.fresh()
    b.load()
    restore(tmp_path)
    report = b.load()
    assert not report.placeholders
    assert set(report.overwritten) >= NEEDING - {"spare"}
    b.check(
        "nested['deep'][1][0] is thing",
        "thing.x == [1]",
        "type(sub) is Sub",
        "sub.v == [3]",
        "func(1) == spare.Thing(1)",
    )
    b.check("type(Made) is spare.Meta", "default() is thing", "closed().x == 2", "isinstance(sub, spare.Base)")


def test_a_module_that_fails_to_import(a: Notebook, tmp_path: Path) -> None:
    sys.modules.pop("spare")
    (tmp_path / "lib" / "spare.py").write_text("raise RuntimeError('broken build')")
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == NEEDING
    assert any("broken build" in p.reason for p in problems(report).values())
    b.check("same is fine", "nested['ok'] == [1]")


def test_a_module_that_exits_when_imported(a: Notebook, tmp_path: Path) -> None:
    sys.modules.pop("spare")
    (tmp_path / "lib" / "spare.py").write_text("raise SystemExit(3)")
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == NEEDING
    b.check("same is fine", "nested['ok'] == [1]")


def test_a_class_that_has_moved(a: Notebook, tmp_path: Path) -> None:
    sys.modules.pop("spare")
    (tmp_path / "lib" / "spare.py").write_text(MODULE.replace("class Thing", "class Renamed") + "__version__ = '2'\n")
    importlib.invalidate_caches()
    b = a.fresh()
    report = b.load()
    lost = {v.name for v in report.placeholders}
    assert lost == {"thing", "nested", "default", "closed", "attribute"}
    assert all("Thing" in p.reason for p in problems(report).values())
    b.check("type(sub) is Sub", "held[0] is func is spare.make", "key['plain'] == 2 and len(key) == 2")


def test_a_class_that_became_a_function(a: Notebook, tmp_path: Path) -> None:
    sys.modules.pop("spare")
    (tmp_path / "lib" / "spare.py").write_text(MODULE.replace("class Thing:", "def Thing(): pass\nclass _T:"))
    importlib.invalidate_caches()
    b = a.fresh()
    assert {v.name for v in b.load().placeholders} >= {"thing", "nested"}
    b.check("same is fine", "nested['ok'] == [1]")


def test_a_class_that_refuses_the_old_state(a: Notebook, tmp_path: Path) -> None:
    sys.modules.pop("spare")
    new = MODULE.replace("    __hash__ = None", "    __slots__ = ('y',)\n    __hash__ = None")
    (tmp_path / "lib" / "spare.py").write_text(new)
    importlib.invalidate_caches()
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == {"thing", "nested", "default", "closed", "attribute"}
    b.check("nested['ok'] == [1]", "same is fine")


def test_the_path_of_a_users_module_is_found_again(
    a: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.modules.pop("spare")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(tmp_path / "lib")])
    importlib.invalidate_caches()
    b = a.fresh()
    report = b.load()
    assert not report.placeholders
    assert any("sys.path" in note for note in report.notes)
    assert str(tmp_path / "lib") in sys.path


def test_an_interrupted_load_takes_the_path_away_again(
    a: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.modules.pop("spare")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(tmp_path / "lib")])
    importlib.invalidate_caches()
    before = list(sys.path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        a.fresh().load(progress=stop)
    assert sys.path == before


def test_a_changed_module_keeps_its_new_code_and_is_reported(a: Notebook, tmp_path: Path) -> None:
    sys.modules.pop("spare")
    (tmp_path / "lib" / "spare.py").write_text(MODULE + "NEW = 1\n")
    importlib.invalidate_caches()
    b = a.fresh()
    report = b.load()
    assert not report.placeholders
    assert any("spare" in note and "changed" in note for note in report.notes)
    b.check("spare.NEW == 1")


# Steps that run the user's code, one after the other.

STEPS = {
    "import": "return __import__('no_such_module')",
    "attribute": "import os; return os.no_such_name",
    "call": "return int('x')",
    "attribute of None": "return None.x",
}


@pytest.mark.parametrize("step", STEPS)
def test_nested_failures_cost_the_innermost(a: Notebook, step: str) -> None:
    a.run(
        f"""
        def fail(*args):
            if armed: {STEPS[step]}
            return list(args)
        class Inner:
            def __reduce__(self): return fail, (1,)
        class Outer:
            def __init__(self, inner): self.inner = inner; self.ok = [1]
            def __reduce__(self): return Outer, (self.inner,), {{'ok': self.ok, 'again': self.inner}}
        outer = Outer(Inner()); armed = True
        """
    )
    a.save()
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == {"outer"}
    b.check("type(outer) is Outer", "outer.ok == [1]", "outer.again is outer.inner")
    assert type(b["outer"].inner) is Placeholder
    assert b["outer"].inner.problem.path in ("outer.inner", "outer.again")


def test_what_is_made_of_a_failed_object_fails_with_its_reason(a: Notebook) -> None:
    a.run(
        """
        def fail(): raise ValueError('the root')
        class Inner:
            def __reduce__(self): return fail, ()
        class Picky:
            def __init__(self, inner): self.n = len(inner)
            def __reduce__(self): return Picky, (Inner(),)
        picky = [Picky([])]
        """
    )
    a.save()
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == {"picky"}
    assert any("the root" in p.reason for p in problems(report).values()), problems(report)


def test_a_definition_that_fails_costs_its_instances_not_its_neighbours(a: Notebook) -> None:
    a.run(
        """
        class Desc:
            def __setstate__(self, s): raise ValueError('desc')
        class Holder:
            d = Desc()
            ok = [1]
        Holder.__dict__['d'].x = 1
        h = Holder(); h.y = 2
        """
    )
    a.save()
    b = a.fresh()
    report = b.load()
    assert {v.name for v in report.placeholders} == {"Holder"}
    b.check("type(h) is Holder", "h.y == 2", "Holder.ok == [1]")
    assert type(vars(b["Holder"])["d"]) is Placeholder


def test_a_load_under_guard_gives_what_a_plain_load_gives(a: Notebook) -> None:
    from jupyter_session_save.pickling import pickler

    from .cells import differences, through

    a.namespace.pop("several")
    plain = through(pickler._c_lane, a).described()
    assert not differences(a.described(), plain)


# Placeholders.


@pytest.fixture
def stand_in() -> Placeholder:
    return Placeholder(Problem("d['x']", "mod.Type", "it broke", "mend it"))


USES = (
    "p() | p.x | p.x() | p[0] | p + 1 | 1 + p | len(p) | iter(p) | p < 1 | bool(p) | int(p) | float(p) | -p "
    "| 'a' in p | "
    "p @ p | p & 1 | ~p | abs(p) | [*p] | {**p} | p % 2 | 'x' % p if p else 0 | next(p) | round(p) | p.__enter__() | "
    "range(p) | divmod(p, 2) | p // 1 | not p | reversed(p)"
).split(" | ")


@pytest.mark.parametrize("use", USES)
def test_using_a_placeholder_explains(stand_in: Placeholder, use: str) -> None:
    with pytest.raises((PlaceholderError, TypeError, AttributeError)) as caught:
        eval(use, {"p": stand_in})
    if caught.type is PlaceholderError:
        text = str(caught.value)
        assert all(part in text for part in ("d['x']", "mod.Type", "it broke", "mend it"))
        assert "\n" not in text
    else:
        assert use in ("{**p}", "round(p)", "reversed(p)", "divmod(p, 2)", "p.__enter__()")


@pytest.mark.parametrize(
    "statement", ["p[0] = 1", "del p[0]", "p.x = 1", "p += 1", "with p: pass", "for _ in p: pass", "a, b = p"]
)
def test_changing_a_placeholder_explains(stand_in: Placeholder, statement: str) -> None:
    with pytest.raises((PlaceholderError, AttributeError)):
        exec(statement, {"p": stand_in})


def test_looking_at_a_placeholder_is_safe(stand_in: Placeholder) -> None:
    import copy
    import inspect
    import pickle

    assert "it broke" in repr(stand_in)
    assert "d['x']" in str(stand_in)
    assert stand_in == stand_in  # noqa: PLR0124
    assert stand_in != Placeholder(stand_in.problem)
    assert stand_in in {stand_in: 1}
    assert not hasattr(stand_in, "_repr_html_")
    assert not hasattr(stand_in, "__array__")
    assert not callable(getattr(stand_in, "_ipython_display_", None))
    assert type(stand_in) is Placeholder
    assert isinstance(stand_in, Placeholder)
    assert inspect.isclass(stand_in) is False
    assert pickle.loads(pickle.dumps(stand_in)).problem == stand_in.problem
    assert copy.copy(stand_in).problem == stand_in.problem
    assert {stand_in, stand_in} == {stand_in}
