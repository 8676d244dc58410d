"""Classes of every sort that people define in cells come back as the classes of their instances."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_session_save.pickling import Scope, dumps

from .cells import Held, Notebook, notebook
from .restore import cell, save

PEP_695 = pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax came with Python 3.12")


@pytest.fixture
def a() -> Iterator[Notebook]:
    with notebook() as made:
        yield made


CASES: dict[str, tuple[str, list[str]]] = {
    "plain": (
        """
        class C:
            limit = 3
            def __init__(self, x): self.x = x
            def twice(self): return self.x * 2
            @staticmethod
            def s(): return 's'
            @classmethod
            def c(cls): return cls
        one = C(4)
        """,
        ["type(one) is C", "one.twice() == 8", "C.s() == 's'", "C.c() is C", "C.limit == 3", "one.x == 4"],
    ),
    "a constructor that counts, and a singleton": (
        """
        class Single:
            one = None
            def __new__(cls):
                if cls.one is None: cls.one = super().__new__(cls)
                return cls.one
        single = Single()
        class Counted:
            made = 0
            def __new__(cls, *a):
                Counted.made += 1
                return super().__new__(cls)
            def __init__(self, x): self.x = x
        counted = Counted(3)
        class Pair(tuple):
            def __new__(cls, a, b): return super().__new__(cls, (a, b))
        class Doubled(str):
            def __new__(cls, text): return super().__new__(cls, text * 2)
        pair, doubled = Pair(1, 2), Doubled('ab')
        """,
        [
            "Single() is single",
            "Counted.made == 1 and counted.x == 3",
            "pair == (1, 2) and type(pair) is Pair",
            "doubled == 'abab' and type(doubled) is Doubled",
            "Counted(1).x == 1 and Counted.made == 2",
        ],
    ),
    "subclass with super": (
        """
        class A:
            def f(self): return ['A']
        class B(A):
            def f(self): return super().f() + ['B']
        class D(B):
            def f(self): return super().f() + [__class__.__name__]
        d = D()
        """,
        ["d.f() == ['A', 'B', 'D']", "D.__mro__[1:3] == (B, A)", "A.__subclasses__() == [B]", "isinstance(d, A)"],
    ),
    "nested": (
        """
        class Outer:
            class Inner:
                def who(self): return type(self).__qualname__
            def make(self): return self.Inner()
        inner = Outer().make()
        """,
        ["type(inner) is Outer.Inner", "inner.who() == 'Outer.Inner'", "type(Outer().make()) is type(inner)"],
    ),
    "local": (
        """
        def factory(n):
            class Local:
                def get(self): return n, Local
            return Local
        L1, L2 = factory(1), factory(2)
        one, two = L1(), L2()
        """,
        ["type(one) is L1", "one.get() == (1, L1)", "two.get() == (2, L2)", "L1 is not L2"],
    ),
    "anonymous": (
        "one = type('Ghost', (), {'x': 1})(); other = type(one)()",
        ["type(one) is type(other)", "type(one).__name__ == 'Ghost'", "one.x == 1"],
    ),
    "slots": (
        """
        class S:
            __slots__ = ('a', 'b', '__weakref__')
        class T(S):
            __slots__ = 'c'
        class U(T): pass
        s, t, u = S(), T(), U()
        s.a = 1; t.b = 2; t.c = 3; u.c = 4; u.d = 5
        """,
        [
            "s.a == 1",
            "not hasattr(s, 'b')",
            "not hasattr(s, '__dict__')",
            "(t.b, t.c) == (2, 3)",
            "not hasattr(t, '__dict__')",
            "(u.c, u.d) == (4, 5)",
            "S.__slots__ == ('a', 'b', '__weakref__')",
            "T.__slots__ == 'c'",
            "__import__('weakref').ref(s)() is s",
        ],
    ),
    "private slots": (
        """
        class P:
            __slots__ = ('__secret',)
            def __init__(self): self.__secret = 7
            def get(self): return self.__secret
        p = P()
        """,
        ["p.get() == 7"],
    ),
    "metaclass": (
        """
        class Meta(type):
            made = []
            def __new__(meta, name, bases, ns, **options):
                cls = super().__new__(meta, name, bases, ns)
                Meta.made.append(name)
                return cls
            def __init__(cls, name, bases, ns, **options):
                super().__init__(name, bases, ns)
                cls.option = options.get('option')
            def __call__(cls, *args):
                made = super().__call__(*args)
                made.called = True
                return made
            def __setattr__(cls, key, value):
                if key == 'frozen': raise AttributeError(key)
                super().__setattr__(key, value)
            @property
            def shout(cls): return cls.__name__.upper()
        class Klass(metaclass=Meta, option=5): pass
        type.__setattr__(Klass, 'frozen', 1)
        k = Klass()
        """,
        [
            "Meta.made == ['Klass']",
            "type(Klass) is Meta",
            "Klass.option == 5",
            "Klass.shout == 'KLASS'",
            "k.called",
            "Klass().called",
            "Klass.frozen == 1",
        ],
    ),
    "singleton metaclass": (
        """
        class Single(type):
            _instances = {}
            def __call__(cls, *args):
                if cls not in Single._instances:
                    Single._instances[cls] = super().__call__(*args)
                return Single._instances[cls]
        class Config(metaclass=Single): pass
        config = Config(); config.x = 1
        """,
        ["Config() is config", "Single._instances == {Config: config}", "config.x == 1"],
    ),
    "generic": (
        """
        from typing import Generic, TypeVar
        T = TypeVar('T', bound='Stack')
        K = TypeVar('K', int, str)
        class Stack(Generic[T, K]):
            def __init__(self, items): self.items = items
        s = Stack([1]); alias = Stack[int, str]; via = alias([2])
        """,
        [
            "type(s) is Stack",
            "alias.__origin__ is Stack",
            "Stack.__parameters__ == (T, K)",
            "Stack.__orig_bases__[0].__args__[0] is T",
            "K.__constraints__ == (int, str)",
            "T.__bound__.__forward_arg__ == 'Stack'",
            "type(via) is Stack and via.__orig_class__ == alias",
            "Stack[int, str] == alias",
        ],
    ),
    "type variables": (
        """
        from typing import NewType, ParamSpec, TypeVar, TypeVarTuple
        T = TypeVar('T', covariant=True); P = ParamSpec('P'); Ts = TypeVarTuple('Ts'); UserId = NewType('UserId', int)
        def f(x: T, y: UserId) -> T: return x
        pairs = [T, P, Ts, UserId]
        """,
        [
            "pairs == [T, P, Ts, UserId] and all(a is b for a, b in zip(pairs, [T, P, Ts, UserId]))",
            "f.__annotations__['x'] is T",
            "f.__annotations__['y'] is UserId",
            "UserId(3) == 3",
            "UserId.__supertype__ is int",
            "T.__covariant__ and T.__module__ == '__main__'",
        ],
    ),
    "dataclass": (
        """
        from dataclasses import dataclass, field, fields, replace, asdict, InitVar, KW_ONLY
        @dataclass
        class D:
            a: int
            b: list = field(default_factory=list)
            c: InitVar[int] = 0
            _: KW_ONLY
            k: str = field(default='k', metadata={'unit': 'm'})
            def __post_init__(self, c): self.a += c
        @dataclass(frozen=True, order=True)
        class F:
            x: int
        @dataclass(slots=True)
        class S:
            x: int
            d: 'D | None' = None
        @dataclass(frozen=True, slots=True, kw_only=True)
        class A:
            x: int = 1
        @dataclass(frozen=True)
        class Sub(F):
            y: int = 2
        d = D(1, c=2); d2 = D(1, b=d.b); f = F(1); s = S(1, d); al = A(x=5); sub = Sub(1, 3)
        """,
        [
            "d == D(3)",
            "d.b is d2.b",
            "d == D(1, [], 2) and repr(d) == \"D(a=3, b=[], k='k')\"",
            "[x.name for x in fields(D)] == ['a', 'b', 'k']",
            "fields(D)[2].metadata['unit'] == 'm'",
            "replace(f, x=2) == F(2) and f < F(2) and hash(f) == hash(F(1))",
            "s.d is d and S(1, d) == s and not hasattr(s, '__dict__')",
            "al == A(x=5) and hash(al) == hash(A(x=5))",
            "asdict(sub) == {'x': 1, 'y': 3} and sub.__dataclass_params__.frozen",
            "D(1).b is not D(1).b",
        ],
    ),
    "enum": (
        """
        import enum
        class Colour(enum.Enum):
            RED = 1
            CRIMSON = 1
            BLUE = 'b'
            def shout(self): return self.name.upper() + '!'
            @classmethod
            def first(cls): return cls.RED
        class Num(enum.IntEnum):
            ONE = 1
        class Flag(enum.Flag):
            R = enum.auto(); W = enum.auto(); RW = R | W
        class Word(enum.StrEnum):
            HI = enum.auto()
        class Pair(enum.Enum):
            A = (1, [2]); B = (3, [4])
            def __init__(self, n, extra): self.n = n; self.extra = extra
        class Auto(str, enum.Enum):
            X = 'x'
        red = Colour.RED; flags = Flag.R | Flag.W; hi = Word.HI; pair = Pair.A; table = {Colour.BLUE: Num.ONE}
        x = Auto.X; odd = enum.Flag('Odd', 'A B').A
        """,
        [
            "red is Colour.RED is Colour.CRIMSON is Colour(1) is Colour['CRIMSON'] is Colour.first()",
            "red.shout() == 'RED!' and list(Colour) == [Colour.RED, Colour.BLUE]",
            "Num.ONE == 1 and Num(1) is Num.ONE and isinstance(Num.ONE, int)",
            "flags is Flag.RW and Flag.R in flags and ~Flag.R is Flag.W",
            "hi is Word.HI and hi == 'hi' and str(hi) == 'hi'",
            "pair.n == 1 and pair.extra is pair.value[1]",
            "table[Colour.BLUE] is Num.ONE",
            "x is Auto('x') and x == 'x'",
            "odd is type(odd)['A'] and repr(odd) == '<Odd.A: 1>'",
            "[*Colour.__members__] == ['RED', 'CRIMSON', 'BLUE']",
            "hash(red) == hash(Colour.RED)",
        ],
    ),
    "enum with hooks": (
        """
        import enum
        class Planet(enum.Enum):
            EARTH = (5.9, 6.3)
            def __new__(cls, mass, radius):
                made = object.__new__(cls)
                made._value_ = mass
                made.radius = radius
                return made
            @classmethod
            def _missing_(cls, value): return cls.EARTH
            @property
            def density(self): return self._value_ / self.radius
        earth = Planet.EARTH
        """,
        ["earth is Planet(5.9) is Planet('nowhere')", "earth.radius == 6.3", "0.93 < earth.density < 0.94"],
    ),
    "namedtuple": (
        """
        from collections import namedtuple
        from typing import NamedTuple
        P = namedtuple('P', 'x y', defaults=[9])
        class Q(NamedTuple):
            a: int
            b: list = []
            def total(self): return self.a + len(self.b)
        class R(P):
            __slots__ = ()
            def norm(self): return self.x + self.y
        p, q, r = P(1), Q(2), R(3, 4)
        """,
        [
            "p == P(1, 9) and type(p) is P and p._asdict() == {'x': 1, 'y': 9}",
            "q.total() == 2 and q.b is Q._field_defaults['b'] and q.b is Q(3).b",
            "r.norm() == 7 and type(r._replace(x=0)) is R",
            "P._make([1, 2]) == P(1, 2)",
        ],
    ),
    "typed dict and protocol": (
        """
        from typing import Protocol, TypedDict, runtime_checkable, get_type_hints
        class Row(TypedDict, total=False):
            name: str
            n: int
        @runtime_checkable
        class Closer(Protocol):
            def close(self) -> None: ...
        class File:
            def close(self): return 'closed'
        class Real(Closer):
            def close(self): return 'real'
        row: Row = Row(name='a'); file = File(); real = Real()
        """,
        [
            "Row(n=1) == {'n': 1} and Row.__optional_keys__ == frozenset({'name', 'n'})",
            "get_type_hints(Row) == {'name': str, 'n': int}",
            "isinstance(file, Closer) and not isinstance(3, Closer)",
            "real.close() == 'real' and isinstance(real, Closer)",
            "type(row) is dict",
        ],
    ),
    "abstract": (
        """
        from abc import ABC, abstractmethod
        class Base(ABC):
            @property
            @abstractmethod
            def area(self): ...
        class Square(Base):
            def __init__(self, side): self.side = side
            @property
            def area(self): return self.side ** 2
        class Foreign: pass
        Base.register(Foreign); Base.register(dict)
        @Base.register
        class Later: pass
        sq = Square(2); foreign = Foreign()
        """,
        [
            "isinstance(sq, Base) and isinstance(foreign, Base) and issubclass(Later, Base)",
            "isinstance({}, Base) and not isinstance([], Base)",
            "Base.__abstractmethods__ == {'area'} and Square.__abstractmethods__ == frozenset()",
            "sq.area == 4 and Square(3).area == 9",
        ],
    ),
    "properties and descriptors": (
        """
        class Typed:
            names = []
            def __set_name__(self, owner, name):
                self.name = name; Typed.names.append(name)
            def __get__(self, obj, cls=None):
                return self if obj is None else obj.__dict__[self.name]
            def __set__(self, obj, value):
                if not isinstance(value, int): raise TypeError(self.name)
                obj.__dict__[self.name] = value
        import functools
        class H:
            x = Typed()
            def __init__(self): self.x = 3; self._t = 20
            @property
            def t(self): return self._t
            @t.setter
            def t(self, value): self._t = value
            @t.deleter
            def t(self): self._t = None
            @functools.cached_property
            def slow(self): return [self.x]
            @functools.lru_cache
            def cached(self, n): return n + self.x
            @functools.singledispatchmethod
            def show(self, arg): return 'any'
            @show.register
            def _(self, arg: int): return 'int'
            def __class_getitem__(cls, item): return (cls, item)
        h = H(); first = h.slow
        """,
        [
            "Typed.names == ['x']",
            "H.x.name == 'x' and h.x == 3",
            "h.slow is first",
            "H[int] == (H, int)",
            "h.cached(2) == 5",
            "h.show(1) == 'int' and h.show('') == 'any'",
            "setattr(h, 't', 5) is None and h.t == 5",
            "H().slow == [3]",
        ],
    ),
    "counter": (
        """
        import itertools
        class Job:
            count = 0
            ids = itertools.count(1)
            all = []
            def __init__(self):
                Job.count += 1; self.id = next(self.ids); self.all.append(self)
        jobs = [Job(), Job()]
        """,
        ["Job.count == 2", "Job.all[0] is jobs[0] and len(Job.all) == 2", "Job().id == 3", "Job.count == 3"],
    ),
    "subclasses of builtins": (
        """
        from collections import OrderedDict, defaultdict, deque, Counter, UserDict
        class L(list):
            def __init__(self, *a): super().__init__(*a); self.log = []
            def append(self, item): self.log.append(item); super().append(item)
            def extend(self, items): [self.append(i) for i in items]
        class D(dict):
            def __init__(self, *a): super().__init__(*a); self.log = []
            def __setitem__(self, k, v): self.log.append(k); super().__setitem__(k, v)
        class I(int):
            def __new__(cls, v, unit): self = super().__new__(cls, v); self.unit = unit; return self
            def __getnewargs__(self): return int(self), self.unit
        class S(str): pass
        class T(tuple): pass
        class DD(defaultdict): pass
        class E(ValueError):
            def __init__(self, code, text): super().__init__(text); self.code = code
            def __reduce__(self): return E, (self.code, self.args[0])
        class Set(set): pass
        class Text(bytes): pass
        l = L(); l.append(1); d = D(); d['a'] = l; i = I(3, 'm'); s = S('x'); s.tag = 1; t = T((1, l))
        dd = DD(list); dd['q'].append(1); e = E(4, 'bad'); st = Set([1]); st.note = 'n'; st.add(2); by = Text(b'x')
        od = OrderedDict([(2, 1), (1, 2)]); dq = deque([1, l], 5); ud = UserDict(a=1); ct = Counter('aab')
        """,
        [
            "l == [1] and l.log == [1] and type(l) is L",
            "d == {'a': l} and d['a'] is l and d.log == ['a']",
            "i == 3 and i.unit == 'm' and type(i) is I",
            "s == 'x' and s.tag == 1 and type(s) is S",
            "t[1] is l and type(t) is T",
            "dd == {'q': [1]} and dd['new'] == [] and type(dd) is DD",
            "e.code == 4 and e.args == ('bad',) and type(e) is E",
            "st == {1, 2} and st.note == 'n' and type(st) is Set and type(by) is Text",
            "list(od) == [2, 1] and dq.maxlen == 5 and dq[1] is l and ud['a'] == 1 and ct['a'] == 2",
        ],
    ),
    "dicts of their own attributes": (
        """
        import collections
        class Box(dict):
            def __init__(self, **items): super().__init__(**items); self.__dict__ = self
        class Ordered(collections.OrderedDict):
            def __init__(self, **items): super().__init__(**items); self.__dict__ = self
        class Dotted(dict): __getattr__, __setattr__, __delattr__ = dict.get, dict.__setitem__, dict.__delitem__
        class Asked(collections.Counter):
            def __getattr__(self, name): return {}[name]
        a, empty, o, d = Box(x=1), Box(), Ordered(y=[2]), Dotted(z=3); a.inner = empty; a.me = a
        e, f = Asked('aab'), Dotted(z=3); e.note = e; object.__setattr__(f, 'note', f)
        """,
        [
            "a.__dict__ is a.me is a and a.inner is empty and list(a) == ['x', 'inner', 'me'] and a.x == 1",
            "empty.__dict__ is empty and o.__dict__ is o and o.y == [2] and type(o) is Ordered",
            "d.z == 3 and d.q is None and 'q' not in d",
            "e['a'] == 2 and e.note is e and f.z == 3 and f.note is f and 'note' not in f",
        ],
    ),
    "slots that others of their name hide": (
        """
        class A:
            __slots__ = ('x', '__own')
            def __init__(self, x): self.x, self.__own = x, 7
        class Same(A):
            __slots__ = ('x', '__own')
            def __init__(self): A.x.__set__(self, [self]); self.x, self.__own = 2, 8
        class Constant(A):
            __slots__, x = (), 'class'
        class Asked(A):
            @property
            def x(self): return 'asked'
            @x.setter
            def x(self, value): A.x.__set__(self, value)
        class Hashed(Same):
            def __hash__(self): return hash(A.x.__get__(self)[0] is self)
        s, c, p, h, bare = Same(), Constant.__new__(Constant), Asked(1), Hashed(), Same.__new__(Same)
        p.more, inside, own = s, A.x.__get__(s), vars(p); A.x.__set__(c, 3); held = {h}
        """,
        [
            "A.x.__get__(s) is inside and inside == [s] and s.x == 2",
            "A.x.__get__(c) == 3 and c.x == 'class' and A.x.__get__(p) == 1 and p.more is s and p.x == 'asked'",
            "(p._A__own, s._Same__own) == (7, 8) and not hasattr(s, '_A__own') and not hasattr(bare, 'x')",
            "h in held and A.x.__get__(h)[0] is h and type(h) is Hashed and vars(p) is own",
        ],
    ),
    "variables that are the attributes of instances": (
        """
        import argparse
        class Plain: pass
        class Slotted:
            __slots__ = ('x', '__dict__')
        class Shy:
            def __getattr__(self, name): return self.__dict__['all'][name]
        class Made:
            def __new__(cls): return super().__new__(cls)
        args, p, s, y, m = argparse.Namespace(n=1), Plain(), Slotted(), Shy(), Made()
        p.me = p; p.own = vars(p); s.x = p; s.z = 1; y.all = {'a': 3}; m.x = 1
        config, a_first, b_slots, z_shy, made, empty = vars(args), vars(p), vars(s), vars(y), vars(m), Plain()
        nothing, apart, alike, held = vars(empty), {'n': 1}, Plain(), [Plain()]
        alike.n, held_too = 1, held[0].__dict__
        pair = [Slotted(), Slotted()]; pair[0].x = 1; pair[1].z = 2; unset = vars(pair[1])
        """,
        [
            "vars(args) is config and vars(p) is a_first is p.own and vars(s) is b_slots and vars(y) is z_shy",
            "vars(m) is made and vars(empty) is nothing and vars(held[0]) is held_too and vars(alike) == apart",
            "config.update(n=2) is None and args.n == 2 and setattr(args, 'm', 3) is None and config['m'] == 3",
            "p.me is p and s.x is p and b_slots == {'z': 1} and y.a == 3 and vars(alike) is not apart",
            "vars(pair[1]) is unset and unset == {'z': 2} and not hasattr(pair[1], 'x') and pair[0].x == 1",
        ],
    ),
    "one state for many instances": (
        """
        class Borg:
            shared = {}
            def __init__(self): self.__dict__ = self.shared
        class Monostate:
            shared = {}
            def __new__(cls):
                made = super().__new__(cls)
                made.__dict__ = cls.shared
                return made
        class Own:
            def __init__(self, **items): self.__dict__.update(items)
        a, b, m, o = Borg(), Borg(), Monostate(), Own(x=1); a.x = [b]; view = Monostate().shared
        """,
        [
            "a.__dict__ is b.__dict__ is Borg.shared and b.x == [b] and Borg().x is a.x",
            "m.__dict__ is Monostate.shared is view and o.x == 1 and type(m) is Monostate",
        ],
    ),
    "operators": (
        """
        class V:
            def __init__(self, x): self.x = x
            def __eq__(self, o): return isinstance(o, V) and o.x == self.x
            def __hash__(self): return hash(self.x)
            def __lt__(self, o): return self.x < o.x
            def __bool__(self): return False
            def __len__(self): return 0
            def __call__(self): return self.x
            def __getattr__(self, name):
                if name.startswith('_'): raise AttributeError(name)
                return name
        v = V(1); held = {v: 'one'}; many = {v, V(2)}; fz = frozenset([v])
        """,
        [
            "held[V(1)] == 'one' and next(iter(held)) is v",
            "V(2) in many and v in many and len(many) == 2 and any(x is v for x in many)",
            "v in fz and v() == 1 and v.anything == 'anything' and not v",
        ],
    ),
    "class attributes of all sorts": (
        """
        import re, threading
        import numpy as np
        class K:
            pattern = re.compile('a+')
            table = np.arange(3)
            nothing = None
            fn = len
            typ = dict
            lam = lambda self: self
            nested = {'a': [1]}
        same = K.nested; arr = K.table
        """,
        [
            "K.nested is same",
            "K.table is arr",
            "K.fn is len and K.typ is dict and K.pattern.match('aa')",
            "K().lam().__class__ is K",
        ],
    ),
    "init subclass with keywords": (
        """
        class Plugin:
            registry = {}
            def __init_subclass__(cls, /, key, **kwargs):
                super().__init_subclass__(**kwargs)
                if key in Plugin.registry: raise ValueError('twice')
                cls.key = key; Plugin.registry[key] = cls
        class One(Plugin, key='one'): pass
        class Two(One, key='two'): __slots__ = ('x',)
        class Mixin: pass
        class Three(Mixin, Two, key='three'): pass
        three = Three()
        """,
        [
            "[*Plugin.registry.items()] == [('one', One), ('two', Two), ('three', Three)]",
            "type(three) is Three and Three.__bases__ == (Mixin, Two)",
            "Three.__mro__ == (Three, Mixin, Two, One, Plugin, object)",
            "Plugin.__subclasses__() == [One] and Two.key == 'two'",
        ],
    ),
    "docs annotations and signature": (
        """
        import inspect
        class Doc:
            'words'
            x: int = 1
            def m(self, a: 'Doc', *, b=2) -> int:
                'method words'
                return b
        """,
        [
            "Doc.__doc__ == 'words' and Doc.m.__doc__ == 'method words'",
            "Doc.__annotations__ == {'x': int}",
            "str(inspect.signature(Doc.m)) == \"(self, a: 'Doc', *, b=2) -> int\"",
            "'method words' in inspect.getsource(Doc.m)",
            "Doc.__module__ == '__main__' and Doc.m.__qualname__ == 'Doc.m'",
        ],
    ),
    "weak references to instances": (
        """
        import weakref
        class N: pass
        n = N(); ref = weakref.ref(n); table = weakref.WeakKeyDictionary({n: 1})
        ws = weakref.WeakSet([n])
        """,
        ["ref() is n", "table[n] == 1", "n in ws"],
    ),
    "methods held apart": (
        """
        class M:
            def __init__(self): self.n = 0
            def up(self): self.n += 1; return self.n
            @classmethod
            def k(cls): return cls
        m = M(); up = m.up; k = M.k; raw = M.up; L = []; ap = L.append
        """,
        ["up() == 1 and m.n == 1 and up.__self__ is m", "k() is M", "raw is M.up", "ap(3) is None and L == [3]"],
    ),
    "types module helpers": (
        """
        import types, functools, operator
        ns = types.SimpleNamespace(a=[1]); mp = types.MappingProxyType({'a': ns}); g = list[int]; u = int | None
        part = functools.partial(max, 3, key=abs); getter = operator.itemgetter(1, 2); attr = operator.attrgetter('a.b')
        rng = range(3); sl = slice(1, None, 2); el = ...; ni = NotImplemented; ob = object()
        """,
        [
            "mp['a'] is ns and ns.a == [1]",
            "g == list[int] and u == (int | None)",
            "part(-5) == -5 and getter('abc') == ('b', 'c')",
            "sl == slice(1, None, 2) and el is ... and ni is NotImplemented",
            "type(ob) is object",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_classes_come_back(a: Notebook, case: str) -> None:
    source, expressions = CASES[case]
    a.run(source)
    b = a.resume()
    b.check(*expressions)


@pytest.mark.parametrize("case", CASES)
def test_classes_come_back_twice(a: Notebook, case: str) -> None:
    source, expressions = CASES[case]
    a.run(source)
    b = a.resume()
    c = b.resume()
    c.check(*expressions)


def test_old_instances_keep_the_class_they_were_made_of(a: Notebook) -> None:
    a.run("class Foo:\n    v = 1\n    def who(self): return __class__\nold = Foo(); olds = [Foo()]")
    a.run("class Foo:\n    v = 2\nnew = Foo()")
    b = a.resume()
    b.check("old.v == 1", "new.v == 2", "type(new) is Foo", "type(old) is not Foo", "old.who() is type(old)")
    b.check("type(olds[0]) is type(old)", "type(old).__name__ == 'Foo'")


def test_another_class_of_the_name_does_not_capture_instances(a: Notebook) -> None:
    a.run("class Foo:\n    v = 'old'\nfoo = Foo(); held = {'f': foo}")
    b = a.resume("class Foo:\n    v = 'new'\nmine = Foo()")
    b.check("foo.v == 'old'", "type(foo) is Foo", "mine.v == 'new'", "type(mine) is not Foo", "held['f'] is foo")


def test_a_class_whose_name_was_deleted_is_shared_by_its_instances(a: Notebook) -> None:
    a.run("class Foo:\n    pass\none = Foo(); two = Foo(); del Foo")
    b = a.resume()
    b.check("type(one) is type(two)", "type(one).__name__ == 'Foo'")


def test_a_class_under_two_names_is_one(a: Notebook) -> None:
    a.run("class Foo: pass\nBar = Foo; foo = Foo(); fs = {Bar: 1}")
    b = a.resume()
    b.check("Bar is Foo", "type(foo) is Foo", "fs[Foo] == 1")


def test_a_class_renamed_by_the_user_is_found_under_its_variable(a: Notebook) -> None:
    a.run("class Foo: pass\nBar = Foo; del Foo; bar = Bar()")
    b = a.resume()
    b.check("type(bar) is Bar", "Bar.__name__ == 'Foo'")


@pytest.mark.core
@PEP_695
def test_generics_of_the_new_syntax(a: Notebook) -> None:
    a.run(
        """
        type Pairs[T] = list[tuple[T, T]]
        type Tree = dict[str, Tree]
        type Odd = list[Even]
        type Even = list[Odd] | Tree
        class Box[T: int, *Ts, **P]:
            def __init__(self, x: T): self.x = x
            def get[U = None](self, other: U) -> T | U: return self.x
        def first[S: (int, str)](items: list[S]) -> S: return items[0]
        box = Box[int, str, [int]](3)
        """.replace("[U = None]", "[U]")
    )
    b = a.resume()
    b.check("type(box) is Box", "Box.__type_params__[0].__bound__ is int", "box.get(1) == 3")
    b.check("first([4]) == 4", "first.__type_params__[0].__constraints__ == (int, str)")
    b.check("first.__annotations__['return'] is first.__type_params__[0]", "Tree.__value__.__args__[1] is Tree")
    b.check("Odd.__value__.__args__[0] is Even", "Even.__value__.__args__ == (list[Odd], Tree)")
    b.check("Tree.__module__ == Pairs.__module__ == '__main__'")
    b.check("Pairs[int].__origin__ is Pairs", "Box.__parameters__ == Box.__type_params__")
    b.check("Box.__init__.__annotations__['x'] is Box.__type_params__[0]")


def test_a_class_keeps_nothing_of_ours(a: Notebook) -> None:
    a.run("class Base:\n    def __init_subclass__(cls): pass\nclass C(Base): pass\nc = C()")
    b = a.resume()
    b.check("C.__bases__ == (Base,)", "C.__mro__ == (C, Base, object)", "Base.__subclasses__() == [C]")
    b.check("not any('Quiet' in k.__name__ for k in object.__subclasses__() if type.__subclasses__(k))")


def test_functions_of_classes_read_the_live_globals(a: Notebook) -> None:
    a.run("n = 1\nclass C:\n    def m(self): return n\n    p = property(lambda self: n)\nc = C(); m = c.m")
    b = a.resume().run("n = 99")
    b.check("c.m() == 99", "c.p == 99", "m() == 99", "C.m.__globals__ is globals()")


def test_no_second_copy_of_a_class_shows_after_a_load(a: Notebook) -> None:
    """A user's `__subclasses__()` must not list what a load began and threw away."""
    a.run(
        """
        class Plugin:
            registry = {}
            def __init_subclass__(cls): Plugin.registry[cls.__name__] = cls
        class One(Plugin): pass
        class Two(One): pass
        """
    )
    b = a.move()
    b.check("Plugin.__subclasses__() == [One]", "One.__subclasses__() == [Two]")


