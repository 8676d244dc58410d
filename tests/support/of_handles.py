"""What reaches outside: data files, the network, documents, databases; and small libraries."""

from __future__ import annotations

from . import Case

CASES = [
    Case(
        "h5py",
        "a file, a group and a data set of it, open for reading",
        "import h5py, numpy as np, os as _os\nwith h5py.File('$x.h5', 'w') as _f:\n    _f['g/d'] = np.arange(4.0); _f['g'].attrs['k'] = 'v'\n$x = h5py.File(_os.path.abspath('$x.h5'), 'r')\n$g, $d = $x['g'], $x['g/d']\ndel _f",
        "print($x.mode, $d[:], $g.attrs['k'], $d.file == $x, $g.name, list($x))",
        outcome="reconnected",
        why="opened again, never truncated",
        needs=("h5py",),
    ),
    Case(
        "h5py",
        "a file open for writing",
        "import h5py, numpy as np\n$x = h5py.File('$x.h5', 'w')\n$x['d'] = np.arange(3)\n$a = $x['d'].attrs; $a['n'] = 1",
        "print($x.mode, $x['d'][:], dict($a))",
        "$x['d'][0] = 9; $a['n'] = 2; $x.flush()",
        "reconnected",
        "opened again to be read and written",
        ("h5py",),
    ),
    Case(
        "h5py",
        "a closed file, and one in memory",
        "import h5py, io\n$y = io.BytesIO()\n$x = [h5py.File($y, 'w'), h5py.File('$x.h5', 'w')]\n$x[0]['a'] = 1; $x[1].close()",
        "print(bool($x[1]))\nprint($x[0]['a'][()])",
        outcome="reconnected",
        why="opened again on its buffer",
        needs=("h5py",),
    ),
    Case(
        "netCDF4",
        "a file open for writing, and a variable of it",
        "import netCDF4, numpy as np\n$x = netCDF4.Dataset('$x.nc', 'w')\n_ = $x.createDimension('t', 3); $v = $x.createVariable('v', 'f8', ('t',)); $v[:] = [1, 2, 3]; $v.units = 'm'",
        "print($v[:], $v.units, $x.dimensions['t'].size, list($x.variables))",
        "$v[0] = 9; $x.sync()",
        "reconnected",
        "opened again, never truncated",
        ("netCDF4",),
    ),
    Case(
        "xarray",
        "a lazily opened file",
        "import os as _os, numpy as np, xarray as xr\nxr.Dataset({'t': ('a', np.arange(4.0))}).to_netcdf('$x.nc')\n$x = xr.open_dataset(_os.path.abspath('$x.nc'))",
        "print($x.t.values, $x.t.sum().item())",
        "$x = $x.assign(u=$x.t * 2)",
        needs=("xarray", "netCDF4"),
    ),
    Case(
        "requests",
        "a session with headers and cookies",
        "import requests\n$x = requests.Session()\n$x.headers['X-Kind'] = 'k'; $x.cookies.set('c', 'v', domain='example.org'); $x.params = {'p': 1}\n$r = requests.Request('GET', 'https://example.org/a', headers={'B': '2'})\n$p = $x.prepare_request($r)",
        "print($x.headers['X-Kind'], $x.cookies.get_dict(), $x.params, $p.url, $p.headers['B'], $p.headers['Cookie'])",
        "$x.headers['X-Kind'] = 'z'",
        needs=("requests",),
    ),
    Case(
        "requests",
        "a session with a password",
        "import requests\n$x = requests.Session()\n$x.auth = ('user', 'CANARY')\n$x.headers['Authorization'] = 'Bearer CANARY'; $x.headers['B'] = '2'\n$n = [1]",
        "print($n, $x.headers['B'])\nprint($x.auth[1])",
        why="they are in no report",
        needs=("requests",),
    ),
    Case(
        "requests",
        "a response",
        "import requests\n$x = requests.Response()\n$x.status_code = 200; $x._content = b'{\"a\": 1}'; $x.url = 'https://example.org'; $x.headers['K'] = 'v'; $x.encoding = 'utf-8'",
        "print($x.json(), $x.ok, $x.headers['k'], $x.url, $x.text)",
        needs=("requests",),
    ),
    Case(
        "httpx",
        "a client with headers",
        "import httpx\n$x = httpx.Client(headers={'X-Kind': 'k'}, timeout=3, base_url='https://example.org')\n$r = $x.build_request('GET', '/a', params={'b': 1})\n$s = httpx.Response(200, json={'a': 1})",
        "print($x.headers['X-Kind'], $x.timeout, str($x.base_url), str($r.url), $s.json(), $x.is_closed)",
        "$x.headers['X-Kind'] = 'z'",
        "reconnected",
        "a new client with the same settings; connections are made again",
        ("httpx",),
    ),
    Case(
        "bs4",
        "a parsed page and a tag of it",
        "import bs4\n$x = bs4.BeautifulSoup('<p class=\"a\">one <b>two</b></p><p>three</p>', 'html.parser')\n$t = $x.b",
        "print($x, $t.parent['class'], $x.find_all('p')[1].text, $t is $x.b, $x.select('p.a b'))",
        "$t.string = 'changed'; $x.p['id'] = '1'",
        needs=("bs4",),
    ),
    Case(
        "lxml",
        "a tree, and an element of it",
        "from lxml import etree, html\n$x = etree.fromstring('<a k=\"1\"><b>t</b><!--c--><d/>tail</a>')\n$e = $x[0]\n$h = html.fromstring('<p>one <b>two</b></p>')\n$t = etree.ElementTree($x)",
        "print(etree.tostring($x), $e.text, $e.getparent() is $x, $h.text_content(), $x.xpath('//d')[0].tail, $t.getroot() is $x)",
        "$e.text = 'z'; $x.set('k', '2')",
        needs=("lxml",),
    ),
    Case(
        "lxml",
        "a compiled path",
        "from lxml import etree\n$x = etree.XPath('//b')",
        "print($x(etree.fromstring('<a><b/></a>'))[0].tag, $x.path)",
        needs=("lxml",),
    ),
    Case(
        "lxml",
        "a parser",
        "from lxml import etree\n$x = {'p': etree.XMLParser(recover=True), 'n': 1}",
        "print($x['n'])\nprint($x['p'].error_log)",
        outcome="placeholder",
        why="it does not tell its options",
        needs=("lxml",),
    ),
    Case(
        "sqlalchemy",
        "an engine on a file, and a session",
        "import sqlalchemy as sa\nfrom sqlalchemy import orm\n$x = sa.create_engine('sqlite:///$x.db')\n$s = orm.Session($x)\n_ = $s.execute(sa.text('create table if not exists t (a int)')); $s.commit()",
        "print($s.execute(sa.text('select count(*) from t')).scalar(), $s.bind is $x, $x.url.database)",
        "_ = $s.execute(sa.text('insert into t values (1)')); $s.commit()",
        "reconnected",
        "a new session on the same file",
        ("sqlalchemy",),
    ),
    Case(
        "sqlalchemy",
        "tables, statements and metadata",
        "import sqlalchemy as sa\n$m = sa.MetaData()\n$x = sa.Table('$t', $m, sa.Column('a', sa.Integer, primary_key=True), sa.Column('b', sa.String(9)))\n$q = sa.select($x).where($x.c.a > 1)\n$e = sa.text('select 1')",
        "print($q, $x.c.b.type, $m.tables['$t'] is $x, $e)",
        needs=("sqlalchemy",),
    ),
    Case(
        "sqlalchemy",
        "an engine on a database in memory",
        "import sqlalchemy as sa\nfrom sqlalchemy.pool import StaticPool\n$x = [sa.create_engine('sqlite://'), sa.create_engine('sqlite://', poolclass=StaticPool), sa.create_engine('sqlite://')]\nfor $e in $x[:2]:\n    with $e.begin() as $c:\n        $c.execute(sa.text('create table t (a)'))\n        $c.execute(sa.text('insert into t values (7)'))\ndel $c",
        "print([e.connect().scalar(sa.text('select max(a) from t')) for e in $x[:2]], sa.inspect($x[2]).get_table_names())",
        "for $e in $x[:2]:\n    with $e.begin() as $k:\n        $k.execute(sa.text('insert into t values (9)'))",
        outcome="reconnected",
        why="contents are saved, options of create_engine but echo are not",
        needs=("sqlalchemy",),
    ),
    Case(
        "arrow",
        "times",
        "import arrow\n$x = arrow.get('2024-01-01T10:00', tzinfo='Europe/Paris')",
        "print($x, $x.shift(months=6), $x.tzinfo, $x.span('month'))",
        needs=("arrow",),
    ),
    Case(
        "textblob",
        "a text",
        "from textblob import TextBlob\n$x = TextBlob('Good day. Bad night!')",
        "print($x.upper(), len($x), $x.sentiment)",
        needs=("textblob",),
    ),
    Case(
        "nltk",
        "stemmers, trees and frequencies",
        "import nltk\n$x = [nltk.PorterStemmer(), nltk.SnowballStemmer('english'), nltk.Tree('S', ['a', nltk.Tree('N', ['b'])]), nltk.FreqDist('abca'), nltk.RegexpTokenizer(r'\\w+')]",
        "print($x[0].stem('running'), $x[1].stem('flies'), $x[2], $x[3].most_common(1), $x[4].tokenize('a b'))",
        "$x[3]['z'] += 5",
        needs=("nltk",),
    ),
    Case(
        "llm",
        "a chat model",
        "import llm.default_plugins.openai_models as m\n$x = m.Chat('gpt-none')",
        "print($x.model_id, $x.can_stream, type($x).__name__)",
        needs=("llm",),
    ),
    Case(
        "pydantic",
        "models of cells, generic and nested",
        """
import pydantic, typing
class $Inner(pydantic.BaseModel):
    a: int = 1
class $Model(pydantic.BaseModel):
    inner: $Inner = pydantic.Field(default_factory=$Inner)
    names: list[str] = []
    @pydantic.field_validator("names")
    @classmethod
    def lower(cls, v):
        return [s.lower() for s in v]
$x = $Model(names=["A"])
$t = pydantic.TypeAdapter(list[$Inner])
""".strip(),
        "print($x, type($x.inner) is $Inner, $Model(names=['Q']), $x.model_dump_json(), $t.validate_python([{'a': '3'}]))\ntry:\n    $Model(names=3)\nexcept pydantic.ValidationError as error:\n    print(error.error_count())",
        "$x.names.append('b'); $x.inner.a = 7",
        needs=("pydantic",),
    ),
    Case(
        "flask",
        "an application of a cell",
        "import flask\n$x = flask.Flask('__main__')\n$n = 1\n@$x.route('/')\ndef $f():\n    return f'n={$n}'",
        "print($x.test_client().get('/').text)",
        "$n = 5",
        needs=("flask",),
    ),
    Case(
        "dill",
        "dill, what it has written, and a pickler under way",
        "import dill, io\n$n = 2\n$b = dill.dumps(lambda v: v + 1)\n$f = io.BytesIO()\n$x = dill.Pickler($f); $x.dump([1])\n$y = [dill, dill.dumps, dill.Pickler]",
        "print(dill.loads($b)(1), $y[0] is dill, $y[1] is dill.dumps, type($x) is $y[2], dill.loads($f.getvalue()), len($f.getvalue()))",
        "$x.dump({'a': [2]}); _ = $f.seek(0); print(dill.load($f), dill.load($f))",
        needs=("dill",),
    ),
    Case(
        "cloudpickle and joblib",
        "a memory cache and delayed calls",
        "import joblib\n$x = joblib.Memory('$cache', verbose=0)\n@$x.cache\ndef $f(v):\n    return v + 1\n$d = joblib.delayed(sum)([1, 2])\n_ = $f(3)",
        "print($f(3), $f(4), $d[1], $f.check_call_in_cache(3))",
        needs=("joblib",),
    ),
]
