"""Cases about what lives outside the namespace: threads, files, locks, processes (3, 4, 10-13, 36, 42)."""

from __future__ import annotations

import pytest

from .machine import Machine, is_placeholder, read_report, save, wait_for


def test_case_03_a_thread_and_a_progress_bar_are_named_with_the_reason(machine: Machine) -> None:
    facts = machine.save(
        "import threading; t = threading.Thread(target=print, name='worker'); t.start(); t.join()",
        "from tqdm.notebook import tqdm; bar = tqdm(range(3)); rest = [1, 2]",
    )
    assert facts.roots == {"t", "bar"}
    assert all(finding.reason and finding.type for finding in facts.placeholders)
    assert any("Thread" in finding.type for finding in facts.placeholders if finding.root == "t")
    b = machine.load()
    b.check(
        is_placeholder("t"),
        is_placeholder("bar"),
        "rest == [1, 2]",
        "tqdm is __import__('tqdm.notebook').notebook.tqdm",
    )


def test_case_04_a_widget_is_a_placeholder_and_the_rest_loads(machine: Machine) -> None:
    facts = machine.save("import ipywidgets; w = ipywidgets.IntSlider(value=4); rest = {'w': w, 'k': [1]}")
    assert facts.roots <= {"w", "rest"} and facts.roots
    assert all(finding.reason for finding in facts.placeholders)
    b = machine.load()
    b.check(is_placeholder("w"), "rest['w'] is w", "rest['k'] == [1]")


@pytest.mark.core
def test_case_10_files_come_back_without_being_touched(machine: Machine) -> None:
    machine.save(
        "with open('a.csv', 'w') as f:\n    f.write('foo')",
        "fs = [f]",
        "still = open('b.csv', 'w'); still.write('foo'); still.flush()",
        "line = open('c.txt', 'w+'); line.write('one\\ntwo\\n'); line.seek(0); line.readline()",
    )
    paths = [machine.project / name for name in ("a.csv", "b.csv", "c.txt")]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths]
    assert before[0][0] == b"foo"
    b = machine.load()
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths] == before
    b.check("f.closed", "f.name == 'a.csv'", "f.mode == 'w'", "fs[0] is f")
    b.check("still.name == 'b.csv'", "not still.closed", "still.tell() == 3", "line.readline() == 'two\\n'")
    b.run("still.write('bar'); still.close()")
    assert paths[1].read_text(encoding="utf-8") == "foobar"
    assert read_report(b, "loaded").states["still"] == "reconnected"


@pytest.mark.core
def test_case_11_locks_come_back_free(machine: Machine) -> None:
    machine.save(
        "from threading import Lock, RLock, Thread",
        "lock = RLock(); held = RLock(); held.acquire(); plain = Lock(); plain.acquire()",
        "inside = {'lock': held}",
    )
    b = machine.load()
    b.run(
        "got = []\n"
        "def take():\n"
        "    for each in (lock, held, plain):\n"
        "        got.append(each.acquire(timeout=5))\n"
        "        each.release()\n"
        "thread = Thread(target=take); thread.start(); thread.join()"
    )
    b.check("got == [True, True, True]", "type(lock) is type(RLock())", "type(plain) is type(Lock())")
    b.check("inside['lock'] is held")


def test_case_12_a_logger_is_the_librarys_own(machine: Machine) -> None:
    machine.save(
        "import logging; log = logging.getLogger('app.db'); root = logging.getLogger()",
        "log.addHandler(logging.StreamHandler())",
        "class Service:\n    def __init__(self):\n        self.log = log\nservice = Service()",
    )
    b = machine.load()
    b.check("log is logging.getLogger('app.db')", "root is logging.getLogger()", "service.log is log")
    assert "disk is full" in b.run("log.error('disk is full')").stream("stderr")


CHILD = """\
import pathlib, time
for _ in range(2400):
    if pathlib.Path('stop').exists():
        pathlib.Path('done').touch()
        break
    time.sleep(0.05)
"""
DATABASE = """\
import sqlite3
con = sqlite3.connect('data.db')
con.execute('create table t (x integer)')
con.execute('insert into t values (1)')
con.commit()
con.execute('insert into t values (2)')
cursor = con.execute('select x from t')
"""


def test_case_13_a_process_is_left_alone(machine: Machine) -> None:
    machine.write("child.py", CHILD)
    facts = machine.save("import subprocess, sys; p = subprocess.Popen([sys.executable, 'child.py']); rest = [1]")
    assert facts.roots == {"p"}
    b = machine.load()
    b.check(is_placeholder("p"), "rest == [1]")
    done = machine.project / "done"
    assert not done.exists()
    machine.write("stop", "")
    wait_for(done.exists, "the child's own end")


def test_case_13_a_database_connection_reconnects(machine: Machine) -> None:
    a = machine.begin(DATABASE, "held = {'con': con}")
    size = (machine.project / "data.db").stat().st_size
    facts = save(a)
    # Saving must not commit, roll back or close.
    a.check("con.in_transaction", "con.execute('select count(*) from t').fetchone() == (2,)")
    a.sigkill()
    assert facts.states["con"] == "reconnected"
    b = machine.load()
    assert (machine.project / "data.db").stat().st_size == size
    b.check("con.execute('select x from t').fetchall() == [(1,)]", "held['con'] is con", "not con.in_transaction")
    b.run("con.execute('insert into t values (3)'); con.commit()")
    b.check("con.execute('select count(*) from t').fetchone() == (2,)")