def test_a_wrapper_shares_its_annotations(a: Notebook) -> None:
    a.run("import functools\ndef f(): ...\n@functools.wraps(f)\ndef g(): ...")
    a.check("g.__annotations__ is f.__annotations__")
    a.move().check("g.__annotations__ is f.__annotations__")


def test_methods_of_attrs_take_along_only_the_globals_that_they_use(a: Notebook) -> None:
    """They are compiled with a copy of the whole namespace, which would hold what has been deleted or rebound since."""
    pytest.importorskip("attr")
    a.run(
        """
        import attrs
        secret = "hunter" + "2-" * 3
        many = [1, 2]
        running = (n for n in many)
        class Later: pass
        def positive(self, attribute, value):
            if value <= 0: raise ValueError(attribute.name)
        @attrs.define
        class Item:
            price: "Later" = attrs.field(validator=positive)
            tags: list = attrs.field(factory=list, converter=lambda tags: [*tags, len(many)])
        @attrs.frozen(order=True)
        class Point:
            x: int = 0
        """
    )
    a.run("del secret, running; item = Item(2, ['a']); init = Point.__init__; many.append(3); many = list(many)")
    made = {name: a[name] for name in ("Item", "Point", "init", "item")}
    assert b"hunter" not in Held(dumps(made, Scope(a.namespace, made, {})), tuple(made)).data
    b = a.move()
    b.check("many == [1, 2, 3] and Item(1, []).tags == [3]")
    b.check("item.tags == ['a', 2]", "Point(1) < Point(2)", "init is Point.__init__")
    b.run("import typing\ntry: Item(0)\nexcept ValueError as e: said = str(e)")
    b.check("said == 'price'", "typing.get_type_hints(Item.__init__)['price'] is Later")
    b.check("'many' not in Item.__init__.__globals__")


