"""Reducers that users register, and those that a class brings."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

import jupyter_session_save
from jupyter_session_save import register_reducer
from jupyter_session_save.interpreter import Surroundings, reducers
from jupyter_session_save.pickling import Placeholder, registered
from jupyter_session_save.snapshot import Problem

from .cells import Notebook, notebook, problems


@pytest.fixture(autouse=True)
def _no_registration_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "_REDUCERS", {})


CLIENT = """
import threading
class Client:
    def __init__(self, address):
        self.address, self.lock = address, threading.Lock()
class Special(Client):
    pass
def again(address):
    return Client('again ' + address)
from jupyter_session_save import register_reducer
"""


def moved(*cells: str, clean: bool = True) -> Notebook:
    with notebook(CLIENT, *cells) as first:
        return first.move(clean=clean)


def test_a_registered_type_is_made_again() -> None:
    second = moved("register_reducer(Client, lambda c: (c.address,), again); c = Client('here'); d = [c]")
    second.check("c.address == 'again here'", "type(c) is Client", "d[0] is c")


def test_the_kernel_that_loads_needs_no_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    with notebook(CLIENT, "register_reducer(Client, lambda c: (c.address,), lambda a: Client(a + '!'))") as first:
        first.run("c = Client('here')").save()
        monkeypatch.setattr(registered, "_REDUCERS", {})
        second = first.fresh()
        second.load()
    second.check("c.address == 'here!'")


def test_subclasses_are_left_alone_unless_asked_for() -> None:
    exact = moved("register_reducer(Client, lambda c: (c.address,), again); s = Special('s')", clean=False)
    exact.check("type(s) is Special", "s.address == 's'")
    wide = moved(
        "register_reducer(Client, lambda c: (type(c), c.address), lambda t, a: t(a + '!'), subclasses=True)",
        "s = Special('s')",
    )
    wide.check("type(s) is Special", "s.address == 's!'")


def test_types_of_libraries_and_c_go_by_their_registration() -> None:
    register_reducer(type(threading.Lock()), lambda lock: (lock.locked(),), _lock)
    register_reducer(io.StringIO, lambda text: (text.getvalue().upper(),), io.StringIO)
    second = moved("lock = threading.Lock(); lock.acquire(); import io; text = io.StringIO('a')")
    second.check("lock.locked()", "text.getvalue() == 'A'")


def _lock(held: bool) -> Any:
    made = threading.Lock()
    if held:
        made.acquire()
    return made


def test_what_a_reducer_keeps_is_saved_like_anything_else() -> None:
    second = moved(
        "shared = [1]; register_reducer(Client, lambda c: (c.shared, c.lock), lambda s, l: (s, l))",
        "c = Client('a'); c.shared = shared",
    )
    second.check("c[0] is shared", "c[1].acquire(blocking=False)")


@pytest.mark.parametrize("body", ["1 / 0", "[c.address]", "(c for c in 'a')"])
def test_a_failing_reducer_costs_its_object_alone(body: str) -> None:
    with notebook(
        CLIENT, f"register_reducer(Client, lambda c: {body}, again); kept = {{'c': Client('a'), 'n': 1}}"
    ) as a:
        report = a.save()
        (found,) = problems(report).values()
        assert found.path == "kept['c']" and ("ZeroDivisionError" in found.reason or "not a tuple" in found.reason)
        second = a.fresh()
        second.load()
    assert second["kept"]["n"] == 1 and type(second["kept"]["c"]) is Placeholder


def test_a_failing_rebuild_costs_its_object_alone() -> None:
    second = moved(
        "def bad(a): raise ValueError('gone')",
        "register_reducer(Client, lambda c: (c.address,), bad); kept = {'c': Client('a'), 'n': 1}",
        clean=False,
    )
    assert second["kept"]["n"] == 1
    assert "gone" in second["kept"]["c"].problem.reason


def test_a_class_brings_its_own_reduce() -> None:
    second = moved(
        """
        class C:
            def __init__(self, n): self.n = n
            def __reduce__(self): raise TypeError('not for pickle')
            def __session_reduce__(self): return C, (self.n + 1,), {'more': 2}
        class D(C): pass
        c, d = C(1), D(5)
        """
    )
    second.check("(c.n, c.more) == (2, 2)", "d.n == 6")


def test_a_registration_goes_before_the_method() -> None:
    second = moved(
        "class C:\n    def __session_reduce__(self): return str, ('method',)",
        "register_reducer(C, lambda c: ('registration',), str); c = C()",
    )
    second.check("c == 'registration'")


def test_a_method_that_returns_nonsense_costs_its_object_alone() -> None:
    second = moved("class C:\n    def __session_reduce__(self): return 5\nkept = [C(), 1]", clean=False)
    assert second["kept"][1] == 1
    assert (
        "__session_reduce__" in second["kept"][0].problem.reason or "returned int" in second["kept"][0].problem.reason
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((3, repr, repr), "a type first"), ((dict, repr, repr), "subclass"), ((threading.Thread, 1, repr), "callables")],
)
def test_what_cannot_be_registered_is_said(arguments: tuple[Any, Any, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        register_reducer(*arguments)


def test_it_is_a_public_name() -> None:
    assert "register_reducer" in jupyter_session_save.__all__


@pytest.mark.parametrize("kind", ["Client", "Special"])
def test_what_was_registered_is_there_for_the_next_save(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = "subclasses=True" if kind == "Special" else "subclasses=False"
    with notebook(CLIENT, f"register_reducer(Client, lambda c: (c.address,), again, {options})") as first:
        first.run(f"c = {kind}('here')").save()
        second = first
        for _ in range(2):
            monkeypatch.setattr(registered, "_REDUCERS", {})
            second = second.fresh()
            report = second.load()
            assert "reducers" in report.state and not report.placeholders
            saved = second.run("c.address += '.'").save()
            assert not [v for v in saved.variables if v.state == "placeholder"]
        second.check("c.address == 'again again here..'")


def test_classes_that_were_defined_again_and_libraries_leave_nothing() -> None:
    register_reducer(type(threading.Lock()), lambda lock: (lock.locked(),), _lock)
    with notebook(CLIENT, "register_reducer(Client, lambda c: (c.address,), again)", CLIENT) as made:
        assert "reducers" not in made.save().state
        made.run("register_reducer(Client, lambda c: (c.address,), again)")
        assert "reducers" in made.save().state


def test_a_load_that_fails_takes_back_registrations() -> None:
    (part,) = reducers.PARTS
    around = Surroundings({})
    back = part.keep(around)
    gone = Placeholder(Problem("x", "function", "gone", ""))
    value = {"StringIO": (io.StringIO, str, str, False), "BytesIO": (io.BytesIO, gone, bytes, False)}
    assert [*part.write(value, around)] == ["BytesIO has none until register_reducer is called again"]
    assert registered.find(io.StringIO) is not None and registered.find(io.BytesIO) is None
    back()
    assert registered.find(io.StringIO) is None
