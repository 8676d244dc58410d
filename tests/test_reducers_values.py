"""Containers, views, callables, exceptions and other values: equal, and still tied to what they were tied to."""

from __future__ import annotations

import array
import contextvars
import csv
import ctypes
import decimal
import functools
import gc
import inspect
import logging
import random
import re
import struct
import sys
import traceback
import types
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_session_save.pickling import Placeholder

from .cells import notebook
from .restore import again, cell, save, stand_in

WEAK = """
import weakref
class Node:
    def __init__(self, name): self.name = name
    def hello(self): return self.name
    def __call__(self): return 'called'
class Plain: pass
a, b, p = Node('a'), Node('b'), Plain()
values = weakref.WeakValueDictionary(a=a, b=b)
keys = weakref.WeakKeyDictionary({a: [1]})
members = weakref.WeakSet([a, b])
ref, bound = weakref.ref(a), weakref.WeakMethod(a.hello)
proxy, callable_proxy = weakref.proxy(p), weakref.proxy(a)
p.x = 3
gone = Node('gone')
dead, dead_proxy, dead_method = weakref.ref(gone), weakref.proxy(gone), weakref.WeakMethod(gone.hello)
a.me = values
seen = []
noting = weakref.ref(b, seen.append)
final = weakref.finalize(a, print)
del gone
"""


def test_weak_things_hold_weakly() -> None:
    ns = cell(WEAK)
    saved = save(ns)
    assert [problem.path for problem in saved.problems] == ["final"]
    ns["final"].detach()
    r = saved.load()
    a = r["a"]
    assert r["values"]["a"] is a is r["ref"]() and r["a"].me is r["values"]
    assert r["keys"][a] == [1] and a in r["members"] and len(r["members"]) == 2
    assert r["bound"]()() == "a" and r["callable_proxy"]() == "called" and r["proxy"].x == 3
    assert r["dead"]() is None and r["dead_method"]() is None
    with pytest.raises(ReferenceError):
        r["dead_proxy"].name  # noqa: B018
    del r["b"]
    gc.collect()
    assert list(r["values"]) == ["a"] and len(r["members"]) == 1 and r["seen"] == [r["noting"]]


def test_memory_is_still_shared() -> None:
    data, numbers = bytearray(range(24)), array.array("i", range(6))
    ns: dict[str, Any] = {
        "data": data,
        "numbers": numbers,
        "part": memoryview(data)[2:10],
        "steps": memoryview(data)[20:2:-3],
        "empty": memoryview(data)[5:5],
        "cast": memoryview(data).cast("i"),
        "grid": memoryview(data).cast("B", (4, 6)),
        "fixed": memoryview(data).toreadonly(),
        "some": memoryview(numbers)[1:6:2],
        "text": memoryview(b"hello")[1:3],
    }
    saved = save(ns)
    assert not saved.problems + saved.reconnected
    r = saved.load()
    for name, value in ns.items():
        if type(value) is memoryview:
            back = r[name]
            assert (back.tolist(), back.format, back.shape) == (value.tolist(), value.format, value.shape), name
            assert (back.strides, back.readonly) == (value.strides, value.readonly), name
    r["data"][20], r["numbers"][1] = 99, 77
    assert r["steps"][0] == 99 == r["fixed"][20] == r["grid"][3, 2] and r["some"][0] == 77
    released = memoryview(b"")
    released.release()
    with pytest.raises(ValueError, match="released"):
        len(again(released))
    for value in ns.values():
        if type(value) is memoryview:
            value.release()
    data.append(1)  # No export was left behind by the save.


def test_what_cannot_be_filled_is_a_placeholder() -> None:
    ns = cell(
        "import weakref\nclass Key:\n"
        "    def __init__(self): self.n = 1\n"
        "    def __hash__(self): return hash(self.n)\n"
        "key = Key(); key.own = weakref.WeakSet([key])\nrest = [1]"
    )
    fresh, problems = save(ns).attempt()
    assert type(fresh["key"].own) is Placeholder and fresh["rest"] == [1]
    assert [(problem.path, problem.type) for problem in problems] == [("key.own", "_weakrefset.WeakSet")]


