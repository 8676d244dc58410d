"""Values of the standard library."""

from __future__ import annotations

from functools import partial

from . import Case

_collection = partial(Case, "collections and data")
_time = partial(Case, "numbers, dates and randomness")
_text = partial(Case, "text and parsing")
_state = partial(Case, "context and configuration")

CASES = [
    _collection(
        "deque, defaultdict, OrderedDict, Counter, ChainMap",
        """
        import collections
        $d = collections.defaultdict(lambda: "made", a=1)
        $x = [
            collections.deque([1, 2], 2),
            $d,
            collections.OrderedDict(b=1, a=2),
            collections.Counter("aab"),
            collections.ChainMap({"a": 1}, $d),
        ]
        """,
        'print($x[0], dict($d), $d["new"], $x[2], $x[3].most_common(1), $x[4]["a"])',
        """
        $x[0].append(3)
        $x[2].move_to_end("b")
        $x[4]["z"] = 1
        """,
    ),
    _collection(
        "defaultdict of defaultdicts, recursive",
        """
        import collections
        $tree = lambda: collections.defaultdict($tree)
        $x = $tree()
        $x["a"]["b"]["c"] = 1
        """,
        'print($x["a"]["b"]["c"], len($x["q"]))',
        '$x["z"]["y"] = 2',
    ),
    _collection(
        "deque that holds itself, and its iterator",
        """
        import collections
        $x = collections.deque([1])
        $x.append($x)
        $i = iter($x)
        next($i)
        """,
        "print($x[1] is $x, next($i, None) is $x)",
    ),
    _collection(
        "heapq lists, bisect, graphlib",
        """
        import graphlib, heapq
        $h = [3, 1, 2]
        heapq.heapify($h)
        $t = graphlib.TopologicalSorter({"a": ["b"], "b": ["c"]})
        $x = [$h, $t]
        """,
        "print(heapq.heappop($h), sorted($h), len($x))",
        """
        heapq.heappush($h, 0)
        print(list($t.static_order()))
        """,
    ),
    _collection(
        "struct.Struct, uuid, ipaddress",
        """
        import ipaddress, struct, uuid
        $x = [struct.Struct("<ih"), uuid.UUID(int=5), ipaddress.ip_network("10.0.0.0/30")]
        """,
        "print($x[0].pack(1, 2), $x[1], list($x[2].hosts()))",
    ),
    _collection(
        "xml.etree elements and trees",
        """
        import xml.etree.ElementTree as ET
        $r = ET.fromstring('<a k="1"><b>text</b>tail</a>')
        $x = ET.ElementTree($r)
        """,
        'print(ET.tostring($x.getroot()), $x.getroot() is $r, $r.find("b").text)',
        'ET.SubElement($r, "c").text = "new"',
    ),
    _collection(
        "xml.dom.minidom document",
        """
        import xml.dom.minidom
        $x = xml.dom.minidom.parseString("<a><b/></a>")
        """,
        "print($x.documentElement.toxml())",
        '$x.documentElement.appendChild($x.createElement("c"))',
    ),
    _collection(
        "email message",
        """
        import email.message
        $x = email.message.EmailMessage()
        $x["Subject"] = "s"
        $x.set_content("body")
        """,
        'print($x["Subject"], $x.get_content())',
        """
        $x["To"] = "a@b.c"
        print($x["To"])
        """,
    ),
    _collection(
        "json encoder and decoder",
        """
        import json
        $x = [json.JSONEncoder(indent=1), json.JSONDecoder(object_hook=dict)]
        """,
        'print($x[0].encode({"a": 1}), $x[1].decode(\'{"a": 2}\'))',
    ),
    _collection(
        "modules of the library, and functions, classes and values of them",
        """
        import ast, copy, dataclasses, hashlib, itertools, json, pickle, typing
        $x = [ast, copy, dataclasses, hashlib, itertools, json, pickle, typing]
        $f = [copy.deepcopy, pickle.dumps, itertools.chain.from_iterable, hashlib.sha256, json.dumps, ast.literal_eval]
        $y = [pickle.PicklingError("e"), typing.Optional[int], dataclasses.field(default=3), copy.Error("c")]
        """,
        """
        import sys
        print([sys.modules[m.__name__] is m for m in $x], $f[0]([[1]]), $f[1](1), list($f[2](["ab", "c"])))
        print($f[3](b"a").hexdigest(), $f[4]({"a": 1}), $f[5]("[1]"), $y[0].args, $y[1], $y[2].default, repr($y[3]))
        """,
    ),
    _collection(
        "copyreg-registered class",
        """
        import copyreg
        class $C:
            pass
        copyreg.pickle($C, lambda o: ($C, (), {"n": o.n}))
        $x = $C()
        $x.n = 1
        """,
        "print($x.n, type($x) is $C)",
        "$x.n = 2",
    ),
    _time(
        "datetime, date, time, timedelta, zoneinfo",
        """
        import datetime, zoneinfo
        $z = (
            zoneinfo.ZoneInfo("Europe/Berlin")
            if "Europe/Berlin" in zoneinfo.available_timezones()
            else datetime.timezone.utc
        )
        $x = [
            datetime.datetime(2024, 6, 1, 12, fold=1, tzinfo=$z),
            datetime.date(2024, 2, 29),
            datetime.time(1, 2),
            datetime.timedelta(days=-1, microseconds=3),
            datetime.timezone(datetime.timedelta(hours=5), "X"),
        ]
        """,
        "print($x, $x[0].utcoffset(), $x[0].tzinfo is $z)",
    ),
    _time(
        "tzinfo class of the notebook",
        """
        import datetime
        class $Z(datetime.tzinfo):
            def utcoffset(self, d):
                return datetime.timedelta(hours=2)
            def dst(self, d):
                return None
            def tzname(self, d):
                return "Z2"
        $x = datetime.datetime(2024, 1, 1, tzinfo=$Z())
        """,
        "print($x.isoformat(), type($x.tzinfo) is $Z)",
    ),
    _time(
        "time.struct_time, calendar",
        """
        import calendar, time
        $x = [time.gmtime(0), calendar.TextCalendar()]
        """,
        'print($x[0].tm_year, time.strftime("%Y", $x[0]), $x[1].formatmonth(2024, 2)[:20])',
    ),
    _time(
        "Decimal and Fraction",
        """
        import decimal, fractions
        $x = [decimal.Decimal("1.10"), decimal.Decimal("NaN"), fractions.Fraction(1, 3)]
        """,
        "print($x, $x[0] + 1, $x[2] * 3)",
    ),
    _time(
        "decimal contexts",
        """
        import decimal
        $x = decimal.Context(prec=5, rounding=decimal.ROUND_UP, traps=[decimal.Inexact])
        $x.flags[decimal.Rounded] = True
        """,
        "print($x.prec, $x.rounding, $x.traps[decimal.Inexact], $x.flags[decimal.Rounded])",
        """
        $x.prec = 9
        $x.traps[decimal.Inexact] = False
        print($x.divide(1, 3))
        """,
    ),
    _time(
        "the thread's decimal context",
        """
        import decimal
        $x = decimal.getcontext()
        """,
        "print(type($x), $x.prec)",
    ),
    _time(
        "random.Random in the middle, SystemRandom",
        """
        import random
        $x = random.Random(3)
        $x.random()
        $x.gauss(0, 1)
        $y = random.SystemRandom()
        """,
        "print($x.random(), $x.gauss(0, 1), $x.randint(1, 9), 0 <= $y.random() < 1)",
    ),
    _time(
        "subclass of random.Random",
        """
        import random
        class $R(random.Random):
            def dice(self):
                return self.randint(1, 6)
        $x = $R(5)
        $x.dice()
        $x.tag = "t"
        """,
        "print($x.dice(), $x.tag)",
    ),
    _time(
        "statistics.NormalDist",
        """
        import statistics
        $x = statistics.NormalDist(1, 2)
        """,
        "print($x.cdf(1), $x + 1)",
    ),
    _text(
        "compiled pattern",
        r"""
        import re
        $x = re.compile(r"(?P<a>\d+)", re.I)
        """,
        'print($x.findall("1 22"), $x.flags, $x.groupindex)',
    ),
    _text(
        "re.Match, with groups and positions",
        r"""
        import re
        $x = re.compile(r"(?P<a>\d)(x)?").search("ab1", 1)
        """,
        """
        print(
            $x.group("a"), $x.span(), $x.pos, $x.groups(), $x.re.pattern, $x.string, $x.lastgroup
        )
        """,
    ),
    _text(
        "iterator of matches",
        r"""
        import re
        $x = re.finditer(r"\d", "1 2 3")
        next($x)
        """,
        "print(next($x).group())",
        outcome="placeholder",
        why="its position stands in C",
    ),
    _text(
        "string.Template, Formatter, str.maketrans",
        """
        import string
        $x = [string.Template(chr(36) + "{a} b"), string.Formatter(), str.maketrans("a", "b")]
        """,
        'print($x[0].substitute(a=1), $x[1].format("{}", 2), "aa".translate($x[2]))',
    ),
    _text(
        "argparse parser with subparsers and types of the notebook",
        """
        import argparse
        def $positive(s):
            return abs(int(s))
        $x = argparse.ArgumentParser(prog="p")
        $x.add_argument("-n", type=$positive, default=3)
        $x.add_argument("--flag", action="store_true")
        $s = $x.add_subparsers(dest="cmd")
        $s.add_parser("go").add_argument("where")
        """,
        'print($x.parse_args(["-n", "-5", "go", "home"]), $x.format_usage())',
        '$x.add_argument("--more")',
    ),
    _text(
        "argparse.Namespace",
        """
        import argparse
        $x = argparse.Namespace(a=1, b=[2])
        """,
        "print($x, vars($x))",
        "$x.b.append(3)",
    ),
    _text(
        "ast tree and what it compiles to",
        """
        import ast
        $x = ast.parse("$r = [n * 2 for n in range(3)]")
        """,
        """
        exec(compile($x, "<t>", "exec"))
        print($r, ast.dump($x)[:60])
        """,
        "$x.body[0].value.elt.right.value = 5",
    ),
    _text(
        "ast visitor of the notebook",
        """
        import ast
        class $V(ast.NodeVisitor):
            def __init__(self):
                self.names = []
            def visit_Name(self, n):
                self.names.append(n.id)
        $x = $V()
        $x.visit(ast.parse("a + b"))
        """,
        "print($x.names)",
        '$x.visit(ast.parse("c"))',
    ),
    _text(
        "dis, inspect: Signature and Parameter",
        """
        import inspect
        def $f(a, *, b: int = 2) -> str: ...
        $x = inspect.signature($f)
        """,
        'print($x, $x.bind(1, b=3).arguments, $x.parameters["b"].default)',
    ),
    _text(
        "tokenize, difflib, textwrap, pprint objects",
        """
        import difflib, pprint, textwrap
        $x = [
            difflib.SequenceMatcher(None, "abcd", "bcde"),
            textwrap.TextWrapper(width=10),
            pprint.PrettyPrinter(width=20),
        ]
        """,
        'print($x[0].ratio(), $x[1].fill("aaa bbb ccc ddd"), $x[2].pformat(list(range(12))))',
    ),
    _text(
        "html.parser subclass in the middle",
        """
        from html.parser import HTMLParser as $HP
        class $P($HP):
            def __init__(self):
                super().__init__()
                self.tags = []
            def handle_starttag(self, t, a):
                self.tags.append(t)
        $x = $P()
        $x.feed("<a><b")
        """,
        "print($x.tags)",
        '$x.feed("><c>")',
    ),
    _text(
        "codecs: incremental decoder, CodecInfo",
        r"""
        import codecs
        $x = [codecs.getincrementaldecoder("utf-8")(), codecs.lookup("utf-8")]
        $x[0].decode(b"\xc3")
        """,
        'print($x[1].name, $x[1].encode("a"))',
        'print($x[0].decode(b"\\xa4"))',
    ),
    _text(
        "gettext, locale",
        """
        import gettext, locale
        $x = [gettext.NullTranslations(), locale.localeconv()]
        """,
        'print($x[0].gettext("a"), $x[1]["decimal_point"])',
    ),
    _text(
        "ctypes-free parsing: shlex, csv.Dialect",
        r"""
        import csv, shlex
        $x = [shlex.shlex('a "b c" d', posix=True), csv.Sniffer().sniff("a;b\n1;2\n")]
        $x[0].get_token()
        """,
        "print($x[0].get_token(), $x[1].delimiter)",
    ),
    _state(
        "logger by name, its level and a child",
        """
        import logging
        $x = logging.getLogger("$x.child")
        """,
        'print($x.name, $x is logging.getLogger("$x.child"), $x.parent.name)',
    ),
    _state(
        "logging handlers and formatters",
        """
        import io, logging
        $b = io.StringIO()
        $h = logging.StreamHandler($b)
        $h.setFormatter(logging.Formatter("%(message)s!"))
        $h.setLevel("ERROR")
        $x = [$h, logging.NullHandler()]
        """,
        """
        $h.handle(logging.makeLogRecord({"msg": "m"}))
        print($b.getvalue(), $h.level, $h.stream is $b)
        """,
        '$h.setLevel("INFO")',
    ),
    _state(
        "logging.LoggerAdapter, LogRecord, Filter",
        """
        import logging
        $x = [
            logging.LoggerAdapter(logging.getLogger("$x"), {"k": 1}),
            logging.makeLogRecord({"msg": "a %s", "args": (1,)}),
            logging.Filter("a"),
        ]
        """,
        "print($x[0].extra, $x[1].getMessage(), $x[2].name)",
    ),
    _state(
        "logging handler class of the notebook",
        """
        import logging
        class $H(logging.Handler):
            def __init__(self):
                super().__init__()
                self.got = []
            def emit(self, r):
                self.got.append(r.getMessage())
        $x = $H()
        """,
        """
        $x.handle(logging.makeLogRecord({"msg": "m"}))
        print($x.got)
        """,
    ),
    _state(
        "contextvars: variable, its value, context",
        """
        import contextvars
        $x = contextvars.ContextVar("$x", default="d")
        _ = $x.set([1])
        $c = contextvars.copy_context()
        """,
        "print($x.get(), $c[$x], $x.name)",
        "$x.get().append(2)",
    ),
    _state(
        "contextvars.Token",
        """
        import contextvars
        $v = contextvars.ContextVar("$v", default="d")
        $x = $v.set(1)
        """,
        "print($v.get())\n$v.reset($x)",
        outcome="placeholder",
        why="it resets the variable in the very context that made it",
    ),
    _state(
        "warnings: catch_warnings, recorded warnings",
        """
        import warnings
        with warnings.catch_warnings(record=True) as $x:
            warnings.simplefilter("always")
            warnings.warn("careful")
        """,
        "print(len($x), str($x[0].message), $x[0].category)",
    ),
    _state(
        "types: SimpleNamespace, GenericAlias, DynamicClassAttribute",
        """
        import types
        $x = types.SimpleNamespace(a=1, b=types.SimpleNamespace(c=[2]))
        $x.me = $x
        """,
        "print($x.b.c, $x.me is $x)",
        "$x.b.c.append(3)",
    ),
    _state(
        "sched.scheduler, timeit.Timer",
        """
        import sched, timeit
        $log = []
        $x = [sched.scheduler(), timeit.Timer("pass")]
        _ = $x[0].enter(0, 1, $log.append, ("ran",))
        """,
        "print(len($x[0].queue), $log, $x[1].timeit(1) >= 0)",
        "$x[0].run()",
    ),
    _state(
        "unittest.TestCase class and suite",
        """
        import unittest
        class $T(unittest.TestCase):
            def test_a(self):
                self.assertEqual(1, 1)
        $x = unittest.defaultTestLoader.loadTestsFromTestCase($T)
        """,
        """
        import io
        r = unittest.TextTestRunner(stream=io.StringIO()).run($x)
        print(r.wasSuccessful(), r.testsRun)
        """,
    ),
    _state(
        "unittest.mock: Mock, MagicMock and their calls",
        """
        from unittest import mock
        $x = [mock.Mock(return_value=3), mock.MagicMock()]
        $x[0](1, k=2)
        $x[1].__len__.return_value = 4
        $x[1].a.b(5)
        """,
        "print($x[0](), $x[0].call_args_list, len($x[1]), $x[1].a.b.call_args, $x[1].mock_calls)",
        """
        $x[0].return_value = 9
        $x[1].a.b(6)
        """,
    ),
    _state(
        "profile, trace: cProfile.Profile",
        """
        import cProfile
        $x = cProfile.Profile()
        """,
        "print(callable($x.enable))",
        outcome="placeholder",
        why="it counts inside the process that ended",
    ),
    _state(
        "dataclasses.MISSING, inspect._empty, sentinels of the library",
        """
        import dataclasses, inspect
        $x = [dataclasses.MISSING, inspect.Parameter.empty]
        """,
        "print($x[0] is dataclasses.MISSING, $x[1] is inspect.Parameter.empty)",
    ),
    _state(
        "sys.version_info, platform.uname, site data",
        """
        import platform, sys
        $x = [sys.version_info, platform.uname(), sys.flags]
        """,
        "print($x[0] >= (3, 11), $x[1].system, $x[2].optimize)",
    ),
]
