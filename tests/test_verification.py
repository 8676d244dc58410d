"""Verification finds what does not come back, and passes what does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_session_save.errors import SaveError
from jupyter_session_save.pickling import registered
from jupyter_session_save.repository import Repository
from jupyter_session_save.snapshot import Problem
from jupyter_session_save.trust import Signer
from jupyter_session_save.verification import verify

from .cells import Notebook, notebook
from .test_pickling_classes import CASES
from .test_pickling_references import CYCLES


@pytest.fixture
def a(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    with notebook() as made:
        made.repository = Repository.open(tmp_path / "store")
        made.signer = Signer.of_user()
        yield made


def verified(a: Notebook) -> tuple[Problem, ...]:
    a.save()
    return verify(a.namespace, a.repository.resolve("s"), store=a.repository.store.url, live={})


def test_a_reduce_that_loses_something_is_found(a: Notebook) -> None:
    a.run(
        """
        class Loses:
            def __init__(self, x=0): self.x = x
            def __reduce__(self): return Loses, ()
        class Wrong:
            def __init__(self, x): self.x = x
            def __reduce__(self): return Wrong, (self.x + 1,)
        class Other:
            def __reduce__(self): return list, ()
        class State:
            def __getstate__(self): return {'x': 1}
        class Slots:
            __slots__ = ('x', 'y')
            def __getstate__(self): return None, {'x': self.x}
        loses, wrong, other, state, slots = Loses(5), Wrong(1), Other(), State(), Slots()
        state.x, state.y, slots.x, slots.y = 1, 2, 3, 4
        inside = {'a': [Loses(7)]}
        fine = {'n': [1, 2]}
        """
    )
    found = verified(a)
    assert {p.path for p in found} == {"loses", "wrong", "other", "state", "slots", "inside"}
    assert all(p.reason and p.advice and p.type for p in found)


def test_what_a_subclass_of_a_builtin_loses_is_found(a: Notebook) -> None:
    a.run(
        """
        class Items(list):
            def __reduce__(self): return Items, ()
        class Pairs(dict):
            def __reduce__(self): return Pairs, ()
        class Elements(set):
            def __reduce__(self): return Elements, ([5],)
        class Text(str):
            def __reduce__(self): return Text, ('other',)
        class Kept(list): pass
        items, pairs, elements, text, kept = Items([1]), Pairs(a=1), Elements([1]), Text('x'), Kept([1, {2, 3}])
        """
    )
    assert {p.path for p in verified(a)} == {"items", "pairs", "elements", "text"}


def test_bytes_between_the_fields_of_an_array_mean_nothing(a: Notebook) -> None:
    a.run(
        """
        import numpy as np
        kind = np.dtype([('a', 'u1'), ('b', 'f8')], align=True)
        raw = np.full(2 * kind.itemsize, 7, dtype='u1')
        class Copies:
            def __init__(self, array): self.array = array
            def __getstate__(self): return {'a': self.array['a'].copy(), 'b': self.array['b'].copy()}
            def __setstate__(self, state):
                self.array = np.zeros(2, kind)
                self.array['a'], self.array['b'] = state['a'], state['b']
            def __reduce__(self): return Copies, (None,), self.__getstate__()
        copies = Copies(raw.view(kind))
        """
    )
    assert verified(a) == ()


SANE = """\
import array, collections, datetime, decimal, enum, fractions, pathlib, random, re, types, uuid
import numpy as np
import pandas as pd
arr = np.arange(10.0); view = arr[2:5]; fortran = np.asfortranarray(np.ones((3, 4))); ints = np.arange(5)[::2]
objects = np.array([[1], None, 'x'], dtype=object); rng = np.random.default_rng(3); scalar = np.float32(1.5)
frame = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y'], 'c': pd.to_datetime(['2020-01-01', None])})
series = frame['a']; index = frame.index; cat = pd.Categorical(['a', 'b', 'a'])
many = {str(i) for i in range(50)}; fs = frozenset(many); nested = {(1, 'a'), (2, 'b')}
now = datetime.datetime(2020, 1, 1); path = pathlib.Path('x'); pattern = re.compile('a'); dec = decimal.Decimal('1.1')
dice = random.Random(4); ident = uuid.UUID(int=5); counter = collections.Counter('abc'); nan = float('nan')
loop = [1]; loop.append(loop); big = 10 ** 50; text = 'ü\\ud800'; raw = bytearray(b'x')
def f(x=[1], *, y={'k': 2}): return n
n = 3
class Node:
    def __init__(self): self.peers = {self}