VIEWS = """
import types, collections
d = {'a': 1}
o = collections.OrderedDict(x=1)
class K:
    z = 1
proxy, keys, values, items, okeys = types.MappingProxyType(d), d.keys(), d.values(), d.items(), o.keys()
attributes, builtin = vars(K), vars(int)
space = types.SimpleNamespace(d=d)
L = [1]
append, size, upper = L.append, L.__len__, str.upper
class S:
    __slots__ = ('v',)
    def me(self): return super()
slot, code = S.v, types.FunctionType.__code__
s = S(); sup = s.me()
mro = type.__dict__['__mro__']; fromkeys = dict.__dict__['fromkeys']
"""


def test_views_and_descriptors() -> None:
    r = save(cell(VIEWS)).load()
    r["d"]["b"] = 2
    r["o"]["y"] = 2
    assert r["proxy"]["b"] == 2 and list(r["keys"]) == ["a", "b"] and list(r["values"]) == [1, 2]
    assert ("b", 2) in r["items"] and list(r["okeys"]) == ["x", "y"] and type(r["okeys"]).__name__ == "odict_keys"
    r["K"].z = 5
    assert r["attributes"]["z"] == 5 and r["builtin"]["real"] is int.real and r["space"].d is r["d"]
    r["append"](2)
    assert r["L"] == [1, 2] and r["append"].__self__ is r["L"] and r["size"]() == 2 and r["upper"] is str.upper
    r["slot"].__set__(r["s"], 4)
    assert r["s"].v == 4 and r["slot"] is r["S"].v and r["code"] is types.FunctionType.__code__
    assert r["sup"].__self__ is r["s"] and r["mro"] is type.__dict__["__mro__"]
    assert r["fromkeys"] is dict.__dict__["fromkeys"]


CALLABLES = """
import functools
calls = []
@functools.lru_cache(maxsize=5, typed=True)
def square(x):
    '''Doc.'''
    calls.append(x)
    return x * x
@functools.cache
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
class Box:
    @functools.lru_cache
    def get(self): return self
    @functools.cached_property
    def once(self): return [1]
    @functools.singledispatchmethod
    def show(self, x): return 'any'
    @show.register
    def _(self, x: int): return 'int'
    part = functools.partialmethod(show, 3)
box = Box(); kept = box.once
@functools.singledispatch
def kind(x): return 'any'
@kind.register
def _int(x: int): return 'int'
@kind.register(list)
def _list(x): return 'list'
kind(3)
half = functools.partial(pow, exp=2); half.note = 'n'
class P(functools.partial): pass
third = P(pow, 3)
key = functools.cmp_to_key(lambda a, b: b - a); one = key(1)
class C(classmethod): pass
cm, sm, pr = classmethod(len), staticmethod(len), property(len)
square(2); fib(20)
"""


def test_callables() -> None:
    saved = save(cell(CALLABLES))
    assert not saved.problems
    assert not saved.reconnected
    r = saved.load()
    assert r["square"].cache_info() == (0, 1, 5, 1)
    assert r["square"](2) == 4 and r["calls"] == [2] and r["square"].__doc__ == "Doc."
    assert r["square"].cache_parameters() == {"maxsize": 5, "typed": True}
    assert r["fib"](30) == 832040 and r["fib"].__wrapped__.__globals__ is r["square"].__wrapped__.__globals__
    box = r["box"]
    assert box.get() is box and box.once is r["kept"] and box.show(1) == "int" and box.show("") == "any"
    assert box.part() == "int"
    assert [r["kind"](x) for x in (1, [], "")] == ["int", "list", "any"]
    r["kind"].register(str, lambda x: "str")
    assert r["kind"]("") == "str"
    assert r["half"](3) == 9 and r["half"].note == "n" and type(r["third"]) is r["P"]
    assert sorted([1, 3, 2], key=r["key"]) == [3, 2, 1] and r["one"] > r["key"](2)
    assert again(functools._lru_cache_wrapper) is functools._lru_cache_wrapper
    assert again(re.template if hasattr(re, "template") else re.compile)


