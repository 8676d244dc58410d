"""What is alive and not stored by value, put back into what is loaded."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from jupyter_session_save import environment, lives
from jupyter_session_save.history import not_brought_back, standing
from jupyter_session_save.live_parts import is_whole
from jupyter_session_save.live_paths import MISSING, Keys, follow, own_dict, steps_of
from jupyter_session_save.namespace import Journal
from jupyter_session_save.pickling import Placeholder
from jupyter_session_save.reports import LoadReport
from jupyter_session_save.snapshot import Component, Part, Problem, Snapshot, Variable

from .cells import Notebook, notebook

GEN = "gen = (i for i in range(9)); next(gen)\n"


class Loud:
    """Fails the test when it is asked anything, once it is loud."""

    loud = False

    def __hash__(self) -> int:
        return hash("key")

    def __eq__(self, other: object) -> bool:
        assert not self.loud
        return self is other

    @property
    def attribute(self) -> Any:
        raise AssertionError("asked")


class Hidden:
    """Answers for its dictionary in a way of its own."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise AssertionError("asked")


def save(a: Notebook) -> int:
    """Save, and see what is alive, as autosave does; return the version."""
    version = int(a.save().reference.partition("@")[2])
    snapshot = a.repository.resolve("s", version)
    for component in snapshot.components:
        lives.note(component, [v for v in snapshot.variables if v.name in component.names], a.namespace)
    return version


def back(a: Notebook, *cells: str) -> LoadReport:
    """Save, run cells, save, and go back."""
    first = save(a)
    for cell in cells:
        a.run(cell)
    save(a)
    held = a.repository.resolve("s", first + 1)
    return a.load(version=first, since=held, replace=True, state=False)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("x", ()),
        ("x[0]['k'].a", ((False, 0), (False, "k"), (True, "a"))),
        ("x[-1.5][b'k'][None][True]", ((False, -1.5), (False, b"k"), (False, None), (False, True))),
        ("y[0]", None),
        ("x[<tuple>]", None),
        ("x{0}", None),
        ("x.keys()[1]", None),
        ("x.<closure>.a", None),
        ("x[y]", None),
        ("globals()['x'].a", ((True, "a"),)),
        ("globals()['z'].a", None),
        ("x" + "[0]" * 10_000, None),
        ("", None),
    ],
)
def test_a_path_is_taken_apart_and_nothing_else(path: str, steps: Any) -> None:
    found = steps_of(path, "x")
    # Whether Python can take apart a long path depends on its version.
    assert found == steps or (len(path) > 10_000 and found is not None)


def test_a_path_is_followed_without_a_question_to_the_users_code(monkeypatch: pytest.MonkeyPatch) -> None:
    loud, keys = Loud(), Keys()
    inner = {"key": [loud], 1: "one"}
    value = {Loud(): 0, "a": (inner,)}
    assert follow(value, steps_of("x['a'][0]['key'][0]", "x") or (), keys) is loud
    mixed = {Loud(): 0, "key": 1}
    monkeypatch.setattr(Loud, "loud", True)
    assert follow(mixed, ((False, "key"),), keys) == 1
    for path in ("x['b']", "x['a'][1]", "x['a'][-1]", "x['a'][0][True]", "x.a", "x['a'][0]['key'][0].attribute"):
        assert follow(value, steps_of(path, "x") or (), keys) is MISSING or path.endswith("[True]")
    assert follow({(): 1}, ((False, ()),), keys) is MISSING
    assert own_dict(Hidden()) is None and own_dict(object()) is None and own_dict(3) is None
    assert own_dict(loud) == {}


def test_items_are_put_back_in_reverse_order() -> None:
    one, two = [1], {"k": 1}
    journal = Journal({})
    journal.put(one, 0, 2)
    journal.put(one, 0, 3)
    journal.put(two, "k", one)
    assert (one, two) == ([3], {"k": [3]})
    journal.rollback()
    assert (one, two) == ([1], {"k": 1})


def recorded(*components: tuple[str, ...], **digests: str) -> Snapshot:
    """Return a record in which ``gen``, ``pair`` and ``twin`` are no values, or hold such."""
    path = {"gen": "gen", "pair": "pair[0]", "twin": "twin[0]"}
    variables = []
    for name, digest in digests.items():
        problems = (Problem(path[name], "generator", "suspended"),) if name in path else ()
        variables.append(Variable(name, "", "", 1, "placeholder" if problems else "saved", problems, digest))
    parts = tuple(Component(names, Part("".join(names).ljust(64, "0"), 1)) for names in components)
    return Snapshot("s", variables=tuple(variables), components=parts)


