"""Tables: pandas, polars, pyarrow, xarray, dask and duckdb."""

from __future__ import annotations

from . import Case, Outcome


def _pandas(
    name: str,
    make: str,
    check: str,
    mutate: str = "",
    outcome: Outcome = "equal",
    why: str = "",
    needs: tuple[str, ...] = ("pandas",),
) -> Case:
    return Case("pandas", name, f"import numpy as np, pandas as pd\n{make}", check, mutate, outcome, why, needs)


def _polars(name: str, make: str, check: str, mutate: str = "", outcome: Outcome = "equal", why: str = "") -> Case:
    return Case("polars", name, f"import polars as pl\n{make}", check, mutate, outcome, why, ("polars",))


def _arrow(name: str, make: str, check: str, mutate: str = "", outcome: Outcome = "equal", why: str = "") -> Case:
    return Case("pyarrow", name, f"import pyarrow as pa\n{make}", check, mutate, outcome, why, ("pyarrow",))


def _xarray(name: str, make: str, check: str, mutate: str = "") -> Case:
    needs = ("xarray",)
    return Case("xarray", name, f"import numpy as np, pandas as pd, xarray as xr\n{make}", check, mutate, needs=needs)


def _duckdb(name: str, make: str, check: str, mutate: str = "", outcome: Outcome = "equal", why: str = "") -> Case:
    return Case("duckdb", name, f"import duckdb\n{make}", check, mutate, outcome, why, ("duckdb", "pandas", "pyarrow"))


_FRAME = "$x = pd.DataFrame({'k': list('aabb'), 'n': [1, 2, 3, 4], 'f': [0.5, 1.5, 2.5, 3.5]})\n"

