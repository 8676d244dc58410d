"""Science: scipy, sympy, networkx, shapely, numba, astropy, photutils, qiskit and gym."""

from __future__ import annotations

from functools import partial

from . import Case

_scipy = partial(Case, "scipy", needs=("scipy",))
_sympy = partial(Case, "sympy", needs=("sympy",))
_networkx = partial(Case, "networkx", needs=("networkx",))
_shapely = partial(Case, "shapely", needs=("shapely",))
_numba = partial(Case, "numba", needs=("numba",))
_astropy = partial(Case, "astropy", needs=("astropy",))
_photutils = partial(Case, "photutils", needs=("photutils",))

_NP = "import numpy as np\n"

CASES = [
    _scipy(
        "sparse matrices and arrays of every format",
        _NP
        + "from scipy import sparse\n$y = sparse.csr_array(np.eye(3))\n$x = [$y, *(sparse.eye(3, format=f) for f in 'csr csc coo lil dok dia bsr'.split())]",
        "print([type(m).__name__ for m in $x], [(m @ [1, 2, 3]).tolist() for m in $x], $x[0] is $y)",
        "$x[3] = $x[4]; $x[4][0, 1] = 7; $y.data[0] = 9",
    ),
    _scipy(
        "a sparse matrix on an array of its own",
        _NP + "from scipy import sparse\n$d = np.ones(2)\n$x = sparse.csr_matrix(($d, [0, 1], [0, 1, 2]), copy=False)",
        "print($x.toarray(), np.shares_memory($x.data, $d))",
        "$d[0] = 5",
    ),
    _scipy(
        "interpolators",
        _NP
        + "from scipy import interpolate as ip\n$t = np.arange(5.0)\n$x = [ip.interp1d($t, $t**2), ip.CubicSpline($t, $t**3), ip.make_interp_spline($t, $t), ip.RegularGridInterpolator(($t, $t), np.add.outer($t, $t)), ip.RBFInterpolator($t[:, None], $t), ip.PchipInterpolator($t, $t), ip.UnivariateSpline($t, $t), ip.LinearNDInterpolator(np.array([[0, 0], [1, 0], [0, 1.0]]), [1, 2, 3.0]), ip.BarycentricInterpolator($t, $t)]",
        "print([np.round(f(v), 6) for f, v in zip($x, [1.5, 1.5, 1.5, (1.5, 2.5), [[1.5]], 1.5, 1.5, (0.2, 0.2), 1.5])])",
    ),
    _scipy(
        "trees, hulls and triangulations",
        _NP
        + "from scipy import spatial\n$p = np.random.default_rng(0).random((9, 2))\n$x = [spatial.cKDTree($p), spatial.KDTree($p), spatial.ConvexHull($p), spatial.Delaunay($p), spatial.Voronoi($p), spatial.transform.Rotation.from_euler('z', 90, degrees=True)]",
        "print($x[0].query($p[:2], 2)[1], $x[1].query_ball_point([0.5, 0.5], 0.3), $x[2].volume, $x[3].find_simplex($p[:3]), $x[4].vertices[:1], $x[5].apply([1, 0, 0]).round(6))",
    ),
    _scipy(
        "a hull that can be added to",
        _NP
        + "from scipy import spatial\n$x = {'h': spatial.ConvexHull(np.random.default_rng(0).random((9, 2)), incremental=True), 'n': 1}",
        "print($x['n'], $x['h'].npoints)\n$x['h'].add_points([[5.0, 5.0]]); print('added')",
        outcome="placeholder",
        why="what goes on adding is in memory of Qhull; the hull itself is kept",
    ),
    _scipy(
        "distributions and results of tests",
        _NP
        + "from scipy import stats\n$x = [stats.norm(1, 2), stats.norm, stats.multivariate_normal([0, 0]), stats.gaussian_kde([1.0, 2, 4]), stats.rv_discrete(values=([1, 2], [0.5, 0.5])), stats.ttest_ind([1, 2, 3.0], [2, 3, 5.0])]",
        "print($x[0].cdf(1), $x[1].name, $x[2].pdf([0, 0]), $x[3](1.5), $x[4].mean(), $x[5], $x[0].rvs(2, random_state=1))",
    ),
    _scipy(
        "results of optimisation and integration, and an integrator under way",
        _NP
        + "from scipy import integrate, optimize\n$k = 2.0\ndef $f(t, y):\n    return -$k * y\n$x = [optimize.minimize(lambda v: ((v - $k) ** 2).sum(), [0.0, 0.0]), integrate.solve_ivp($f, (0, 1), [1.0], dense_output=True), integrate.RK45($f, 0.0, [1.0], 5.0)]\n$x[2].step()",
        "print($x[0].x.round(4), $x[0].success, $x[1].sol(0.5), $x[2].t, $x[2].y)",
        "$k = 1.0; $x[2].step()",
    ),
    _scipy(
        "linear operators, filters and windows",
        _NP
        + "from scipy import ndimage, signal, special\nfrom scipy.sparse.linalg import LinearOperator, splu\nfrom scipy import sparse\n$x = [LinearOperator((2, 2), matvec=lambda v: v * 2), signal.butter(2, 0.5, output='sos'), signal.windows.hann(5), signal.dlti([1], [1, 0.5]), special.gamma, ndimage.gaussian_filter, signal.ShortTimeFFT(signal.windows.hann(4), 2, 1.0)]",
        "print($x[0] @ [1, 2], $x[1].shape, $x[2], $x[3].poles, $x[4](5), $x[5](np.eye(3), 1)[0], $x[6].delta_t)",
    ),
    _scipy(
        "a factorised sparse matrix",
        _NP
        + "from scipy import sparse\nfrom scipy.sparse.linalg import splu\n$x = {'lu': splu(sparse.csc_matrix(np.eye(2))), 'n': 1}",
        "print($x['n'])\nprint($x['lu'].solve(np.ones(2)))",
        outcome="placeholder",
        why="SuperLU keeps no matrix to factorise again",
    ),
    _scipy(
        "distances, and functions of ndimage and special",
        _NP
        + "from scipy import ndimage, special\nfrom scipy.spatial import distance\n$p = np.random.default_rng(0).random((4, 2))\n$d = distance.pdist($p, 'cityblock')\n$x = [distance.directed_hausdorff, distance.cdist, distance.directed_hausdorff($p, $p[:2]), ndimage.zoom, ndimage.map_coordinates, special.jv, special.roots_legendre(3), distance]",
        "print(distance.squareform($d), $x[0]($p, $p[1:]), $x[1]($p, $p[:1], lambda a, b: abs(a - b).max()), $x[2], $x[3](np.eye(2), 2), $x[4](np.eye(3), [[1], [1]]), $x[5](0, 1.5), $x[6], $x[7] is distance)",
        "$p[0] = 9; $d[0] = 7",
    ),
    _sympy(
        "symbols, expressions and assumptions",
        "import sympy as sp\n$a, $b = sp.symbols('a b', positive=True)\n$x = sp.integrate(sp.exp(-$a * $b), ($b, 0, sp.oo))\n$e = sp.Eq($a**2, 2)",
        "print($x, $x.has($a), sp.solve($e, $a), $a.is_positive, sp.simplify($x - 1 / $a))",
    ),
    _sympy(
        "functions, dummies and lambdified code",
        "import sympy as sp\n$t = sp.Symbol('t')\n$f = sp.Function('f')\n$d = sp.Dummy('d')\n$x = sp.dsolve($f($t).diff($t) - $f($t))\n$g = sp.lambdify($t, sp.sin($t) ** 2)",
        "print($x, round($g(1.0), 6), $d == $d, ($d + 1).has($d), $f($t).diff($t))",
    ),
    _sympy(
        "matrices, sets and polynomials",
        "import sympy as sp\n$t = sp.Symbol('t')\n$x = [sp.Matrix([[$t, 1], [0, 2]]), sp.ImmutableMatrix([[1]]), sp.Interval(0, 1), sp.Poly($t**2 + 1, $t), sp.Rational(1, 3), sp.pi, sp.I, sp.FiniteSet(1, 2), sp.GF(7)(3)]",
        "print($x, $x[0].det(), $x[5] is sp.pi, $x[3].degree())",
        "$x[0][0, 0] = 5",
    ),
    _sympy(
        "physical units, geometry and logic",
        "import sympy as sp\nfrom sympy.physics import units\n$x = [5 * units.meter, sp.Point(0, 1), sp.And(sp.Symbol('p'), sp.Symbol('q')), sp.combinatorics.Permutation([1, 0]), sp.geometry.Circle(sp.Point(0, 0), 2)]",
        "print($x, units.convert_to($x[0], units.kilometer), $x[2].subs('p', True), $x[3].order())",
    ),
    _networkx(
        "graphs of every kind with data",
        "import networkx as nx\n$n = [1]\n$x = nx.Graph(name='g'); $x.add_edge('a', 'b', w=2, note=$n)\n$y = [nx.DiGraph([(1, 2)]), nx.MultiDiGraph([(1, 2), (1, 2)])]",
        "print(dict($x.adj), $x.graph, [list(g.edges) for g in $y], nx.shortest_path($x, 'a', 'b'), $x['a']['b']['note'] is $n)",
        "$x['a']['b']['w'] = 5; $y[0].add_edge(2, 3); $n.append(2)",
    ),
    _networkx(
        "views of a graph, also filtered by a function of a cell",
        "import networkx as nx\n$g = nx.path_graph(5)\n$k = 3\ndef $f(n):\n    return n < $k\n$x = nx.subgraph_view($g, filter_node=$f)\n$s, $r, $n = $g.subgraph([1, 2, 3]), nx.DiGraph([(1, 2)]).reverse(copy=False), $g.nodes",
        "print(list($x.edges), list($s), list($r.edges), list($n), $n is $g.nodes, $g.degree[1])",
        "$k = 5; $g.add_edge(4, 0)",
    ),
    _networkx(
        "layouts and measures",
        "import networkx as nx\n$g = nx.karate_club_graph()\n$x = nx.spring_layout($g, seed=1)\n$c = nx.community.greedy_modularity_communities($g)",
        "print({k: v.round(4).tolist() for k, v in list($x.items())[:3]}, [sorted(c) for c in $c], $g.nodes[0])",
    ),
    _shapely(
        "geometries of every kind, and a tree of them",
        "import shapely\nfrom shapely import geometry as g\n$x = [g.Point(0, 1), g.LineString([(0, 0), (1, 1)]), g.Polygon([(0, 0), (2, 0), (2, 2)]), g.MultiPoint([(0, 0), (1, 2)]), g.GeometryCollection([g.Point(1, 1)]), g.Point(1, 2, 3)]\nshapely.prepare($x[2])\n$t = shapely.STRtree($x)",
        "print([v.wkt for v in $x], $x[2].contains(g.Point(1.5, 1)), sorted($t.query(g.Point(1, 1)).tolist()))",
    ),
    _shapely(
        "a prepared geometry of old",
        "from shapely import geometry as g\nfrom shapely.prepared import prep\n$x = prep(g.box(0, 0, 1, 1))",
        "print($x.contains(g.Point(0.5, 0.5)))",
    ),
    _numba(
        "a compiled function with globals of the notebook",
        "import numba\n$k = 2\n@numba.njit\ndef $f(v):\n    return v * $k\n$x = [$f, $f]\n_ = $f(3)",
        "print($f(4), $f(1.5), $x[0] is $x[1], len($f.signatures))",
        why="compiled again when it is called",
        outcome="equal",
    ),
    _numba(
        "a vectorised function, a typed list and a parallel loop",
        "import numba, numpy as np\nfrom numba.typed import Dict, List\n@numba.vectorize\ndef $f(v):\n    return v + 1\n@numba.njit\ndef $g(v):\n    return $h(v) + 1\n@numba.njit\ndef $h(v):\n    return v * 2\n$x = List([1, 2])\n$d = Dict.empty(numba.types.unicode_type, numba.int64); $d['a'] = 1",
        "print($f(np.arange(3)), $g(4), list($x), dict($d))",
        "$x.append(3); $d['b'] = 2",
    ),
    _numba(
        "a compiled class",
        "import numba\n@numba.experimental.jitclass([('n', numba.int64)])\nclass $C:\n    def __init__(self, n):\n        self.n = n\n$x = {'c': $C(3), 'n': 1}",
        "print($x['n'])\nprint($x['c'].n)",
        outcome="placeholder",
        why="its fields live in compiled memory",
    ),
    _astropy(
        "quantities, and an array that shares their memory",
        _NP
        + "import astropy.units as u\n$x = np.arange(3.0) * u.m\n$v = $x.value\n$y = [5 * u.km, u.Unit('kg m / s2'), u.Magnitude(3)]",
        "print($x, $v, $x.to(u.cm), $y, $y[1] == u.N)",
        "$v[0] = 7; $x[1] = 9 * u.m",
    ),
    _astropy(
        "a table of quantities with metadata",
        _NP
        + "import astropy.units as u\nfrom astropy.table import QTable, Table\n$x = QTable({'a': [1.0, 2.0] * u.m, 'b': ['x', 'y']}, meta={'k': [1]})\n$t = Table({'c': [1, 2]}, masked=True)",
        "print($x, $x.meta, $t, $x['a'].unit)",
        "$x['a'][0] = 5 * u.m; $x.meta['k'].append(2); $t['c'].mask[0] = True",
    ),
    _astropy(
        "a table whose columns, rows and parts of columns are variables",
        "import astropy.units as u\nfrom astropy.table import QTable, Table\n$x = Table({'a': [1, 2, 3], 'b': ['x', 'y', 'z']})\n$x.add_index('a')\n$c, $d, $r = $x['a'], $x['a'][1:], $x[0]\n$q = QTable({'a': [1.0, 2.0] * u.m})\n$e = $q['a']\n$m = Table({'a': [1, 2]}, masked=True)\n$f = $m['a']",
        "print($c is $x['a'], $c.parent_table is $x, $d, $r['a'], $x.loc[2], $e is $q['a'], $f is $m['a'], $f, $c.info.name)",
        "$d[0] = 20; $e[0] = 9 * u.m; $f[1] = 7; $f.mask[0] = True; $x['b'][0] = 'w'; print($x, $q, $m)",
    ),
    _astropy(
        "coordinates, times and angles",
        "import astropy.units as u\nfrom astropy.coordinates import Angle, SkyCoord\nfrom astropy.time import Time\n$x = [SkyCoord(10 * u.deg, 20 * u.deg), Time('2024-01-01'), Angle('1h')]",
        "print($x, $x[0].galactic.l.round(6), $x[1].jd, $x[0].separation(SkyCoord(11 * u.deg, 20 * u.deg)).round(6))",
    ),
    _astropy(
        "models and fitters",
        _NP
        + "from astropy.modeling import fitting, functional_models as fm, polynomial as pm\n$f = fitting.LinearLSQFitter()\n$x = [fm.Linear1D(2, 1), fm.Ellipse2D(a=2, b=1), pm.Polynomial1D(2, c0=1, c2=3), pm.Polynomial2D(1, c0_0=1), fm.Gaussian1D() + fm.Const1D(2)]\n$m = $f($x[0], np.arange(5.0), 3 * np.arange(5.0))",
        "print([m(0.5) if m.n_inputs == 1 else m(0.5, 0.5) for m in $x], $m.parameters.round(6), $x[0].slope.fixed)",
        "$x[0].slope = 7; print($f($x[0], np.arange(5.0), np.arange(5.0)).parameters.round(6))",
    ),
    _astropy(
        "FITS files in memory and opened lazily",
        _NP
        + "from astropy.io import fits\n$y = fits.PrimaryHDU(np.arange(4.0)); $y.header['K'] = 'v'\n$x = fits.HDUList([$y, fits.ImageHDU(np.eye(2))])",
        "print($x[0].data, $x[0].header['K'], len($x), $x[0] is $y, $x[1].data)",
        "$y.data[0] = 9; $y.header['K'] = 'w'",
    ),
    _astropy(
        "a FITS file, open",
        _NP
        + "import os as _os\nfrom astropy.io import fits\nfits.PrimaryHDU(np.arange(4.0)).writeto('$x.fits', overwrite=True)\n$x = fits.open(_os.path.abspath('$x.fits'))",
        "print($x[0].data, $x[0].header['NAXIS'], len($x))",
        outcome="reconnected",
        why="opened again",
    ),
    _astropy(
        "data with uncertainty, clipping and views of images",
        _NP
        + "from astropy import convolution, nddata, stats, visualization\nfrom astropy.visualization.mpl_normalize import ImageNormalize\n$x = [nddata.NDData(np.arange(3.0), unit='m'), nddata.NDDataRef(np.arange(3.0), mask=[0, 1, 0]), nddata.CCDData([1.0, 2], unit='adu'), stats.SigmaClip(2), visualization.PercentileInterval(90), ImageNormalize(vmin=0, vmax=5, stretch=visualization.SqrtStretch()), convolution.Box2DKernel(3), convolution.Gaussian2DKernel(1)]",
        "print($x[0], $x[1].mask, $x[2], $x[3]([1, 1, 1, 9.0]), $x[4].get_limits(np.arange(11)), $x[5](2.0), $x[6].array, $x[7].array.sum())",
    ),
    _astropy(
        "a world coordinate system",
        "from astropy.wcs import WCS\n$x = WCS(naxis=2); $x.wcs.crpix = [1, 2]; $x.wcs.ctype = ['RA---TAN', 'DEC--TAN']; $x.wcs.cdelt = [0.1, 0.1]",
        "print($x.wcs_pix2world([[5, 5]], 1), $x.wcs.crpix, $x.wcs.ctype[0])",
        "$x.wcs.crpix = [3, 4]",
    ),
    _astropy(
        "parameters of a projection alone",
        "from astropy.wcs import Celprm\n$x = {'c': Celprm(), 'n': 1}",
        "print($x['n'])\nprint($x['c'].offset)",
        outcome="placeholder",
        why="wcslib keeps it in a structure that cannot be read out",
    ),
    _photutils(
        "cutouts, depths and windows",
        _NP
        + "from photutils.utils import CutoutImage, ImageDepth\nfrom photutils.psf import matching\n$x = [CutoutImage(np.arange(25.0).reshape(5, 5), (2, 2), (3, 3)), ImageDepth(2, nsigma=3), matching.HanningWindow(), matching.CosineBellWindow(0.5)]",
        "print($x[0].data, $x[0].xyorigin, $x[1].nsigma, $x[2]((3, 3)), $x[3]((3, 3)))",
    ),
    Case(
        "qiskit",
        "a circuit with a parameter",
        "from qiskit import QuantumCircuit\nfrom qiskit.circuit import Parameter\n$p = Parameter('t')\n$x = QuantumCircuit(2, 1); $x.h(0); $x.cx(0, 1); $x.rx($p, 0); $x.measure(0, 0)",
        "print($x, $x.parameters, $x.depth(), $x.assign_parameters({$p: 1.0}).data[2].operation.params)",
        "$x.z(1)",
        needs=("qiskit",),
    ),
    Case(
        "gym",
        "an environment under way",
        "import gym, warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('ignore')\n    $x = gym.make('CartPole-v1', disable_env_checker=True)\n    $o, _ = $x.reset(seed=3)\n    _ = $x.step(0)\n$s = $x.unwrapped",
        "print($x.step(1)[:2], $x.unwrapped is $s, $x.action_space, $s.np_random.random(), $x.spec.id)",
        "_ = $x.reset(seed=5); _ = $x.step(1)",
        needs=("gym",),
    ),
    Case(
        "gym",
        "spaces with generators of their own",
        "import gym\n$x = gym.spaces.Box(0, 1, (2,), seed=3)\n$d = gym.spaces.Discrete(4, seed=2)",
        "print($x.sample(), $d.sample(), $x.contains($x.sample()))",
        needs=("gym",),
    ),
]
