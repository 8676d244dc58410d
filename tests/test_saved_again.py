"""A value that one load could not make is stored as it was by the saves that follow, and is made where it can be."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_session_save import environment
from jupyter_session_save.errors import PlaceholderError, SaveError
from jupyter_session_save.pickling import Placeholder
from jupyter_session_save.snapshot import Problem

from .cells import Notebook, notebook
from .machine import Machine

MODULE = """\
import dataclasses
import enum
import numpy as np
__version__ = "2.5"
class Model:
    def __init__(self, *parts): self.parts = list(parts); self.me = self
class Slotted:
    __slots__ = ("a", "b")
class Own(dict): pass
class Row(list): pass
class Group(set): pass
class Colour(enum.Enum):
    RED = 1
class Meta(type): pass
class Array(np.ndarray): pass
class Pair:
    def __init__(self, left, right): self.left, self.right = left, right
    def __reduce__(self): return Pair, (self.left, self.right)
class Keyed:
    def __new__(cls, *, size): made = super().__new__(cls); made.size = size; return made
    def __getnewargs_ex__(self): return (), {"size": self.size}
@dataclasses.dataclass
class Point:
    x: int = 0
class Named(enum.Enum):
    def shown(self): return self.name.lower()
class Text(str, enum.Enum): pass
class Bits(enum.Flag):
    A = 1
    B = 2
class Problem(Exception): pass
class Six:
    def __reduce__(self): return Six, (), {"s": self.s}, None, None, Six.set
    def set(self, state): self.__dict__.update(state)
class Base: pass
class Mix: pass
class Node:
    name = "?"
    def __hash__(self): return hash(self.name)
    def __eq__(self, other): return isinstance(other, Node) and self.name == other.name
def make(x): return Model(x)
"""
CELL = """\
import dataclasses
import enum
import functools
import typing
import numpy as np
import pandas as pd
import spare
from spare import Colour, make
model = spare.Model(1, [2])
same = [model, model.parts, {"k": model}]
slotted = spare.Slotted(); slotted.a = [1]; slotted.b = slotted.a
own = spare.Own(a=[1]); own.note = own
row = spare.Row([1, 2]); row.append(row)
group = spare.Group({1, 2, 3}); group.tag = "x"
red = Colour.RED
pair = spare.Pair(spare.Pair(1, 2), [model])
keyed = spare.Keyed(size=4)
array = np.arange(30_000.0).view(spare.Array)
whole = spare.Model(np.arange(40_000), np.zeros(3), memoryview(bytearray(b"abc")))
class Sub(spare.Model, metaclass=spare.Meta):
    limit = 3
    def total(self): return sum(self.parts) + self.limit
    def kind(self): return __class__
sub = Sub(1, 2)
part = functools.partial(make, 5)
bound = sub.total
def default(at=model): return at
def closing():
    held = spare.Model("inner")
    return lambda: held
closed = closing()
@dataclasses.dataclass
class Point3(spare.Point):
    z: list = dataclasses.field(default_factory=list)
point = Point3(1, [2])
@dataclasses.dataclass(slots=True)
class Fixed(spare.Point):
    z: int = 1
fixed = Fixed(4)
class Level(spare.Named):
    LOW = 1
    HIGH = 2
level = [Level.LOW, {Level.HIGH: 1}]
class Kind(spare.Text):
    A = "a"
kind = Kind.A
bits = spare.Bits.A | spare.Bits.B
class Step(spare.Bits.__base__):
    ON = 1
    BOTH = 3
step = Step.BOTH
cells = np.array([spare.Model(1), None, 3], dtype=object)
Pairs = typing.NamedTuple("Pairs", [("a", spare.Model), ("b", int)])
pairs = Pairs(spare.Model(7), 1)
class Cold(Exception): pass
class Mine(spare.Problem):
    def __init__(self, text, code): super().__init__(text); self.code = code
error = Mine("cold", 5)
six = spare.Six(); six.s = [six]
class Packed(spare.Base):
    def __init__(self, x): self.x = x
    def __getstate__(self): return {"packed": self.x}
    def __setstate__(self, state): self.x = state["packed"]
