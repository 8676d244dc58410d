"""Functions, descriptors and modules, as they are defined in cells."""

from __future__ import annotations

from functools import partial

from . import Case

_function = partial(Case, "functions")
_wrapped = partial(Case, "wrapped and bound functions")
_module = partial(Case, "modules and monkey patches")

CASES = [
    _function(
        "plain function with defaults, keyword-only arguments and annotations",
        """
        def $x(a, /, b: int = 2, *c, d: "str" = "d", **e) -> list:
            return [a, b, c, d, e]
        """,
        """
        import inspect
        print($x(1, z=3), inspect.signature($x), $x.__annotations__, inspect.getsource($x).strip())
        """,
        "$x.__defaults__ = (20,)",
    ),
    _function(
        "function with attributes and a mutable default",
        """
        def $x(n, seen=[]):
            seen.append(n)
            $x.calls += 1
            return seen
        $x.calls = 0
        $x(1)
        """,
        "print($x(2), $x.calls)",
        "$x.calls = 100",
    ),
    _function(
        "lambda in a variable and in containers",
        """
        $x = lambda n: n + 1
        $y = {"f": $x, "g": [lambda n: n * 2]}
        """,
        'print($x(1), $y["f"] is $x, $y["g"][0](4))',
    ),
    _function(
        "recursive function",
        """
        def $x(n):
            return 1 if n < 2 else n * $x(n - 1)
        """,
        "print($x(10))",
        """
        $old = $x
        def $x(n):
            return 0
        print($old(5))
        """,
    ),
    _function(
        "mutual recursion",
        """
        def $x(n):
            return n == 0 or $y(n - 1)
        def $y(n):
            return n != 0 and $x(n - 1)
        """,
        "print($x(10), $y(7))",
    ),
    _function(
        "function that reads and writes globals",
        """
        $n = 0
        def $x():
            global $n
            $n += 1
            return $n
        $x()
        """,
        "print($x(), $n)",
        "$n = 50",
    ),
    _function(
        "closures that share a cell",
        """
        def $make():
            n = 0
            def up():
                nonlocal n
                n += 1
                return n
            def now():
                return n
            return up, now
        $x = $make()
        $x[0]()
        """,
        "print($x[0](), $x[1]())",
    ),
    _function(
        "closures that share a cell, in two variables",
        """
        def $make():
            n = []
            return n.append, lambda: n, lambda i: n.append(i) or n
        _, $x, $y = $make()
        $y(1)
        """,
        "print($x(), $x() is $y(2), $x())",
    ),
    _function(
        "closure over itself",
        """
        def $make():
            def walk(n):
                return [n, *walk(n - 1)] if n else []
            return walk
        $x = $make()
        """,
        "print($x(3), $x.__qualname__)",
    ),
    _function(
        "closure with an empty cell",
        """
        def $make():
            def inner():
                return late
            if False:
                late = 1
            return inner
        $x = $make()
        """,
        """
        try:
            $x()
        except NameError as error:
            print(error)
        """,
    ),
    _function(
        "nested function with annotations and docstring",
        """
        def $make(k):
            def inner(a: int) -> int:
                "Add k."
                return a + k
            return inner
        $x = $make(5)
        """,
        "print($x(1), $x.__doc__, $x.__annotations__, $x.__qualname__)",
    ),
    _function(
        "decorated function",
        """
        import functools
        def $log(f):
            @functools.wraps(f)
            def wrapper(*a):
                wrapper.calls += 1
                return f(*a)
            wrapper.calls = 0
            return wrapper
        @$log
        def $x(n):
            return n * 2
        $x(1)
        """,
        'print($x(4), $x.calls, $x.__name__.split("_")[0], $x.__wrapped__(5))',
    ),
    _function(
        "decorated recursive function",
        """
        import functools
        @functools.lru_cache(maxsize=None)
        def $x(n):
            return n if n < 2 else $x(n - 1) + $x(n - 2)
        $x(20)
        """,
        "print($x(50), $x.cache_info())",
    ),
    _function(
        "decorator that is a class",
        """
        class $D:
            def __init__(self, f):
                self.f, self.n = f, 0
            def __call__(self, *a):
                self.n += 1
                return self.f(*a)
        @$D
        def $x(n):
            return n + 1
        $x(1)
        """,
        "print($x(2), $x.n)",
    ),
    _function(
        "decorator with arguments and a registry",
        """
        $registry = {}
        def $register(name):
            def add(f):
                $registry[name] = f
                return f
            return add
        @$register("a")
        def $x():
            return "a"
        """,
        'print($registry["a"] is $x, $x(), list($registry))',
        '$register("b")(len)',
    ),
    _function(
        "functions in containers",
        '$x = {"sum": sum, "own": [lambda: 1, lambda: 2], "nested": (max, {"k": str.upper})}',
        'print($x["sum"]([1, 2]), [f() for f in $x["own"]], $x["nested"][1]["k"]("a"))',
    ),
    _function(
        "generator function",
        """
        def $x(n):
            yield from range(n)
        """,
        "print(list($x(3)))",
    ),
    _function(
        "async function and async generator function",
        """
        async def $x(n):
            return n + 1
        async def $y(n):
            for i in range(n):
                yield await $x(i)
        """,
        "print(await $x(1), [i async for i in $y(3)])",
    ),
    _function(
        "function made by exec",
        'exec("def $x(n): return n * 3")',
        "print($x(4))",
    ),
    _function(
        "function made by eval of a string",
        '$x = eval("lambda n: n ** 2")',
        "print($x(4))",
    ),
    _function(
        "function with globals of its own",
        """
        import types
        $g = {"k": 10, "__builtins__": __builtins__}
        $x = types.FunctionType((lambda n: n * k).__code__, $g, "own")
        """,
        "print($x(2), $x.__globals__ is $g)",
        '$g["k"] = 20',
    ),
    _function(
        "function with replaced code",
        """
        def $x():
            return 1
        $x.__code__ = (lambda: 2).__code__
        """,
        "print($x())",
    ),
    _function(
        "function with PEP 695 type parameters",
        """
        def $x[T: int](a: T) -> list[T]:
            return [a]
        """,
        "print($x(1), $x.__type_params__, $x.__annotations__)",
        python="3.12",
    ),
    _function(
        "function under two names, one rebound",
        """
        def $x():
            return "old"
        $y = $x
        def $x():
            return "new"
        """,
        "print($x(), $y(), $x is $y)",
    ),
    _wrapped(
        "bound method and its object",
        """
        class $C:
            def __init__(self):
                self.n = 1
            def m(self):
                return self.n
        $c = $C()
        $x = $c.m
        """,
        "print($x(), $x.__self__ is $c, $x.__func__ is $C.m)",
        "$c.n = 5",
    ),
    _wrapped(
        "class method, static method, unbound method",
        """
        class $C:
            k = 2
            @classmethod
            def c(cls):
                return cls.k
            @staticmethod
            def s():
                return "s"
            def m(self):
                return self.k
        $x = [$C.c, $C.s, $C.m]
        """,
        "print($x[0](), $x[1](), $x[2]($C()), $x[0].__self__ is $C)",
        "$C.k = 3",
    ),
    _wrapped(
        "functools.partial, nested",
        """
        import functools
        def $f(a, b, c=0):
            return [a, b, c]
        $l = [1]
        $x = functools.partial(functools.partial($f, $l), c=3)
        $x.note = "n"
        """,
        "print($x(2), $x.args[0] is $l, $x.keywords, $x.note, $x.func is $f)",
        "$l.append(2)",
    ),
    _wrapped(
        "functools.partialmethod",
        """
        import functools
        class $C:
            def m(self, a, b):
                return [a, b]
            p = functools.partialmethod(m, 1)
        $x = $C()
        """,
        "print($x.p(2))",
    ),
    _wrapped(
        "functools.lru_cache with its cache",
        """
        import functools
        $calls = []
        @functools.lru_cache(maxsize=3)
        def $x(n):
            $calls.append(n)
            return [n]
        $x(1)
        $x(2)
        $x(1)
        """,
        "print($x(1), $x(2), $calls, $x.cache_info())",
        "$x.cache_clear()",
    ),
    _wrapped(
        "functools.cache on a method",
        """
        import functools
        class $C:
            n = 0
            @functools.cache
            def m(self, k):
                $C.n += 1
                return k * 2
        $x = $C()
        $x.m(2)
        """,
        "print($x.m(2), $x.m(3), $C.n, $C.m.cache_info())",
    ),
    _wrapped(
        "functools.cached_property, filled and not",
        """
        import functools
        class $C:
            n = 0
            @functools.cached_property
            def p(self):
                $C.n += 1
                return [$C.n]
        $x = [$C(), $C()]
        $x[0].p
        """,
        "print($x[0].p, $C.n)",
        """
        $x[0].p.append(1)
        $x[1].p
        del $x[0].p
        """,
    ),
    _wrapped(
        "functools.singledispatch",
        """
        import functools
        @functools.singledispatch
        def $x(a):
            return "any"
        @$x.register
        def _(a: int):
            return "int"
        @$x.register(list)
        def _(a):
            return "list"
        class $C:
            pass
        @$x.register($C)
        def _(a):
            return "C"
        """,
        'print($x("s"), $x(1), $x([]), $x($C()), $x(True), len($x.registry))',
        '$x.register(str, lambda a: "str")',
    ),
    _wrapped(
        "functools.singledispatchmethod",
        """
        import functools
        class $C:
            @functools.singledispatchmethod
            def m(self, a):
                return "any"
            @m.register
            def _(self, a: int):
                return "int"
        $x = $C()
        """,
        'print($x.m("s"), $x.m(1))',
    ),
    _wrapped(
        "functools.total_ordering, cmp_to_key",
        """
        import functools
        @functools.total_ordering
        class $C:
            def __init__(self, n):
                self.n = n
            def __eq__(self, o):
                return self.n == o.n
            def __lt__(self, o):
                return self.n < o.n
        $x = [$C(1), $C(2), functools.cmp_to_key(lambda a, b: b - a)]
        """,
        "print($x[0] <= $x[1], $x[1] > $x[0], sorted([1, 3, 2], key=$x[2]))",
    ),
    _wrapped(
        "operator.itemgetter, attrgetter, methodcaller",
        """
        import operator
        $x = [operator.itemgetter(1, 0), operator.attrgetter("real"), operator.methodcaller("split", ",")]
        """,
        'print($x[0]("ab"), $x[1](3), $x[2]("a,b"))',
    ),
    _wrapped(
        "property, with setter and on its own",
        """
        class $C:
            def __init__(self):
                self._v = 1
            @property
            def v(self):
                "The v."
                return self._v
            @v.setter
            def v(self, new):
                self._v = new * 2
        $x = $C()
        $p = $C.__dict__["v"]
        """,
        'print($x.v, type($p).__name__, $p.fget($x), $p is $C.__dict__["v"])',
        "$x.v = 5",
    ),
    _wrapped(
        "descriptor of the notebook with __set_name__",
        """
        class $D:
            names = []
            def __set_name__(self, owner, name):
                self.name = name
                $D.names.append(name)
            def __get__(self, obj, cls=None):
                return self if obj is None else obj.__dict__.get(self.name, "unset")
            def __set__(self, obj, value):
                obj.__dict__[self.name] = value
        class $C:
            a = $D()
            b = $D()
        $x = $C()
        $x.a = 1
        """,
        "print($x.a, $x.b, $C.a.name, $D.names)",
        "$x.b = [2]",
    ),
    _wrapped(
        "slot and getset descriptors",
        """
        class $C:
            __slots__ = ("a",)
        $c = $C()
        $c.a = 3
        $x = [$C.a, type.__dict__["__dict__"], float.real]
        """,
        "print($x[0].__get__($c), $x[2].__get__(1.5))",
        "$x[0].__set__($c, 4)",
    ),
    _wrapped(
        "methods of builtins, wrappers and slots",
        '$x = [str.upper, "a".join, int.__add__, (5).__add__, object.__init__, dict.__dict__["fromkeys"]]',
        'print($x[0]("a"), $x[1](["b", "c"]), $x[2](1, 2), $x[3](4), $x[4])',
    ),
    _wrapped(
        "contextlib.contextmanager",
        """
        import contextlib
        $log = []
        @contextlib.contextmanager
        def $x(n):
            $log.append(("in", n))
            yield n
            $log.append(("out", n))
        """,
        """
        with $x(1) as $n:
            print($n)
        print($log)
        """,
    ),
    _wrapped(
        "contextlib.ExitStack with callbacks",
        """
        import contextlib
        $log = []
        $x = contextlib.ExitStack()
        _ = $x.callback($log.append, "closed")
        """,
        "print($log)",
        "$x.close()",
    ),
    _wrapped(
        "contextlib.nullcontext, suppress, closing",
        """
        import contextlib
        class $C:
            closed = False
            def close(self):
                self.closed = True
        $c = $C()
        $x = [contextlib.nullcontext(5), contextlib.suppress(KeyError), contextlib.closing($c)]
        """,
        """
        with $x[0] as n, $x[1], $x[2]:
            print(n)
            {}["k"]
        print($c.closed)
        """,
    ),
    _wrapped(
        "_GeneratorContextManager, not entered",
        """
        import contextlib
        @contextlib.contextmanager
        def $f():
            yield "inside"
        $x = $f()
        """,
        """
        with $x as $v:
            print($v)
        """,
    ),
    _wrapped(
        "types.SimpleNamespace with functions",
        """
        import types
        $x = types.SimpleNamespace(f=lambda: $x.n, n=1)
        """,
        "print($x.f())",
        "$x.n = 2",
    ),
    _module(
        "imported modules, submodules, from-imports and aliases",
        """
        import json as $j, os.path as $p
        from math import sqrt as $s
        $x = [$j, $p, $s]
        """,
        """
        import json, math, os
        print($x[0] is json, $x[1] is os.path, $s is math.sqrt, $j.dumps([1]))
        """,
    ),
    _module(
        "module made by hand",
        """
        import types
        $x = types.ModuleType("$x_made", "doc")
        $x.value = [1]
        exec("def f(): return value", vars($x))
        """,
        "print($x.f(), $x.__doc__, $x.__name__)",
        "$x.value.append(2)",
    ),
    _module(
        "module made by hand, in sys.modules",
        r"""
        import sys, types
        $x = types.ModuleType("$registered")
        $x.value = [1]
        exec("class C:\n    n = 1\ndef f(): return value", vars($x))
        sys.modules["$registered"] = $x
        $c = $x.C()
        """,
        "print($x.f(), $c.n, type($c) is $x.C)",
        "$x.value.append(2)",
    ),
    _module(
        "module of a file beside the notebook",
        r"""
        open("$local.py", "w").write("k = 1\ndef f(): return k\nclass C: pass\n")
        import importlib, sys
        importlib.invalidate_caches()
        sys.path.insert(0, "") if "" not in sys.path else None
        import $local
        $x = [$local.f, $local.C()]
        """,
        """
        import $local
        print($x[0](), $x[0] is $local.f, type($x[1]) is $local.C)
        """,
        "$local.k = 2",
    ),
    _module(
        "importlib objects: spec and loader",
        """
        import importlib.util, json
        $x = importlib.util.find_spec("json")
        """,
        "print($x.name, $x.origin == json.__file__)",
    ),
]
