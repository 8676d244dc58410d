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
        "def $x(a, /, b: int = 2, *c, d: 'str' = 'd', **e) -> list: return [a, b, c, d, e]",
        "import inspect\nprint($x(1, z=3), inspect.signature($x), $x.__annotations__, inspect.getsource($x).strip())",
        "$x.__defaults__ = (20,)",
    ),
    _function(
        "function with attributes and a mutable default",
        "def $x(n, seen=[]):\n    seen.append(n)\n    $x.calls += 1\n    return seen\n$x.calls = 0; $x(1)",
        "print($x(2), $x.calls)",
        "$x.calls = 100",
    ),
    _function(
        "lambda in a variable and in containers",
        "$x = lambda n: n + 1\n$y = {'f': $x, 'g': [lambda n: n * 2]}",
        "print($x(1), $y['f'] is $x, $y['g'][0](4))",
    ),
    _function(
        "recursive function",
        "def $x(n): return 1 if n < 2 else n * $x(n - 1)",
        "print($x(10))",
        "$old = $x\ndef $x(n): return 0\nprint($old(5))",
    ),
    _function(
        "mutual recursion",
        "def $x(n): return n == 0 or $y(n - 1)\ndef $y(n): return n != 0 and $x(n - 1)",
        "print($x(10), $y(7))",
    ),
    _function(
        "function that reads and writes globals",
        "$n = 0\ndef $x():\n    global $n\n    $n += 1\n    return $n\n$x()",
        "print($x(), $n)",
        "$n = 50",
    ),
    _function(
        "closures that share a cell",
        "def $make():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n        return n\n    def now(): return n\n    return up, now\n$x = $make(); $x[0]()",
        "print($x[0](), $x[1]())",
    ),
    _function(
        "closures that share a cell, in two variables",
        "def $make():\n    n = []\n    return n.append, lambda: n, lambda i: n.append(i) or n\n_, $x, $y = $make(); $y(1)",
        "print($x(), $x() is $y(2), $x())",
    ),
    _function(
        "closure over itself",
        "def $make():\n    def walk(n): return [n, *walk(n - 1)] if n else []\n    return walk\n$x = $make()",
        "print($x(3), $x.__qualname__)",
    ),
    _function(
        "closure with an empty cell",
        "def $make():\n    def inner(): return late\n    if False: late = 1\n    return inner\n$x = $make()",
        "try:\n    $x()\nexcept NameError as error:\n    print(error)",
    ),
    _function(
        "nested function with annotations and docstring",
        "def $make(k):\n    def inner(a: int) -> int:\n        'Add k.'\n        return a + k\n    return inner\n$x = $make(5)",
        "print($x(1), $x.__doc__, $x.__annotations__, $x.__qualname__)",
    ),
    _function(
        "decorated function",
        "import functools\ndef $log(f):\n    @functools.wraps(f)\n    def wrapper(*a):\n        wrapper.calls += 1\n        return f(*a)\n    wrapper.calls = 0\n    return wrapper\n@$log\ndef $x(n): return n * 2\n$x(1)",
        "print($x(4), $x.calls, $x.__name__.split('_')[0], $x.__wrapped__(5))",
    ),
    _function(
        "decorated recursive function",
        "import functools\n@functools.lru_cache(maxsize=None)\ndef $x(n): return n if n < 2 else $x(n - 1) + $x(n - 2)\n$x(20)",
        "print($x(50), $x.cache_info())",
    ),
    _function(
        "decorator that is a class",
        "class $D:\n    def __init__(self, f): self.f, self.n = f, 0\n    def __call__(self, *a):\n        self.n += 1\n        return self.f(*a)\n@$D\ndef $x(n): return n + 1\n$x(1)",
        "print($x(2), $x.n)",
    ),
    _function(
        "decorator with arguments and a registry",
        "$registry = {}\ndef $register(name):\n    def add(f):\n        $registry[name] = f\n        return f\n    return add\n@$register('a')\ndef $x(): return 'a'",
        "print($registry['a'] is $x, $x(), list($registry))",
        "$register('b')(len)",
    ),
    _function(
        "functions in containers",
        "$x = {'sum': sum, 'own': [lambda: 1, lambda: 2], 'nested': (max, {'k': str.upper})}",
        "print($x['sum']([1, 2]), [f() for f in $x['own']], $x['nested'][1]['k']('a'))",
    ),
    _function("generator function", "def $x(n):\n    yield from range(n)", "print(list($x(3)))"),
    _function(
        "async function and async generator function",
        "async def $x(n): return n + 1\nasync def $y(n):\n    for i in range(n): yield await $x(i)",
        "print(await $x(1), [i async for i in $y(3)])",
    ),
    _function("function made by exec", "exec('def $x(n): return n * 3')", "print($x(4))"),
    _function("function made by eval of a string", "$x = eval('lambda n: n ** 2')", "print($x(4))"),
    _function(
        "function with globals of its own",
        "import types\n$g = {'k': 10, '__builtins__': __builtins__}\n$x = types.FunctionType((lambda n: n * k).__code__, $g, 'own')",
        "print($x(2), $x.__globals__ is $g)",
        "$g['k'] = 20",
    ),
    _function("function with replaced code", "def $x(): return 1\n$x.__code__ = (lambda: 2).__code__", "print($x())"),
    _function(
        "function with PEP 695 type parameters",
        "def $x[T: int](a: T) -> list[T]: return [a]",
        "print($x(1), $x.__type_params__, $x.__annotations__)",
        python="3.12",
    ),
    _function(
        "function under two names, one rebound",
        "def $x(): return 'old'\n$y = $x\ndef $x(): return 'new'",
        "print($x(), $y(), $x is $y)",
    ),
    _wrapped(
        "bound method and its object",
        "class $C:\n    def __init__(self): self.n = 1\n    def m(self): return self.n\n$c = $C(); $x = $c.m",
        "print($x(), $x.__self__ is $c, $x.__func__ is $C.m)",
        "$c.n = 5",
    ),
    _wrapped(
        "class method, static method, unbound method",
        "class $C:\n    k = 2\n    @classmethod\n    def c(cls): return cls.k\n    @staticmethod\n    def s(): return 's'\n    def m(self): return self.k\n$x = [$C.c, $C.s, $C.m]",
        "print($x[0](), $x[1](), $x[2]($C()), $x[0].__self__ is $C)",
        "$C.k = 3",
    ),
    _wrapped(
        "functools.partial, nested",
        "import functools\ndef $f(a, b, c=0): return [a, b, c]\n$l = [1]; $x = functools.partial(functools.partial($f, $l), c=3); $x.note = 'n'",
        "print($x(2), $x.args[0] is $l, $x.keywords, $x.note, $x.func is $f)",
        "$l.append(2)",
    ),
    _wrapped(
        "functools.partialmethod",
        "import functools\nclass $C:\n    def m(self, a, b): return [a, b]\n    p = functools.partialmethod(m, 1)\n$x = $C()",
        "print($x.p(2))",
    ),
    _wrapped(
        "functools.lru_cache with its cache",
        "import functools\n$calls = []\n@functools.lru_cache(maxsize=3)\ndef $x(n):\n    $calls.append(n)\n    return [n]\n$x(1); $x(2); $x(1)",
        "print($x(1), $x(2), $calls, $x.cache_info())",
        "$x.cache_clear()",
    ),
    _wrapped(
        "functools.cache on a method",
        "import functools\nclass $C:\n    n = 0\n    @functools.cache\n    def m(self, k):\n        $C.n += 1\n        return k * 2\n$x = $C(); $x.m(2)",
        "print($x.m(2), $x.m(3), $C.n, $C.m.cache_info())",
    ),
    _wrapped(
        "functools.cached_property, filled and not",
        "import functools\nclass $C:\n    n = 0\n    @functools.cached_property\n    def p(self):\n        $C.n += 1\n        return [$C.n]\n$x = [$C(), $C()]; $x[0].p",
        "print($x[0].p, $C.n)",
        "$x[0].p.append(1); $x[1].p; del $x[0].p",
    ),
    _wrapped(
        "functools.singledispatch",
        "import functools\n@functools.singledispatch\ndef $x(a): return 'any'\n@$x.register\ndef _(a: int): return 'int'\n@$x.register(list)\ndef _(a): return 'list'\nclass $C: pass\n@$x.register($C)\ndef _(a): return 'C'",
        "print($x('s'), $x(1), $x([]), $x($C()), $x(True), len($x.registry))",
        "$x.register(str, lambda a: 'str')",
    ),
    _wrapped(
        "functools.singledispatchmethod",
        "import functools\nclass $C:\n    @functools.singledispatchmethod\n    def m(self, a): return 'any'\n    @m.register\n    def _(self, a: int): return 'int'\n$x = $C()",
        "print($x.m('s'), $x.m(1))",
    ),
    _wrapped(
        "functools.total_ordering, cmp_to_key",
        "import functools\n@functools.total_ordering\nclass $C:\n    def __init__(self, n): self.n = n\n    def __eq__(self, o): return self.n == o.n\n    def __lt__(self, o): return self.n < o.n\n$x = [$C(1), $C(2), functools.cmp_to_key(lambda a, b: b - a)]",
        "print($x[0] <= $x[1], $x[1] > $x[0], sorted([1, 3, 2], key=$x[2]))",
    ),
    _wrapped(
        "operator.itemgetter, attrgetter, methodcaller",
        "import operator\n$x = [operator.itemgetter(1, 0), operator.attrgetter('real'), operator.methodcaller('split', ',')]",
        "print($x[0]('ab'), $x[1](3), $x[2]('a,b'))",
    ),
    _wrapped(
        "property, with setter and on its own",
        "class $C:\n    def __init__(self): self._v = 1\n    @property\n    def v(self): 'The v.'; return self._v\n    @v.setter\n    def v(self, new): self._v = new * 2\n$x = $C(); $p = $C.__dict__['v']",
        "print($x.v, type($p).__name__, $p.fget($x), $p is $C.__dict__['v'])",
        "$x.v = 5",
    ),
    _wrapped(
        "descriptor of the notebook with __set_name__",
        "class $D:\n    names = []\n    def __set_name__(self, owner, name): self.name = name; $D.names.append(name)\n    def __get__(self, obj, cls=None): return self if obj is None else obj.__dict__.get(self.name, 'unset')\n    def __set__(self, obj, value): obj.__dict__[self.name] = value\nclass $C:\n    a = $D(); b = $D()\n$x = $C(); $x.a = 1",
        "print($x.a, $x.b, $C.a.name, $D.names)",
        "$x.b = [2]",
    ),
    _wrapped(
        "slot and getset descriptors",
        "class $C:\n    __slots__ = ('a',)\n$c = $C(); $c.a = 3; $x = [$C.a, type.__dict__['__dict__'], float.real]",
        "print($x[0].__get__($c), $x[2].__get__(1.5))",
        "$x[0].__set__($c, 4)",
    ),
    _wrapped(
        "methods of builtins, wrappers and slots",
        "$x = [str.upper, 'a'.join, int.__add__, (5).__add__, object.__init__, dict.__dict__['fromkeys']]",
        "print($x[0]('a'), $x[1](['b', 'c']), $x[2](1, 2), $x[3](4), $x[4])",
    ),
    _wrapped(
        "contextlib.contextmanager",
        "import contextlib\n$log = []\n@contextlib.contextmanager\ndef $x(n):\n    $log.append(('in', n))\n    yield n\n    $log.append(('out', n))",
        "with $x(1) as $n:\n    print($n)\nprint($log)",
    ),
    _wrapped(
        "contextlib.ExitStack with callbacks",
        "import contextlib\n$log = []; $x = contextlib.ExitStack(); _ = $x.callback($log.append, 'closed')",
        "print($log)",
        "$x.close()",
    ),
    _wrapped(
        "contextlib.nullcontext, suppress, closing",
        "import contextlib\nclass $C:\n    closed = False\n    def close(self): self.closed = True\n$c = $C(); $x = [contextlib.nullcontext(5), contextlib.suppress(KeyError), contextlib.closing($c)]",
        "with $x[0] as n, $x[1], $x[2]:\n    print(n)\n    {}['k']\nprint($c.closed)",
    ),
    _wrapped(
        "_GeneratorContextManager, not entered",
        "import contextlib\n@contextlib.contextmanager\ndef $f():\n    yield 'inside'\n$x = $f()",
        "with $x as $v:\n    print($v)\n",
    ),
    _wrapped(
        "types.SimpleNamespace with functions",
        "import types\n$x = types.SimpleNamespace(f=lambda: $x.n, n=1)",
        "print($x.f())",
        "$x.n = 2",
    ),
    _module(
        "imported modules, submodules, from-imports and aliases",
        "import json as $j, os.path as $p\nfrom math import sqrt as $s\n$x = [$j, $p, $s]",
        "import json, math, os\nprint($x[0] is json, $x[1] is os.path, $s is math.sqrt, $j.dumps([1]))",
    ),
    _module(
        "module made by hand",
        "import types\n$x = types.ModuleType('$x_made', 'doc'); $x.value = [1]\nexec('def f(): return value', vars($x))",
        "print($x.f(), $x.__doc__, $x.__name__)",
        "$x.value.append(2)",
    ),
    _module(
        "module made by hand, in sys.modules",
        "import sys, types\n$x = types.ModuleType('$registered'); $x.value = [1]\nexec('class C:\\n    n = 1\\ndef f(): return value', vars($x))\nsys.modules['$registered'] = $x; $c = $x.C()",
        "print($x.f(), $c.n, type($c) is $x.C)",
        "$x.value.append(2)",
    ),
    _module(
        "module of a file beside the notebook",
        "open('$local.py', 'w').write('k = 1\\ndef f(): return k\\nclass C: pass\\n')\nimport importlib, sys\nimportlib.invalidate_caches()\nsys.path.insert(0, '') if '' not in sys.path else None\nimport $local\n$x = [$local.f, $local.C()]",
        "import $local\nprint($x[0](), $x[0] is $local.f, type($x[1]) is $local.C)",
        "$local.k = 2",
    ),
    _module(
        "importlib objects: spec and loader",
        "import importlib.util, json\n$x = importlib.util.find_spec('json')",
        "print($x.name, $x.origin == json.__file__)",
    ),
]
