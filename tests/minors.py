"""Sessions that travel between Pythons: what a process of one minor saves and a process of another loads and checks.

``python -m tests.minors save STORE`` saves each of `CASES` in turn; ``load STORE`` loads them, checks them and prints
one JSON object: for each case that went wrong, what did.

Invariant: nothing beyond the package and the standard library is imported unless a case does it.
"""

from __future__ import annotations

import json
import linecache
import sys
import traceback
import types
from dataclasses import dataclass
from typing import Any

import jupyter_session_save as session


@dataclass(frozen=True, slots=True)
class Case:
    """One session.

    Parameters
    ----------
    source : str
        The cell that is saved.
    checks : tuple of str
        Expressions that are true before and after.
    since : tuple of int
        The first Python that can run the cell.
    elsewhere : dict of str to str
        Variables that are placeholders on another minor, and a part of the reason they give.
    """

    source: str
    checks: tuple[str, ...]
    since: tuple[int, int] = (3, 11)
    elsewhere: tuple[tuple[str, str], ...] = ()


CASES: dict[str, Case] = {
    "dataclasses": Case(
        """\
from dataclasses import dataclass, field, InitVar, asdict, replace, fields
from typing import ClassVar

@dataclass
class Point:
    x: int
    y: int = 0
    tags: list = field(default_factory=list, repr=False)
    count: ClassVar[int] = 0

@dataclass(order=True, unsafe_hash=True)
class Ordered:
    a: int
    b: str = field(default='b', compare=False)

@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    name: str
    scale: float = 1.5

@dataclass
class Derived(Point):
    z: 'int' = 3
    extra: InitVar[int] = 10
    def __post_init__(self, extra):
        self.total = self.x + extra
    def __repr__(self):
        return f'Derived({self.x})'

@dataclass
class Node:
    value: int
    next: 'Node | None' = None

point = Point(1, tags=['t']); key = Key(name='k'); derived = Derived(5); ordered = Ordered(1)
loop = Node(1); loop.next = loop

def refused(make):
    try:
        make()
    except Exception as error:
        return type(error).__name__
""",
        (
            "point == Point(1, 0, ['t']) and point != Point(2)",
            "repr(point) == 'Point(x=1, y=0)' and repr(Point(3)) == 'Point(x=3, y=0)'",
            "Point(3).tags == [] and Point(3).tags is not Point(3).tags",
            "Ordered(1) < Ordered(2) and Ordered(2) >= Ordered(1) and hash(Ordered(1, 'x')) == hash(ordered)",
            "key == Key(name='k') and hash(key) == hash(Key(name='k')) and key.scale == 1.5",
            "refused(lambda: setattr(key, 'name', 1)) == 'FrozenInstanceError'",
            "refused(lambda: delattr(key, 'name')) == 'FrozenInstanceError'",
            "refused(lambda: Key('k')) == 'TypeError'",
            "derived.total == 15 and Derived(1, extra=2).total == 3 and repr(derived) == 'Derived(5)'",
            "derived == Derived(5) and Derived(1).z == 3 and replace(point, x=7) == Point(7, 0, ['t'])",
            "asdict(point) == {'x': 1, 'y': 0, 'tags': ['t']}",
            "[f.name for f in fields(Derived)] == ['x', 'y', 'tags', 'z']",
            "repr(loop) == 'Node(value=1, next=...)'",
            "Point.__init__.__qualname__ == 'Point.__init__' and Point.__match_args__ == ('x', 'y', 'tags')",
            "Point.__init__.__annotations__['x'] is int and Point.__doc__.startswith('Point(x: int')",
        ),
    ),
    "named tuples": Case(
        """\
from collections import namedtuple
from typing import NamedTuple
Pair = namedtuple('Pair', 'a b', defaults=[5])
class Row(NamedTuple):
    'A row.'
    x: int
    y: int = 2
    def total(self): return self.x + self.y
class Longer(Row):
    def total(self): return super().total() + 100
pair = Pair(1); row = Row(1); longer = Longer(1, 1)
""",
        (
            "pair == (1, 5) == Pair(a=1) and type(pair) is Pair and repr(pair) == 'Pair(a=1, b=5)'",
            "pair._replace(a=3) == (3, 5) and Pair._make([1, 2]) == (1, 2) and pair._asdict() == {'a': 1, 'b': 5}",
            "row.total() == 3 and Row(5).total() == 7",
            "Row.__doc__ == 'A row.' and Row._field_defaults == {'y': 2}",
            "longer.total() == 102",
            "type(longer._replace(x=2)) is Longer and Row.__annotations__ == {'x': int, 'y': int}",
            "Row.__new__.__annotations__ == {'x': int, 'y': int} and Pair.__new__.__qualname__ == 'Pair.__new__'",
        ),
    ),
    "total ordering": Case(
        """\
import functools
@functools.total_ordering
class Size:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return self.n == other.n
    def __lt__(self, other): return self.n < other.n
small, large = Size(1), Size(2)
""",
        ("small < large and large > small and small <= Size(1) and large >= small",),
    ),
    "enums": Case(
        """\
import enum
class Color(enum.Enum):
    RED = 1
    GREEN = enum.auto()
    CRIMSON = 1
    @property
    def shout(self): return self.name + '!'
class Mode(enum.IntFlag):
    R = 1
    W = 2
    RW = 3
class Perm(enum.Flag):
    A = enum.auto()
    B = enum.auto()
class Level(enum.IntEnum):
    LOW = 1
class Word(enum.StrEnum):
    HI = enum.auto()
class Planet(enum.Enum):
    EARTH = (1.0, [2])
    def __init__(self, mass, moons): self.mass, self.moons = mass, moons
class Named(enum.Enum):
    name_ = 'n'
    value_ = 'v'
color = Color.GREEN; mode = Mode.R | Mode.W; perm = Perm.A | Perm.B; odd = Mode(8); ab = {Color.RED: 1}
""",
        (
            "color is Color.GREEN is Color(2) is Color['GREEN']",
            "color.shout == 'GREEN!' and repr(color) == '<Color.GREEN: 2>'",
            "list(Color) == [Color.RED, Color.GREEN]",
            "Color.CRIMSON is Color.RED and list(Color.__members__) == ['RED', 'GREEN', 'CRIMSON']",
            "ab[Color.RED] == 1 and 1 not in ab and Color.RED in Color and len(Color) == 2",
            "mode is Mode.RW and mode == 3",
            "Mode.R in mode and (mode & Mode.W) is Mode.W and list(mode) == [Mode.R, Mode.W]",
            "perm == Perm.A | Perm.B and ~Perm.A is Perm.B and odd == 8 and Mode(16) == 16",
            "Level.LOW == 1 and Level(1) is Level.LOW and Level.LOW < 2 and Word.HI == 'hi' and f'{Word.HI}' == 'hi'",
            "Planet.EARTH.mass == 1.0 and Planet((1.0, [2])) is Planet.EARTH and Named.name_.name == 'name_'",
            "__import__('pickle').loads(__import__('pickle').dumps(__import__('http').HTTPStatus.OK)) == 200",
        ),
    ),
    "several functions on a line": Case(
        """\
add, mul = lambda x, y=2: x + y, lambda x, y=2: x * y
table = {
    'one': lambda: 1, 'two': lambda: 2,
    'three':
        lambda: (
            3
        ), 'outer': lambda a: lambda b: (a, b)}
pairs = sorted([3, 1], key=lambda v: -v); rest = [(lambda i=i: i) for i in range(3)]
same = [lambda: 'é', lambda: 'é', lambda n: 'n', lambda m: 'm']
def make(): return [lambda: 1, lambda: 2]
made = make(); gen = (v * 2 for v in [1, 2]); gen2, gen3 = (v for v in 'ab'), (v + '!' for v in 'ab')
called = (lambda q: (
    lambda: q))(7)
given = (lambda *a, k=(lambda: 5): [k() for _ in a]); both = lambda x=(lambda: 1), y=(lambda: 2): x() + y()
""",
        (
            "(add(1), mul(3)) == (3, 6)",
            "(table['one'](), table['two'](), table['three'](), table['outer'](1)(2)) == (1, 2, 3, (1, 2))",
            "[r() for r in rest] == [0, 1, 2] and same[2](0) == 'n' and same[3](0) == 'm'",
            "[m() for m in made] == [1, 2] == [m() for m in make()]",
            "called() == 7 and given(1, 2) == [5, 5] and both() == 3",
        ),
    ),
    "generators not started": Case(
        """\
def g(n):
    yield from range(n)
gen = g(3); pairs = (v * 2 for v in [1, 2]); gen2, gen3 = (v for v in 'ab'), (v + '!' for v in 'ab')
def taken():
    return list(gen), list(pairs), list(gen2), list(gen3)
once = []
def first():
    if not once:
        once.append(taken())
    return once[0]
""",
        ("list(g(2)) == [0, 1]",),
    ),
    "functions": Case(
        """\
import functools
from typing import Any
n = 3
def plain(a, /, b: int = 2, *rest, c: str = 'c', **more) -> Any:
    'Doc.'
    return a, b, rest, c, more, n
def outer(k):
    def inner(x):
        return x + k
    first = inner
    def inner(x):
        return [x * k for _ in range(2)]
    return first, inner
def deco(label):
    def wrap(f):
        @functools.wraps(f)
        def wrapper(*a, **k):
            return label, f(*a, **k)
        return wrapper
    return wrap
@deco('a')
@deco('b')
def decorated(x):
    # comment
    return {y: x for y in range(x)}
def fact(i): return 1 if i < 2 else i * fact(i - 1)
def counter():
    total = 0
    def up():
        nonlocal total
        total += 1
        return total
    def get(): return total
    return up, get
up, get = counter(); up()
first, second = outer(10)
part = functools.partial(plain, 1, b=5)
cached = functools.lru_cache(fact)
plain.note = ['attribute']
bound = [].append
async def co(x): return [y async for y in x]
def nested():
    class Local:
        def f(self): return __class__.__name__, [super(Local, self).__init__ for _ in 'a'] and 1
    return Local
Local = nested(); local = Local()
""",
        (
            "plain(1) == (1, 2, (), 'c', {}, 3) and plain.__doc__ == 'Doc.' and plain.note == ['attribute']",
            "plain.__annotations__['b'] is int and plain.__globals__ is globals()",
            "first(1) == 11 and second(1) == [10, 10] and outer(2)[0](1) == 3",
            "decorated(1) == ('a', ('b', {0: 1})) and decorated.__name__ == 'decorated'",
            "fact(5) == 120 and part(c='z')[:4] == (1, 5, (), 'z') and cached(4) == 24",
            "local.f() == ('Local', 1) and type(local) is Local",
            "co.__code__.co_flags & 0x80 and get() == 1",
        ),
    ),
    "future annotations": Case(
        """\
from __future__ import annotations
def f(x: Nowhere) -> Later[int]:
    def g(y: Nowhere): return y
    return g
class A:
    z: Nowhere
""",
        (
            "f(1).__annotations__ == {'y': 'Nowhere'}",
            "f.__annotations__['x'] == 'Nowhere'",
            "A.__annotations__ == {'z': 'Nowhere'}",
        ),
    ),
    "classes": Case(
        """\
import abc, functools
from typing import Generic, TypeVar, Protocol, TypedDict, Optional, runtime_checkable
T = TypeVar('T')
class Base(abc.ABC):
    registry = []
    def __init_subclass__(cls, **k):
        super().__init_subclass__(**k)
        Base.registry.append(cls.__name__)
    @abc.abstractmethod
    def area(self): ...
class Square(Base):
    __slots__ = ('side', '__secret')
    def __init__(self, side): self.side = side; self.__secret = side * 2
    def area(self): return self.side ** 2
    def secret(self): return self.__secret
    @property
    def double(self): return self.area() * 2
    @double.setter
    def double(self, value): self.side = value
    @classmethod
    def unit(cls): return cls(1)
    @staticmethod
    def name(): return 'square'
    @functools.cached_property
    def never(self): return 1
class Cube(Square):
    def area(self): return super().area() * 6
    def who(self): return __class__
class Meta(type):
    def __call__(cls, *a): obj = super().__call__(*a); obj.meta = True; return obj
class WithMeta(metaclass=Meta):
    class Inner:
        def deep(self): return [self.__hidden() for _ in range(1)]
        def __hidden(self): return 'hidden'
class Box(Generic[T]):
    item: Optional[T] = None
@runtime_checkable
class HasSide(Protocol):
    side: int
@runtime_checkable
class HasArea(Protocol):
    def area(self) -> int: ...
class Movie(TypedDict, total=False):
    title: str
class Plus:
    def __init__(self, v): self.v = v
    def __add__(self, other): return Plus(self.v + other.v)
    def __eq__(self, other): return self.v == other.v
    __hash__ = None
    @functools.singledispatchmethod
    def show(self, x): return 'any'
    @show.register
    def _(self, x: int): return 'int'
square = Square(2); cube = Cube(2); made = WithMeta(); inner = WithMeta.Inner(); box = Box[int](); alias = Box[int]
""",
        (
            "square.area() == 4 and square.secret() == 4 and square.double == 8 and Square.unit().side == 1",
            "cube.area() == 24 and cube.who() is Cube and Square.name() == 'square'",
            "Base.registry == ['Square', 'Cube'] and made.meta and WithMeta().meta",
            "inner.deep() == ['hidden'] and type(inner) is WithMeta.Inner",
            "Box[str]().item is None and alias == Box[int] and alias.__args__ == (int,)",
            "issubclass(Square, HasArea) and not issubclass(Movie, HasArea) and isinstance(cube, HasArea)",
            "isinstance(cube, HasSide) and not isinstance(inner, HasSide)",
            "Movie(title='t') == {'title': 't'} and Movie.__total__ is False",
            "Plus(1) + Plus(2) == Plus(3) and Plus(0).show(1) == 'int' and Plus(0).show('') == 'any'",
        ),
    ),
    "standard library": Case(
        """\
import collections, contextlib, datetime, decimal, fractions, functools
import ipaddress, itertools, operator, pathlib, re, string
import typing, uuid, zoneinfo, types, random, statistics, array, queue, threading, io, copy, heapq, textwrap, numbers
path = pathlib.Path('/tmp/x.txt'); pure = pathlib.PureWindowsPath('c:/x')
pattern = re.compile(r'a(?P<n>.)', re.I | re.M); flags = re.I | re.M
when = datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.timezone.utc); span = datetime.timedelta(1)
zone = datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('UTC'))
money = decimal.Decimal('1.10'); third = fractions.Fraction(1, 3)
ident = uuid.UUID(int=7); address = ipaddress.ip_address('::1')
part = functools.partial(int, base=2); getter = operator.itemgetter(1); caller = operator.methodcaller('upper')
hints = [
    typing.List[int], typing.Optional[str], int | None, list[int],
    typing.Callable[[int], str], typing.Literal['a'], typing.Any,
]
class Error(ValueError):
    def __init__(self, code, *, why): super().__init__(code); self.why = why
error = Error(3, why='because'); group = ExceptionGroup('g', [ValueError(1), error]); error.add_note('noted')
key = KeyError('k'); system = OSError(2, 'no', 'f')
ordered = collections.OrderedDict(a=1)
counter = collections.Counter('aab'); queue_ = collections.deque([1], maxlen=3)
default = collections.defaultdict(lambda: 5, a=1); chain = collections.ChainMap({'a': 1})
simple = types.SimpleNamespace(a=1); rng = random.Random(5); number = rng.random(); numbers_ = array.array('d', [1.5])
template = string.Template('$a'); normal = statistics.NormalDist(1, 2)
buffer = io.BytesIO(b'abc'); text = io.StringIO('x')
context = decimal.Context(prec=7); proxy = types.MappingProxyType({'a': 1}); ns = types.ModuleType('made'); ns.x = 5
lock = threading.Lock(); q = queue.Queue(); q.put(4)
big = 2 ** 100; many = {frozenset({1}), (1, 'a')}; nan = float('nan')
cplx = 1 + 2j; ell = ...; rg = range(1, 9, 2); sl = slice(1, 2)
""",
        (
            "path == pathlib.Path('/tmp/x.txt') and type(path) is type(pathlib.Path()) and pure.name == 'x'",
            "pattern.match('Ab')['n'] == 'b' and pattern.flags & re.M",
            "flags == re.I | re.M and type(flags) is re.RegexFlag",
            "when.year == 2024 and when.tzinfo is datetime.timezone.utc",
            "span.days == 1 and zone.tzinfo.key == 'UTC'",
            "money == decimal.Decimal('1.10') and third * 3 == 1 and ident.int == 7 and str(address) == '::1'",
            "part('11') == 3 and getter('ab') == 'b' and caller('a') == 'A'",
            "hints[0] == typing.List[int] and hints[1] == typing.Optional[str]",
            "hints[2] == (int | None) and hints[3] == list[int]",
            "hints[4] == typing.Callable[[int], str] and hints[5] == typing.Literal['a'] and hints[6] is typing.Any",
            "error.args == (3,) and error.why == 'because'",
            "error.__notes__ == ['noted'] and group.exceptions[1] is error",
            "key.args == ('k',) and type(system) is FileNotFoundError and system.filename == 'f'",
            "ordered == {'a': 1} and counter['a'] == 2",
            "queue_.maxlen == 3 and default['z'] == 5 and chain['a'] == 1",
            "simple.a == 1 and rng.random() != number and numbers_[0] == 1.5 and template.substitute(a=1) == '1'",
            "normal.mean == 1 and buffer.getvalue() == b'abc'",
            "text.getvalue() == 'x' and context.prec == 7 and proxy['a'] == 1",
            "ns.x == 5 and not lock.locked() and q.qsize() == 1 and big == 2 ** 100 and frozenset({1}) in many",
            "nan != nan and cplx.imag == 2 and ell is ... and list(rg) == [1, 3, 5, 7] and sl == slice(1, 2)",
        ),
    ),
    "asynchronous": Case(
        """\
import asyncio, contextlib
from functools import wraps, partial
async def agen(n):
    for i in range(n):
        yield i
async def total(n): return sum([i async for i in agen(n)])
def traced(f):
    calls = []
    @wraps(f)
    async def inner(*a, **k):
        calls.append(f.__name__)
        return await f(*a, **k)
    inner.calls = calls
    return inner
@traced
async def work(x, *, y=1): return x + y
@contextlib.asynccontextmanager
async def scope(v):
    yield v
class Source:
    def __init__(self, n): self.n = n
    async def __aiter__(self):
        for i in range(self.n): yield i
    async def run(self): return [x async for x in self]
source = Source(3); later = partial(work, 1); fresh = agen(2)
async def within():
    async with scope(4) as v:
        return v
""",
        (
            "asyncio.run(total(3)) == 3 and asyncio.run(work(1)) == 2 and work.calls",
            "asyncio.run(later(y=5)) == 6 and asyncio.run(source.run()) == [0, 1, 2]",
            "asyncio.run(within()) == 4 and work.__wrapped__.__name__ == 'work'",
            "type(fresh).__name__ == 'async_generator'",
        ),
    ),
    "closures in comprehensions": Case(
        """\
n = 5
adders = [lambda x, i=i: x + i for i in range(3)]; late = [lambda: j for j in range(3)]
nested = {k: [lambda: (k, m) for m in (1, 2)] for k in 'ab'}
class Grid:
    rows = [1, 2]
    cells = [(r, n) for r in rows]
    pick = [lambda self, r=r: r for r in rows][1]
    def grow(self): return [c + self.step for c in (lambda: [1, 2])()]
    step = 10
def counter():
    total = 0
    def add(k=1):
        nonlocal total
        total += k
        return total
    return add, lambda: total
add, now = counter(); add(3)
grid = Grid()
def caught():
    try:
        raise ExceptionGroup('g', [ValueError(1), TypeError(2)])
    except* ValueError as group:
        found = group.exceptions
    except* TypeError:
        pass
    return found
class Base:
    def who(self): return 'base'
class Child(Base):
    def who(self): return [super(Child, self).who(), *[super(Child, self).who() for _ in 'a'], __class__.__name__]
child = Child()
""",
        (
            "[a(1) for a in adders] == [1, 2, 3] and [f() for f in late] == [2, 2, 2]",
            "nested['a'][0]() == ('b', 2) and grid.cells == [(1, 5), (2, 5)] and grid.pick() == 2",
            "grid.grow() == [11, 12] and now() == 3 and len(caught()) == 1",
            "child.who() == ['base', 'base', 'Child'] and type(child) is Child",
        ),
    ),
    "syntax of 3.13": Case(
        """\
class Pile[T = int]:
    def top(self) -> T: return 7
def last[T = str](x: list[T]) -> T: return x[-1]
from warnings import deprecated
@deprecated('old')
def aged(): return 1
rest = [2]; pile = Pile()
""",
        ("rest == [2]",),
        since=(3, 13),
    ),
    "no source": Case(
        "made = {}\nexec('def f(): return 1', made)\nf = made.pop('f'); del made; rest = [1]",
        ("rest == [1]",),
        elsewhere=(("f", "source of f was not known"),),
    ),
    "syntax of 3.12": Case(
        """\
# On 3.11: an alias and the function cannot be made, the class can.
type Pair[A] = tuple[A, A]
def first[T](x: list[T]) -> T:
    return x[0]
class Box[T]:
    def get(self) -> T: return 5
def fstring(x): return f'{x!r:>{'8'}}'
rest = [1]; box = Box()
""",
        ("rest == [1] and box.get() == 5 and type(box) is Box",),
        since=(3, 12),
    ),
}


