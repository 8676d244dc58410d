"""Arrays, what they share, and what else numpy makes."""

from __future__ import annotations

import textwrap

from . import Case


def _numpy(name: str, make: str, check: str, mutate: str = "", outcome: str = "equal", why: str = "") -> Case:
    return Case("numpy", name, f"import numpy as np\n{make}", check, mutate, outcome, why, ("numpy",))  # type: ignore[arg-type]


CASES = [
    _numpy(
        "a view of an array",
        "$x = np.arange(10.0)\n$v = $x[2:5]",
        "print($x, $v)",
        "$v[0] = 77; $x[3] = 5",
    ),
    _numpy(
        "overlapping views whose base has no name",
        "$x, $w = (lambda a: (a[:6], a[4:]))(np.arange(10.0))",
        "print($x, $w)",
        "$x[5] = 77; $w[0] = 6",
    ),
    _numpy(
        "a transposed and reversed view",
        "$x = np.arange(6).reshape(2, 3)\n$t = $x.T[::-1]",
        "print($t, $x, $t.strides)",
        "$t[0, 0] = 9",
    ),
    _numpy(
        "a broadcast array",
        "$x = np.arange(3)\n$b = np.broadcast_to($x, (4, 3))",
        "print($b, $b.flags.writeable, $b.strides)",
        "$x[0] = 9",
    ),
    _numpy(
        "sliding windows",
        "$x = np.arange(6.0)\n$w = np.lib.stride_tricks.sliding_window_view($x, 3)",
        "print($w, $w.flags.writeable)",
        "$x[1] = 9",
    ),
    _numpy(
        "a structured array and a field of it",
        "$x = np.array([(1, 2.5, 'x'), (2, 3.5, 'y')], dtype=[('i', 'i4'), ('f', 'f8'), ('s', 'U2')])\n$f = $x['f']",
        "print($x, $x.dtype, $f)",
        "$f[0] = 9; $x['s'][1] = 'zz'",
    ),
    _numpy(
        "fields of reshaped, transposed and sliced arrays that hold objects",
        "$x = np.zeros((2, 3), dtype=[('o', object), ('n', 'i4')])\n$v = [$x.reshape(3, 2)['o'], $x.T['n'], $x[1]['o'], $x[:, 1:]['n'], $x.ravel()['o'].reshape(6, 1)[::2]]",
        "print($x, $v)",
        "$v[0][0, 1] = 'a'; $v[1][2, 0] = 5; $v[2][0] = [1]; $v[3][1, 1] = 7; $v[4][2, 0] = 'z'",
    ),
    _numpy(
        "a subclass with the usual __reduce__, and views of it",
        textwrap.dedent(
            """\
            class $A(np.ndarray):
                def __array_finalize__(self, other):
                    self.info = getattr(other, "info", None)
                def __reduce__(self):
                    func, args, state = super().__reduce__()
                    return func, args, (state, self.info)
                def __setstate__(self, state):
                    super().__setstate__(state[0])
                    self.info = state[1]
            $y = np.arange(6.0)
            $x = $y.view($A)
            $x.info = ["i"]
            $v = $x[1:4]
            """
        ),
        "print($x, $v, $y, $x.info is $v.info, type($v) is $A)",
        "$v[0] = 50; $y[2] = 60; $x.info.append(1)",
    ),
    _numpy(
        "records with masks, and a field of them",
        "import numpy.ma.mrecords as mr\n$x = mr.fromarrays([np.arange(3), np.arange(3.0)], names='a,b')\n$v = $x.a",
        "print($x, $v)",
        "$v[1] = 50; $x.b[0] = np.ma.masked",
    ),
    _numpy(
        "an array of objects and a view of it",
        "$y = [1]\n$x = np.array([$y, {'k': 2}, None, 'x'], dtype=object)\n$v = $x[:2]",
        "print($x, $v, $x[0] is $y)",
        "$v[0] = 5; $x[1]['k'] = 3",
    ),
    _numpy(
        "arrays of text of fixed and of variable length",
        "$x = np.array(['ñ', 'bb'])\n$y = np.array(['x', 'long' * 9], dtype=np.dtypes.StringDType())",
        "print($x, $x.dtype, $y, repr($y.dtype))",
        "$y[0] = 'changed' * 5; $x[0] = 'z'",
    ),
    _numpy(
        "dates and durations",
        "$x = np.array(['2024-01-01', 'NaT'], dtype='M8[D]')\n$t = $x[:1] - np.datetime64('2023-01-01')",
        "print($x, repr($t))",
        "$x += 1",
    ),
    _numpy(
        "scalars of every kind",
        "$x = [np.float32(0.1), np.int8(-3), np.complex64(1 + 2j), np.datetime64('2024-05-01T10', 'h'), np.bool_(1)]\n"
        "$x += [np.longdouble(1) / 3, np.str_('a'), np.bytes_(b'b'), np.float16(0.5), np.timedelta64(3, 'D')]",
        "print($x, [type(x) for x in $x])",
    ),
    _numpy(
        "a record taken out of an array",
        "$x = np.array([(1, 2.0)], dtype=[('a', 'i4'), ('b', 'f8')])\n$r = $x[0]",
        "print($r, $r['b'], type($r), $x)",
        "$r['a'] = 7",
    ),
    _numpy(
        "a read-only array",
        "$x = np.arange(5)\n$x.flags.writeable = False",
        "print($x, $x.flags)",
        "try:\n    $x[0] = 1\nexcept ValueError as error:\n    print(error)",
    ),
    _numpy(
        "an array in Fortran order",
        "$x = np.asfortranarray(np.arange(6.0).reshape(2, 3))",
        "print($x, $x.flags, $x.ravel('K'))",
        "$x[1, 2] = 8",
    ),
    _numpy(
        "an array mapped from a file",
        "$x = np.memmap('$x.bin', dtype='f4', mode='w+', shape=(2, 3))\n$x[:] = 1.5",
        "print($x, type($x), $x.offset)",
        "$x[0, 0] = 7; $x.flush(); print(np.fromfile($x.filename, 'f4'))",
        "reconnected",
        "mapped again",
    ),
    _numpy(
        "a slice of an array mapped from a file",
        "$x = np.memmap('$x.bin', dtype='f8', mode='w+', shape=(10,))\n$x[:] = np.arange(10)\n$s = $x[2:5]",
        "print($s, type($s), $s.offset, $x)",
        "$s[0] = 77; $s.flush(); print(np.fromfile($x.filename))",
        "reconnected",
        "mapped again",
    ),
    _numpy(
        "a masked array and a part of it",
        "$x = np.ma.masked_greater(np.arange(6.0), 3)\n$v = $x[2:5]",
        "print($x, $v, $x.sum(), $x.fill_value, $x.count(), $v.count())",
        "$v[0] = 50; $x[0] = np.ma.masked; $v[1] = np.ma.masked",
    ),
    _numpy(
        "the mask and the data of a masked array",
        "$x = np.ma.array(np.arange(4.0), mask=[0, 1, 0, 0])\n$m, $d = $x.mask, $x.data",
        "print($x, $m, $d)",
        "$m[0] = True; $d[3] = 9",
    ),
    _numpy(
        "a masked array of records",
        "$x = np.ma.array([(1, 2.0), (3, 4.0)], mask=[(0, 1), (0, 0)], dtype=[('a', 'i4'), ('b', 'f8')])\n$y = np.ma.masked",
        "print($x, $x['b'].mask, $y is np.ma.masked)",
        "$x['a'][0] = 10",
    ),
    _numpy(
        "a matrix, a row of it and the array behind it",
        "$x = np.matrix('1 2; 3 4')\n$r = $x[0]\n$p = np.asarray($x)",
        "print(repr($x), repr($r), $p, $x * $x)",
        "$r[0, 0] = 9; $p[1, 1] = 8",
    ),
    _numpy(
        "a record array and a field of it",
        "$x = np.rec.array([(1, 2.0), (3, 4.0)], names='a,b')\n$f = $x.b",
        "print(repr($x), $x.a, $x[0].b, $f, type($x[0]))",
        "$f[0] = 9",
    ),
    _numpy("a character array", "$x = np.char.array(['ab', 'cd'])", "print(repr($x), $x.upper())", "$x[0] = 'zz'"),
    _numpy(
        "a subclass of ndarray with attributes",
        """
        class $Signal(np.ndarray):
            def __new__(cls, data, rate):
                made = np.asarray(data).view(cls)
                made.rate = rate
                return made

            def __array_finalize__(self, other):
                self.rate = getattr(other, "rate", None)

        $x = $Signal([1.0, 2.0, 3.0], 44)
        $h = $x[:2]
        $h.rate = 22
        """.replace("\n        ", "\n"),
        "print($x, $x.rate, $h, $h.rate, type($h) is $Signal, ($x + 1).rate)",
        "$h[0] = 9; $x.rate = 1",
    ),
    _numpy(
        "a Generator, and another on its bits",
        "$y = np.random.Philox(3)\n$x, $z = np.random.Generator($y), np.random.Generator($y)\n$x.random()",
        "print($x.normal(size=3), $z.integers(9, size=3), $x.bit_generator is $y)",
        "$x.shuffle([1, 2, 3])",
    ),
    _numpy(
        "generators of every algorithm",
        "$x = [np.random.Generator(getattr(np.random, n)(5)) for n in 'MT19937 PCG64 PCG64DXSM Philox SFC64'.split()]\n"
        "_ = [g.integers(5, dtype='i1') for g in $x]",
        "print([g.integers(100, size=4, dtype='u1') for g in $x])",
    ),
    _numpy(
        "a seed sequence and its children",
        "$x = np.random.SeedSequence(5)\n$a, $b = $x.spawn(2)",
        "print($x, $b.generate_state(2), $x.spawn(1))",
    ),
    _numpy(
        "a RandomState between two normals",
        "$x = np.random.RandomState(3); $x.normal()\n$n = $x.normal",
        "print($x.normal(size=3), $x.get_state()[2:], $n())",
    ),
    _numpy(
        "polynomials",
        "$x = np.poly1d([1, -3, 2], variable='t')\n$y = np.polynomial.Chebyshev([1, 2, 3], domain=[0, 2])",
        "print($x, $x(3), $y, $y(1.0), $y.deriv())",
        "$x[0] = 9; $y.coef[0] = 5",
    ),
    _numpy(
        "ufuncs made from functions",
        "def $f(x):\n    return $n * x\n$n = 2\n$x = np.frompyfunc($f, 1, 1)\n$v = np.vectorize(lambda x: x + $n)\n$a = np.add",
        "print($x([1, 2]), $v([1, 2]), $a is np.add, $x.nin)",
        "$n = 5",
    ),
    _numpy(
        "limits of numbers",
        "$x = np.finfo(np.float32); $y = np.iinfo('i2')",
        "print(repr($x), $x.eps, $x is np.finfo(np.float32), $y, $y.max)",
    ),
    _numpy(
        "dtypes, also with metadata",
        "$x = np.dtype([('a', '>i4'), ('b', 'f8', (2,))], align=True)\n$y = np.dtype('f8', metadata={'unit': 'm'})",
        "print(repr($x), $x.isalignedstruct, repr($y), $y.metadata, np.zeros(2, $x))",
    ),
    _numpy(
        "an iterator of an array's elements",
        "$y = np.arange(6).reshape(2, 3)\n$x = $y.flat\n$n = next($x)",
        "print($x.base is $y, $x.index, next($x))",
        "$y[0, 2] = 50",
    ),
    _numpy(
        "ndindex and ndenumerate",
        "$x = np.ndindex(2, 2); next($x)\n$y = np.ndenumerate(np.arange(6).reshape(2, 3)); next($y)",
        "print(next($x), next($y))",
    ),
    _numpy("a broadcast", "$x = np.broadcast(np.arange(3), np.arange(2)[:, None])", "print($x.shape, next($x))"),
    _numpy(
        "nditer",
        "$x = {'it': np.nditer(np.arange(6)), 'n': 1}",
        "print($x['n'])\nprint($x['it'].value)",
        outcome="placeholder",
        why="it is a walk under way, whose options it does not tell",
    ),
    _numpy(
        "an open archive of savez",
        "np.savez('$x.npz', a=np.arange(3), b=np.eye(2))\n$x = np.load('$x.npz')",
        "print($x.files, $x['a'], $x['b'])",
        outcome="reconnected",
        why="opened again",
    ),
    _numpy(
        "options and error states as contexts",
        "$x = np.printoptions(precision=2)\n$y = np.errstate(divide='ignore')",
        "with np.printoptions(precision=1):\n    print(np.array([1.234]))\nprint(type($x), type($y))",
        "with $y:\n    print(np.array([1.0]) / 0)",
    ),
    _numpy(
        "an array on a bytearray",
        "$y = bytearray(range(8))\n$x = np.frombuffer($y, 'u1')",
        "print($x, $y)",
        "$y[0] = 99; $x[1] = 98",
    ),
    _numpy(
        "arrays that hold themselves and each other",
        "$x = np.empty(2, object)\n$y = np.empty(1, object)\n$x[0] = $x\n$x[1] = $y\n$y[0] = $x",
        "print($x[0] is $x, $x[1] is $y, type($y[0]))",
        "$y[0] = 3",
    ),
    _numpy(
        "twelve megabytes",
        "$x = np.zeros((1500, 1000))\n$x[7, 7] = 1\n$y = $x[3:9]",
        "print($x.sum(), $y.sum())",
        "$y += 1",
    ),
    _numpy(
        "no elements, and no dimensions",
        "$x = np.empty((0, 3), 'f4'); $y = np.array(5)",
        "print(repr($x), repr($y))",
        "$y[...] = 6",
    ),
]