node = Node()
"""


def test_everything_sane_passes(a: Notebook) -> None:
    a.run(SANE)
    assert verified(a) == ()


ALL = {name: source for name, (source, _) in {**CASES, **CYCLES}.items()}
# Each process takes some 0.3 s, so the cases share a few.
GROUPS = [sorted(ALL)[start::4] for start in range(4)]


@pytest.mark.parametrize("group", GROUPS, ids=range(4))
def test_definitions_of_every_sort_pass(a: Notebook, group: list[str]) -> None:
    failed = {}
    for position, case in enumerate(group):
        b = a.fresh()
        b.signer = a.signer
        b.run(ALL[case])
        b.save(f"case {position}")
        snapshot = b.repository.resolve(f"case {position}")
        problems = verify(b.namespace, snapshot, store=b.repository.store.url, live={})
        if problems:
            failed[case] = problems
    assert not failed


def test_placeholders_that_the_save_reported_are_not_repeated(a: Notebook) -> None:
    a.run("gen = (i for i in 'ab'); next(gen); held = [gen]; x = 1")
    assert verified(a) == ()


def test_what_cannot_be_loaded_is_found(a: Notebook) -> None:
    a.run(
        "class Bad:\n    def __setstate__(self, s): raise ValueError('no')\n"
        "bad = Bad(); bad.x = 1; held = {'b': [bad]}; x = 1"
    )
    found = verified(a)
    assert {p.path for p in found} >= {"bad", "held['b'][0]"}
    assert all("no" in p.reason for p in found)


def test_a_value_that_kills_the_process_is_an_error_of_one_line(a: Notebook) -> None:
    a.run("import os\nclass Kill:\n    def __reduce__(self): return os._exit, (3,)\nkill = Kill()")
    with pytest.raises(SaveError) as caught:
        verified(a)
    assert "\n" not in str(caught.value)
    assert "s@1" in str(caught.value)


def test_what_a_load_prints_does_no_harm(a: Notebook) -> None:
    a.run(
        "class Loud:\n    def __setstate__(self, s): print('\\x1e[[1]]'); self.__dict__.update(s)\nl = Loud(); l.x = 1"
    )
    assert verified(a) == ()


def test_damage_on_disk_is_found(a: Notebook) -> None:
    a.run("import numpy as np\nbig = np.zeros(2_000_000); n = 1")
    a.save()
    part = next(b for c in a.repository.resolve("s").components for b in c.buffers)
    key = f"blobs/{part.digest[:2]}/{part.digest}"
    data = bytearray(a.repository.store.get(key))
    data[100] ^= 1
    a.repository.store.put(key, [bytes(data)], durable=False, overwrite=True)
    found = verify(a.namespace, a.repository.resolve("s"), store=a.repository.store.url, live={})
    assert [p.path for p in found] == ["big"]


def test_the_live_namespace_is_only_read(a: Notebook) -> None:
    a.run("items = [1]\nclass C: pass\nc = C(); c.items = items")
    before = a.described()
    assert verified(a) == ()
    assert a.described() == before


def test_odd_objects_do_not_stop_it(a: Notebook) -> None:
    a.run(
        """
        class Odd:
            def __eq__(self, o): raise ValueError
            def __hash__(self): return 1
            def __repr__(self): raise ValueError
            def __getattr__(self, n):
                if n.startswith('__'): raise AttributeError(n)
                raise ValueError(n)
        odd = Odd(); odd.x = 1; held = {odd: [odd]}
        deep = []
        for _ in range(5000): deep = [deep]
        """
    )
    assert verified(a) == ()


def test_what_may_differ_is_no_loss(a: Notebook) -> None:
    a.run(
        """
        import itertools, socket, tempfile, time
        from jupyter_session_save import register_reducer
        fresh, begun, round_ = itertools.cycle('ab'), itertools.cycle('abc'), itertools.cycle('abc')
        next(begun); [next(round_) for _ in range(4)]
        keys, pairs, empty = iter({'a': 1, 'b': 2}), iter({1: [2]}.items()), iter({})
        next(keys)
        place = {'at': tempfile.TemporaryDirectory()}
        class Client:
            def __init__(self, address):
                self.address, self.asked, self.socket = address, 1, socket.socket()
        class Forgets(Client):
            pass
        register_reducer(Client, lambda c: (c.address,), Client)
        register_reducer(Forgets, lambda c: (c.address,), Forgets)
        client, forgets = Client('here'), Forgets('here')
        forgets.asked = 2
        """
    )
    try:
        (found,) = verified(a)
        assert found.path == "forgets"
        assert "reducer that was registered" in found.advice
    finally:
        a.run("place['at'].cleanup(); client.socket.close(); forgets.socket.close()")
        registered._REDUCERS.clear()


def test_iterators_that_were_verified_go_on_where_they_were(a: Notebook) -> None:
    a.run("import itertools; c, d = itertools.cycle('abc'), itertools.cycle('abc'); e = itertools.cycle('ab')")
    a.run("next(c); [next(d) for _ in range(4)]; s = iter({1, 2}); k = iter({'a': 1, 'b': 2}); next(k)")
    a.save()
    b = a.fresh()
    b.signer = a.signer
    b.load()
    b.check("[next(c) for _ in range(5)] == list('bcabc')", "[next(d) for _ in range(5)] == list('bcabc')")
    b.check("[next(e) for _ in range(3)] == list('aba')", "list(k) == ['b']", "sorted(s) == [1, 2]")
    b.save("again")
    assert not verify(b.namespace, b.repository.resolve("again"), store=b.repository.store.url, live={})