def test_no_trial_counts_among_the_subclasses() -> None:
    cell = """
        class Step:
            kinds = {}
            def __init_subclass__(cls): Step.kinds[cls.__name__] = cls
        class Slotted(Step):
            __slots__ = ("a",)
        class Plain(Step): pass
    """
    with notebook(cell) as a:
        b = a.move()
        b.check("Step.__subclasses__() == [Slotted, Plain]", "Step.kinds == {'Slotted': Slotted, 'Plain': Plain}")


def test_a_dict_of_its_own_attributes_whose_class_is_in_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "boxes.py").write_text(
        "class Box(dict):\n"
        "    def __init__(self, **items): super().__init__(**items); self.__dict__ = self\n"
        "class Told(Box):\n"
        "    def __reduce__(self): return Told, (), None, None, iter(self.items())\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "boxes", raising=False)
    fresh = save(cell("from boxes import *\na, told, plain = Box(x=1), Told(y=2), dict.__new__(Box)\na.me = a")).load()
    assert fresh["a"].__dict__ is fresh["a"].me is fresh["a"] and fresh["a"].x == 1
    assert fresh["told"].__dict__ is fresh["told"] and fresh["told"].y == 2
    assert fresh["plain"].__dict__ is not fresh["plain"]


@pytest.mark.core
def test_a_protocol_has_the_attributes_that_it_had() -> None:
    plain = "class Plain(typing.Protocol):\n    x: int\n    def area(self) -> float: ..."
    with notebook(
        f"import typing\n{plain}\n@typing.runtime_checkable\nclass Checked(Plain, typing.Protocol): pass"
    ) as a:
        before = {name: [*vars(a[name])] for name in ("Plain", "Checked")}
        b = a.resume()
        assert {name: sorted(vars(b[name])) for name in before} == {name: sorted(own) for name, own in before.items()}
        b.check("Plain.__annotations__ == {'x': int}", "Checked.__bases__[0] is Plain")