CASES = [
    _pandas(
        "a frame with a column of every dtype",
        """
$x = pd.DataFrame({
    "i": [1, 2], "f": [1.5, np.nan], "b": [True, False], "o": [{"a": 1}, None], "s": pd.array(["x", None], "string"),
    "I": pd.array([1, None], "Int64"), "F": pd.array([1.5, None], "Float32"), "B": pd.array([True, None], "boolean"),
    "c": pd.Categorical(["u", "v"], ordered=True), "t": pd.to_datetime(["2024-01-01", None]),
    "z": pd.to_datetime(["2024-01-01", "2024-06-01"]).tz_localize("Europe/Paris"), "d": pd.to_timedelta([1, 2], "h"),
    "p": pd.period_range("2024-01", periods=2, freq="M"), "v": pd.interval_range(0, 2),
    "r": pd.arrays.SparseArray([0, 1]), "y": ["text", "more"], "n": np.array([1, 2], "u1"), "h": np.array([1, 2], "f2"),
})
""".strip(),
        "print($x.to_string(), $x.dtypes.to_string(), $x.sum(numeric_only=True))",
        "$x.loc[1, 'I'] = 5; $x.loc[0, 's'] = 'changed'; $x.at[0, 'o'] = 3",
    ),
    _pandas(
        "columns of pyarrow",
        "$x = pd.DataFrame({'i': pd.array([1, None], 'int64[pyarrow]'), 's': pd.array(['a', 'b'], 'string[pyarrow]')})",
        "print($x, $x.dtypes, $x.i.sum())",
        "$x.loc[0, 'i'] = 9",
        needs=("pandas", "pyarrow"),
    ),
    _pandas(
        "a series and the frame it is a column of",
        _FRAME + "$s = $x['n']\n$t = $s",
        "print($s, $x, $t is $s)",
        "$s.iloc[0] = 99; $x.loc[1, 'n'] = 88",
    ),
    _pandas(
        "frames that share memory, and write apart",
        _FRAME + "$y = $x[:]\n$z = $x.rename(columns=str.upper)",
        "print($x, $y, $z)",
        "$y.iloc[0, 1] = 50; $x.iloc[1, 1] = 60; $z['F'] = 0",
    ),
    _pandas(
        "an index of several levels",
        "$x = pd.DataFrame(np.arange(8.0).reshape(4, 2), pd.MultiIndex.from_product([['a', 'b'], [1, 2]], names=['l', 'n']))",
        "print($x, $x.index, $x.loc['b'], $x.xs(2, level='n'))",
        "$x.loc[('a', 1), 0] = 9; $x.sort_index(ascending=False, inplace=True)",
    ),
    _pandas(
        "indexes of every kind",
        "$x = [pd.RangeIndex(0, 6, 2, name='r'), pd.Index(['a', 'b']), pd.CategoricalIndex(list('ab')),\n"
        "    pd.IntervalIndex.from_breaks([0, 1, 2]), pd.date_range('2024', periods=3, freq='MS', tz='UTC'),\n"
        "    pd.timedelta_range('1h', periods=2), pd.period_range('2024', periods=2, freq='Q'), pd.Index([1.5, 2.5])]",
        "print($x, [getattr(i, 'freq', None) for i in $x], $x[1].get_loc('b'), $x[3].get_loc(0.5))",
        "$x[0].name = 'changed'",
    ),
    _pandas(
        "categories that two series share",
        "$y = pd.CategoricalDtype(list('abc'), ordered=True)\n$x = pd.Series(list('ab'), dtype=$y)\n$z = pd.Series(['c'], dtype=$y)",
        "print($x, $z, $x.dtype == $z.dtype, $x.cat.codes.tolist(), $x.max())",
        "$x.iloc[0] = 'c'",
    ),
    _pandas(
        "a grouping",
        _FRAME + "$g = $x.groupby('k')\n$c = $g['n']",
        "print($g.sum(), $c.mean(), $g.ngroups, [name for name, _ in $g], $g.get_group('a'))",
    ),
    _pandas(
        "a grouping by a function of a cell",
        "$y = 2\ndef $f(n):\n    return n % $y\n$x = pd.Series(range(6)).groupby($f)",
        "print($x.sum(), $x.groups)",
    ),
    _pandas(
        "rolling, expanding and weighted windows",
        _FRAME + "$r, $e, $w = $x.n.rolling(2), $x.n.expanding(), $x.n.ewm(span=2)",
        "print($r.mean(), $e.sum(), $w.mean())",
    ),
    _pandas(
        "a resampling",
        "$x = pd.Series(range(4), pd.date_range('2024', periods=4, freq='12h'))\n$r = $x.resample('D')",
        "print($r.sum(), $x)",
    ),
    _pandas(
        "a styler with a function of a cell",
        _FRAME
        + "def $f(v):\n    return 'color: red' if v > 2 else ''\n$s = $x.style.map($f, subset=['n']).format(precision=1).set_uuid('u')",
        "print($s.to_html())",
        "$s.set_caption('c')",
        needs=("pandas", "jinja2"),
    ),
    _pandas(
        "a subclass of DataFrame with metadata",
        """
class $Frame(pd.DataFrame):
    _metadata = ["unit"]

    @property
    def _constructor(self):
        return $Frame

$x = $Frame({"a": [1, 2]})
$x.unit = "m"
$x.attrs["note"] = [1]
$y = $x[$x.a > 1]
""".strip(),
        "print($x, $x.unit, $x.attrs, type($y) is $Frame, $y.unit, type($x.head()).__name__[1:])",
        "$x.unit = 'km'; $x.attrs['note'].append(2)",
    ),
    _pandas("accessors", _FRAME + "$s = $x.k.str\n$l = $x.loc\n", "print($s.upper(), $l[1:2, 'n'])", "$l[0, 'n'] = 50"),
    _pandas(
        "timestamps, offsets and other scalars",
        "$x = [pd.Timestamp('2024-01-01', tz='Asia/Tokyo'), pd.Timedelta('1h'), pd.Period('2024-01', 'M'), pd.NaT, pd.NA,\n"
        "    pd.Interval(0, 1), pd.offsets.BusinessDay(2), pd.offsets.MonthEnd(), pd.Timestamp.max, pd.DateOffset(months=2)]",
        "print($x, $x[3] is pd.NaT, $x[4] is pd.NA, $x[0] + $x[9], $x[0] + $x[6])",
    ),
    _pandas(
        "a frame that is read in chunks",
        "pd.DataFrame({'a': range(6)}).to_csv('$x.csv', index=False)\n$x = pd.read_csv('$x.csv', chunksize=2)\n$y = {'r': $x, 'n': 1}",
        "print($y['n'])\nprint(next($x))",
        outcome="placeholder",
        why="its parser is in the middle of the file",
    ),
    _pandas(
        "a crosstab, a pivot and a wide frame",
        _FRAME + "$p = $x.pivot_table('n', 'k', aggfunc=['sum', 'mean'])\n$c = pd.crosstab($x.k, $x.n > 2)",
        "print($p, $c, $p.columns)",
        "$p.iloc[0, 0] = -1",
    ),
    _pandas(
        "a thousand columns of many blocks",
        "$x = pd.DataFrame({f'c{i}': np.arange(3) * (1.5 if i % 2 else 2) for i in range(1000)})",
        "print($x['c1'].sum(), $x.shape, $x.dtypes.value_counts())",
        "$x['c5'] = 'text'; $x.loc[0, 'c1'] = 1",
    ),
    _pandas(
        "an array extension type of pandas alone",
        "$x = pd.array([1, None, 3], 'Int8')\n$v = $x[1:]",
        "print($x, $v, $x.sum())",
        "$v[0] = 7",
    ),
    _pandas(
        "a frame from a database, and its connection",
        "import sqlite3\n$y = sqlite3.connect('$x.db')\npd.DataFrame({'a': [1, 2]}).to_sql('t', $y, index=False, if_exists='replace'); $y.commit()\n$x = pd.read_sql('select * from t', $y)",
        "print($x, pd.read_sql('select sum(a) s from t', $y))",
        outcome="reconnected",
        why="the connection is opened again",
    ),
    # polars
    _polars(
        "a DataFrame with every dtype",
        """
import datetime as _dt
$x = pl.DataFrame({
    "i": [1, None], "f": [1.5, float("nan")], "s": ["a", None], "b": [True, None], "d": [_dt.date(2024, 1, 1), None],
    "t": [_dt.datetime(2024, 1, 1, tzinfo=_dt.timezone.utc), None], "u": [_dt.timedelta(1), None], "h": [_dt.time(1), None],
    "l": [[1, 2], []], "z": [{"a": 1, "b": "x"}, None], "y": [b"ab", None],
}).with_columns(pl.Series("c", ["u", "v"]).cast(pl.Categorical), pl.Series("e", ["p", "q"]).cast(pl.Enum(["p", "q"])),
    pl.Series("m", ["1.10", "2.20"]).cast(pl.Decimal(10, 2)), pl.Series("a", [[1, 2], [3, 4]]).cast(pl.Array(pl.Int8, 2)))
""".strip(),
        "print($x, $x.schema, $x.to_dicts())",
        "$x[0, 'i'] = 5; $x = $x.with_columns(n=pl.col('i') * 2)",
    ),
    _polars(
        "a column of Python objects",
        "$y = [1]\n$x = pl.DataFrame({'o': pl.Series([$y, {2}], dtype=pl.Object)})",
        "print($x['o'].to_list(), $x.schema)",
    ),
    _polars(
        "a Series, and a slice of it",
        "$x = pl.Series('s', range(1000))\n$v = $x[10:20]",
        "print($x.sum(), $v, $x.flags)",
        "$x[10] = -1",
    ),
    _polars(
        "a LazyFrame",
        "$x = pl.LazyFrame({'a': [1, 2, 3]}).filter(pl.col('a') > 1).select(b=pl.col('a') * 10)",
        "print($x.collect(), $x.collect_schema())",
    ),
    _polars(
        "a LazyFrame with a function of a cell",
        "$n = 3\ndef $f(v):\n    return v * $n\n$x = pl.LazyFrame({'a': [1, 2]}).with_columns(b=pl.col('a').map_elements($f, return_dtype=pl.Int64))",
        "print($x.collect())",
        "",
        "placeholder",
        "polars keeps copies of functions of cells, which would not see later changes",
    ),
    _polars(
        "a scan of a file",
        "pl.DataFrame({'a': [1, 2]}).write_parquet('$x.parquet')\nimport os as _os\n$x = pl.scan_parquet(_os.path.abspath('$x.parquet')).filter(pl.col('a') > 1)",
        "print($x.collect())",
    ),
    _polars(
        "expressions, selectors and schemas",
        "import polars.selectors as cs\n$x = [pl.col('a').sum().over('b'), cs.numeric(), pl.when(pl.col('a') > 1).then(2).otherwise(3)]\n$s = pl.Schema({'a': pl.Int8, 'b': pl.List(pl.Utf8)})",
        "print([str(e) for e in $x], $s, pl.DataFrame({'a': [1, 2], 'b': [1, 1]}).select($x[0]))",
    ),
    _polars(
        "a grouping and a window of rows",
        "$y = pl.DataFrame({'k': ['a', 'b', 'a'], 'n': [1, 2, 3]})\n$x = $y.group_by('k', maintain_order=True)\n$r = $y.rolling",
        "print($x.agg(pl.col('n').sum()))\nprint([name for name, _ in $x])",
    ),
    _polars(
        "a configuration, an SQL context",
        "$y = pl.DataFrame({'a': [1, 2]})\n$x = pl.SQLContext(t=$y)",
        "print($x.execute('select sum(a) from t', eager=True))",
        outcome="equal",
    ),
    # pyarrow
    _arrow(
        "a Table of several chunks with metadata",
        "$x = pa.concat_tables([pa.table({'a': [1, 2], 's': ['x', None]}), pa.table({'a': [3], 's': ['z']})]).replace_schema_metadata({'k': 'v'})\n$c = $x['a']",
        "print($x, $x.schema.metadata, $c.num_chunks, $x.to_pydict(), $x.validate(full=True))",
    ),
    _arrow(
        "arrays of every kind",
        "$x = [pa.array([1, None]), pa.array(['a', 'b']).dictionary_encode(), pa.array([[1], None]), pa.array([{'a': 1}]), pa.array([1.5], pa.float32()), pa.array([b'x']), pa.nulls(2), pa.array([[('k', 1)]], pa.map_(pa.string(), pa.int8())), pa.array([1, 2], pa.timestamp('s', 'UTC'))]",
        "print([str(a.type) for a in $x], [a.to_pylist() for a in $x], $x[0].type == pa.int64())",
    ),
    _arrow(
        "a slice of an array, and its buffers",
        "$y = pa.array(range(1000))\n$x = $y[10:13]\n$b = $y.buffers()[1]",
        "print($x, $b.size, $x.sum() if hasattr($x, 'sum') else 0, bytes($b[:8]))",
    ),
    _arrow(
        "schemas, fields, scalars and types",
        "$x = [pa.schema([pa.field('a', pa.int8(), nullable=False, metadata={'m': '1'})]), pa.scalar(5), pa.list_(pa.string()), pa.scalar({'a': [1]})]",
        "print($x, $x[0].field('a').metadata, $x[1].as_py(), $x[3].as_py())",
    ),
    _arrow(
        "a dataset, its scanner and its fragments",
        "import os as _os, pyarrow.dataset as _ds, pyarrow.parquet as _pq\n_os.makedirs('$x', exist_ok=True)\n_pq.write_table(pa.table({'a': [1, 2, 3]}), '$x/p.parquet')\n$x = _ds.dataset(_os.path.abspath('$x'))\n$e = _ds.field('a') > 1",
        "print($x.to_table(filter=$e), $x.schema, $x.count_rows(), $e)",
    ),
    _arrow(
        "a RecordBatch, and a reader of them",
        "$y = pa.record_batch({'a': [1, 2]})\n$x = {'r': pa.RecordBatchReader.from_batches($y.schema, [$y]), 'b': $y}",
        "print($y.to_pydict(), $x['b'] is $y)\nprint($x['r'].read_all())",
        outcome="placeholder",
        why="a stream can be read once only",
    ),
    _arrow(
        "a ParquetFile",
        "import os as _os, pyarrow.parquet as _pq\n_pq.write_table(pa.table({'a': [1, 2, 3]}), '$x.parquet')\n$x = {'f': _pq.ParquetFile(_os.path.abspath('$x.parquet')), 'n': 1}",
        "print($x['n'])\nprint($x['f'].read())",
        outcome="placeholder",
        why="it does not tell which file it reads",
    ),
    # xarray
    _xarray(
        "a Dataset with coordinates and attributes",
        "$x = xr.Dataset({'t': (('x', 'y'), np.arange(6.0).reshape(2, 3), {'unit': 'K'})}, {'x': [10, 20], 'd': ('y', pd.date_range('2024', periods=3))}, {'note': [1]})\n$t = $x.t",
        "print($x, $t.attrs, $t.sel(x=20).values, $x.mean())",
        "$x.t[0, 0] = 50; $x.attrs['note'].append(2); $x['u'] = $t * 2",
    ),
    _xarray(
        "a DataArray that shares memory with an array",
        "$y = np.arange(4.0)\n$x = xr.DataArray($y, dims='a', name='n')\n$v = $x[1:3]",
        "print($x, $v, $y)",
        "$y[1] = 77",
    ),
    _xarray(
        "groupings and rolling windows of a DataArray",
        "$x = xr.DataArray(np.arange(4.0), [('k', list('abab'))])\n$g, $r = $x.groupby('k'), $x.rolling(k=2)",
        "print($g.sum(), $r.mean())",
    ),
    _xarray(
        "a tree of data sets",
        "$x = xr.DataTree.from_dict({'/': xr.Dataset({'a': 1}), '/b': xr.Dataset({'c': ('x', [1, 2])})})",
        "print($x, $x['b/c'].sum().item())",
        "$x['b'].attrs['k'] = 1",
    ),
    Case(
        "dask",
        "an array and a frame not yet computed",
        "import dask, dask.array as da\n$n = 3\n$x = da.arange(10, chunks=4) * $n + 1\n$y = $x.sum()",
        "print($x, $x.compute(), $y.compute(), $x.chunks)",
        needs=("dask",),
    ),
    Case(
        "dask",
        "delayed calls of functions of a cell",
        "import dask\n$n = 3\n@dask.delayed\ndef $f(v):\n    return v + $n\n$x = $f(1) + $f(2)",
        "print($x.compute(scheduler='sync'))",
        "$n = 10",
        needs=("dask",),
    ),
    Case(
        "dask",
        "a bag",
        "import dask.bag as db\n$x = db.from_sequence(range(6), npartitions=2).map(lambda v: v * 2).filter(lambda v: v > 4)",
        "print($x.compute(scheduler='sync'))",
        needs=("dask",),
    ),
    _duckdb(
        "a database in a file",
        "$x = duckdb.connect('$x.duckdb')\n_ = $x.execute('create or replace table t as select 1 a union all select 2')",
        "print($x.execute('select sum(a) from t').fetchall())",
        "_ = $x.execute('insert into t values (5)')",
        "reconnected",
        "opened again",
    ),
    _duckdb(
        "a database in memory",
        "$x = duckdb.connect()\n_ = $x.execute(\"create table t (a int primary key, s varchar default 'd'); create view v as select a * 2 b from t; create sequence q start 5; insert into t values (1, 'x')\")",
        "print($x.execute('select * from t').fetchall(), $x.execute('select * from v').fetchall(), $x.execute(\"select nextval('q')\").fetchall())",
        "_ = $x.execute('insert into t (a) values (2)')\ntry:\n    $x.execute('insert into t (a) values (1)')\nexcept duckdb.ConstraintException as error:\n    print('refused')",
    ),
    _duckdb(
        "a relation",
        "$y = duckdb.connect()\n_ = $y.execute('create table t as select 1 a')\n$x = {'r': $y.table('t').filter('a > 0'), 'n': 1}",
        "print($x['n'])\nprint($x['r'].fetchall())",
        "",
        "placeholder",
        "it is bound to its connection and does not tell its whole query",
    ),
]
