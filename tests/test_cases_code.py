"""Cases about functions and classes that were written in cells (14-20, 41)."""

from __future__ import annotations

import pytest

from .machine import Machine, alive, read_report

RECORDS = """\
from dataclasses import dataclass
from enum import Enum, IntFlag
from typing import NamedTuple

class St(Enum):
    OK = 1
    BAD = 2

    @property
    def good(self):
        return self is St.OK

class Mode(IntFlag):
    READ = 1
    WRITE = 2

class P(NamedTuple):
    x: int
    y: int = 0

@dataclass
class Job:
    name: str
    state: St = St.OK

@dataclass(frozen=True, slots=True)
class Key:
    mode: Mode = Mode.READ | Mode.WRITE
"""

REGISTRY = """\
class Base:
    registry = {}

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if cls.__name__ in Base.registry:
            raise TypeError(f"duplicate {cls.__name__}")
        Base.registry[cls.__name__] = cls

class B(Base):
    pass

b = B()
"""

SHAPES = """\
from abc import ABC, abstractmethod

class Shape(ABC):
    @abstractmethod
    def area(self): ...

    def describe(self):
        return f"{type(self).__name__} of {self.area()}"

class Square(Shape):
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side ** 2

    def describe(self):
        return super().describe() + "!"

class Stranger:
    pass

Shape.register(Stranger)
square = Square(3)
stranger = Stranger()
"""

FUNCTIONS = """\
import functools
n = 3

def h():
    return n

def put(value):
    global n
    n = value

def by_default(f=h):
    return f()

def make():
    count = 0
    def inner():
        nonlocal count
        count += 1
        return n, count
    return inner

part = functools.partial(h)
closure = make()
closure()
lam = lambda: n
held = {'h': h, 'again': [lam]}
"""


@pytest.mark.core
def test_case_14_enum_namedtuple_and_dataclass_keep_their_classes(machine: Machine) -> None:
    instances = "st = St.OK; p = P(3); job = Job('a'); jobs = [Job('b', St.BAD)]; key = Key(); mode = Mode.READ"
    facts = machine.save(RECORDS, instances)
    assert not facts.placeholders
    b = machine.load()
    b.check(
        "st is St.OK",
        "St(1) is st",
        "St['BAD'] is jobs[0].state",
        "len(St) == 2",
        "st.good",
        "not St.BAD.good",
    )
    b.check("p == P(3)", "type(p) is P", "p._replace(y=1) == P(3, 1)", "P._field_defaults == {'y': 0}")
    b.check("job == Job('a')", "type(job) is Job", "Job('c').state is St.OK", "type(jobs[0]) is Job")
    b.check("mode is Mode.READ", "key == Key()", "hash(key) == hash(Key())", "(mode | Mode.WRITE) == key.mode")
    error = b.run("key.mode = 1", check=False).error
    assert error is not None and error.name == "FrozenInstanceError"


@pytest.mark.core
def test_case_15_a_registry_in_init_subclass_is_not_filled_twice(machine: Machine) -> None:
    facts = machine.save(REGISTRY)
    assert not facts.placeholders
    b = machine.load()
    b.check("[*Base.registry] == ['B']", "Base.registry['B'] is B", "type(b) is B", "Base.__subclasses__() == [B]")
    b.run("class C(Base):\n    pass")
    b.check("[*Base.registry] == ['B', 'C']")
    error = b.run("class C(Base):\n    pass", check=False).error
    assert error is not None and error.message == "duplicate C"


def test_case_15_an_abstract_base_keeps_its_registry_too(machine: Machine) -> None:
    facts = machine.save("from abc import ABC", REGISTRY.replace("class Base:", "class Base(ABC):"))
    assert not facts.placeholders
    b = machine.load()
    b.check("[*Base.registry] == ['B']", "Base.registry['B'] is B", "type(b) is B", "isinstance(b, Base)")
    b.run("class C(Base):\n    pass")
    b.check("[*Base.registry] == ['B', 'C']")


@pytest.mark.core
def test_case_16_an_abstract_base_stays_abstract(machine: Machine) -> None:
    facts = machine.save(SHAPES)
    assert not facts.placeholders
    b = machine.load()
    b.check("isinstance(square, Shape)", "type(square) is Square", "issubclass(Square, Shape)")
    b.check("isinstance(stranger, Shape)", "square.describe() == 'Square of 9!'")
    error = b.run("Shape()", check=False).error
    assert error is not None and error.name == "TypeError" and "abstract" in error.message
    b.run("class Line(Shape):\n    pass")
    error = b.run("Line()", check=False).error
    assert error is not None and error.name == "TypeError"
    b.check("not isinstance(3, Shape)")