WANTED = recorded(("gen", "pair", "x"), ("n",), gen="1", pair="2", x="3", n="4")


@pytest.mark.parametrize(
    ("held", "stays"),
    [
        (recorded(("gen", "pair", "x", "more"), ("n",), gen="1", pair="2", x="3", n="5", more="6"), True),
        (recorded(("gen", "pair", "x", "more"), ("n",), gen="1", pair="7", x="3", n="4", more="6"), False),
        (recorded(("gen", "x"), ("n",), gen="1", x="3", n="4"), False),
        # They have ceased to share, which only a load brings back; a generator by itself shares nothing.
        (recorded(("gen", "pair"), ("x",), ("n",), gen="1", pair="2", x="3", n="4"), False),
        (recorded(("gen",), ("pair", "x"), ("n",), gen="1", pair="2", x="3", n="4"), True),
    ],
)
def test_a_component_with_something_alive_stays_if_nothing_in_it_differs(held: Snapshot, stays: bool) -> None:
    assert ("pair" in standing(held, WANTED)) == ("x" in standing(held, WANTED)) == stays


def test_of_what_shares_now_what_holds_something_alive_stays() -> None:
    wanted = recorded(("gen", "pair"), ("big",), gen="1", pair="2", big="3")
    held = recorded(("gen", "pair", "big", "both"), gen="1", pair="2", big="3", both="4")
    assert standing(held, wanted) == {"gen", "pair"}
    alone = recorded(("gen",), ("big",), gen="1", big="3")
    assert standing(recorded(("gen", "big", "both"), gen="1", big="3", both="4"), alone) == {"gen", "big"}


def test_what_holds_another_value_now_is_named_and_what_may_be_the_same_is_not() -> None:
    now = recorded(("gen",), ("pair",), gen="9", pair="2")
    assert not_brought_back(now, WANTED, {"gen", "pair", "x"}) == ()
    bound = Snapshot("s", variables=(Variable("gen", "int", digest="8"),))
    assert not_brought_back(bound, WANTED, {"gen", "pair"}) == ("gen",)
    assert not_brought_back(bound, WANTED, set()) == ()


@pytest.mark.parametrize(
    "then",
    ["other = [gen]", "other = gen", "del pair", "pair.append(6)", "cfg['n'] = 1", "w.n = 1; cfg['more'] = 0"],
)
def test_a_generator_stays_alive_where_it_stood(then: str) -> None:
    with notebook(
        f"class W: pass\n{GEN}pair = [gen, 5]; cfg = {{'n': 0, 'gen': gen}}; w = W(); w.g = gen; w.n = 0"
    ) as a:
        gen = a["gen"]
        report = back(a, then)
        assert a["gen"] is gen and a["pair"] == [gen, 5] and a["cfg"] == {"n": 0, "gen": gen}
        a.check("w.g is gen", "w.n == 0", "next(gen) == 1")
        assert not report.placeholders and set(report.overwritten) <= {"pair", "cfg", "w"}
        assert "placeholder" not in repr(report)


def test_one_object_is_one_again_wherever_it_was() -> None:
    cell = "deep = {'a': [{'b': gen}, {(1, 2): gen}], 'n': 0}; twice = [gen, gen, (0, [gen])]; twice.append(twice)"
    with notebook(GEN + cell) as a:
        gen = a["gen"]
        report = back(a, "deep['n'] = 1; del twice; gen2 = gen")
        assert a["deep"] == {"a": [{"b": gen}, {(1, 2): gen}], "n": 0}
        twice = a["twice"]
        assert twice[0] is twice[1] is twice[2][1][0] is gen and twice[3] is twice
        assert not report.placeholders and report.removed == ("gen2",)


def test_without_a_name_of_its_own_it_is_found_in_what_holds_it() -> None:
    with notebook(GEN + "pair = [gen, 1]; more = [gen, 1]") as a:
        gen = a["gen"]
        back(a, "del gen; more[1] = 2")
        assert a["gen"] is gen and a["pair"] == [gen, 1] == a["more"]