EXCEPTIONS = """
class Two(Exception):
    def __init__(self, a, b, *, c=3):
        super().__init__(f'{a}{b}')
        self.a, self.b, self.c = a, b, c
class Reduced(Exception):
    def __init__(self, code): self.code = code
    def __reduce__(self): return Reduced, (self.code,)
class Os(OSError): pass
two = Two(1, 2); two.add_note('note'); two.me = two
reduced = Reduced(5)
os_ = Os(2, 'gone', 'f.txt')
uni = UnicodeDecodeError('ascii', b'x', 0, 1, 'bad')
stop, exit_ = StopIteration(3), SystemExit(4)
imp = ImportError('m', name='n', path='p')
att = AttributeError('a', name='k', obj=[1])
group = ExceptionGroup('g', [two, KeyError('k')])
try:
    try:
        1 / 0
    except ZeroDivisionError as e:
        raise ValueError('x') from e
except ValueError as e:
    chained = e
    tb = e.__traceback__
    frame = tb.tb_frame
"""


def test_exceptions() -> None:
    saved = save(cell(EXCEPTIONS))
    assert {problem.path for problem in saved.problems} == {"frame"}
    assert {problem.path for problem in saved.reconnected} >= {"chained"}
    r = saved.load()
    assert r["tb"] is r["chained"].__traceback__
    callers = iter(lambda frame=[r["tb"].tb_frame]: frame.append(frame.pop().f_back) or frame[0], None)
    assert inspect.currentframe() not in list(callers)
    (shown,) = traceback.extract_tb(r["tb"])
    assert (shown.name, shown.lineno, shown.line) == ("<module>", r["tb"].tb_lineno, "raise ValueError('x') from e")
    two = r["two"]
    assert (two.args, two.a, two.b, two.c, two.__notes__) == (("12",), 1, 2, 3, ["note"]) and two.me is two
    assert type(two) is r["Two"] and r["reduced"].code == 5
    assert (r["os_"].errno, r["os_"].filename) == (2, "f.txt") and r["uni"].reason == "bad"
    assert r["stop"].value == 3 and r["exit_"].code == 4 and r["imp"].name == "n"
    assert r["att"].args == ("a",) and r["group"].exceptions[0] is two
    assert type(r["chained"].__cause__) is ZeroDivisionError and r["chained"].__suppress_context__
    with pytest.raises(r["Two"], match="12"):
        raise two


def test_functions_of_numpy_random_stay_bound_to_the_global_generator() -> None:
    r = save(cell("from numpy.random import normal, rand\nimport numpy as np\nown = np.random.RandomState(3)")).load()
    assert r["rand"].__self__ is np.random.mtrand._rand and r["normal"].__self__ is r["rand"].__self__
    assert r["own"] is not np.random.mtrand._rand and r["own"].rand() == np.random.RandomState(3).rand()


CACHES = """
import functools
calls = []
def note(*args, **named):
    calls.append((args, named))
    return [args, named]
plain = functools.lru_cache(maxsize=2)(note)
typed = functools.lru_cache(maxsize=None, typed=True)(note)
off = functools.lru_cache(maxsize=0)(note)
library = functools.cache(__import__("textwrap").dedent)
k = 5
@functools.cache
def broken(n):
    if n: raise ValueError(n)
    return k
def closing(over):
    @functools.lru_cache
    def inner(n): return over + n
    return inner
inner = closing(100)
"""


