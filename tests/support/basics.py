"""Builtin values, views of them, iterators, weak references, exceptions and code."""

from __future__ import annotations

from functools import partial

from . import Case

_value = partial(Case, "values")
_view = partial(Case, "views and buffers")
_iterator = partial(Case, "iterators")
_weak = partial(Case, "weak references")
_error = partial(Case, "exceptions and frames")

_SUSPENDED = "its frame is in the middle of a run, which Python cannot write down"

CASES = [
    _value(
        "None, booleans, Ellipsis, NotImplemented",
        "$x = [None, True, False, NotImplemented, ...]",
        "print($x, $x[3] is NotImplemented, $x[4] is ...)",
    ),
    _value(
        "int of any size",
        "$x = [0, -1, 2**200, -(2**70)]",
        "print($x)",
        "$x.append($x[2] + 1)",
    ),
    _value(
        "float with nan, inf and -0.0",
        '$x = [1.5, float("nan"), float("inf"), -0.0]',
        "print($x)",
    ),
    _value(
        "NaN as a key, in sets and lists, and that of a module",
        """
        import decimal, math
        $n = float("nan")
        $x = {$n: 1, (2, $n): 3, math.nan: 4}
        $y = [{$n}, ($n, $n), decimal.Decimal("nan")]
        $d = {$y[2]: 5}
        """,
        """
        print($x.get($n), $x.get((2, $n)), $x.get(math.nan), $n in $y[0], $y[1].index($n), $d.get($y[2]), len($x))
        """,
        "$y[0].discard($n); $x[$n] = 6",
    ),
    _value(
        "complex",
        "$x = [3 + 4j, complex(0.0, -0.0)]",
        "print($x, abs($x[0]))",
    ),
    _value(
        "str with lone surrogates and nulls",
        '$x = "ä\\ud800\\x00" + chr(0x1F600)',
        "print(ascii($x), len($x))",
    ),
    _value(
        "bytes and bytearray",
        '$x = [b"\\x00\\xff", bytearray(b"abc"), bytearray(100_000)]',
        "print($x[:2], len($x[2]), $x[2][-3:])",
        """
        $x[1][0] = 0
        $x[2].extend(b"end")
        """,
    ),
    _value(
        "list of 60,000 records, of which other variables hold two",
        """
        $x = [{"id": n, "tags": [n]} for n in range(60_000)]
        $first, $last, $same = $x[0], $x[-1], $x
        """,
        "print(len($x), $x[30_000], $first is $x[0], $last is $x[-1], $same is $x)",
        "$first['tags'].append(1); print($x[0])",
    ),
    _value(
        "list that holds itself",
        """
        $x = [1]
        $x.append($x)
        """,
        "print($x[1] is $x, len($x))",
        "$x[1].append(2)",
    ),
    _value(
        "tuple in a cycle",
        """
        $x = ([],)
        $x[0].append($x)
        """,
        "print($x[0][0] is $x, len($x[0]))",
        "$x[0].append(1)",
    ),
    _value(
        "dict in insertion order",
        '$x = {"b": 1, "a": 2, 3: None, (1, 2): "tuple"}',
        "print($x, list($x))",
        '$x["a"] = $x.pop("b")',
    ),
    _value(
        "dict that is its own value",
        """
        $x = {}
        $x["self"] = $x
        $y = $x
        """,
        'print($x["self"] is $x, $y is $x, list($x))',
        '$y["more"] = 1',
    ),
    _value(
        "set and frozenset",
        '$x = [{1, 2, "a"}, frozenset({(1, 2), frozenset()})]',
        "print(sorted($x[0], key=str), $x[1] == {(1, 2), frozenset()})",
        "$x[0].add(3)",
    ),
    _value(
        "set whose members hash by a field in a cycle",
        """
        class $Node:
            def __init__(self, key):
                self.key, self.all = key, set()
            def __hash__(self):
                return hash(self.key)
            def __eq__(self, other):
                return self.key == other.key
        $x = $Node("a")
        $x.all.add($x)
        $x.all.add($Node("b"))
        """,
        'print($x in $x.all, len($x.all), $Node("b") in $x.all)',
        '$x.all.add($Node("c"))',
    ),
    _value(
        "frozenset of an object that holds the frozenset",
        """
        class $Node:
            def __init__(self, key):
                self.key = key
            def __hash__(self):
                return hash(self.key)
            def __eq__(self, other):
                return self.key == other.key
        $n = $Node("a")
        $x = frozenset([$n, $Node("b")])
        $n.all = $x
        """,
        """
        print(
            len($x),
            $n in $x,
            $n.all is $x,
            $Node("b") in $x,
            [m.key for m in sorted($x, key=lambda m: m.key)],
        )
        """,
        "$n.more = 1",
    ),
    _value(
        "dict keyed by an object that holds the dict",
        """
        class $Key:
            def __init__(self, name):
                self.name = name
            def __hash__(self):
                return hash(self.name)
            def __eq__(self, other):
                return self.name == other.name
        $x = {}
        $k = $Key("k")
        $k.home = $x
        $x[$k] = 1
        """,
        'print($x[$Key("k")], $k.home is $x, next(iter($x)) is $k)',
        '$x[$Key("k")] += 1',
    ),
    _value(
        "range and slice",
        "$x = [range(0, 10, 3), slice(1, None, 2)]",
        'print($x, list($x[0]), list("abcdef")[$x[1]])',
    ),
    _value(
        "type objects of builtins",
        "$x = [int, type(None), type(...), type(lambda: 0), type(iter([]))]",
        "print($x)",
    ),
    _value(
        "builtin functions and methods",
        '$x = [len, print, [3, 1].count, "ab".upper, dict.fromkeys]',
        'print($x[0]("abc"), $x[2](3), $x[3](), $x[4]("ab"))',
    ),
    _value(
        "a bound builtin method and its list",
        """
        $y = [1]
        $x = $y.append
        """,
        "print($y)",
        "$x(2)",
    ),
    _value(
        "aliases across variables",
        """
        $x = [1, [2]]
        $y = $x
        $z = {"inner": $x[1]}
        """,
        'print($x is $y, $z["inner"] is $x[1], $z)',
        "$y[1].append(3)",
    ),
    _value(
        "deep nesting",
        """
        $x = []
        for _ in range(50_000):
            $x = [$x]
        """,
        """
        $n, $d = $x, 0
        while $n:
            $n, $d = $n[0], $d + 1
        print($d)
        """,
    ),
    _value(
        "None under many names",
        "$x = $y = $z = None",
        "print($x, $y, $z)",
    ),
    _view(
        "memoryview of a bytearray",
        """
        $y = bytearray(b"hello")
        $x = memoryview($y)[1:4]
        """,
        "print(bytes($x), $y, $x.readonly)",
        "$x[0] = 69",
    ),
    _view(
        "memoryview cast to another format",
        """
        $y = bytearray(16)
        $x = memoryview($y).cast("i", (2, 2))
        """,
        "print($x.tolist(), $x.format, $x.shape, bytes($y))",
        "$x[1, 1] = 7",
    ),
    _view(
        "mappingproxy of a live dict",
        """
        import types
        $y = {"a": 1}
        $x = types.MappingProxyType($y)
        """,
        "print($x, type($x).__name__)",
        '$y["b"] = 2',
    ),
    _view(
        "mappingproxy of a class",
        """
        class $C:
            a = 1
        $x = vars($C)
        """,
        'print($x["a"], type($x).__name__)',
        "$C.a = 2",
    ),
    _view(
        "dict views",
        """
        $y = {"a": 1, "b": 2}
        $x = [$y.keys(), $y.values(), $y.items()]
        """,
        'print($x, "c" in $x[0])',
        '$y["c"] = 3',
    ),
    _view(
        "array.array",
        """
        import array
        $x = array.array("d", [1.5, 2.5])
        """,
        "print($x)",
        "$x.append(3.5)",
    ),
    _view(
        "array.array and a memoryview of it",
        """
        import array
        $y = array.array("i", range(5))
        $x = memoryview($y)
        """,
        "print($y, $x.tolist(), $x.format)",
        "$x[0] = 99",
    ),
    _view(
        "pickle.PickleBuffer of a bytearray, alone, shared and released",
        """
        import pickle
        $y = bytearray(b"abc")
        $x = [pickle.PickleBuffer($y), pickle.PickleBuffer(b"fixed"), pickle.PickleBuffer(bytes(20_000))]
        $x += [$x[0], pickle.PickleBuffer(b"gone")]
        $x[4].release()
        """,
        """
        print([type(b).__name__ for b in $x], [bytes(b.raw())[:6] for b in $x[:4]])
        print($x[0] is $x[3], $x[1].raw().readonly)
        try:
            $x[4].raw()
        except ValueError as error:
            print(error)
        """,
        "$y[0] = 122",
    ),
    _iterator(
        "iterator of a list, in the middle",
        """
        $y = [1, 2, 3]
        $x = iter($y)
        next($x)
        """,
        "print(next($x, None), $y)",
        "$y.append(4)",
    ),
    _iterator(
        "exhausted list iterator",
        """
        $y = [1]
        $x = iter($y)
        list($x)
        """,
        "print(list($x), $y)",
        "$y.append(2)",
    ),
    _iterator(
        "reversed list",
        """
        $y = [1, 2, 3]
        $x = reversed($y)
        next($x)
        """,
        "print(next($x, None))",
        '$y[0] = "first"',
    ),
    _iterator(
        "iterators of tuple, str, bytes, range",
        """
        $x = [iter((1, 2, 3)), iter("abc"), iter(b"abc"), iter(range(9)), iter(range(2**70, 2**70 + 5))]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x])",
    ),
    _iterator(
        "iterator of a dict",
        """
        $y = {"a": 1, "b": 2, "c": 3}
        $x = iter($y)
        next($x)
        """,
        "print(next($x, None), $y)",
    ),
    _iterator(
        "iterators of dict views",
        """
        $y = {"a": 1, "b": 2, "c": 3}
        $x = [iter($y.items()), iter($y.values()), reversed($y)]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x])",
    ),
    _iterator(
        "iterator of a set",
        """
        $y = {1, 2, 3}
        $x = iter($y)
        next($x)
        """,
        "print(next($x, None))",
    ),
    _iterator(
        "enumerate, zip, map, filter, reversed",
        """
        $y = [1, 2, 3, 4]
        $x = [enumerate($y, 5), zip($y, "abcd"), map(str, $y), filter(None, $y), reversed(range(5))]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x])",
        "$y.append(5)",
    ),
    _iterator(
        "zip(strict=True)",
        """
        $x = zip([1, 2, 3], [1, 2], strict=True)
        next($x)
        """,
        """
        try:
            print(next($x, None))
        except ValueError as error:
            print(error)
        """,
    ),
    _iterator(
        "map of a function of the notebook",
        """
        def $f(n):
            return n * $k
        $k = 3
        $x = map($f, [1, 2, 3])
        next($x)
        """,
        "print(next($x, None))",
        "$k = 10",
    ),
    _iterator(
        "iter(callable, sentinel)",
        """
        $y = [3, 2, 1, 0]
        $x = iter($y.pop, 3)
        """,
        "print(next($x, None), $y)",
    ),
    _iterator(
        "iterator by __getitem__",
        """
        class $S:
            def __getitem__(self, i):
                if i > 3:
                    raise IndexError
                return i * 10
        $x = iter($S())
        next($x)
        """,
        "print(next($x, None))",
    ),
    _iterator(
        "iterator class of the notebook",
        """
        class $I:
            def __init__(self):
                self.n = 0
            def __iter__(self):
                return self
            def __next__(self):
                self.n += 1
                return self.n
        $x = $I()
        next($x)
        """,
        "print(next($x), $x.n)",
    ),
    _iterator(
        "itertools.count, cycle, repeat",
        """
        import itertools
        $x = [itertools.count(5, 2), itertools.cycle("abc"), itertools.repeat("r", 4), itertools.repeat(1)]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x], $x[0])",
    ),
    _iterator(
        "itertools.chain and chain.from_iterable",
        """
        import itertools
        $y = [[1, 2], [3]]
        $x = [itertools.chain([1], [2, 3]), itertools.chain.from_iterable($y)]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x])",
        "$y.append([4])",
    ),
    _iterator(
        "itertools.accumulate",
        """
        import itertools, operator
        $x = [itertools.accumulate([1, 2, 3, 4], operator.mul), itertools.accumulate([1, 2], initial=100)]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x])",
    ),
    _iterator(
        "itertools.islice, takewhile, dropwhile, filterfalse",
        """
        import itertools
        $x = [
            itertools.islice(range(100), 3, 50, 7),
            itertools.takewhile(lambda n: n < 4, range(9)),
            itertools.dropwhile(lambda n: n < 4, range(9)),
            itertools.filterfalse(lambda n: n % 2, range(9)),
        ]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x])",
    ),
    _iterator(
        "itertools.product, permutations, combinations",
        """
        import itertools
        $x = [
            itertools.product("ab", [1, 2]),
            itertools.permutations("abc", 2),
            itertools.combinations("abcd", 2),
            itertools.combinations_with_replacement("ab", 2),
        ]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x])",
    ),
    _iterator(
        "itertools.starmap, compress, pairwise, zip_longest",
        """
        import itertools
        $x = [
            itertools.starmap(pow, [(2, 3), (3, 2), (2, 2)]),
            itertools.compress("abcd", [1, 1, 0, 1]),
            itertools.pairwise("abcd"),
            itertools.zip_longest("abc", "x", fillvalue="-"),
        ]
        for i in $x:
            next(i)
        """,
        "print([next(i, None) for i in $x])",
    ),
    _iterator(
        "itertools.tee: both halves share",
        """
        import itertools
        $x, $y = itertools.tee(iter([1, 2, 3, 4]))
        next($x)
        next($x)
        """,
        "print(next($x, None), next($y, None))",
    ),
    _iterator(
        "itertools.groupby",
        """
        import itertools
        $x = itertools.groupby("aaabbc")
        next($x)
        """,
        "print([(k, list(g)) for k, g in [next($x)]])",
    ),
    _iterator(
        "itertools.batched",
        """
        import itertools
        $x = itertools.batched("abcdef", 2)
        next($x)
        """,
        "print(next($x, None))",
        python="3.12",
        outcome="placeholder",
        why="it does not say how many items make a batch",
    ),
    _iterator(
        "chained iterators",
        """
        $y = iter([3, 1, 2, 9, 8])
        $x = enumerate(zip($y, map(str, "abcde")))
        next($x)
        """,
        "print(next($x, None), next($y, None))",
    ),
    _iterator(
        "generator that has not started",
        """
        def $f(n, *, step=1):
            while n > 0:
                yield n
                n -= step
        $y = [1]
        $x = $f(3, step=1)
        """,
        "print(next($x, None))",
    ),
    _iterator(
        "generator over a live list",
        """
        def $f(items):
            yield from items
        $y = [1, 2]
        $x = $f($y)
        """,
        "print(next($x, None), $y)",
        "$y.append(3)",
    ),
    _iterator(
        "exhausted generator",
        """
        def $f():
            yield 1
        $x = $f()
        list($x)
        """,
        "print(list($x), $x.gi_frame)",
    ),
    _iterator(
        "generator expression, not started",
        """
        $y = [1, 2, 3]
        $k = 10
        $x = (n * $k for n in $y if n > 1)
        """,
        "print(next($x, None))",
        "$k = 20",
    ),
    _iterator(
        "generator of a method",
        """
        class $C:
            def __init__(self):
                self.seen = []
            def walk(self, n):
                for i in range(n):
                    self.seen.append(i)
                    yield i
        $c = $C()
        $x = $c.walk(3)
        """,
        "print(next($x, None), $c.seen)",
    ),
    _iterator(
        "generator with a closure",
        """
        def $make(k):
            def inner():
                yield k
                yield k + 1
            return inner()
        $x = $make(5)
        """,
        "print(next($x, None))",
    ),
    _iterator(
        "suspended generator",
        """
        def $f():
            yield 1
            yield 2
        $x = $f()
        next($x)
        """,
        "print(next($x, None))",
        outcome="placeholder",
        why=_SUSPENDED,
    ),
    _iterator(
        "suspended generator in a dict",
        """
        def $f():
            yield 1
            yield 2
        $x = {"n": [1], "g": $f()}
        next($x["g"])
        """,
        """
        print($x["n"], list($x))
        print(next($x["g"], None))
        """,
        outcome="placeholder",
        why="the generator alone: the dict keeps the rest",
    ),
    _iterator(
        "coroutine that has not started",
        """
        async def $f(n):
            return n * 2
        $x = $f(4)
        """,
        """
        import asyncio
        try:
            print($x.send(None))
        except StopIteration as stop:
            print(stop.value)
        """,
    ),
    _iterator(
        "suspended coroutine",
        """
        import types
        @types.coroutine
        def $wait():
            yield "waiting"
        async def $f():
            await $wait()
            return 1
        $x = $f()
        $x.send(None)
        """,
        "print($x.cr_running)",
        outcome="placeholder",
        why=_SUSPENDED,
    ),
    _iterator(
        "async generator that has not started",
        """
        async def $f():
            yield 1
            yield 2
        $x = $f()
        """,
        "print([n async for n in $x])",
    ),
    _iterator(
        "suspended async generator",
        """
        async def $f():
            yield 1
            yield 2
        $x = $f()
        await anext($x)
        """,
        "print([n async for n in $x])",
        outcome="placeholder",
        why=_SUSPENDED,
    ),
    _weak(
        "weakref.ref to a variable",
        """
        import weakref
        class $C:
            pass
        $y = $C()
        $x = weakref.ref($y)
        """,
        "print($x() is $y)",
        """
        del $y
        import gc
        gc.collect()
        $y = $x()
        """,
    ),
    _weak(
        "dead weakref.ref",
        """
        import weakref
        class $C:
            pass
        $x = weakref.ref($C())
        """,
        "print($x())",
    ),
    _weak(
        "weakref.ref to a set that nothing else holds in this variable",
        """
        import weakref
        class $S(set):
            pass
        $y = [$S({1})]
        $x = weakref.ref($y[0])
        """,
        "print($x() is $y[0], $x())",
        "$y[0].add(2)",
    ),
    _weak(
        "weakref with a callback",
        """
        import weakref
        class $C:
            pass
        $log = []
        $y = $C()
        $x = weakref.ref($y, lambda r: $log.append("gone"))
        """,
        "print($x() is $y, $log)",
        """
        del $y
        import gc
        gc.collect()
        $y = $x()
        print($log)
        """,
    ),
    _weak(
        "weakref.proxy",
        """
        import weakref
        class $C:
            v = 1
        $y = $C()
        $x = weakref.proxy($y)
        """,
        "print($x.v, type($x).__name__)",
        "$y.v = 2",
    ),
    _weak(
        "weakref.WeakMethod",
        """
        import weakref
        class $C:
            def m(self):
                return "called"
        $y = $C()
        $x = weakref.WeakMethod($y.m)
        """,
        "print($x()())",
    ),
    _weak(
        "WeakValueDictionary",
        """
        import weakref
        class $C:
            pass
        $y = $C()
        $x = weakref.WeakValueDictionary({"a": $y})
        """,
        'print(sorted($x), $x.get("a") is $y)',
        """
        del $y
        import gc
        gc.collect()
        $y = None
        """,
    ),
    _weak(
        "WeakKeyDictionary",
        """
        import weakref
        class $C:
            pass
        $y = $C()
        $x = weakref.WeakKeyDictionary({$y: [1]})
        """,
        "print($x.get($y), len($x))",
        "$x[$y].append(2)",
    ),
    _weak(
        "WeakSet",
        """
        import weakref
        class $C:
            pass
        $y = [$C(), $C()]
        $x = weakref.WeakSet($y)
        """,
        "print(len($x), all(c in $x for c in $y))",
        """
        import gc
        $y.pop()
        gc.collect()
        """,
    ),
    _weak(
        "weakref.finalize",
        """
        import weakref
        class $C:
            pass
        $log = []
        $y = $C()
        $x = weakref.finalize($y, $log.append, "gone")
        """,
        "print($x.alive, $log)",
        """
        del $y
        import gc
        gc.collect()
        """,
        outcome="placeholder",
        why="it would call its function whenever a load throws away an object that it had begun",
    ),
    _weak(
        "parent and child with a weak back reference",
        """
        import weakref
        class $N:
            def __init__(self, parent=None):
                self.parent = parent and weakref.ref(parent)
                self.children = []
        $x = $N()
        $x.children.append($N($x))
        """,
        "print($x.children[0].parent() is $x, len($x.children))",
        "$x.children.append($N($x))",
    ),
    _error(
        "exception with arguments and attributes",
        """
        $x = ValueError("bad", 3)
        $x.extra = [1]
        $x.add_note("a note")
        """,
        "print(repr($x), $x.extra, $x.__notes__)",
        '$x.add_note("more")',
    ),
    _error(
        "exception that was raised, with its traceback",
        """
        def $f():
            raise KeyError("k")
        try:
            $f()
        except KeyError as error:
            $x = error
        """,
        """
        import traceback
        print(repr($x), [s.name for s in traceback.extract_tb($x.__traceback__)][-1:])
        try:
            raise $x
        except KeyError as error:
            print(error is $x)
        """,
        outcome="reconnected",
        why="the traceback keeps files, lines and names, without the variables of its frames",
    ),
    _error(
        "exception with cause and context",
        """
        try:
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise RuntimeError("outer") from error
        except RuntimeError as error:
            $x = error
        """,
        "print(repr($x), repr($x.__cause__), $x.__context__ is $x.__cause__, $x.__suppress_context__)",
        outcome="reconnected",
        why="the traceback keeps files, lines and names, without the variables of its frames",
    ),
    _error(
        "ExceptionGroup",
        '$x = ExceptionGroup("several", [ValueError(1), ExceptionGroup("inner", [TypeError("t")])])',
        """
        print(repr($x), repr($x.subgroup(TypeError)))
        try:
            raise $x
        except* TypeError as group:
            print(len(group.exceptions))
        except* ValueError as group:
            print("value")
        """,
    ),
    _error(
        "exception class of the notebook with its own __init__",
        """
        class $E(Exception):
            def __init__(self, code, *, detail):
                super().__init__(f"{code}: {detail}")
                self.code, self.detail = code, detail
        $x = $E(3, detail=["d"])
        """,
        """
        print(repr($x), $x.code, $x.detail)
        try:
            raise $x
        except $E as error:
            print(error is $x)
        """,
        "$x.detail.append(1)",
    ),
    _error(
        "OSError, UnicodeDecodeError, SyntaxError",
        r"""
        $x = []
        for code in ('open("/no/such")', 'b"\\xff".decode()', 'compile("a b", "f", "exec")'):
            try:
                eval(code)
            except Exception as error:
                $x.append(error)
        """,
        "print($x[0].errno, $x[0].filename, $x[1].start, $x[1].object, $x[2].lineno, $x[2].text)",
        outcome="reconnected",
        why="the traceback keeps files, lines and names, without the variables of its frames",
    ),
    _error(
        "traceback",
        """
        import sys
        try:
            1 / 0
        except ZeroDivisionError as error:
            $x = error.__traceback__
        """,
        """
        import traceback
        print(traceback.extract_tb($x)[0].name, $x.tb_lineno)
        """,
        outcome="reconnected",
        why="the traceback keeps files, lines and names, without the variables of its frames",
    ),
    _error(
        "frame",
        """
        import sys
        $x = sys._getframe()
        """,
        "print($x.f_lineno)",
        outcome="placeholder",
        why=_SUSPENDED,
    ),
    _error(
        "traceback.TracebackException",
        """
        import traceback
        try:
            1 / 0
        except ZeroDivisionError as error:
            $x = traceback.TracebackException.from_exception(error)
        """,
        'print("".join($x.format_exception_only()))',
    ),
    _error(
        "sys.exc_info() as a tuple",
        """
        import sys
        try:
            int("x")
        except ValueError:
            $x = sys.exc_info()
        """,
        "print($x[0], $x[1], $x[2].tb_lineno)",
        outcome="reconnected",
        why="the traceback keeps files, lines and names, without the variables of its frames",
    ),
    _error(
        "code object",
        '$x = compile("$result = 6 * 7", "<test>", "exec")',
        """
        exec($x)
        print($result, $x.co_filename, $x.co_names)
        """,
    ),
    _error(
        "cell",
        """
        def $make():
            n = [1]
            return lambda: n
        $f = $make()
        $x = $f.__closure__[0]
        """,
        "print($x.cell_contents, $f() is $x.cell_contents)",
        "$x.cell_contents = [2]",
    ),
    _error(
        "empty cell",
        """
        import types
        $x = types.CellType()
        """,
        """
        try:
            print($x.cell_contents)
        except ValueError as error:
            print(error)
        """,
        "$x.cell_contents = 1",
    ),
]
