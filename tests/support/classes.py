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
    Case(
        "classes",
        "class of no module",
        '$x = type("Loose", (), {"__module__": None, "n": 1})\n$y = $x()',
        "print($x.__module__, $x, type($y) is $x, $y.n)",
        "$x.n = 2",
    ),
    _plain(
        "class with class variables, methods and a counter",
        """
        class $C:
            count = 0
            def __init__(self, n):
                self.n = n
                $C.count += 1
            def m(self):
                return self.n * 2
        $x = $C(1)
        """,
        """
        import inspect
        print($C.count, $x.m(), type($x) is $C, inspect.getsource($C.m).strip(), $C.__qualname__)
        """,
        "$C(2)",
    ),
    _plain(
        "class of a cell, saved without instances",
        """
        class $x:
            "Doc."
            a: int = 1
        """,
        "print($x().a, $x.__doc__, $x.__annotations__, $x.__module__)",
        "$x.a = 2",
    ),
    _plain(
        "__del__, which runs neither at the save nor at the load",
        """
        $log = []
        class $C:
            def __del__(self):
                $log.append("del")
        $x = [$C()]
        """,
        "print($log, len($x))",
        # What attrs generates holds a copy of the namespace as it was, and so all values of the time.
        """
        import gc
        $x.clear()
        gc.collect()
        $x.append($C())
        """,
    ),
    _plain(
        "frozen dataclass with slots, and what classes without them add to it",
        """
        from dataclasses import dataclass
        @dataclass(frozen=True, slots=True)
        class $D:
            n: int
        class $E($D):
            pass
        class $F($D):
            __slots__ = ("more",)
        $x, $y = $E(1), $F(2)
        object.__setattr__($x, "extra", [1])
        object.__setattr__($y, "more", $x.extra)
        """,
        "print($x, $x.extra, $y, $y.more is $x.extra, hash($D(3)) == hash($D(3)))",
        "$x.extra.append(2)",
    ),
    _plain(
        "subclasses of property, classmethod and staticmethod",
        """
        class $P(property):
            def __init__(self, *args):
                super().__init__(*args)
                self.notes = [1]
        class $K(classmethod):
            pass
        class $S(staticmethod):
            pass
        class $C:
            p = $P(lambda self: self.v)
            k = $K(lambda cls: cls)
            s = $S(lambda n: n + 1)
        $x = $C()
        $x.v = 3
        """,
        "print($x.p, vars($C)['p'].notes, type(vars($C)['k']) is $K, $x.k() is $C, $C.s(1), $C.p.fset is None)",
        "vars($C)['p'].notes.append(2); $C.p = $C.p.setter(lambda self, v: vars(self).update(v=v)); $x.p = 9",
    ),
    _plain(
        "named tuple with a __new__ of its own",
        """
        from collections import namedtuple
        class $P(namedtuple("$P", "a b")):
            __slots__ = ()
            def __new__(cls, a):
                return super().__new__(cls, a, a * 2)
        $x = $P([3])
        """,
        "print($x, type($x) is $P, $P(4), $x.b)",
        "$x.a.append(5)",
    ),
    _plain(
        "__slots__ that are not set, with __getattr__",
        """
        class $C:
            __slots__ = ("a", "b")
            def __getattr__(self, name):
                return "made up"
        $x = $C()
        $x.a = 1
        """,
        """
        try:
            print($x.a, $x.b, $C.b.__get__($x))
        except AttributeError:
            print("still not set")
        """,
        "$x.b = 2",
    ),
    _plain(
        "hash by a field that has a default, in a cycle",
        """
        class $C:
            key, tags = None, ()
            def __init__(self, key):
                self.items, self.key, self.tags = [], key, (1, (key,))
            def __hash__(self):
                return hash((self.key, self.tags))
            def __eq__(self, other):
                return self.key == other.key
        $x = $C("k")
        $x.items += [{$x: 1}, {$x}, frozenset([$x, 2]), {($x, 1): 2}]
        """,
        "print($x.items[0].get($x), *($x in c for c in $x.items[1:3]), $x.items[3].get(($C('k'), 1)), list(vars($x)))",
        "$x.items[1].discard($x); print(len($x.items[1]))",
    ),
    _plain(
        "__slots__, with and without inheritance",
        """
        class $A:
            __slots__ = ("a", "__weakref__")
        class $B($A):
            __slots__ = ("b",)
        $x = $B()
        $x.a = 1
        $x.b = [2]
        $y = $A()
        """,
        'print($x.a, $x.b, hasattr($y, "a"), hasattr($x, "__dict__"))',
        """
        $x.b.append(3)
        $y.a = 1
        """,
    ),
    _plain(
        "slots with default and private names",
        """
        class $C:
            __slots__ = ("__p", "q")
            def __init__(self):
                self.__p = 1
            def p(self):
                return self.__p
        $x = $C()
        """,
        'print($x.p(), hasattr($x, "q"))',
        "$x.q = 2",
    ),
    _plain(
        "inheritance over several cells with super()",
        """
        class $A:
            def m(self):
                return ["A"]
        class $B($A):
            def m(self):
                return ["B", *super().m()]
        class $M:
            def m(self):
                return ["M", *super().m()]
        class $C($M, $B):
            pass
        $C.__bases__
        $x = $C()
        """,
        "print($x.m(), [c.__name__[0] for c in $C.__mro__])",
    ),
    _plain(
        "nested class",
        """
        class $O:
            class I:
                n = 1
                class D:
                    pass
        $x = [$O.I(), $O.I.D]
        """,
        "print(type($x[0]) is $O.I, $x[1] is $O.I.D, $O.I.D.__qualname__)",
        "$O.I.n = 2",
    ),
    _plain(
        "local class, with a closure",
        """
        def $make(k):
            class L:
                def get(self):
                    return k
            return L
        $x = $make(3)()
        $y = $make(4)()
        """,
        "print($x.get(), $y.get(), type($x) is type($y), type($x).__qualname__)",
    ),
    _plain(
        "local class of which two variables hold instances",
        """
        def $make():
            class L:
                n = 0
            return L(), L()
        $x, $y = $make()
        """,
        "print(type($x) is type($y), type($y).n)",
        "type($x).n = 5",
    ),
    _plain(
        "class redefined with old instances alive",
        """
        class $C:
            v = "old"
        $x = $C()
        class $C:
            v = "new"
        $y = $C()
        """,
        "print($x.v, $y.v, isinstance($x, $C), type($x) is type($y))",
        'type($x).v = "older"',
    ),
    _plain(
        "class that refers to itself and to others in cycles",
        """
        class $A:
            def other(self):
                return $B()
        class $B:
            def other(self):
                return $A()
        $A.peer = $B
        $B.peer = $A
        $A.me = $A()
        $x = $A()
        """,
        """
        print(
            type($x.other()) is $B,
            type($x.other().other()) is $A,
            $A.peer.peer is $A,
            type($A.me) is $A,
        )
        """,
    ),
    _plain(
        "method added afterwards, and one replaced on an instance",
        """
        class $C:
            pass
        $C.m = lambda self: "m"
        $x = $C()
        $x.own = lambda: "own"
        """,
        "print($x.m(), $x.own())",
        '$C.m = lambda self: "new"',
    ),
    _plain(
        "private names, __getattr__, __setattr__, __delattr__",
        """
        class $C:
            def __init__(self):
                object.__setattr__(self, "d", {})
            def __getattr__(self, name):
                try:
                    return self.d[name]
                except KeyError:
                    raise AttributeError(name)
            def __setattr__(self, name, value):
                self.d[name] = value
            def __delattr__(self, name):
                del self.d[name]
        $x = $C()
        $x.a = 1
        """,
        'print($x.a, $x.d, hasattr($x, "b"))',
        """
        $x.b = 2
        del $x.a
        $x.a = 3
        """,
    ),
    _plain(
        "__getattribute__ that counts",
        """
        class $C:
            n = 0
            def __getattribute__(self, name):
                if name == "v":
                    $C.n += 1
                return object.__getattribute__(self, name)
        $x = $C()
        $x.v = 1
        """,
        "print($x.v, $C.n)",
    ),
    _plain(
        "__getstate__ and __setstate__",
        """
        class $C:
            def __init__(self):
                self.a, self.skipped = 1, [1]
            def __getstate__(self):
                return {"a": self.a}
            def __setstate__(self, s):
                self.a, self.skipped = s["a"], None
        $x = $C()
        $x.skipped = None
        """,
        "print($x.a, $x.skipped)",
        "$x.a = 2",
    ),
    _plain(
        "__reduce__",
        """
        def $make(n):
            o = $C.__new__($C)
            o.n = n
            return o
        class $C:
            def __reduce__(self):
                return $make, (self.n,)
        $x = $make(3)
        """,
        "print($x.n, type($x) is $C)",
        "$x.n = 4",
    ),
    _plain(
        "__new__ that counts, caches and returns singletons",
        """
        class $C:
            made = {}
            calls = 0
            def __new__(cls, key):
                $C.calls += 1
                return cls.made.setdefault(key, object.__new__(cls))
            def __init__(self, key):
                self.key = key
        $x = [$C("a"), $C("a"), $C("b")]
        """,
        'print($x[0] is $x[1], $C.calls, sorted($C.made), $C("b") is $x[2])',
    ),
    _plain(
        "__eq__ and __hash__ by value, in sets and dicts",
        """
        class $P:
            def __init__(self, a):
                self.a = a
            def __eq__(self, o):
                return isinstance(o, $P) and self.a == o.a
            def __hash__(self):
                return hash(self.a)
        $x = {$P(1): "one", $P(2): "two"}
        $y = {$P(3)}
        """,
        "print($x[$P(1)], $P(3) in $y, len($x))",
        '$x[$P(1)] = "uno"',
    ),
    _plain(
        "unhashable, falsy, comparing badly",
        """
        class $C:
            __hash__ = None
            def __eq__(self, o):
                raise RuntimeError("no comparing")
            def __bool__(self):
                raise RuntimeError("no truth")
            def __len__(self):
                raise RuntimeError("no length")
        $x = $C()
        $x.a = [1]
        """,
        "print($x.a, type($x) is $C)",
        "$x.a.append(2)",
    ),
    _plain(
        "__repr__ that raises",
        """
        class $C:
            def __repr__(self):
                raise RuntimeError("no repr")
        $x = $C()
        $x.a = 1
        """,
        "print($x.a)",
    ),
    _plain(
        "__call__, __getitem__, __iter__, __len__, context manager",
        """
        class $C:
            def __call__(self, n):
                return n
            def __getitem__(self, i):
                return i * 2
            def __iter__(self):
                return iter("ab")
            def __len__(self):
                return 2
            def __enter__(self):
                return self
            def __exit__(self, *a):
                return True
        $x = $C()
        """,
        """
        with $x as y:
            print(y(1), y[2], list(y), len(y))
            raise ValueError
        """,
    ),
    _plain(
        "subclasses of list, dict, set with state and overridden methods",
        """
        class $L(list):
            def append(self, v):
                super().append((self.tag, v))
        class $D(dict):
            def __setitem__(self, k, v):
                super().__setitem__(k, [v])
            def __missing__(self, k):
                return "missing"
        class $S(set):
            pass
        $l = $L([1])
        $l.tag = "t"
        $d = $D()
        $d["a"] = 1
        $s = $S({1})
        $s.n = 2
        $x = [$l, $d, $s]
        """,
        'print($x, $l.tag, $d["zz"], $s.n, type($l) is $L)',
        """
        $l.append(5)
        $d["b"] = 2
        $s.add(3)
        """,
    ),
    _plain(
        "subclasses of str, int, float, tuple, bytes, with arguments of their own",
        """
        class $Str(str):
            def __new__(cls, a, b):
                o = super().__new__(cls, a + b)
                o.b = b
                return o
        class $Int(int):
            def __new__(cls, a, *, unit):
                o = super().__new__(cls, a)
                o.unit = unit
                return o
        class $Flt(float):
            def __init__(self, v, unit):
                self.unit = unit
            def __new__(cls, v, unit):
                return super().__new__(cls, v)
        class $Tup(tuple):
            def __new__(cls, a, b):
                return super().__new__(cls, (a, b))
        class $Byt(bytes):
            pass
        $x = [$Str("a", "b"), $Int(3, unit="m"), $Flt(1.5, "kg"), $Tup(1, [2]), $Byt(b"x")]
        $x[4].n = 1
        """,
        "print($x, $x[0].b, $x[1].unit, $x[2].unit, [type(v).__name__ for v in $x], $x[4].n)",
        """
        $x[3][1].append(3)
        $x[2].unit = "g"
        """,
    ),
    _plain(
        "subclasses of deque, defaultdict, OrderedDict, Counter with required arguments",
        """
        import collections
        class $Dq(collections.deque):
            def __init__(self, name, size):
                super().__init__(maxlen=size)
                self.name = name
        class $Dd(collections.defaultdict):
            def __init__(self, tag):
                super().__init__(list)
                self.tag = tag
        class $Od(collections.OrderedDict):
            def __init__(self, a, b):
                super().__init__(a=a)
                self.b = b
        class $Ct(collections.Counter):
            def __init__(self, text, k):
                super().__init__(text)
                self.k = k
        $x = [$Dq("n", 2), $Dd("t"), $Od(1, 2), $Ct("aab", 1)]
        $x[0].extend([1, 2, 3])
        $x[1]["k"].append(1)
        """,
        """
        print(
            list($x[0]),
            $x[0].maxlen,
            $x[0].name,
            dict($x[1]),
            $x[1].tag,
            dict($x[2]),
            $x[2].b,
            sorted($x[3].items()),
            $x[3].k,
            [type(v).__name__ for v in $x],
        )
        """,
        """
        $x[0].append(4)
        $x[1]["z"].append(2)
        $x[3].update("b")
        """,
    ),
    _plain(
        "subclasses of UserDict, UserList, UserString",
        """
        import collections
        class $U(collections.UserDict):
            def __init__(self, tag):
                self.tag = tag
                super().__init__()
        $x = [$U("t"), collections.UserList([1]), collections.UserString("s")]
        $x[0]["a"] = 1
        """,
        "print($x, $x[0].tag)",
        """
        $x[0]["b"] = 2
        $x[1].append(2)
        """,
    ),
    _plain(
        "subclasses of datetime, Decimal, Path, Fraction",
        """
        import datetime, decimal, fractions, pathlib
        class $Dt(datetime.datetime):
            def shout(self):
                return self.isoformat() + "!"
        class $De(decimal.Decimal):
            pass
        class $Pa(type(pathlib.PurePosixPath())):
            pass
        class $Fr(fractions.Fraction):
            pass
        $x = [$Dt(2020, 1, 2), $De("1.50"), $Pa("/a/b"), $Fr(1, 3)]
        """,
        "print($x[0].shout(), $x[1], $x[2].name, $x[3] * 2, [type(v).__name__ for v in $x])",
    ),
    _plain(
        "instances that share a mutable object across variables",
        """
        class $C:
            def __init__(self, shared):
                self.shared = shared
        $s = []
        $x, $y = $C($s), $C($s)
        """,
        "print($x.shared is $y.shared is $s, $s)",
        "$y.shared.append(1)",
    ),
    _plain(
        "doubly linked list and tree with parents",
        """
        class $N:
            def __init__(self, v, prev=None):
                self.v, self.prev, self.next = v, prev, None
                if prev:
                    prev.next = self
        $x = $N(1)
        $n = $x
        for i in range(2000):
            $n = $N(i, $n)
        """,
        "print($x.next.prev is $x, $n.prev.next is $n, $n.v)",
        "$n.v += 1",
    ),
    _enum(
        "Enum with methods, aliases and auto()",
        """
        import enum
        class $E(enum.Enum):
            A = enum.auto()
            B = 5
            C = 5
            def m(self):
                return self.name.lower()
            @classmethod
            def default(cls):
                return cls.A
        $x = [$E.A, $E.C, {$E.B: "v"}]
        """,
        """
        print(
            $x[0] is $E.A,
            $x[1] is $E.B,
            $x[2][$E.B],
            $x[0].m(),
            $E(5).name,
            $E["C"].name,
            list($E),
            $E.default(),
        )
        """,
    ),
    _enum(
        "IntEnum, StrEnum, Flag, IntFlag",
        """
        import enum
        class $I(enum.IntEnum):
            A = 1
            B = 2
        class $S(enum.StrEnum):
            X = "x"
        class $F(enum.Flag):
            R = enum.auto()
            W = enum.auto()
        class $G(enum.IntFlag):
            A = 1
            B = 2
            AB = 3
        $x = [$I.B, $S.X, $F.R | $F.W, $G.A | 8, $F(0)]
        """,
        """
        print(
            $x[0] + 1,
            $x[1] + "!",
            $F.R in $x[2],
            $x[3],
            $x[4],
            $x[2] is ($F.R | $F.W),
            ~$F.R,
        )
        """,
    ),
    _enum(
        "Enum with values by __new__ and attributes",
        """
        import enum
        class $P(enum.Enum):
            E = (1.0, "earth")
            M = (0.1, "mars")
            def __new__(cls, mass, label):
                o = object.__new__(cls)
                o._value_ = mass
                o.label = label
                return o
        $x = $P.M
        """,
        "print($x.label, $x.value, $P(1.0) is $P.E, $x is $P.M)",
    ),
    _enum(
        "Enum by the functional form, and mixed with a class",
        """
        import enum
        $E = enum.Enum("$E", "A B")
        class $M(float, enum.Enum):
            H = 0.5
        $x = [$E.A, $M.H]
        """,
        'print($x[0] is $E.A, $x[1] * 2, $x[1] is $M.H, $E["B"].value)',
    ),
    _enum(
        "Enum of the standard library",
        """
        import http, socket, re
        $x = [http.HTTPStatus.OK, socket.AF_INET, re.I | re.M]
        """,
        """
        import http
        print($x[0] is http.HTTPStatus.OK, $x[0].phrase, $x[2])
        """,
    ),
    _enum(
        "collections.namedtuple",
        """
        import collections
        $T = collections.namedtuple("$T", "a b", defaults=[2])
        $x = $T(1)
        """,
        "print($x, $x._replace(a=5), $x.b, type($x) is $T, $T._field_defaults)",
    ),
    _enum(
        "namedtuple whose class has another name",
        """
        import collections
        $T = collections.namedtuple("Point", "a b")
        $x = $T(1, [2])
        """,
        "print($x, type($x) is $T)",
        "$x.b.append(3)",
    ),
    _enum(
        "typing.NamedTuple with methods",
        """
        import typing
        class $T(typing.NamedTuple):
            a: int
            b: str = "d"
            def m(self):
                return self.b * self.a
        $x = $T(2)
        """,
        "print($x, $x.m(), $T.__annotations__, $T._fields)",
    ),
    _enum(
        "TypedDict, total and not, with Required",
        """
        import typing
        class $D(typing.TypedDict, total=False):
            a: typing.Required[int]
            b: str
        $x = [$D(a=1), $D]
        """,
        "print($x, $x[1].__required_keys__, $x[1].__optional_keys__, $D.__total__)",
        '$x[0]["b"] = "s"',
    ),
    _enum(
        "dataclass with defaults, factory and post init",
        """
        import dataclasses
        @dataclasses.dataclass
        class $D:
            a: int
            b: list = dataclasses.field(default_factory=list)
            c: int = dataclasses.field(init=False, repr=False, default=0)
            def __post_init__(self):
                self.c = self.a * 2
        $x = $D(3)
        """,
        """
        print(
            $x,
            $x.c,
            dataclasses.asdict($x),
            [f.name for f in dataclasses.fields($D)],
            $D(1) == $D(1),
        )
        """,
        """
        $x.b.append(1)
        $x.a = 9
        """,
    ),
    _enum(
        "dataclass, frozen, with order and hash",
        """
        import dataclasses
        @dataclasses.dataclass(frozen=True, order=True)
        class $D:
            a: int
            b: tuple = ()
        $x = {$D(1): "one", $D(2, (1,)): "two"}
        """,
        """
        print($x[$D(1)], $D(1) < $D(2), dataclasses.replace($D(1), a=5))
        try:
            next(iter($x)).a = 3
        except dataclasses.FrozenInstanceError as e:
            print(e)
        """,
    ),
    _enum(
        "dataclass with slots, kw_only, match_args",
        """
        import dataclasses
        @dataclasses.dataclass(slots=True, kw_only=True)
        class $D:
            a: int
            b: list = dataclasses.field(default_factory=list)
        $x = $D(a=1)
        """,
        'print($x, hasattr($x, "__dict__"), $D.__slots__, dataclasses.fields($x)[0].kw_only)',
        "$x.b.append(2)",
    ),
    _enum(
        "dataclass, frozen with slots and weakref",
        """
        import dataclasses, weakref
        @dataclasses.dataclass(frozen=True, slots=True, weakref_slot=True)
        class $D:
            a: int
        $x = $D(1)
        $r = weakref.ref($x)
        """,
        "print($x, hash($x) == hash($D(1)), $r() is $x)",
    ),
    _enum(
        "dataclasses that inherit, with InitVar and ClassVar",
        """
        import dataclasses, typing
        @dataclasses.dataclass
        class $A:
            n: typing.ClassVar[int] = 0
            a: int
        @dataclasses.dataclass
        class $B($A):
            seed: dataclasses.InitVar[int] = 1
            b: int = 2
            def __post_init__(self, seed):
                self.b += seed
        $x = $B(1, 10)
        """,
        """
        print($x, $B.n, [f.name for f in dataclasses.fields($B)])
        print($B(1, 2))
        """,
        "$A.n = 7",
    ),
    _enum(
        "dataclasses.make_dataclass",
        """
        import dataclasses
        $D = dataclasses.make_dataclass(
            "$D", [("a", int), ("b", list, dataclasses.field(default_factory=list))]
        )
        $x = $D(1)
        """,
        "print($x, type($x) is $D)",
        "$x.b.append(1)",
    ),
    _enum(
        "class with __match_args__ and pattern matching",
        """
        class $P:
            __match_args__ = ("a", "b")
            def __init__(self, a, b):
                self.a, self.b = a, b
        $x = $P(1, 2)
        """,
        """
        match $x:
            case $P(a, b):
                print(a, b)
        """,
    ),
    _typed(
        "ABC with abstract methods and virtual subclasses",
        """
        import abc
        class $A(abc.ABC):
            @abc.abstractmethod
            def m(self): ...
        class $C($A):
            def m(self):
                return "m"
        class $V:
            pass
        $A.register($V)
        $x = $C()
        """,
        """
        print(isinstance($x, $A), issubclass($V, $A), $x.m())
        try:
            $A()
        except TypeError as e:
            print("abstract", sorted($A.__abstractmethods__))
        """,
        """
        class $W:
            pass
        $A.register($W)
        print(issubclass($W, $A))
        """,
    ),
    _typed(
        "class registered with an ABC of the standard library",
        """
        import collections.abc
        class $C:
            def __len__(self):
                return 0
        collections.abc.Sequence.register($C)
        $x = $C()
        """,
        "print(isinstance($x, collections.abc.Sequence), isinstance($x, collections.abc.Sized))",
    ),
    _typed(
        "abstract properties and __subclasshook__",
        """
        import abc
        class $A(abc.ABC):
            @property
            @abc.abstractmethod
            def p(self): ...
            @classmethod
            def __subclasshook__(cls, c):
                return True if hasattr(c, "quack") else NotImplemented
        class $Q:
            def quack(self):
                pass
        $x = $Q()
        """,
        "print(isinstance($x, $A), isinstance(1, $A), sorted($A.__abstractmethods__))",
    ),
    _typed(
        "Protocol, runtime-checkable",
        """
        import typing
        @typing.runtime_checkable
        class $P(typing.Protocol):
            name: str
            def m(self) -> int: ...
        class $C:
            name = "n"
            def m(self):
                return 1
        $x = [$P, $C()]
        """,
        "print(isinstance($x[1], $P), isinstance(3, $P), $P is $x[0])",
    ),
    _typed(
        "Generic with TypeVar and its aliases",
        """
        import typing
        $T = typing.TypeVar("$T", bound=int)
        class $B(typing.Generic[$T]):
            def __init__(self, v: $T):
                self.v = v
        $x = [$B[int], $B[int](3), $B]
        """,
        """
        print(
            $x[0].__origin__ is $B,
            $x[1].v,
            $x[1].__orig_class__ == $B[int],
            $B.__parameters__ == ($T,),
            type($x[1]) is $B,
        )
        """,
    ),
    _typed(
        "PEP 695 generic class and type alias",
        """
        class $B[T]:
            def __init__(self, v: T):
                self.v = v
        type $L[T] = list[T]
        $x = [$B(3), $B[int], $L]
        """,
        "print($x[0].v, $x[1].__origin__ is $B, $B.__type_params__, $L.__value__, $L[int], $x[2] is $L)",
        python="3.12",
    ),
    _typed(
        "PEP 695 type alias that refers to itself",
        "type $x = dict[str, $x] | int",
        "print($x.__value__)",
        outcome="placeholder",
        why="an alias is made of its value, which is not there before the alias",
        python="3.12",
    ),
    _typed(
        "typing aliases, unions, Literal, Annotated, Callable",
        """
        import typing, collections.abc
        $x = [
            list[int],
            dict[str, "int"],
            int | None,
            typing.Optional[str],
            typing.Union[int, str],
            typing.Literal["a", 1],
            typing.Annotated[int, "note"],
            typing.Callable[[int], str],
            collections.abc.Callable[..., int],
            tuple[int, ...],
            type[int],
            typing.Any,
        ]
        """,
        "print($x, typing.get_args($x[6]))",
    ),
    _typed(
        "typing aliases of classes in cells",
        """
        import typing
        class $C:
            pass
        $x = [list[$C], $C | None, typing.Annotated[$C, [1]], dict[str, list[$C]]]
        """,
        """
        print(
            typing.get_args($x[0])[0] is $C,
            $C in typing.get_args($x[1]),
            typing.get_args($x[2])[1],
            typing.get_args($x[3])[1] == list[$C],
        )
        """,
    ),
    _typed(
        "NewType, ParamSpec, TypeVarTuple, ForwardRef",
        """
        import typing
        $N = typing.NewType("$N", int)
        $N.__doc__ = "A number."; $N.note = $l = [1]
        $P = typing.ParamSpec("$P")
        $Ts = typing.TypeVarTuple("$Ts")
        $x = [$N(3), $N, $P, $Ts, typing.ForwardRef("int")]
        """,
        "print($x[0], $N is $x[1], $P is $x[2], $Ts is $x[3], $N.__supertype__, $x[4], $N.__doc__, $N.note is $l, $l)",
        "$N.note.append(2)",
    ),
    _made(
        "metaclass with methods, __new__, __init__, __call__ and a registry",
        """
        class $M(type):
            registry = []
            def __new__(m, name, bases, ns, **kw):
                c = super().__new__(m, name, bases, ns)
                m.registry.append(name)
                c.kw = kw
                return c
            def __init__(c, name, bases, ns, **kw):
                super().__init__(name, bases, ns)
            def __call__(c, *a):
                o = super().__call__(*a)
                o.called = True
                return o
            def __len__(c):
                return 7
        class $C(metaclass=$M, k=1):
            pass
        $x = $C()
        """,
        "print(len($C), $C.kw, $M.registry, type($C) is $M, $x.called, $C().called)",
        """
        class $D($C, k=2):
            pass
        """,
    ),
    _made(
        "metaclass with __prepare__, __instancecheck__ and attributes",
        """
        class $M(type):
            @classmethod
            def __prepare__(m, name, bases):
                return {"given": 1}
            def __instancecheck__(c, o):
                return o == "yes"
            def __getattr__(c, name):
                if name.startswith("_"):
                    raise AttributeError(name)
                return "dynamic " + name
        class $C(metaclass=$M):
            pass
        $x = $C()
        """,
        'print($C.given, isinstance("yes", $C), isinstance("no", $C), $C.other, type($x) is $C)',
    ),
    _made(
        "singleton by a metaclass",
        """
        class $M(type):
            one = {}
            def __call__(c, *a):
                if c not in $M.one:
                    $M.one[c] = super().__call__(*a)
                return $M.one[c]
        class $C(metaclass=$M):
            def __init__(self):
                self.log = []
        $x = $C()
        """,
        "print($C() is $x, $x.log)",
        "$C().log.append(1)",
    ),
    _made(
        "__init_subclass__ with a registry",
        """
        class $B:
            all = []
            def __init_subclass__(cls, /, tag=None, **kw):
                super().__init_subclass__(**kw)
                $B.all.append((cls.__name__, tag))
                cls.tag = tag
        class $C($B, tag="c"):
            pass
        $x = $C()
        """,
        "print($B.all, $x.tag)",
        """
        class $D($B, tag="d"):
            pass
        """,
    ),
    _made(
        "__set_name__ and __class_getitem__",
        """
        class $F:
            def __set_name__(self, o, n):
                self.n = n
                o.names = [*getattr(o, "names", []), n]
        class $C:
            a = $F()
            b = $F()
            def __class_getitem__(cls, k):
                return (cls.__name__, k)
        $x = $C()
        """,
        "print($C.names, $C.a.n, $C[3])",
    ),
    _made(
        "class decorator that registers and replaces",
        """
        $reg = {}
        def $dec(cls):
            new = type(cls.__name__, (cls,), {"extra": 1})
            $reg["c"] = new
            return new
        @$dec
        class $C:
            def m(self):
                return "m"
        $x = $C()
        """,
        'print($reg["c"] is $C, type($x) is $C, $x.extra, $x.m())',
    ),
    _made(
        "type() with three arguments, bases that change",
        """
        $C = type("$C", (), {"n": 1, "m": lambda self: self.n})
        $x = $C()
        class $A:
            def h(self):
                return "h"
        class $B:
            pass
        class $D($B):
            pass
        $D.__bases__ = ($A,)
        $y = $D()
        """,
        "print($x.m(), $y.h(), $D.__bases__ == ($A,))",
    ),
    _made(
        "class with weak references to its instances, and __subclasses__",
        """
        import weakref
        class $C:
            live = weakref.WeakSet()
            def __init__(self):
                $C.live.add(self)
        class $D($C):
            pass
        $x = [$C(), $D()]
        """,
        """
        import gc
        gc.collect()
        print(len($C.live), all(o in $C.live for o in $x), $C.__subclasses__() == [$D])
        """,
        "$x.append($C())",
    ),
    _made(
        "mixin with cooperative __init__ and properties",
        """
        class $N:
            def __init__(self, *, name, **kw):
                super().__init__(**kw)
                self._name = name
            name = property(lambda s: s._name.upper())
        class $A:
            def __init__(self, *, age, **kw):
                super().__init__(**kw)
                self.age = age
        class $P($N, $A):
            pass
        $x = $P(name="n", age=3)
        """,
        'print($x.name, $x.age, $P(name="z", age=1).name)',
    ),
    _model(
        "pydantic model",
        """
        import pydantic
        class $M(pydantic.BaseModel):
            a: int
            b: list[str] = pydantic.Field(default_factory=list)
            @pydantic.field_validator("a")
            @classmethod
            def positive(cls, v):
                if v < 0:
                    raise ValueError("negative")
                return v
        $x = $M(a="3")
        """,
        """
        print(repr($x), $x.model_dump_json(), type($x) is $M, sorted($M.model_fields))
        try:
            $M(a=-1)
        except pydantic.ValidationError as e:
            print(e.error_count())
        """,
        '$x.b.append("s")',
        needs=("pydantic",),
    ),
    _model(
        "pydantic models, nested, generic and frozen",
        """
        import pydantic, typing
        $T = typing.TypeVar("$T")
        class $I(pydantic.BaseModel):
            model_config = pydantic.ConfigDict(frozen=True)
            n: int
        class $G(pydantic.BaseModel, typing.Generic[$T]):
            v: $T
        $x = $G[$I](v=$I(n=1))
        $y = $G[int]
        """,
        """
        print(repr($x), type($x) is $G[$I], $y(v="3").v)
        try:
            $x.v.n = 2
        except pydantic.ValidationError as e:
            print(e.errors()[0]["type"])
        """,
        needs=("pydantic",),
    ),
    _model(
        "pydantic dataclass, private attributes and computed fields",
        """
        import pydantic
        @pydantic.dataclasses.dataclass
        class $D:
            a: int
        class $M(pydantic.BaseModel):
            _p: int = pydantic.PrivateAttr(default=5)
            a: int
            @pydantic.computed_field
            @property
            def double(self) -> int:
                return self.a * 2
        $x = [$D(a="1"), $M(a=2)]
        $x[1]._p = 6
        """,
        "print($x[0], $x[1].double, $x[1]._p, $x[1].model_dump())",
        "$x[1].a = 4",
        needs=("pydantic",),
    ),
    _model(
        "attrs class, with validators, slots and frozen",
        """
        import attrs
        @attrs.define
        class $A:
            a: int = attrs.field(validator=attrs.validators.instance_of(int))
            b: list = attrs.field(factory=list)
        @attrs.frozen
        class $F:
            a: int
        $x = [$A(1), $F(2)]
        """,
        """
        print($x, attrs.asdict($x[0]), attrs.evolve($x[1], a=5), hash($x[1]) == hash($F(2)))
        try:
            $A("s")
        except TypeError:
            print("refused")
        """,
        "$x[0].b.append(1)",
        needs=("attrs",),
    ),
    _model(
        "attrs classes that mix slots with ordinary ones, cache a hash and cache properties",
        """
        import attrs, functools
        @attrs.define
        class $A:
            a: int
            @functools.cached_property
            def made(self):
                return [self.a]
        @attrs.define(slots=False)
        class $B($A):
            b: int = 2
        class $C($A):
            pass
        @attrs.frozen(cache_hash=True)
        class $F:
            a: str
        $x = [$A(1), $B(1, 5), $C(3), $F("f")]
        $x[1].extra = $x[2].extra = [9]
        $y, $d = $x[0].made, {$x[3]: "found"}
        """,
        "print($x, $x[1].extra is $x[2].extra, vars($x[1]), $x[0].made is $y, $d[$F('f')])",
        "$y.append(2); $x[1].a = 7; print($x[0].made)",
        needs=("attrs",),
    ),
    _model(
        "SQLAlchemy declarative classes, with relationships and inheritance, and objects in a session on a file",
        """
        import sqlalchemy as $sa
        from sqlalchemy import orm as $orm
        from sqlalchemy.ext.hybrid import hybrid_property
        class $Base($orm.DeclarativeBase):
            pass
        class $U($Base):
            __tablename__ = "users"
            id: $orm.Mapped[int] = $orm.mapped_column(primary_key=True)
            name: $orm.Mapped[str] = $orm.mapped_column("user_name")
            kind: $orm.Mapped[str] = $orm.mapped_column(default="plain")
            notes: $orm.Mapped[list["$N"]] = $orm.relationship(
                back_populates="user", order_by="$N.id.desc()", cascade="all, delete-orphan"
            )
            __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "plain"}
            def greet(self):
                return "hi " + self.name
            @hybrid_property
            def upper(self):
                return self.name + "!"
        class $A($U):
            __mapper_args__ = {"polymorphic_identity": "admin"}
            level: $orm.Mapped[int] = $orm.mapped_column(nullable=True)
            def __init__(self, **given):
                super().__init__(kind="admin", **given)
        class $N($Base):
            __tablename__ = "notes"
            id: $orm.Mapped[int] = $orm.mapped_column(primary_key=True)
            of: $orm.Mapped[int] = $orm.mapped_column($sa.ForeignKey("users.id"))
            user: $orm.Mapped[$U] = $orm.relationship(back_populates="notes")
        Old = $orm.declarative_base()
        class $O(Old):
            __tablename__ = "old"
            id = $sa.Column($sa.Integer, primary_key=True)
            of = $sa.Column($sa.ForeignKey("old.id"))
            kids = $orm.relationship("$O", backref=$orm.backref("parent", remote_side=[id]), lazy="joined")
        $e = $sa.create_engine("sqlite:///declared.db")
        for $b in ($Base, Old):
            $b.metadata.create_all($e)
        $s = $orm.Session($e)
        $x = $U(name="n", notes=[$N(), $N()])
        $s.add_all([$x, $A(name="a", level=3), $O(kids=[$O()])])
        $s.commit()
        del Old
        """,
        """
        print($x.greet(), type($x) is $U, $x in $s, $U.__table__.name, $sa.select($U.name).where($U.upper == "n!"))
        with $orm.Session($e) as $t:
            print([(type(u).__name__, u.name, u.upper, [n.id for n in u.notes]) for u in $t.scalars($sa.select($U))])
            print([(o.id, [k.id for k in o.kids], o.parent) for o in $t.scalars($sa.select($O)).unique()][0])
        print($s.get($N, 2).user is $x, len($Base.metadata.tables), $U.__annotations__, $A.level)
        """,
        '$x.name = "new"; $x.notes.pop(); $s.add($A(name="b", level=1)); $s.commit()',
        outcome="reconnected",
        needs=("sqlalchemy",),
    ),
]