def test_caches_remember_in_order_without_computing() -> None:
    source = cell(CACHES)
    plain, typed, broken = source["plain"], source["typed"], source["broken"]
    plain(1)
    plain((2, 3))
    plain("a", b=4)
    plain((2, 3))
    typed(1)
    typed(1.0)
    typed(1, 2, b=3, c="x")
    source["off"](1)
    source["library"]("  a")
    source["inner"](1)
    broken(0)
    with pytest.raises(ValueError, match="1"):
        broken(1)
    saved = save(source)
    assert [p.path for p in saved.reconnected] == ["library"]
    r = saved.load()
    assert len(r["calls"]) == len(source["calls"])
    for name in ("plain", "typed", "off", "inner", "broken"):
        assert r[name].cache_info() == source[name].cache_info(), name
    for space in (source, r):
        space["plain"](9)  # Takes the place of what was used least recently.
        before = len(space["calls"])
        assert space["plain"]((2, 3)) == [((2, 3),), {}]
        assert space["typed"](1.0) == [(1.0,), {}] and space["typed"](1, 2, b=3, c="x")
        assert len(space["calls"]) == before
        assert space["inner"](1) == 101 and space["inner"](2) == 102
        with pytest.raises(ValueError, match="2"):
            space["broken"](2)
        assert space["plain"]("a", b=4) and len(space["calls"]) == before + 1


def test_what_a_cache_cannot_keep_is_computed_again() -> None:
    source = cell("import functools\n@functools.cache\ndef f(n): return (i for i in 'ab') if n else [n]")
    next(source["f"](1))
    source["f"](0)
    r = save(source).load()
    assert r["f"].cache_info().currsize == 1
    assert list(r["f"](1)) == ["a", "b"]


def test_context_variables() -> None:
    plain, given = contextvars.ContextVar("plain"), contextvars.ContextVar("given", default=[1])  # noqa: B039
    token = given.set([2])
    saved = save({"plain": plain, "given": given, "context": contextvars.copy_context(), "token": token})
    # Other tests may have left what they like in the context.
    assert [problem.path for problem in saved.problems if problem.type.endswith("Token")] == ["token"]
    given.reset(token)

    def check() -> None:
        r = saved.load()
        assert r["given"].get() == [2] and r["given"].name == "given"
        assert contextvars.Context().run(r["given"].get) == [1]
        assert r["context"][r["given"]] is r["given"].get()
        with pytest.raises(LookupError):
            r["plain"].get()
        r["plain"].set(3)

    contextvars.Context().run(check)
    library = decimal.getcontext()
    assert again(library).prec == library.prec


C_DATA = """
import ctypes
class Point(ctypes.Structure):
    _fields_ = [('x', ctypes.c_int), ('y', ctypes.c_double)]
    def norm(self): return self.x + self.y
class Line(ctypes.Structure):
    _fields_ = [('a', Point), ('b', Point), ('tag', ctypes.c_char * 4)]
class Either(ctypes.Union):
    _fields_ = [('i', ctypes.c_int), ('c', ctypes.c_ubyte * 4)]
p = Point(1, 2.5)
line = Line(p, Point(3, 4), b'abc')
either = Either(i=258)
Triple = ctypes.c_int * 3
t, n, buffer = Triple(1, 2, 3), ctypes.c_int(7), ctypes.create_string_buffer(b'ab')
points = (Point * 2)(p, p)
pointer = ctypes.pointer(n)
address = ctypes.cast(pointer, ctypes.POINTER(ctypes.c_ubyte))
"""


def test_c_data() -> None:
    saved = save(cell(C_DATA))
    assert not saved.problems
    pointed = saved.load()
    pointed["n"].value = 8
    assert pointed["pointer"].contents.value == pointed["address"][0] == 8
    r = saved.load()
    assert type(r["p"]) is r["Point"] and r["p"].norm() == 3.5
    assert (r["line"].b.y, r["line"].tag) == (4, b"abc") and ctypes.sizeof(r["Line"]) == ctypes.sizeof(r["line"])
    assert list(r["either"].c)[:2] == [2, 1]
    assert type(r["t"]) is r["Triple"] is ctypes.c_int * 3 and list(r["t"]) == [1, 2, 3]
    assert r["n"].value == 7 and r["buffer"].value == b"ab" and r["points"][1].x == 1
    r["p"].x = 9
    assert r["Point"](1, 2).x == 1


