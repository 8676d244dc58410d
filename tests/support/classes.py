"""Classes of every sort, as they are defined in cells, and their instances."""

from __future__ import annotations

from functools import partial

from . import Case

_plain = partial(Case, "classes")
_enum = partial(Case, "enums, tuples and dataclasses")
_typed = partial(Case, "abstract and generic classes")
_made = partial(Case, "how classes are made")
_model = partial(Case, "models of libraries")

CASES = [
    _plain(
        "class with class variables, methods and a counter",
        "class $C:\n    count = 0\n    def __init__(self, n): self.n = n; $C.count += 1\n    def m(self): return self.n * 2\n$x = $C(1)",
        "import inspect\nprint($C.count, $x.m(), type($x) is $C, inspect.getsource($C).count('def'), $C.__qualname__)",
        "$C(2)",
    ),
    _plain(
        "class of a cell, saved without instances",
        "class $x:\n    'Doc.'\n    a: int = 1",
        "print($x().a, $x.__doc__, $x.__annotations__, $x.__module__)",
        "$x.a = 2",
    ),
    _plain(
        "__slots__, with and without inheritance",
        "class $A:\n    __slots__ = ('a', '__weakref__')\nclass $B($A):\n    __slots__ = ('b',)\n$x = $B(); $x.a = 1; $x.b = [2]; $y = $A()",
        "print($x.a, $x.b, hasattr($y, 'a'), hasattr($x, '__dict__'))",
        "$x.b.append(3); $y.a = 1",
    ),
    _plain(
        "slots with default and private names",
        "class $C:\n    __slots__ = ('__p', 'q')\n    def __init__(self): self.__p = 1\n    def p(self): return self.__p\n$x = $C()",
        "print($x.p(), hasattr($x, 'q'))",
        "$x.q = 2",
    ),
    _plain(
        "inheritance over several cells with super()",
        "class $A:\n    def m(self): return ['A']\nclass $B($A):\n    def m(self): return ['B', *super().m()]\nclass $M:\n    def m(self): return ['M', *super().m()]\nclass $C($B, $M, $A): pass\n$C.__bases__\n$x = $C()".replace(
            "class $C($B, $M, $A)", "class $C($M, $B)"
        ),
        "print($x.m(), [c.__name__[0] for c in $C.__mro__])",
    ),
    _plain(
        "nested class",
        "class $O:\n    class I:\n        n = 1\n        class D: pass\n$x = [$O.I(), $O.I.D]",
        "print(type($x[0]) is $O.I, $x[1] is $O.I.D, $O.I.D.__qualname__)",
        "$O.I.n = 2",
    ),
    _plain(
        "local class, with a closure",
        "def $make(k):\n    class L:\n        def get(self): return k\n    return L\n$x = $make(3)(); $y = $make(4)()",
        "print($x.get(), $y.get(), type($x) is type($y), type($x).__qualname__)",
    ),
    _plain(
        "local class of which two variables hold instances",
        "def $make():\n    class L:\n        n = 0\n    return L(), L()\n$x, $y = $make()",
        "print(type($x) is type($y), type($y).n)",
        "type($x).n = 5",
    ),
    _plain(
        "class redefined with old instances alive",
        "class $C:\n    v = 'old'\n$x = $C()\nclass $C:\n    v = 'new'\n$y = $C()",
        "print($x.v, $y.v, isinstance($x, $C), type($x) is type($y))",
        "type($x).v = 'older'",
    ),
    _plain(
        "class that refers to itself and to others in cycles",
        "class $A:\n    def other(self): return $B()\nclass $B:\n    def other(self): return $A()\n$A.peer = $B; $B.peer = $A; $A.me = $A(); $x = $A()",
        "print(type($x.other()) is $B, type($x.other().other()) is $A, $A.peer.peer is $A, type($A.me) is $A)",
    ),
    _plain(
        "method added afterwards, and one replaced on an instance",
        "class $C: pass\n$C.m = lambda self: 'm'\n$x = $C(); $x.own = lambda: 'own'",
        "print($x.m(), $x.own())",
        "$C.m = lambda self: 'new'",
    ),
    _plain(
        "private names, __getattr__, __setattr__, __delattr__",
        "class $C:\n    def __init__(self): object.__setattr__(self, 'd', {})\n    def __getattr__(self, name):\n        try: return self.d[name]\n        except KeyError: raise AttributeError(name)\n    def __setattr__(self, name, value): self.d[name] = value\n    def __delattr__(self, name): del self.d[name]\n$x = $C(); $x.a = 1",
        "print($x.a, $x.d, hasattr($x, 'b'))",
        "$x.b = 2; del $x.a; $x.a = 3",
    ),
    _plain(
        "__getattribute__ that counts",
        "class $C:\n    n = 0\n    def __getattribute__(self, name):\n        if name == 'v': $C.n += 1\n        return object.__getattribute__(self, name)\n$x = $C(); $x.v = 1",
        "print($x.v, $C.n)",
    ),
    _plain(
        "__getstate__ and __setstate__",
        "class $C:\n    def __init__(self): self.a, self.skipped = 1, [1]\n    def __getstate__(self): return {'a': self.a}\n    def __setstate__(self, s): self.a, self.skipped = s['a'], None\n$x = $C(); $x.skipped = None",
        "print($x.a, $x.skipped)",
        "$x.a = 2",
    ),
    _plain(
        "__reduce__",
        "def $make(n):\n    o = $C.__new__($C); o.n = n\n    return o\nclass $C:\n    def __reduce__(self): return $make, (self.n,)\n$x = $make(3)",
        "print($x.n, type($x) is $C)",
        "$x.n = 4",
    ),
    _plain(
        "__new__ that counts, caches and returns singletons",
        "class $C:\n    made = {}\n    calls = 0\n    def __new__(cls, key):\n        $C.calls += 1\n        return cls.made.setdefault(key, object.__new__(cls))\n    def __init__(self, key): self.key = key\n$x = [$C('a'), $C('a'), $C('b')]",
        "print($x[0] is $x[1], $C.calls, sorted($C.made), $C('b') is $x[2])",
    ),
    _plain(
        "__eq__ and __hash__ by value, in sets and dicts",
        "class $P:\n    def __init__(self, a): self.a = a\n    def __eq__(self, o): return isinstance(o, $P) and self.a == o.a\n    def __hash__(self): return hash(self.a)\n$x = {$P(1): 'one', $P(2): 'two'}; $y = {$P(3)}",
        "print($x[$P(1)], $P(3) in $y, len($x))",
        "$x[$P(1)] = 'uno'",
    ),
    _plain(
        "unhashable, falsy, comparing badly",
        "class $C:\n    __hash__ = None\n    def __eq__(self, o): raise RuntimeError('no comparing')\n    def __bool__(self): raise RuntimeError('no truth')\n    def __len__(self): raise RuntimeError('no length')\n$x = $C(); $x.a = [1]",
        "print($x.a, type($x) is $C)",
        "$x.a.append(2)",
    ),
    _plain(
        "__repr__ that raises",
        "class $C:\n    def __repr__(self): raise RuntimeError('no repr')\n$x = $C(); $x.a = 1",
        "print($x.a)",
    ),
    _plain(
        "__call__, __getitem__, __iter__, __len__, context manager",
        "class $C:\n    def __call__(self, n): return n\n    def __getitem__(self, i): return i * 2\n    def __iter__(self): return iter('ab')\n    def __len__(self): return 2\n    def __enter__(self): return self\n    def __exit__(self, *a): return True\n$x = $C()",
        "with $x as y: print(y(1), y[2], list(y), len(y)); raise ValueError",
    ),
    _plain(
        "__del__, which must not run at save",
        "$log = []\nclass $C:\n    def __del__(self): $log.append('del')\n$x = $C()",
        "print($log)",
        "import gc; del $x; gc.collect(); $x = $C()",
    ),
    _plain(
        "subclasses of list, dict, set with state and overridden methods",
        "class $L(list):\n    def append(self, v): super().append((self.tag, v))\nclass $D(dict):\n    def __setitem__(self, k, v): super().__setitem__(k, [v])\n    def __missing__(self, k): return 'missing'\nclass $S(set): pass\n$l = $L([1]); $l.tag = 't'; $d = $D(); $d['a'] = 1; $s = $S({1}); $s.n = 2; $x = [$l, $d, $s]",
        "print($x, $l.tag, $d['zz'], $s.n, type($l) is $L)",
        "$l.append(5); $d['b'] = 2; $s.add(3)",
    ),
    _plain(
        "subclasses of str, int, float, tuple, bytes, with arguments of their own",
        "class $Str(str):\n    def __new__(cls, a, b): o = super().__new__(cls, a + b); o.b = b; return o\nclass $Int(int):\n    def __new__(cls, a, *, unit): o = super().__new__(cls, a); o.unit = unit; return o\nclass $Flt(float):\n    def __init__(self, v, unit): self.unit = unit\n    def __new__(cls, v, unit): return super().__new__(cls, v)\nclass $Tup(tuple):\n    def __new__(cls, a, b): return super().__new__(cls, (a, b))\nclass $Byt(bytes): pass\n$x = [$Str('a', 'b'), $Int(3, unit='m'), $Flt(1.5, 'kg'), $Tup(1, [2]), $Byt(b'x')]; $x[4].n = 1",
        "print($x, $x[0].b, $x[1].unit, $x[2].unit, [type(v).__name__ for v in $x], $x[4].n)",
        "$x[3][1].append(3); $x[2].unit = 'g'",
    ),
    _plain(
        "subclasses of deque, defaultdict, OrderedDict, Counter with required arguments",
        "import collections\nclass $Dq(collections.deque):\n    def __init__(self, name, size): super().__init__(maxlen=size); self.name = name\nclass $Dd(collections.defaultdict):\n    def __init__(self, tag): super().__init__(list); self.tag = tag\nclass $Od(collections.OrderedDict):\n    def __init__(self, a, b): super().__init__(a=a); self.b = b\nclass $Ct(collections.Counter):\n    def __init__(self, text, k): super().__init__(text); self.k = k\n$x = [$Dq('n', 2), $Dd('t'), $Od(1, 2), $Ct('aab', 1)]; $x[0].extend([1, 2, 3]); $x[1]['k'].append(1)",
        "print(list($x[0]), $x[0].maxlen, $x[0].name, dict($x[1]), $x[1].tag, dict($x[2]), $x[2].b, sorted($x[3].items()), $x[3].k, [type(v).__name__ for v in $x])",
        "$x[0].append(4); $x[1]['z'].append(2); $x[3].update('b')",
    ),
    _plain(
        "subclasses of UserDict, UserList, UserString",
        "import collections\nclass $U(collections.UserDict):\n    def __init__(self, tag): self.tag = tag; super().__init__()\n$x = [$U('t'), collections.UserList([1]), collections.UserString('s')]; $x[0]['a'] = 1",
        "print($x, $x[0].tag)",
        "$x[0]['b'] = 2; $x[1].append(2)",
    ),
    _plain(
        "subclasses of datetime, Decimal, Path, Fraction",
        "import datetime, decimal, fractions, pathlib\nclass $Dt(datetime.datetime):\n    def shout(self): return self.isoformat() + '!'\nclass $De(decimal.Decimal): pass\nclass $Pa(type(pathlib.PurePosixPath())): pass\nclass $Fr(fractions.Fraction): pass\n$x = [$Dt(2020, 1, 2), $De('1.50'), $Pa('/a/b'), $Fr(1, 3)]",
        "print($x[0].shout(), $x[1], $x[2].name, $x[3] * 2, [type(v).__name__ for v in $x])",
    ),
    _plain(
        "instances that share a mutable object across variables",
        "class $C:\n    def __init__(self, shared): self.shared = shared\n$s = []; $x, $y = $C($s), $C($s)",
        "print($x.shared is $y.shared is $s, $s)",
        "$y.shared.append(1)",
    ),
    _plain(
        "doubly linked list and tree with parents",
        "class $N:\n    def __init__(self, v, prev=None):\n        self.v, self.prev, self.next = v, prev, None\n        if prev: prev.next = self\n$x = $N(1); $n = $x\nfor i in range(2000): $n = $N(i, $n)",
        "print($x.next.prev is $x, $n.prev.next is $n, $n.v)",
        "$n.v += 1",
    ),
    _enum(
        "Enum with methods, aliases and auto()",
        "import enum\nclass $E(enum.Enum):\n    A = enum.auto()\n    B = 5\n    C = 5\n    def m(self): return self.name.lower()\n    @classmethod\n    def default(cls): return cls.A\n$x = [$E.A, $E.C, {$E.B: 'v'}]",
        "print($x[0] is $E.A, $x[1] is $E.B, $x[2][$E.B], $x[0].m(), $E(5).name, $E['C'].name, list($E), $E.default())",
    ),
    _enum(
        "IntEnum, StrEnum, Flag, IntFlag",
        "import enum\nclass $I(enum.IntEnum):\n    A = 1; B = 2\nclass $S(enum.StrEnum):\n    X = 'x'\nclass $F(enum.Flag):\n    R = enum.auto(); W = enum.auto()\nclass $G(enum.IntFlag):\n    A = 1; B = 2; AB = 3\n$x = [$I.B, $S.X, $F.R | $F.W, $G.A | 8, $F(0)]",
        "print($x[0] + 1, $x[1] + '!', $F.R in $x[2], $x[3], $x[4], $x[2] is ($F.R | $F.W), ~$F.R)",
    ),
    _enum(
        "Enum with values by __new__ and attributes",
        "import enum\nclass $P(enum.Enum):\n    E = (1.0, 'earth'); M = (0.1, 'mars')\n    def __new__(cls, mass, label):\n        o = object.__new__(cls); o._value_ = mass; o.label = label\n        return o\n$x = $P.M",
        "print($x.label, $x.value, $P(1.0) is $P.E, $x is $P.M)",
    ),
    _enum(
        "Enum by the functional form, and mixed with a class",
        "import enum\n$E = enum.Enum('$E', 'A B'); \nclass $M(float, enum.Enum):\n    H = 0.5\n$x = [$E.A, $M.H]",
        "print($x[0] is $E.A, $x[1] * 2, $x[1] is $M.H, $E['B'].value)",
    ),
    _enum(
        "Enum of the standard library",
        "import http, socket, re\n$x = [http.HTTPStatus.OK, socket.AF_INET, re.I | re.M]",
        "import http\nprint($x[0] is http.HTTPStatus.OK, $x[0].phrase, $x[2])",
    ),
    _enum(
        "collections.namedtuple",
        "import collections\n$T = collections.namedtuple('$T', 'a b', defaults=[2]); $x = $T(1)",
        "print($x, $x._replace(a=5), $x.b, type($x) is $T, $T._field_defaults)",
    ),
    _enum(
        "namedtuple whose class has another name",
        "import collections\n$T = collections.namedtuple('Point', 'a b'); $x = $T(1, [2])",
        "print($x, type($x) is $T)",
        "$x.b.append(3)",
    ),
    _enum(
        "typing.NamedTuple with methods",
        "import typing\nclass $T(typing.NamedTuple):\n    a: int\n    b: str = 'd'\n    def m(self): return self.b * self.a\n$x = $T(2)",
        "print($x, $x.m(), $T.__annotations__, $T._fields)",
    ),
    _enum(
        "TypedDict, total and not, with Required",
        "import typing\nclass $D(typing.TypedDict, total=False):\n    a: typing.Required[int]\n    b: str\n$x = [$D(a=1), $D]",
        "print($x, $x[1].__required_keys__, $x[1].__optional_keys__, $D.__total__)",
        "$x[0]['b'] = 's'",
    ),
    _enum(
        "dataclass with defaults, factory and post init",
        "import dataclasses\n@dataclasses.dataclass\nclass $D:\n    a: int\n    b: list = dataclasses.field(default_factory=list)\n    c: int = dataclasses.field(init=False, repr=False, default=0)\n    def __post_init__(self): self.c = self.a * 2\n$x = $D(3)",
        "print($x, $x.c, dataclasses.asdict($x), [f.name for f in dataclasses.fields($D)], $D(1) == $D(1))",
        "$x.b.append(1); $x.a = 9",
    ),
    _enum(
        "dataclass, frozen, with order and hash",
        "import dataclasses\n@dataclasses.dataclass(frozen=True, order=True)\nclass $D:\n    a: int\n    b: tuple = ()\n$x = {$D(1): 'one', $D(2, (1,)): 'two'}",
        "print($x[$D(1)], $D(1) < $D(2), dataclasses.replace($D(1), a=5))\ntry:\n    next(iter($x)).a = 3\nexcept dataclasses.FrozenInstanceError as e:\n    print(e)",
    ),
    _enum(
        "dataclass with slots, kw_only, match_args",
        "import dataclasses\n@dataclasses.dataclass(slots=True, kw_only=True)\nclass $D:\n    a: int\n    b: list = dataclasses.field(default_factory=list)\n$x = $D(a=1)",
        "print($x, hasattr($x, '__dict__'), $D.__slots__, dataclasses.fields($x)[0].kw_only)",
        "$x.b.append(2)",
    ),
    _enum(
        "dataclass, frozen with slots and weakref",
        "import dataclasses, weakref\n@dataclasses.dataclass(frozen=True, slots=True, weakref_slot=True)\nclass $D:\n    a: int\n$x = $D(1); $r = weakref.ref($x)",
        "print($x, hash($x) == hash($D(1)), $r() is $x)",
    ),
    _enum(
        "dataclasses that inherit, with InitVar and ClassVar",
        "import dataclasses, typing\n@dataclasses.dataclass\nclass $A:\n    n: typing.ClassVar[int] = 0\n    a: int\n@dataclasses.dataclass\nclass $B($A):\n    seed: dataclasses.InitVar[int] = 1\n    b: int = 2\n    def __post_init__(self, seed): self.b += seed\n$x = $B(1, 10)",
        "print($x, $B.n, [f.name for f in dataclasses.fields($B)])\nprint($B(1, 2))",
        "$A.n = 7",
    ),
    _enum(
        "dataclasses.make_dataclass",
        "import dataclasses\n$D = dataclasses.make_dataclass('$D', [('a', int), ('b', list, dataclasses.field(default_factory=list))]); $x = $D(1)",
        "print($x, type($x) is $D)",
        "$x.b.append(1)",
    ),
    _enum(
        "class with __match_args__ and pattern matching",
        "class $P:\n    __match_args__ = ('a', 'b')\n    def __init__(self, a, b): self.a, self.b = a, b\n$x = $P(1, 2)",
        "match $x:\n    case $P(a, b): print(a, b)",
    ),
    _typed(
        "ABC with abstract methods and virtual subclasses",
        "import abc\nclass $A(abc.ABC):\n    @abc.abstractmethod\n    def m(self): ...\nclass $C($A):\n    def m(self): return 'm'\nclass $V: pass\n$A.register($V); $x = $C()",
        "print(isinstance($x, $A), issubclass($V, $A), $x.m())\ntry:\n    $A()\nexcept TypeError as e:\n    print('abstract', sorted($A.__abstractmethods__))",
        "class $W: pass\n$A.register($W); print(issubclass($W, $A))",
    ),
    _typed(
        "class registered with an ABC of the standard library",
        "import collections.abc\nclass $C:\n    def __len__(self): return 0\ncollections.abc.Sequence.register($C); $x = $C()",
        "print(isinstance($x, collections.abc.Sequence), isinstance($x, collections.abc.Sized))",
    ),
    _typed(
        "abstract properties and __subclasshook__",
        "import abc\nclass $A(abc.ABC):\n    @property\n    @abc.abstractmethod\n    def p(self): ...\n    @classmethod\n    def __subclasshook__(cls, c): return True if hasattr(c, 'quack') else NotImplemented\nclass $Q:\n    def quack(self): pass\n$x = $Q()",
        "print(isinstance($x, $A), isinstance(1, $A), sorted($A.__abstractmethods__))",
    ),
    _typed(
        "Protocol, runtime-checkable",
        "import typing\n@typing.runtime_checkable\nclass $P(typing.Protocol):\n    name: str\n    def m(self) -> int: ...\nclass $C:\n    name = 'n'\n    def m(self): return 1\n$x = [$P, $C()]",
        "print(isinstance($x[1], $P), isinstance(3, $P), $P is $x[0])",
    ),
    _typed(
        "Generic with TypeVar and its aliases",
        "import typing\n$T = typing.TypeVar('$T', bound=int)\nclass $B(typing.Generic[$T]):\n    def __init__(self, v: $T): self.v = v\n$x = [$B[int], $B[int](3), $B]",
        "print($x[0].__origin__ is $B, $x[1].v, $x[1].__orig_class__ == $B[int], $B.__parameters__ == ($T,), type($x[1]) is $B)",
    ),
    _typed(
        "PEP 695 generic class and type alias",
        "class $B[T]:\n    def __init__(self, v: T): self.v = v\ntype $L[T] = list[T]\ntype $R = dict[str, $R] | int\n$x = [$B(3), $B[int], $L, $R]",
        "print($x[0].v, $x[1].__origin__ is $B, $B.__type_params__, $L.__value__, $L[int], $x[2] is $L, $R.__value__)",
        python="3.12",
    ),
    _typed(
        "typing aliases, unions, Literal, Annotated, Callable",
        "import typing, collections.abc\n$x = [list[int], dict[str, 'int'], int | None, typing.Optional[str], typing.Union[int, str], typing.Literal['a', 1], typing.Annotated[int, 'note'], typing.Callable[[int], str], collections.abc.Callable[..., int], tuple[int, ...], type[int], typing.Any]",
        "print($x, typing.get_args($x[6]))",
    ),
    _typed(
        "typing aliases of classes in cells",
        "import typing\nclass $C: pass\n$x = [list[$C], $C | None, typing.Annotated[$C, [1]], dict[str, list[$C]]]",
        "print(typing.get_args($x[0])[0] is $C, $C in typing.get_args($x[1]), typing.get_args($x[2])[1], typing.get_args($x[3])[1] == list[$C])",
    ),
    _typed(
        "NewType, ParamSpec, TypeVarTuple, ForwardRef",
        "import typing\n$N = typing.NewType('$N', int); $P = typing.ParamSpec('$P'); $Ts = typing.TypeVarTuple('$Ts')\n$x = [$N(3), $N, $P, $Ts, typing.ForwardRef('int')]",
        "print($x[0], $N is $x[1], $P is $x[2], $Ts is $x[3], $N.__supertype__, $x[4])",
    ),
    _made(
        "metaclass with methods, __new__, __init__, __call__ and a registry",
        "class $M(type):\n    registry = []\n    def __new__(m, name, bases, ns, **kw):\n        c = super().__new__(m, name, bases, ns); m.registry.append(name); c.kw = kw\n        return c\n    def __init__(c, name, bases, ns, **kw): super().__init__(name, bases, ns)\n    def __call__(c, *a):\n        o = super().__call__(*a); o.called = True\n        return o\n    def __len__(c): return 7\nclass $C(metaclass=$M, k=1): pass\n$x = $C()",
        "print(len($C), $C.kw, $M.registry, type($C) is $M, $x.called, $C().called)",
        "class $D($C, k=2): pass",
    ),
    _made(
        "metaclass with __prepare__, __instancecheck__ and attributes",
        "class $M(type):\n    @classmethod\n    def __prepare__(m, name, bases): return {'given': 1}\n    def __instancecheck__(c, o): return o == 'yes'\n    def __getattr__(c, name):\n        if name.startswith('_'): raise AttributeError(name)\n        return 'dynamic ' + name\nclass $C(metaclass=$M): pass\n$x = $C()",
        "print($C.given, isinstance('yes', $C), isinstance('no', $C), $C.other, type($x) is $C)",
    ),
    _made(
        "singleton by a metaclass",
        "class $M(type):\n    one = {}\n    def __call__(c, *a):\n        if c not in $M.one: $M.one[c] = super().__call__(*a)\n        return $M.one[c]\nclass $C(metaclass=$M):\n    def __init__(self): self.log = []\n$x = $C()",
        "print($C() is $x, $x.log)",
        "$C().log.append(1)",
    ),
    _made(
        "__init_subclass__ with a registry",
        "class $B:\n    all = []\n    def __init_subclass__(cls, /, tag=None, **kw): super().__init_subclass__(**kw); $B.all.append((cls.__name__, tag)); cls.tag = tag\nclass $C($B, tag='c'): pass\n$x = $C()",
        "print($B.all, $x.tag)",
        "class $D($B, tag='d'): pass",
    ),
    _made(
        "__set_name__ and __class_getitem__",
        "class $F:\n    def __set_name__(self, o, n): self.n = n; o.names = [*getattr(o, 'names', []), n]\nclass $C:\n    a = $F(); b = $F()\n    def __class_getitem__(cls, k): return (cls.__name__, k)\n$x = $C()",
        "print($C.names, $C.a.n, $C[3])",
    ),
    _made(
        "class decorator that registers and replaces",
        "$reg = {}\ndef $dec(cls):\n    new = type(cls.__name__, (cls,), {'extra': 1}); $reg['c'] = new\n    return new\n@$dec\nclass $C:\n    def m(self): return 'm'\n$x = $C()",
        "print($reg['c'] is $C, type($x) is $C, $x.extra, $x.m())",
    ),
    _made(
        "type() with three arguments, bases that change",
        "$C = type('$C', (), {'n': 1, 'm': lambda self: self.n}); $x = $C()\nclass $A:\n    def h(self): return 'h'\nclass $B: pass\nclass $D($B): pass\n$D.__bases__ = ($A,); $y = $D()",
        "print($x.m(), $y.h(), $D.__bases__ == ($A,))",
    ),
    _made(
        "class with weak references to its instances, and __subclasses__",
        "import weakref\nclass $C:\n    live = weakref.WeakSet()\n    def __init__(self): $C.live.add(self)\nclass $D($C): pass\n$x = [$C(), $D()]",
        "import gc; gc.collect(); print(len($C.live), all(o in $C.live for o in $x), $C.__subclasses__() == [$D])",
        "$x.append($C())",
    ),
    _made(
        "mixin with cooperative __init__ and properties",
        "class $N:\n    def __init__(self, *, name, **kw): super().__init__(**kw); self._name = name\n    name = property(lambda s: s._name.upper())\nclass $A:\n    def __init__(self, *, age, **kw): super().__init__(**kw); self.age = age\nclass $P($N, $A): pass\n$x = $P(name='n', age=3)",
        "print($x.name, $x.age, $P(name='z', age=1).name)",
    ),
    _model(
        "pydantic model",
        "import pydantic\nclass $M(pydantic.BaseModel):\n    a: int\n    b: list[str] = pydantic.Field(default_factory=list)\n    @pydantic.field_validator('a')\n    @classmethod\n    def positive(cls, v):\n        if v < 0: raise ValueError('negative')\n        return v\n$x = $M(a='3')",
        "print(repr($x), $x.model_dump_json(), type($x) is $M, sorted($M.model_fields))\ntry:\n    $M(a=-1)\nexcept pydantic.ValidationError as e:\n    print(e.error_count())",
        "$x.b.append('s')",
        needs=("pydantic",),
    ),
    _model(
        "pydantic models, nested, generic and frozen",
        "import pydantic, typing\n$T = typing.TypeVar('$T')\nclass $I(pydantic.BaseModel):\n    model_config = pydantic.ConfigDict(frozen=True)\n    n: int\nclass $G(pydantic.BaseModel, typing.Generic[$T]):\n    v: $T\n$x = $G[$I](v=$I(n=1)); $y = $G[int]",
        "print(repr($x), type($x) is $G[$I], $y(v='3').v)\ntry:\n    $x.v.n = 2\nexcept pydantic.ValidationError as e:\n    print(e.errors()[0]['type'])",
        needs=("pydantic",),
    ),
    _model(
        "pydantic dataclass, private attributes and computed fields",
        "import pydantic\n@pydantic.dataclasses.dataclass\nclass $D:\n    a: int\nclass $M(pydantic.BaseModel):\n    _p: int = pydantic.PrivateAttr(default=5)\n    a: int\n    @pydantic.computed_field\n    @property\n    def double(self) -> int: return self.a * 2\n$x = [$D(a='1'), $M(a=2)]; $x[1]._p = 6",
        "print($x[0], $x[1].double, $x[1]._p, $x[1].model_dump())",
        "$x[1].a = 4",
        needs=("pydantic",),
    ),
    _model(
        "attrs class, with validators, slots and frozen",
        "import attrs\n@attrs.define\nclass $A:\n    a: int = attrs.field(validator=attrs.validators.instance_of(int))\n    b: list = attrs.field(factory=list)\n@attrs.frozen\nclass $F:\n    a: int\n$x = [$A(1), $F(2)]",
        "print($x, attrs.asdict($x[0]), attrs.evolve($x[1], a=5), hash($x[1]) == hash($F(2)))\ntry:\n    $A('s')\nexcept TypeError: print('refused')",
        "$x[0].b.append(1)",
        needs=("attrs",),
    ),
    _model(
        "SQLAlchemy declarative classes, a mapped object and its table",
        "import sqlalchemy as $sa\nfrom sqlalchemy.orm import DeclarativeBase as $DB, Mapped as $Mp, mapped_column as $mc\nclass $Base($DB): pass\nclass $U($Base):\n    __tablename__ = 'users'\n    id: $Mp[int] = $mc(primary_key=True)\n    name: $Mp[str]\n$x = $U(id=1, name='n')",
        "print($x.name, type($x) is $U, $U.__table__.name, str($sa.select($U.name)))",
        "$x.name = 'new'",
        needs=("sqlalchemy",),
        outcome="placeholder",
        why="a mapped class is instrumented by its mapper, which cannot be rebuilt; run its cell again",
    ),
]
