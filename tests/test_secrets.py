"""Passwords and tokens are not written in clear into records and reports; the pickled value itself may hold them."""

from __future__ import annotations

import json

import pytest

from jupyter_session_save.sensitive import redacted
from jupyter_session_save.snapshot import Problem

from .cells import notebook


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://anna:hunter2@host:5432/db", "postgresql://anna:***@host:5432/db"),
        ("d['postgresql+psycopg2://u:p%40w@h/db']", "d['postgresql+psycopg2://u:***@h/db']"),
        ("refused: redis://:hunter2@cache", "refused: redis://:***@cache"),
        ("connect(password='hunter2', host='h')", "connect(password='***', host='h')"),
        ("{'api_key': 'hunter2', 'n': 1}", "{'api_key': '***', 'n': 1}"),
        ("https://h/x?token=hunter2&n=1", "https://h/x?token=***&n=1"),
        ("Authorization: Bearer hunter2.hunter2", "Authorization: Bearer ***"),
        ("AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=***"),
        ("it was opened at https://example.org:8080/a@b", "it was opened at https://example.org:8080/a@b"),
        ("refused: auth=hunter2 is wrong", "refused: auth=*** is wrong"),
        ("spin=2 and compass=3", "spin=2 and compass=3"),
        ("no key of the dict fits", "no key of the dict fits"),
        ("KeyError: 'token'", "KeyError: 'token'"),
        ("tokens[3].items", "tokens[3].items"),
    ],
)
def test_secrets_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


def test_no_problem_holds_one() -> None:
    problem = Problem("d['x://u:hunter2@h']", "t", "token=hunter2", "use password=hunter2")
    assert "hunter2" not in repr(problem) and problem.path == "d['x://u:***@h']"


def test_none_is_written_into_records_or_reports() -> None:
    cells = """
    class Client:
        def __init__(self, url): self.url = url
        def __reduce__(self): raise ConnectionError(f'cannot reach {self.url} with token=hunter2')
    d = {'postgresql://u:hunter2@host/db': Client('https://u:hunter2@host'), 'kept': 1}
    """
    with notebook(cells) as first:
        report = first.save()
        second = first.fresh()
        loaded = second.load()
        record = next(iter(first.repository.snapshots("s")))
        assert "hunter2" not in repr(report) + repr(loaded) + report._repr_html_() + repr(record)
        stored = first.repository.store
        names = list(stored.list("sessions/"))
        assert names and not any("hunter2" in json.dumps(bytes(stored.get(key)).decode()) for key in names)
    assert second["d"]["kept"] == 1 and "hunter2" not in repr(list(second["d"].values()))