Packed.first = Packed(5)
class Known(spare.Base):
    def __init__(self, n): self.n = n
    def __hash__(self): return hash(self.n)
    def __eq__(self, other): return type(other) is Known and self.n == other.n
Known.table = {Known(1): "one"}
class Mixed(spare.Mix, enum.IntEnum):
    R = 1
class Flags(spare.Mix, enum.Flag):
    A = 1
    B = 2
mixed = [Mixed.R, Flags.A | Flags.B]
fine = [1, 2]
"""


Library = Callable[..., None]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """Put the module there, or take it away."""
    path = tmp_path / "lib" / "spare.py"
    path.parent.mkdir()
    monkeypatch.syspath_prepend(str(path.parent))

    def put(there: bool, text: str = MODULE) -> None:
        sys.modules.pop("spare", None)
        if there:
            path.write_text(text)
        else:
            path.unlink()
        importlib.invalidate_caches()

    put(True)
    yield put
    sys.modules.pop("spare", None)


@pytest.fixture
def a(library: Library) -> Iterator[Notebook]:
    with notebook(CELL) as made:
        made.save()
        yield made


@pytest.mark.parametrize("times", [1, 3])
def test_all_comes_back_where_the_module_is_there_again(a: Notebook, library: Library, times: int) -> None:
    before = a.described()
    library(False)
    b = a
    for _ in range(times):
        b = b.fresh()
        assert {v.name for v in b.load().placeholders} > {"model", "sub", "array", "default"}
        report = b.save()
        assert not report.placeholders
        (note,) = [n for n in report.notes if n.startswith("saved as stored before")]
        assert not any("importable" in p.type for v in b.load().placeholders for p in v.problems)
        assert "module spare" in note
    library(True)
    c = b.fresh()
    assert not c.load().placeholders
    assert c.described() == before
    c.check("type(whole) is spare.Model", "sub.total() == 6", "sub.kind() is Sub", "default() is model")


def test_bytes_of_arrays_are_not_written_again(a: Notebook, library: Library) -> None:
    library(False)
    b = a.fresh()
    b.load()
    report = b.save()
    assert report.bytes_total > 500_000 and report.bytes_new < 200_000


def test_other_names_and_what_holds_it_store_the_value_too(a: Notebook, library: Library) -> None:
    library(False)
    b = a.fresh()
    b.load()
    b.run("alias = model; held = {'deep': [(row,)]}; Other = Sub; del model, Sub, row, fine")
    b.save(strict=True)
    library(True)
    c = b.fresh()
    c.load()
    c.check(
        "type(alias) is spare.Model",
        "same[0] is alias",
        "alias.me is alias",
        "held['deep'][0][0][2] is held['deep'][0][0]",
    )
    c.check("Other.__name__ == 'Sub'", "type(sub) is Other", "sub.total() == 6")
    assert not {"model", "Sub", "row", "fine"} & {*c.namespace}


def test_copies_store_the_value_too(a: Notebook, library: Library) -> None:
    library(False)
    b = a.fresh()
    b.load()
    b.run("import copy\nflat = copy.copy(model); deep = copy.deepcopy([model, model, sub, Sub, array, level])")
    with pytest.raises(PlaceholderError, match="module spare"):
        b.run("model.parts = 3")
    b.save(strict=True)
    library(True)
    c = b.fresh()
    c.load()
    c.check("flat is not model and flat.parts == model.parts", "flat.parts is model.parts")
    c.check("deep[0] is deep[1] and deep[0] is not model", "deep[0].parts == model.parts")
    c.check("deep[0].parts is not model.parts", "deep[2] is not sub and type(deep[2]) is Sub and deep[3] is Sub")
    c.check("deep[4] is not array and type(deep[4]) is spare.Array", "(deep[4] == array).all()")
    c.check("not np.shares_memory(deep[4], array)")
    c.check("deep[5][0] is Level.LOW")


@pytest.mark.parametrize(
    "use", ["class Q(Model): pass", "isinstance(1, Model)", "issubclass(int, Model)", "Model.x = 1"]
)
def test_uses_of_a_missing_class_say_what_is_missing(library: Library, use: str) -> None:
    with notebook("from spare import Model") as a:
        a.save()
        library(False)
        b = a.fresh()
        b.load()
        with pytest.raises(PlaceholderError, match="Model is a placeholder"):
            b.run(use)


OWN = "class Own:\n    def __init__(self, l): self.l = l\n"
REFUSED = {
    "state": (OWN, "    def __setstate__(self, s): s.clear(); 1 / 0"),
    "call": (
        f"def make(l): return Own(l)\n{OWN}    def __reduce__(self): return make, (self.l,)",
        "def make(l): l.clear(); 1 / 0",
    ),
    "other name": (
        f"def make(l): return Own(l)\n{OWN}    def __reduce__(self): return make, (self.l,)",
        "def other(l): l.clear(); 1 / 0\nmake = other",
    ),
}


@pytest.mark.parametrize("kind", [*REFUSED])
def test_what_code_of_the_users_had_in_its_hands_counts_as_lost(library: Library, kind: str) -> None:
    text, refusing = REFUSED[kind]
    library(True, text)
    with notebook("import spare\nx = spare.Own([1])") as a:
        a.save()
        library(True, f"{text}\n{refusing}")
        b = a.fresh()
        report = b.load()
        assert [v.name for v in report.placeholders] == ["x"] == [*report.lost]
        assert [v.name for v in b.save().placeholders] == ["x"]


HANDED = {
    "reduce": """
        class Tags(frozenset):
            def __reduce__(self): return make, (tuple(self),)
        def make(items): return Tags(x for x in items if type(x) is not Placeholder)
        x = Tags([1, thing])
    """,
    "state": """
        class Box:
            def __setstate__(self, state): self.kind = type(state["thing"]).__name__
        x = Box(); x.thing = thing
    """,
    "items": """
        class Rows(list):
            def __reduce__(self): return Rows, (), None, iter(list(self))
            def extend(self, items): list.extend(self, [x for x in items if type(x) is not Placeholder])
        x = Rows([1, thing])
    """,
    "new": """
        class Kind(tuple):
            def __new__(cls, items): return tuple.__new__(cls, [type(x).__name__ for x in items])
            def __reduce__(self): return copyreg.__newobj__, (Kind, [thing])
        x = Kind([thing])
    """,
}


@pytest.mark.parametrize("kind", [*HANDED])
def test_what_code_of_the_users_is_given_placeholders_for_counts_as_lost(library: Library, kind: str) -> None:
    head = "import copyreg, spare\nfrom jupyter_session_save.pickling import Placeholder"
    with notebook(head, "thing = spare.Pair(1, 2); held = [thing]", HANDED[kind]) as a:
        a.save()
        library(False)
        b = a.fresh()
        assert "x" in b.load().lost


def test_nor_do_the_chunks_of_a_huge_list_hide_that(library: Library) -> None:
    box = """
        class Rows(list):
            def __reduce__(self): return Rows, (), None, iter(list(self))
            def extend(self, items): list.extend(self, [x for x in items if type(x) is not Placeholder])
    """
    head = "import spare\nfrom jupyter_session_save.pickling import Placeholder"
    with notebook(head, box, "x = [*range(70_000), Rows([spare.Pair(1, 2)])]") as a:
        a.save()
        library(False)
        b = a.fresh()
        assert "x" in b.load().lost


def test_a_tuple_that_holds_itself_and_what_another_variable_lacks(library: Library) -> None:
    cell = "import spare\nclass Sub(spare.Model): pass\nt = ([], Sub); t[0].append(t); x = [t, spare.Pair(1, 2)]"
    with notebook(cell) as a:
        a.save()
        library(False)
        b = a.fresh()
        report = b.load()
        assert {v.name for v in report.placeholders} >= {"Sub", "x"} and report.lost == ()
        b.check("t[0][0] is t and t[1] is Sub and x[0] is t")


def test_sets_and_dicts_that_hold_what_they_lead_back_to(library: Library) -> None:
    node = "node.name = 'n'; node.peers = {node}; node.index = {node: 1}; node.pairs = {(node, 1)}"
    own = "class Own(spare.Node): pass\nown = Own(); own.name = 'o'; own.peers = {own, node}"
    with notebook(f"import spare\nnode = spare.Node(); {node}\n{own}") as a:
        a.save()
        library(False)
        b = a.fresh()
        b.load()
        assert not b.save().placeholders
        library(True)
        c = b.fresh()
        c.load()
        c.check("node in node.peers and node.index[node] == 1 and (node, 1) in node.pairs")
        c.check("own in own.peers and node in own.peers and len(own.peers) == 2")


STUB = """
class Missing:
    def __call__(self, *args): raise ImportError("no model")