def save(store: str) -> None:
    """Save every case that this Python can run."""
    for name, case in CASES.items():
        if sys.version_info < case.since:
            continue
        namespace = _main(f"<cell {name}>", case.source)
        for check in case.checks:
            assert eval(check, namespace), f"{name}: {check}"
        namespace = _main(f"<cell {name}>", case.source)
        session.save(name.replace(" ", "-"), namespace, store=store)


def load(store: str, saved_on: tuple[int, int]) -> dict[str, list[str]]:
    """Load every case that was saved, and return what is wrong with it."""
    wrong: dict[str, list[str]] = {}
    for name, case in CASES.items():
        if saved_on >= case.since:
            linecache.cache.pop(f"<cell {name}>", None)
            found = _loaded(store, name, case, saved_on)
            if found:
                wrong[name] = found
    return wrong


def _loaded(store: str, name: str, case: Case, saved_on: tuple[int, int]) -> list[str]:
    namespace = _main("<nothing>", "")
    same = sys.version_info[:2] == saved_on
    try:
        report = session.load(name.replace(" ", "-"), namespace, store=store)
    except Exception:
        return [traceback.format_exc()]
    expected = {} if same else dict(case.elsewhere)
    if sys.version_info < case.since:
        expected = _NOT_HERE
    wrong = []
    for variable in report.variables:
        reasons = " ".join(p.reason for p in variable.problems)
        part = expected.get(variable.name)
        if (variable.state == "placeholder") != (part is not None) or (part or "") not in reasons:
            wrong.append(f"{variable.name} is {variable.state}: {[(p.path, p.reason) for p in variable.problems]}")
    for check in case.checks:
        try:
            if not eval(check, namespace):
                wrong.append(check)
        except Exception as error:
            wrong.append(f"{check}: {error!r}")
    return wrong


_NOT_HERE = {
    "Pair": "need Python 3.12",
    "first": "cannot be compiled",
    "fstring": "cannot be compiled",
    "last": "cannot be compiled",
    "deprecated": "",
}


def _main(filename: str, source: str) -> dict[str, Any]:
    """Run a cell as the main module of a kernel would."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec", dont_inherit=True), vars(module))
    return vars(module)


if __name__ == "__main__":
    what, where, *version = sys.argv[1:]
    if what == "save":
        save(where)
    else:
        print(json.dumps(load(where, (int(version[0]), int(version[1])))))