@pytest.mark.core
def test_case_17_an_instance_keeps_identity_and_class(machine: Machine) -> None:
    facts = machine.save(
        "class Foo:\n    def hi(self):\n        return 'hi', self.x",
        "foo = Foo(); foo.x = 1",
        "obj = {'foo': foo}",
    )
    assert not facts.placeholders
    b = machine.load()
    b.check("obj['foo'] is foo", "type(foo) is Foo", "foo.hi() == ('hi', 1)", "Foo.__module__ == '__main__'")


NEW_FOO = "class Foo:\n    version = 'new'\nmine = Foo()"
OLD_FOO = "class Foo:\n    version = 'old'\nfoo = Foo(); other = [foo]"


def test_case_18_a_conflicting_class_is_reported_and_overwritten(machine: Machine) -> None:
    machine.save(OLD_FOO)
    b = machine.load(NEW_FOO)
    assert "Foo" in b.get("[*loaded.overwritten]")
    assert "Foo" in read_report(b, "loaded").text
    b.check("Foo.version == 'old'", "type(foo) is Foo", "type(other[0]) is Foo", "other[0] is foo")
    b.check("mine.version == 'new'", "type(mine) is not Foo")


def test_case_18_a_conflicting_class_is_kept_on_request(machine: Machine) -> None:
    machine.save(OLD_FOO)
    b = machine.load(NEW_FOO, options="--no-overwrite")
    assert "Foo" in b.get("[*loaded.kept]")
    b.check("Foo.version == 'new'", "type(mine) is Foo")
    # The new class must not capture the old instances.
    b.check("foo.version == 'old'", "type(foo) is not Foo", "other[0] is foo")


def test_case_18_the_plan_names_the_conflict_and_changes_nothing(machine: Machine) -> None:
    machine.save(OLD_FOO)
    b = machine.fresh()
    for cell in ("%load_ext jupyter_session_save", NEW_FOO, "plan = %load_session case --dry-run"):
        b.run(cell)
    assert b.get("{variable.name: status for variable, status, why in plan.rows}") == {
        "Foo": "conflicting",
        "foo": "new",
        "other": "new",
        "sentinel": "new",
    }
    b.check("Foo.version == 'new'", "'foo' not in globals()", "'sentinel' not in globals()")
    b.run("loaded = %load_session case --replace")
    alive(b)
    b.check("Foo.version == 'old'", "'mine' not in globals()", "'mine' in loaded.removed")


@pytest.mark.core
def test_case_19_functions_see_the_kernels_globals(machine: Machine) -> None:
    facts = machine.save(FUNCTIONS)
    assert not facts.placeholders
    b = machine.load()
    b.run("n = 99")
    b.check("h() == 99", "part() == 99", "by_default() == 99", "lam() == 99", "closure() == (99, 2)")
    b.check("h.__globals__ is globals()", "closure.__globals__ is globals()", "lam.__globals__ is globals()")
    b.check("part.func is h", "by_default.__defaults__[0] is h", "held['h'] is h", "held['again'][0] is lam")
    b.run("put(7)")
    b.check("n == 7", "h() == 7", "closure() == (7, 3)")
    b.run("def h():\n    return 'redefined'")
    b.check("held['h']() == 7", "part() == 7")


def test_case_20_what_a_chosen_function_calls_comes_along_or_is_reported(machine: Machine) -> None:
    cells = ("def bar():\n    return 40 + two", "def h():\n    return bar()", "two = 2; unrelated = 3")
    facts = machine.save(*cells, options="--only h sentinel")
    assert "unrelated" not in facts.states
    b = machine.load()
    b.check("'unrelated' not in globals()")
    if b.get("'bar' in globals() and 'two' in globals()"):
        b.check("h() == 42")
    else:
        told = facts.text + " ".join(facts.notes)
        assert "bar" in told or "two" in told, "h needs bar and two, and nobody said so"


FUTURE = "from __future__ import annotations"
ANNOTATED = "def f(x: Undefined) -> Later[int]:\n    return x"
FLAG = "__import__('__future__').annotations.compiler_flag"


def test_case_41_a_future_flag_stays_with_its_function(machine: Machine) -> None:
    facts = machine.save(FUTURE, ANNOTATED)
    assert not facts.placeholders
    b = machine.load()
    b.check("f.__annotations__ == {'x': 'Undefined', 'return': 'Later[int]'}", f"f.__code__.co_flags & {FLAG}")
    b.check("f(1) == 1", f"annotations is {FLAG.removesuffix('.compiler_flag')}")


def test_case_41_later_cells_are_compiled_as_they_would_have_been(machine: Machine) -> None:
    machine.save(FUTURE, ANNOTATED)
    b = machine.load()
    b.run("def g(x: AlsoUndefined): ...")
    b.check("g.__annotations__ == {'x': 'AlsoUndefined'}")