def test_a_variable_is_bound_to_its_own_generator_again_while_that_is_alive() -> None:
    with notebook(GEN + "pair = [gen, 1]") as a:
        old = a["gen"]
        back(a, "gen = (i for i in 'xy'); next(gen); pair[1] = 2")
        assert a["gen"] is old and a["pair"] == [old, 1]
        del old
        back(a, "gen = (i for i in 'xy'); next(gen); pair[:] = [gen, 3]; new = gen")
        assert a["gen"] is a["pair"][0] and next(a["gen"]) == "y"


def test_in_tuples_and_sets_it_is_a_placeholder_and_the_report_says_so() -> None:
    with notebook(GEN + "pair = [gen, 1]; fixed = (gen, 2); among = {gen, 3}") as a:
        gen = a["gen"]
        report = back(a, "pair[1] = 2")
        assert a["gen"] is gen and a["pair"] == [gen, 1]
        assert type(a["fixed"][0]) is Placeholder and gen not in a["among"]
        assert report.overwritten == ("pair", "among", "fixed")
        assert {v.name for v in report.placeholders} == {"fixed", "among"}
        assert {v.name: v.state for v in report.variables}["pair"] == "saved"


def test_keys_of_the_users_are_asked_nothing() -> None:
    cell = f"""
    {GEN.strip()}
    class Key:
        asked = 0
        def __hash__(self):
            type(self).asked += 1
            return 7
    table = {{Key(): gen, "n": 0}}; row = {{"g": gen, "n": 0}}
    """
    with notebook(cell) as a:
        report = back(a, "table['n'] = 1; row['n'] = 1")
        a.check("row == {'g': gen, 'n': 0}")
        assert {v.name for v in report.placeholders} == {"table"}
        assert a.get("type([*table.values()][0]).__name__") == "Placeholder"


def test_an_open_transaction_goes_on_with_its_connection_and_cursor(tmp_path: Path) -> None:
    cell = f"""
    import sqlite3
    class Db: pass
    con = sqlite3.connect({str(tmp_path / "f.db")!r}); con.execute("create table t(a)"); con.commit()
    db = Db(); db.con = con; db.cur = con.cursor(); db.n = 0; cur = con.cursor()
    """
    with notebook(cell, "cur.execute('insert into t values (1)')") as a:
        con, cur = a["con"], a["cur"]
        report = back(a, "db.n = 1")
        assert a["con"] is con and a["cur"] is cur
        a.check("db.con is con", "db.cur.connection is con", "db.n == 0", "con.in_transaction")
        assert con.execute("select count(*) from t").fetchone() == (1,)
        assert not report.reconnected and report.overwritten == ("db",)
        con.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_was_stored_of_it_comes_back_if_that_differs(tmp_path: Path) -> None:
    where = tmp_path / "f.txt"
    where.write_text("one\ntwo\n")
    cell = f"""
    import sqlite3
    lines = [open({str(where)!r}), 0]; rest = [open({str(where)!r}), 0]
    mem = sqlite3.connect(":memory:"); mem.create_function("f", 0, lambda: 1); box = [mem, 0]
    """
    with notebook(cell) as a:
        kept, read, mem = a["rest"][0], a["lines"][0], a["mem"]
        report = back(a, "next(lines[0]); rest[1] = 1; mem.execute('create table t(a)'); box[1] = 1")
        assert a["rest"][0] is kept
        a.check("lines[0].read() == 'one\\ntwo\\n'", "box == [mem, 0]")
        if hasattr(sqlite3.Connection, "serialize"):
            a.check("mem.execute('select * from sqlite_master').fetchall() == []")
        assert {v.name for v in report.reconnected} >= {"lines"} and "rest" not in {v.name for v in report.reconnected}
        for opened in (kept, read, mem, *(a.get(x) for x in ("lines[0]", "mem"))):
            opened.close()


def test_a_load_that_fails_afterwards_takes_everything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with notebook(GEN + "pair = [gen, 1]; box = {'p': pair}") as a:
        a.save()
        a.run("pair[1] = 2; more = 1")
        a.save()
        held = a.repository.resolve("s", 2)
        before = {n: v for n, v in a.namespace.items() if not n.startswith("__")}

        def fails(*_: Any) -> list[str]:
            a.check("pair == [gen, 1]", "box['p'] is pair")
            raise KeyboardInterrupt

        monkeypatch.setattr(environment, "differences", fails)
        with pytest.raises(KeyboardInterrupt):
            a.load(version=1, since=held, replace=True, state=False)
        assert all(a.namespace[n] is v for n, v in before.items())
        a.check("pair == [gen, 2]", "box['p'] is pair", "next(gen) == 1")