Model = Missing()
"""


@pytest.mark.parametrize(
    "there", ["Model = None", "Model = 5", "Model = object()", STUB, "", "raise ImportError('broken')"]
)
def test_a_module_without_the_class(library: Library, there: str) -> None:
    with notebook("import spare\nfrom spare import Model\nm = Model(1)\nclass Sub(Model): pass\ns = Sub(2)") as a:
        a.save()
        library(True, there)
        b = a.fresh()
        assert {v.name for v in b.load().placeholders} >= {"m", "Sub", "s"}
        assert not b.save().placeholders
        library(True)
        c = b.fresh()
        c.load()
        c.check("m.parts == [1]", "s.parts == [2]", "type(s) is Sub and Sub.__base__ is spare.Model")


def test_names_of_the_users_do_not_meet_those_of_the_placeholder(library: Library) -> None:
    with notebook("import spare\nmodel = spare.Model(1); shown = model.__repr__; held = spare.make") as a:
        a.save()
        library(False)
        b = a.fresh()
        b.load()
        for use in ("model.steps", "model.steps = [1]", "model.note", "model.held", "model.add"):
            with pytest.raises(PlaceholderError):
                b.run(use)
        b.save()
        library(True)
        c = b.fresh()
        c.load()
        c.check("model.parts == [1]", "shown.__self__ is model and shown() == repr(model)")


def test_shared_and_deep_tuples_take_no_time(library: Library) -> None:
    deep = "deep = ()\nfor _ in range(10_000): deep = (deep,)\n"
    shared = "shared = (1, [])\nfor _ in range(60): shared = (shared, shared)\n"
    with notebook(f"import spare\n{deep}{shared}p = spare.Pair(shared, deep); del shared, deep") as a:
        a.save()
        library(False)
        b = a.fresh()
        b.load()
        b.save()
        library(True)
        c = b.fresh()
        c.load()
        c.check("type(p) is spare.Pair and p.left[0] is p.left[1]", "len(p.right) == 1")


def test_a_frame_of_which_a_part_is_missing_can_be_saved(library: Library) -> None:
    with notebook("import pandas as pd\nframe = pd.DataFrame({'a': [1]})") as a:
        a.save()
        stand_in = Placeholder(Problem("", "spare.Index", "module spare is not found"))
        a.get("frame._mgr").axes[1] = stand_in
        assert {v.name for v in a.save().variables} == {"frame", "pd"}


def test_the_kernels_objects_pass_through_a_process_without_a_kernel(machine: Machine) -> None:
    kernel = machine.begin("ip = get_ipython(); held = [In, Out, 5]; within = {'a': ip}", "%save_session s")
    kernel.sigkill()
    script = "import jupyter_session_save as s; v = {}; print(s.load('s', v)); print(s.save('s', v))"
    subprocess.run([sys.executable, "-c", script], env=machine.environment(), capture_output=True, check=True)
    kernel = machine.begin("%load_session s")
    kernel.check("ip is get_ipython()", "held[0] is In and held[1] is Out and held[2] == 5", "within['a'] is ip")


def test_what_comes_in_by_methods_comes_in_by_them_again(library: Library) -> None:
    own = """
