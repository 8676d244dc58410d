"""No secret stands in the statements that a snapshot keeps, and statements of ordinary notebooks stay as they are."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_session_save.cells import statements
from jupyter_session_save.masking import Masking, masked
from jupyter_session_save.sensitive import redacted
from jupyter_session_save.statement import Statement

from .machine import ROOT
from .shells import EXTENSION, fresh_shell

CANARY = "hunter2"


@pytest.mark.parametrize(
    "source",
    [
        "c = connect('password'+'='+'hunter2')",
        "d = dict(zip(('password',), ('hunter2',)))",
        "c = Client(key='hunter2')",
        "h = hmac.new(b'hunter2', msg, 'sha256').hexdigest()",
        "h = hmac.new(key='hunter2'.encode(), msg=b'm')",
        "t = jwt.encode({'a': 1}, 'hunter2', algorithm='HS256')",
        "t = jwt.decode(tok, 'hunter2', algorithms=['HS256'])",
        "u = f\"{'password'}={'hunter2'}\"",
        "u = 'postgresql://{}:{}@h/db'.format('me', 'hunter2')",
        "u = 'postgresql://%s:%s@h/db' % ('me', 'hunter2')",
        "u = '{}:{}@h'.format('me', 'hunter2')",
        "u = 'password=%s' % 'hunter2'",
        "u = b'password=hunter2'",
        "u = '='.join(['password', 'hunter2'])",
        "x = 'Bearer {}'.format('hunter2')",
        "os.environ['X'] = 'hunter2'",
        "os.environ.update({'X': 'hunter2'})",
        "os.environ |= {'X': 'hunter2'}",
        "os.putenv('X', 'hunter2')",
        "get_ipython().run_line_magic('env', 'X=hunter2')",
        "r = requests.get(url, auth=('u', 'hunter2'))",
        "r = requests.get(url, headers={'Authorization': 'Bearer ' + 'hunter2'})",
        "c = pyodbc.connect('Server=x;Uid=u;Password=hunter2;')",
        "c = Service('AccountName=x;AccountKey=hunter2;')",
        "c = pymysql.connect('host', 'root', 'hunter2')",
        "d['pass' + 'word'] = 'hunter2'",
        "f(**{'pass' + 'word': 'hunter2'})",
        "d = dict([['password', 'hunter2']])",
        "p.add_argument('--password', default='hunter2')",
        "out = get_ipython().getoutput('curl -u me:hunter2 https://h')",
        "out = get_ipython().getoutput('mysql -uroot -phunter2 db')",
        "def f():\n    p = 'hunter2'\n    return connect(password=p)",
        "class C:\n    password = 'hunter2'",
    ],
)
def test_a_secret_is_told_by_its_place(source: str) -> None:
    text, reason = masked(source)
    ast.parse(text)
    assert CANARY not in text and "not recorded" in reason


@pytest.mark.parametrize("form", ["v = {!r}", "f({!r})", "v = ['a', {!r}]", "v = f'x {{y}} ' + {!r}"])
@pytest.mark.parametrize(
    "token",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "xoxb-12-34-abc",
        "sk-proj-abcdefgh12345678",
        "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
        "x9K2mPq7RtZ4vB8nL3wY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "https://hooks.slack.com/services/T0/B0/xyz",
    ],
)
def test_a_secret_is_told_by_its_form(form: str, token: str) -> None:
    text, reason = masked(form.format(token))
    assert repr(token) not in text and reason
    assert token not in redacted(f"it failed with {token} there")


@pytest.mark.parametrize(
    "cells",
    [
        ("p = 'hunter2'", "c = connect(password=p)"),
        ("k = b'hunter2'", "h = hmac.new(k, m)"),
        ("a = 'hunter2'", "b = a + 'x'", "c = connect(password=b)"),
        ("u, v = 'me', 'hunter2'", "e = engine(f'pg://{u}:{v}@h')"),
        ("d = {'a': 'hunter2'}", "c = connect(password=d['a'])"),
        ("d = {}", "d['a'] = 'hunter2'", "c = connect(password=d['a'])"),
        ("def f(u, s):\n    return connect(u, password=s)", "c = f('me', 'hunter2')"),
        ("class K:\n    def __init__(self, u, api_key): self.k = api_key", "k = K('me', 'hunter2')"),
        ("go = lambda s: login('me', s)", "c = go('hunter2')"),
        ("s = 'hunter2'.strip()", "t = s.encode()", "h = {'X-Api-Key': t}"),
    ],
)
def test_a_secret_is_told_by_where_another_statement_puts_it(cells: tuple[str, ...]) -> None:
    kept = [Statement(number, text, (text.partition(" ")[0],)) for number, text in enumerate(cells)]
    masking = Masking()
    for _ in range(2):
        found = masking.without_secrets(kept, {n for s in kept for n in s.binds}, frozenset())
        assert not any(CANARY in s.text for s in found)
        assert [s.refused for s in found if "***" in s.text] and not any(
            s.refused for s in found if "***" not in s.text
        )


@pytest.mark.parametrize(
    "source",
    [
        "c = connect(password=config['db']['pw'])",
        "config = json.load(open('config.json'))",
        "password = Path('pw.txt').read_text()",
        "df = pd.read_hdf('f.h5', key='df')",
        "g = df.groupby(pd.Grouper(key='date'))",
        "key = 'price'",
        "for key in ['a', 'b']: d[key] = 1",
        "os.environ['CUDA_VISIBLE_DEVICES'] = '0'",
        "os.environ['TOKENIZERS_PARALLELISM'] = 'false'",
        "df = pd.read_csv('https://raw.githubusercontent.com/a/b-data/master/tips.csv')",
        "m = load('sentence-transformers/all-MiniLM-L6-v2')",
        "conn = sqlite3.connect('data.db', 5)",
        "h = hashlib.sha256(b'abc').hexdigest()",
        "p = retrieve('http://x', known_hash='0123456789abcdef0123456789abcdef')",
        "c = HistGradientBoostingClassifier2('2024-01-01T00-00-00_Run12_modelV2_final')",
        "path = 'C:\\\\Users\\\\Me\\\\Documents\\\\Data2024\\\\File1.csv'",
        "msg = 'monkey business' + 'keyboard'",
    ],
)
def test_what_only_looks_like_one_stays(source: str) -> None:
    assert masked(source) == (source, "")


@pytest.mark.parametrize(
    "source",
    [
        "c = connect('host', password='hunter2')",
        "c = connect(**{'api_key': 'hunter2'})",
        "headers['X-Api-Key'] = 'hunter2'",
        "user, token = 'me', b'hunter2'",
        "e = engine('postgresql://me:hunter2@host/db')",
        "e = engine(f'postgresql://{user}:hunter2@host/db')",
        "h = {'Authorization': 'Bearer hunter2'}",
        "c.login('me', 'hunter2')",
        "def f(a, *, secret='hunter2'): return a",
        "c = connect('host=h password=hunter2')",
        "x = db_password = 'hunter2'",
        "ok = token == 'hunter2'",
        "r = get('https://host/x?page=1&access_token=hunter2')",
        "r = get(f'https://host/{x}?client_secret=hunter2')",
        "r = get('https://host/blob?sv=1&sig=hunter2')",
        "e = engine(f'{user}:hunter2@host')",
        "c = connect(f\"password={'hunter2'}\")",
        'c = loads(\'{"password": "hunter2"}\')',
        "shell.run_line_magic('env', 'MY_TOKEN=hunter2')",
        "shell.run_line_magic('env', 'DB_PASSWORD hunter2')",
        "shell.system('export AWS_SECRET_ACCESS_KEY=hunter2; run')",
        "shell.system('mysql -u root --password hunter2')",
        "p = run(['mysql', '--password', 'hunter2'])",
        "environ.setdefault('API_KEY', 'hunter2')",
        "config.set('section', 'password', 'hunter2')",
        "c = connect(password=environ.get('WHICH', 'hunter2'))",
        "pw = getenv('PW', 'hunter2')",
        "c = connect(settings['password'] or 'hunter2')",
        "for password in ['hunter2', 'x']: attempt(password)",
        "c = [attempt(pw) for pw in ['hunter2']]",
        "match x:\n    case {'password': 'hunter2'}: c = 1",
        "match x:\n    case User(password='hunter2'): c = 1",
        "c = url.with_password('hunter2')",
    ],
)
def test_secrets_are_masked(source: str) -> None:
    text, reason = masked(source)
    ast.parse(text)
    assert "hunter2" not in text
    assert "not recorded" in reason


@pytest.mark.parametrize(
    "source",
    [
        "token = os.environ['TOKEN']",
        "token = os.environ.get('TOKEN')",
        "pw = getpass('Password: ')",
        "tokenizer = load('bert')",
        "c = connect('host')",
        "x = df[['token', 'lemma']]",
        "x = write('mailto:me@host')",
    ],
)
def test_what_is_no_secret_stays(source: str) -> None:
    assert masked(source) == (source, "")


def test_comments_that_speak_of_a_secret_are_dropped() -> None:
    assert masked("c = connect('host')  # pw hunter2") == ("c = connect('host')", "")


def test_what_is_only_looked_up_does_not_make_secrets_of_what_it_is_looked_up_in() -> None:
    cells = ("config = json.load(open('config.json'))", "doc = nlp('Hi there')", "token = doc[0]")
    kept = [
        Statement(n, t, (t.partition(" ")[0],)) for n, t in enumerate((*cells, "c = connect(password=config['pw'])"))
    ]
    assert Masking().without_secrets(kept, {"config", "doc", "token", "c"}, frozenset()) == kept


def test_no_statement_of_an_ordinary_notebook_is_masked() -> None:
    with fresh_shell() as shell:
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
            found = [e for source in code for e in statements(shell.transform_cell(source), shell.transform_cell)[0]]
            kept = [Statement(number, e.text, tuple(e.binds)) for number, e in enumerate(found)]
            assert len(kept) > 30
            masking = Masking().without_secrets(kept, {n for s in kept for n in s.binds}, frozenset())
            assert [s.text for s in masking if s.refused] == []


def test_no_preview_shows_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_SESSION_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("getpass.getpass", lambda prompt="": CANARY)
    with fresh_shell() as shell:
        shell.run_line_magic("load_ext", EXTENSION)
        _run(shell, "import getpass\nn_tokens = 5; db = {}; odd = key = 0; where = ''", "%save_session s")
        _run(
            shell,
            f"odd = getpass.getpass()\nn_tokens = 6; db = {{'user': 'me', 'pw': '{CANARY}'}}; key = '{CANARY}'",
            f"cipher = hmac.new(key) if False else None; where = 'https://me:{CANARY}@host/'",
            "%save_session s",
            "diff = %diff_session s@1",
        )
        diff = shell.user_ns["diff"]
    assert CANARY not in repr(diff) + diff._repr_html_()
    assert "n_tokens  changed  5    6" in repr(diff)
    records = [p.read_text() for p in (tmp_path / "store" / "sessions").rglob("*.json")]
    assert len(records) == 2 and not any(CANARY in record for record in records)


def _run(shell: InteractiveShell, *cells: str) -> None:
    for cell in cells:
        assert shell.run_cell(cell, store_history=True).success