def test_a_load_that_does_not_know_what_the_namespace_holds_leaves_nothing_alive() -> None:
    with notebook(GEN + "pair = [gen, 1]") as a:
        a.save()
        report = a.load(state=False)
        assert {v.name for v in report.placeholders} == {"gen", "pair"}
        a.check("type(gen).__name__ == 'Placeholder'", "pair[0] is gen")


def test_a_placeholder_of_an_earlier_kernel_is_nothing_alive() -> None:
    with notebook(GEN + "pair = [gen, 1]; fixed = (gen, pair); among = (gen, 1)") as a:
        a.save()
        b = a.fresh()
        b.load(state=False)
        report = back(b, "pair[1] = 2")
        assert {v.name for v in report.placeholders} == {"gen", "pair", "fixed", "among"}
        assert set(report.overwritten) == {"pair", "fixed"}


def test_what_is_all_alive_needs_no_statement_run_again() -> None:
    with notebook(GEN + "pair = [gen, 1]; fixed = (gen, 1); among = {gen}; n = 1") as a:
        saved = {v.name: v for v in a.save().variables}
        found = {name for name, variable in saved.items() if is_whole(variable, a.namespace)}
        # In a set nobody knows where; what has no problems was stored.
        assert found == {"gen", "pair", "fixed"}
        a.run("del gen; pair[0] = fixed")
        assert is_whole(saved["pair"], a.namespace) and not is_whole(saved["gen"], a.namespace)
        a.load(state=False)
        assert not any(is_whole(variable, a.namespace) for variable in saved.values())


def test_a_lock_stays_held() -> None:
    with notebook("import threading; lock = threading.Lock(); lock.acquire(); box = {'lock': lock, 'n': 0}") as a:
        lock = a["lock"]
        report = back(a, "box['n'] = 1")
        assert a["lock"] is lock and a["box"] == {"lock": lock, "n": 0} and lock.locked()
        assert report.overwritten == ("box",) and not report.reconnected


def test_some_names_say_nothing_of_the_others() -> None:
    with notebook(GEN + "pair = [gen, 1]; n = 1") as a:
        a.save()
        a.run("gen = 0; n = 2; pair[1] = 2")
        a.save()
        held = a.repository.resolve("s", 2)
        assert a.load(version=1, since=held, only=["n"], state=False).not_stored == ()
        a.check("(gen, n, pair[1]) == (0, 1, 2)")


MADE = "def made(n):\n    for i in range(9): yield n, i\ndef gen(n):\n    g = made(n)\n    next(g)\n    return g\n"


@pytest.mark.parametrize(
    ("cell", "change", "expected"),
    [
        ("x = [gen('a')]", "x.insert(0, gen('new'))", ["a"]),
        ("x = [gen('a'), 1, gen('b'), 2]", "x.reverse()", ["a", "b"]),
        ("x = [gen('a'), gen('b')]", "x.append(1); x[0], x[1] = x[1], x[0]", ["a", "b"]),
        ("x = {'a': gen('a'), 'n': 1}; kept = x['a']", "x['a'] = gen('other'); x['n'] = 2", ["a"]),
    ],
)
def test_each_stands_where_it_stood_whatever_has_moved(cell: str, change: str, expected: list[str]) -> None:
    with notebook(MADE + cell) as a:
        back(a, change)
        held = a["x"].values() if isinstance(a["x"], dict) else a["x"]
        assert [next(one)[0] for one in held if not isinstance(one, int)] == expected


def test_what_is_not_alive_any_more_is_a_placeholder_and_none_takes_its_place() -> None:
    with notebook(MADE + "x = [gen('a'), gen('b'), gen('c')]") as a:
        report = back(a, "x.pop(0).close()")
        assert type(a["x"][0]) is Placeholder and [next(one)[0] for one in a["x"][1:]] == ["b", "c"]
        assert [p.path for v in report.placeholders for p in v.problems] == ["x[0]"]


def test_what_shares_now_and_did_not_is_parted_again() -> None:
    with notebook(MADE + "x = [[0], gen('a')]; y = [[0], gen('b')]") as a:
        back(a, "y[0] = x[0]")
        a.run("x[0].append(1)").check("y[0] == [0]", "next(x[1])[0] == 'a'", "next(y[1])[0] == 'b'")