class Log(list):
    def __init__(self, *items): self.log = []; list.extend(self, items)
    def __reduce__(self): return Log, (), None, iter(list(self))
    def extend(self, items): self.log.append("extend"); list.extend(self, items)
class Only:
    def __init__(self): self.held = []
    def __reduce__(self): return Only, (), None, iter(self.held)
    def extend(self, items): self.held += items
"""
    library(True, own)
    with notebook("import spare\nlog = spare.Log(1, 2); only = spare.Only(); only.held += [3]") as a:
        a.save()
        library(False)
        b = a.fresh()
        b.load()
        assert not b.save().placeholders
        library(True, own)
        c = b.fresh()
        c.load()
        c.check("log == [1, 2] and log.log == ['extend']", "only.held == [3]")


def test_an_object_that_leads_to_itself_by_its_arguments(library: Library) -> None:
    own = "class R:\n    def __init__(self, l): self.l = l\n    def __reduce__(self): return R, (self.l,)\n"
    library(True, own)
    with notebook("import spare\na = spare.R([]); a.l.append(a); a.l.append(5); z = a.l; big = {'data': z}") as a:
        a.save()
        library(False)
        b = a.fresh()
        assert b.load().lost == ()
        b.check("z[1] == 5 and big['data'] is z")
        b.save()
        library(True, own)
        c = b.fresh()
        c.load()
        c.check("z[1] == 5 and type(z[0]) is spare.R and z[0].l is z and big['data'] is z")


def test_a_huge_list_of_them(library: Library) -> None:
    with notebook("import spare\nrows = [spare.Pair(n, str(n)) for n in range(70_000)]; first = rows[0]") as a:
        a.save()
        library(False)
        b = a.fresh()
        b.load()
        b.run("rows.append('new')")
        assert not b.save().placeholders
        library(True)
        c = b.fresh()
        c.load()
        c.check(
            "len(rows) == 70_001",
            "rows[0] is first",
            "all(p.left == n for n, p in enumerate(rows[:-1]))",
            "rows[-1] == 'new'",
        )


def test_what_could_not_be_saved_inside_stays_a_placeholder(library: Library) -> None:
    with notebook("import spare\ng = (x for x in [1, 2]); next(g)\nmodel = spare.Model(g, [1]); del g") as a:
        assert a.save().placeholders
        library(False)
        b = a.fresh()
        b.load()
        assert [v.name for v in b.save().placeholders] == ["model"]
        library(True)
        c = b.fresh()
        c.load()
        c.check("model.parts[1] == [1]", "model.me is model")
        assert type(c.get("model.parts[0]")) is Placeholder


def test_the_version_that_was_in_use_is_still_known(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_is_own", lambda module: False)
    with notebook("import spare\nmodel = spare.Model(1)") as a:
        a.save()
        library(False)
        for again in range(2):
            b = a.fresh()
            reasons = {p.reason for v in b.load().placeholders for p in v.problems}
            assert reasons == {"module spare 2.5 (in use when it was saved) is not installed"}, again
            b.save()


def test_verifying_takes_what_comes_back_as_it_was_for_granted(machine: Machine) -> None:
    path = machine.write("spare.py", MODULE)
    kernel = machine.begin("import spare; model = spare.Model(1); x = [model]", "%save_session s")
    kernel.sigkill()
    path.unlink()
    kernel = machine.begin("%load_session s")
    said = kernel.run("%save_session s --verify").text
    assert "verified: every saved value came back in a process of its own; placeholders are not values" in said
    assert "4 saved" in said


def test_autosave_goes_on_and_loses_nothing(machine: Machine) -> None:
    on = "%autosave_session on --name nb"
    path = machine.write("spare.py", MODULE)
    kernel = machine.begin(on, "import spare; model = spare.Model(1); x = 1")
    kernel.sigkill()
    path.unlink()
    kernel = machine.begin(on)
    assert "paused" not in kernel.run("%load_session nb").text
    for cell in ("x = 2", "alias = model", "held = [alias, x]", "del model; other = spare"):
        kernel.run(cell)
    assert "paused" not in kernel.run("%autosave_session").text
    kernel.sigkill()
    path.write_text(MODULE)
    kernel = machine.begin("%load_session nb")
    kernel.check("x == 2", "held == [alias, 2]", "held[0] is alias", "alias.parts == [1]", "other is spare")


def test_what_hides_in_arrays_is_told_and_made_once_the_module_is_there(machine: Machine) -> None:
    path = machine.write("spare.py", MODULE)
    arrays = "cells = np.array([spare.Model(7), 1], dtype=object); frame = pd.DataFrame({'a': [spare.Pair(1, 2)]})"
    kernel = machine.begin("import numpy as np, pandas as pd, spare", arrays, "%save_session nb")
    kernel.sigkill()
    path.unlink()
    kernel = machine.begin("%autosave_session on --name nb")
    said = kernel.run("%load_session nb").text
    assert "cells  spare.Model" in said and "frame  spare.Pair" in said, said
    kernel.run("ok = 1")
    path.write_text(MODULE)
    kernel.run("import importlib; importlib.invalidate_caches()")
    kernel.run("%load_session nb")
    kernel.check("cells[0].parts == [7]", "frame['a'][0].right == 2", "ok == 1")


def test_verifying_is_glad_of_what_can_be_made_by_now(machine: Machine) -> None:
    path = machine.write("spare.py", MODULE)
    kernel = machine.begin("import spare; model = spare.Model(1); sub = [model, 2]", "%save_session s")
    kernel.sigkill()
    path.unlink()
    kernel = machine.begin("%load_session s")
    path.write_text(MODULE)
    assert "verified: every saved value came back" in kernel.run("%save_session s --verify").text


def test_verifying_some_of_what_autosave_follows(machine: Machine) -> None:
    path = machine.write("spare.py", MODULE)
    kernel = machine.begin("import spare; model = spare.Model(1)", "class Sub(spare.Model): pass", "%save_session s")
    kernel.sigkill()
    path.unlink()
    kernel = machine.begin("%load_session s", "%autosave_session on --name s")
    kernel.run("held = [model, Sub, [model]]; other = held[:]")
    assert "verified: every saved value came back" in kernel.run("%save_session s --verify --exclude other").text


def test_autosave_pauses_where_something_would_be_lost(machine: Machine) -> None:
    on = "%autosave_session on --name nb"
    text, refusing = REFUSED["state"]
    machine.write("spare.py", text)
    kernel = machine.begin(on, "import spare; x = spare.Own([1])")
    kernel.sigkill()
    machine.write("spare.py", f"{text}\n{refusing}")
    kernel = machine.begin(on)
    assert "autosave is paused, because x could not be loaded whole" in kernel.run("%load_session nb").text


def test_a_plan_knows_where_a_load_will_look_and_no_rerun_is_advised_in_vain(machine: Machine) -> None:
    away = machine.root / "away"
    away.mkdir()
    (away / "spare.py").write_text(MODULE)
    kernel = machine.begin(
        f"import sys; sys.path.append({str(away)!r}); import spare; m = spare.Model(1)", "%save_session s"
    )
    kernel.sigkill()
    kernel = machine.begin()
    assert "unavailable" not in kernel.run("%load_session s --dry-run").text
    (away / "spare.py").unlink()
    assert "needs spare, which is not found here" in kernel.run("%load_session s --dry-run").text
    said = kernel.run("%load_session s").text
    assert "made by: " in said and "--rerun" not in said


def test_strict_refuses_what_has_nothing_to_store(library: Library) -> None:
    with notebook("g = (x for x in [1, 2]); next(g)") as a:
        a.save()
        b = a.fresh()
        b.load()
        with pytest.raises(SaveError, match="would become placeholders: g"):
            b.save(strict=True)


def test_what_needs_numpy_passes_through_a_process_that_has_none(machine: Machine) -> None:
    array = "array = numpy.arange(20_000).reshape(2, -1); view = array[0]; small = numpy.float32(2.5)"
    kernel = machine.begin("import numpy", array, "dates = numpy.array(['2026-01-01'], 'M8[D]')", "%save_session s")
    kernel.sigkill()
    script = """
import sys
sys.modules["numpy"] = None
import jupyter_session_save as sessions
values = {}
print(sessions.load("s", values))
values["alias"] = values["array"]
print(sessions.save("s", values))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=machine.environment(), capture_output=True, text=True, check=True
    )
    assert "7 saved" in done.stdout and "saved as stored before" in done.stdout, done.stdout
    kernel = machine.begin("%load_session s")
    kernel.check("(array == numpy.arange(20_000).reshape(2, -1)).all()", "array.flags.writeable", "alias is array")
    kernel.check("numpy.shares_memory(view, array)", "small == 2.5 and type(small) is numpy.float32")
    kernel.check("str(dates[0]) == '2026-01-01'")