def test_matches() -> None:
    for pattern, text, how in [
        ("a(b)?", "xxab", "search"),
        ("(?<=x)a+?", "xaaa", "search"),
        ("a+?", "aaa", "fullmatch"),
        ("^b", "a\nb", "search"),
    ]:
        found = getattr(re.compile(pattern, re.MULTILINE), how)(text)
        back = again(found)
        assert (back.regs, back.group(), back.string) == (found.regs, found.group(), found.string)
    third = list(re.finditer("a", "aXaXa"))[2]
    assert again(third).span() == (4, 5)


@pytest.mark.parametrize("value", [sys.version_info, sys.flags, sys.hash_info, csv.get_dialect("excel")])
def test_facts(value: Any) -> None:
    assert type(again(value)) is type(value)


def test_small_values() -> None:
    assert again(struct.Struct("<iq")).size == 12
    assert again(random.SystemRandom()).random() < 1
    generator = random.Random(3)
    assert again(generator).random() == generator.random()
    d: defaultdict[str, list[int]] = defaultdict(list, a=[1])
    for value in (deque([1, 2], 5), Counter("aab"), OrderedDict(b=1, a=2), d, array.array("d", [1.5])):
        back = again(value)
        assert back == value and type(back) is type(value)
    assert again(deque([1], 5)).maxlen == 5 and again(d)["new"] == []
    one = {"k": 1}
    r = save({"one": one, "chain": ChainMap({}, one)}).load()
    r["one"]["k"] = 2
    assert r["chain"]["k"] == 2


MODULE = """
import types, math
m = types.ModuleType('made')
exec('x = 1\\ndef get(): return x', m.__dict__)
get = m.get
"""


def test_modules() -> None:
    r = save(cell(MODULE)).load()
    r["m"].x = 5
    assert r["get"]() == 5 and r["get"] is r["m"].get and r["math"] is sys.modules["math"]