def test_case_13_an_sqlalchemy_engine_reconnects(machine: Machine) -> None:
    facts = machine.save(
        DATABASE + "con.rollback(); cursor.close(); con.close()",
        "import sqlalchemy; engine = sqlalchemy.create_engine('sqlite:///data.db')",
        "with engine.connect() as c:\n    first = c.scalar(sqlalchemy.text('select x from t'))",
    )
    before = (machine.project / "data.db").read_bytes()
    assert facts.states["engine"] == "reconnected"
    b = machine.load()
    assert (machine.project / "data.db").read_bytes() == before
    b.check("first == 1", "str(engine.url) == 'sqlite:///data.db'")
    b.run("with engine.connect() as c:\n    second = c.scalar(sqlalchemy.text('select x from t'))")
    b.check("second == 1")


PROXIES = """\
class Proxy:
    def __init__(self, find):
        object.__setattr__(self, '_find', find)

    def __getattr__(self, name):
        return getattr(self._find(), name)

    @property
    def __class__(self):
        return type(self._find())

class Endless:
    def __getattr__(self, name):
        return getattr(self._target, name)

target = {'k': 1}
proxy = Proxy(lambda: target)
endless = Endless()
"""


def test_case_36_a_proxy_costs_nothing_else(machine: Machine) -> None:
    a = machine.begin(PROXIES, "rest = [1, target]")
    a.check("proxy.get('k') == 1", "isinstance(proxy, dict)")
    save(a)
    a.sigkill()
    b = machine.load()
    b.check("target == {'k': 1}", "rest[1] is target")
    for name, works in (("proxy", "proxy.get('k') == 1"), ("endless", "type(endless) is Endless")):
        assert b.get(is_placeholder(name)) or b.get(works), name


def test_case_36_flasks_proxies_cost_nothing_else(machine: Machine) -> None:
    machine.save(
        "from flask import current_app, request; from werkzeug.local import LocalProxy",
        "local = LocalProxy(lambda: rest); rest = [1]",
    )
    b = machine.load()
    b.check("rest == [1]")
    values = {
        "current_app": "current_app is __import__('flask').current_app",
        "request": "request is __import__('flask').request",
        "local": "local._get_current_object() is rest",
    }
    for name, works in values.items():
        assert b.get(is_placeholder(name)) or b.get(works), name


LIVE = """\
import asyncio, contextvars
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakValueDictionary

try:
    1 / 0
except ZeroDivisionError as caught:
    error, tb = caught, caught.__traceback__

class Node:
    pass

async def work():
    await asyncio.sleep(600)

mv = memoryview(bytearray(b'abc'))
var = contextvars.ContextVar('var', default=3)
var.set(4)
node = Node()
weak = WeakValueDictionary(n=node)
task = asyncio.ensure_future(work())
pool = ThreadPoolExecutor(1)
pool.submit(int).result()
coro = work()
base = 10
fresh = (i * i + base for i in range(4))
spent = iter([])
started = (i for i in range(4)); next(started)
done = (i for i in range(2)); list(done)
def count(start, *, step=1):
    while start < 5:
        yield start
        start += step
unstarted = count(1, step=2)
"""


@pytest.mark.core
def test_case_42_live_things_are_values_or_placeholders(machine: Machine) -> None:
    facts = machine.save(LIVE, "rest = {'k': [1]}")
    assert "started" in facts.roots
    assert all(finding.reason for finding in facts.placeholders)
    b = machine.load()
    b.check("rest == {'k': [1]}", "type(node) is Node")
    values = {
        "error": "isinstance(error, ZeroDivisionError) and error.args == ('division by zero',)",
        "tb": "type(tb).__name__ == 'traceback'",
        "mv": "bytes(mv) == b'abc' and not mv.readonly",
        "var": "type(var) is contextvars.ContextVar and var.name == 'var' and var.get() in (3, 4)",
        "weak": "type(weak) is WeakValueDictionary and weak['n'] is node",
        "pool": "pool.submit(int).result() == 0",
        "coro": "asyncio.iscoroutine(coro)",
    }
    for name, works in values.items():
        assert b.get(is_placeholder(name)) or b.get(works), name
    b.check(is_placeholder("started"), is_placeholder("task"))
    # Generators that have not started, or are exhausted, are exact.
    assert {facts.states[name] for name in ("fresh", "unstarted", "spent", "done")} == {"saved"}
    b.run("base = 20; squares = [*fresh]; counted = [*unstarted]; rest_of_done = [*done]")
    b.check("squares == [20, 21, 24, 29]", "counted == [1, 3]", "rest_of_done == []", "next(spent, None) is None")
    error = b.run("next(started)", check=False).error
    assert error is not None and "started" in error.message, "a placeholder that is used says what it stood for"
