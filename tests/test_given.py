"""Attributes given to objects whose classes pickle without them."""

from __future__ import annotations

import types
from collections.abc import Iterator

import pytest

from jupyter_session_save.pickling import Placeholder
from jupyter_session_save.pickling.instances import reduce_shy
from jupyter_session_save.pickling.plans import plan_for

from .cells import Notebook, notebook


@pytest.fixture
def a() -> Iterator[Notebook]:
    with notebook() as first:
        yield first


STANDARD = """
import collections, decimal, http.cookies, random, statistics, string, threading
import xml.etree.ElementTree as ET
class Normal(statistics.NormalDist): pass
class Element(ET.Element): pass
class Scaled(decimal.Decimal): pass
class Tally(collections.Counter):
    def __init__(self, *args): super().__init__(*args); self._source = 'survey'
made = {
    'counter': collections.Counter('aab'),
    'tally': Tally('aab'),
    'morsel': http.cookies.SimpleCookie('a=b')['a'],
    'random': random.Random(4),
    'condition': threading.Condition(),
    'barrier': threading.Barrier(2),
    'normal': Normal(1, 2),
    'element': Element('e'),
    'scaled': Scaled('1.5'),
    'template': string.Template('$a'),
}
for key, value in made.items():
    value.note, value._mark, value.a = [key, value], key, key
"""


def test_attributes_of_values_of_the_standard_library(a: Notebook) -> None:
    b = a.run(STANDARD).resume().resume()
    b.check(
        "all(v.note[0] == v._mark == v.a == k and v.note[1] is v for k, v in made.items())",
        "made['counter'] == made['tally'] == collections.Counter(a=2, b=1)",
        "made['tally']._source == 'survey' and type(made['tally']) is Tally",
        "made['morsel'].value == 'b' and made['normal'].mean == 1 and made['element'].tag == 'e'",
        "made['random'].random() == random.Random(4).random() and made['template'].substitute(a=1) == '1'",
    )


def test_a_count_of_the_name_of_an_attribute_is_another_thing(a: Notebook) -> None:
    a.run("import collections\nc = collections.Counter(); mine = [1]; c['label'] = mine; c.label = mine")
    a.resume().check("c.label is c['label'] is mine")


def test_an_attribute_that_cannot_be_kept_costs_only_itself(a: Notebook) -> None:
    a.run("import collections\nc = collections.Counter('aab'); c.walk = (n for n in c); c.note = 'all'; next(c.walk)")
    b = a.move(clean=False)
    b.check("c['a'] == 2 and c.note == 'all'")
    assert type(b["c"].walk) is Placeholder


def test_attributes_of_values_of_libraries(a: Notebook) -> None:
    for module in ("pandas", "requests", "PIL"):
        pytest.importorskip(module)
    a.run(
        """
        import warnings, pandas as pd, requests, PIL.Image
        class Frame(pd.DataFrame):
            _metadata = ['kept']
        frame, series, own = pd.DataFrame({'x': [1]}), pd.Series([1]), Frame({'x': [2]})
        image, session = PIL.Image.new('L', (1, 1)), requests.Session()
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # That pandas makes no columns of them.
            frame.source = series.source = own.source = own.kept = note = ['survey', frame]
        image.source, session.base_url = note, 'http://localhost/'
        frame.plot, frame.x  # Which pandas keeps on the frame itself.
        """
    )
    b = a.move()
    b.check(
        "frame.source is series.source is own.source is own.kept is image.source is note and note[1] is frame",
        "session.base_url == 'http://localhost/' and type(own) is Frame and own.x[0] == 2",
        "[k for k in vars(frame) if k[0] != '_'] == ['source'] and str(frame.plot.__class__).count('Plot')",
    )


def test_a_class_of_the_users_says_itself_what_it_leaves_out(a: Notebook) -> None:
    a.run(
        """
        import collections, pickle
        class Told(collections.Counter):
            def __reduce__(self): return Told, (dict(self),)
        class Stateful(pickle.Pickler.__base__):
            def __getstate__(self): return {'kept': self.kept}
        told, stateful = Told('aab'), Stateful()
        told.left = stateful.left = 1; stateful.kept = 2
        """
    )
    a.move().check("told['a'] == 2 and not vars(told)", "vars(stateful) == {'kept': 2}")


def test_nothing_is_looked_for_where_all_attributes_come_along(a: Notebook) -> None:
    a.run(
        """
        import collections
        class Shy:
            def __getattr__(self, name): raise AttributeError(name)
        class Error(ValueError): pass
        class Queue(collections.deque): pass
        class Tally(collections.Counter): pass
        """
    )
    assert plan_for(a["Shy"], capture=True) is reduce_shy
    assert plan_for(types.SimpleNamespace, capture=True) is None
    a.run("e, q, s, t = Error(1), Queue([1]), Shy(), Tally('a')\nfor one in (e, q, s, t): one.note = [one]")
    a.resume().check(
        "e.note[0] is e and q.note[0] is q and s.note[0] is s and t.note[0] is t", "e.args == (1,) and q[0] == 1"
    )