def test_loggers(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    log = logging.getLogger("session.test")
    handler = logging.FileHandler(path, "w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    log.info("before")
    saved = save({"log": log, "child": log.getChild("x")})
    assert not saved.problems
    assert saved.load()["log"] is log and log.handlers == [handler]
    log.removeHandler(handler)
    handler.close()
    done = saved.load_elsewhere(
        "import logging; assert log is logging.getLogger('session.test'); assert child.parent is log\n"
        "assert len(log.handlers) == 1 and not log.propagate; log.info('after'); log.debug('no')\n"
        "log.handlers[0].close()"
    )
    assert done == "" and path.read_text(encoding="utf-8") == "INFO before\nINFO after\n"
    log.setLevel(logging.NOTSET)
    log.propagate = True
    stray = logging.Logger("stray", logging.ERROR)  # noqa: LOG001
    assert again(stray).level == logging.ERROR


def test_proxies() -> None:
    pytest.importorskip("flask")
    import flask

    r = save({"app": flask.current_app, "request": flask.request}).load()
    assert r["app"] is flask.current_app and r["request"] is flask.request
    live = cell("from werkzeug.local import LocalProxy\ntarget = [1]\nlocal = LocalProxy(lambda: target)")
    r = save(live).load()
    assert r["local"]._get_current_object() is r["target"]


def test_front_end_objects_are_named() -> None:
    pytest.importorskip("ipywidgets")
    pytest.importorskip("tqdm")
    import comm
    import ipywidgets
    import tqdm
    import zmq

    class Slider(ipywidgets.IntSlider):
        pass

    bar = tqdm.tqdm(total=9, disable=True)
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    try:
        for value in (ipywidgets.IntSlider(), Slider(), bar, context, socket, comm.DummyComm("t")):
            assert stand_in(value).advice
    finally:
        socket.close()
        context.term()


def test_placeholders_say_so() -> None:
    import hashlib
    import hmac
    import ssl
    import zlib

    for value in (hashlib.sha256(), hmac.new(b"k", digestmod="md5"), ssl.create_default_context(), zlib.compressobj()):
        assert "TypeError" not in stand_in(value).reason
    assert type(save({"v": [hashlib.md5()]}).load()["v"][0]) is Placeholder


def test_engines(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    import sqlalchemy
    import sqlalchemy.orm

    path = tmp_path / "data.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.connect() as closed, closed.begin():
        closed.execute(sqlalchemy.text("create table t (x int)"))
        closed.execute(sqlalchemy.text("insert into t values (1)"))
    maker = sqlalchemy.orm.sessionmaker(engine, expire_on_commit=False)
    session, connection = maker(), engine.connect()
    before = path.read_bytes()
    ns = {"engine": engine, "maker": maker, "session": session, "connection": connection, "closed": closed}
    saved = save(ns)
    assert not saved.problems
    connection.close()
    engine.dispose()
    r = saved.load()
    assert path.read_bytes() == before and r["closed"].closed and r["session"].bind is r["engine"]
    count = sqlalchemy.text("select count(*) from t")
    for source in (r["connection"], r["session"]):
        assert source.scalar(count) == 1
        source.close()
    with r["maker"]() as other:
        assert other.bind is r["engine"] and not other.expire_on_commit
    r["engine"].dispose()
    path.unlink()
    assert "not there" in saved.attempt()[1][0].reason
    assert not path.exists()


def test_no_password_is_written() -> None:
    pytest.importorskip("sqlalchemy")
    import sqlalchemy

    for address in ("sqlite://user:CANARY@/x.db", "sqlite:////x.db?token=CANARY"):
        engine = sqlalchemy.create_engine("sqlite://")
        engine.url = sqlalchemy.make_url(address)
        saved = save({"engine": engine})
        assert "password" in saved.problems[0].reason
        assert all(b"CANARY" not in part.data for part in saved.parts)
        engine.dispose()


def test_functions_of_random_draw_from_the_one_generator() -> None:
    with notebook("import random\nfrom random import randint, seed, Random\nmine = Random(3).random") as a:
        b = a.move()
        for one in (a, b):
            one.enter()
            one.run("seed(5); first = [randint(1, 1000), random.random(), mine()]; seed(5); same = randint(1, 1000)")
        b.check("randint.__self__ is random._inst is seed.__self__ is not mine.__self__", "same == first[0]")
        assert a["first"] == b["first"]


def test_the_context_of_decimal_is_the_one_in_which_the_kernel_computes() -> None:
    with decimal.localcontext(), notebook("import decimal\nc = decimal.getcontext(); c.prec = 7; held = [c]") as a:
        a.run("other = c.copy(); other.prec = 9")
        a.save()
        with decimal.localcontext(decimal.DefaultContext):
            b = a.fresh()
            b.load()
            b.check("c is held[0] is decimal.getcontext() is not other", "c.prec == 7 and other.prec == 9")
            b.run("c.prec = 3; third = decimal.Decimal(1) / 3").check("str(third) == '0.333'")
        with decimal.localcontext(decimal.DefaultContext):
            apart = a.fresh()
            apart.load(only=["c"], state=False)
            assert apart["c"].prec == 7 and decimal.getcontext().prec == 28


def test_templates_of_jinja_render_as_before() -> None:
    pytest.importorskip("jinja2")
    cell = """
        import jinja2
        text = 'Hi {{ name }}{% for c in it %}-{{ c|upper }}{% endfor %}{% macro m(x) %}[{{ x }}]{% endmacro %}'
        derived = '{% extends "base" %}{% block b %}{{ super() }}{{ q }}{% endblock %}'
        greet, pages = jinja2.Template(text), {'base': '<{% block b %}x{% endblock %}>', 'a': derived}
        env = jinja2.Environment(loader=jinja2.DictLoader(pages), trim_blocks=True)
        env.filters['twice'] = lambda text: text * 2
        page, other, macro = env.get_template('a'), env.from_string('{{ "a"|twice }}'), greet.module.m
    """
    with notebook(cell) as a:
        b = a.move()
        b.check(
            "greet.render(name=1, it='ab') == 'Hi 1-A-B' and page.render(q=1) == '<x1>' and other.render() == 'aa'",
            "page.environment is env is other.environment and env.from_string('{{ 1 }}').render() == '1'",
            "str(greet.module.m(3)) == '[3]' and str(macro(4)) == '[4]'",
        )
