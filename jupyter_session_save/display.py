"""How reports look: bounded, aligned text and self-contained HTML.

Invariant: nothing that came from a user's value or message is shown unescaped; text stays on its line.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

LIMIT = 100
"""Rows or names shown of a list before it ends in "… and N more"; in a terminal all are shown."""

_CELL = 72
_STYLE = "font: 13px/1.5 var(--jp-ui-font-family, system-ui, sans-serif); color: inherit"
_LINE = "1px solid color-mix(in srgb, currentColor 25%, transparent)"
_TD = f"padding: 2px 12px 2px 0; border: 0; border-bottom: {_LINE}; background: none; vertical-align: top"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading.

    Attributes
    ----------
    heading : str
        One line above the table; ``""`` for none.
    columns : tuple of str
        The columns' titles.
    rows : tuple of tuple of str
        One tuple for each row, as long as `columns`.
    right : frozenset of int
        Indices of columns that are aligned to the right.
    folded : bool
        Whether HTML shows it only when its heading is clicked, and text leaves it out.
    """

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = field(default_factory=frozenset)
    folded: bool = False


def human_bytes(count: int) -> str:
    """Return bytes as people read them, such as ``"3.4 MB"`` (powers of 1000)."""
    if count < 1000:
        return f"{count} B"
    size = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            break
    return f"{size:.1f} {unit}" if size < 99.95 else f"{size:.0f} {unit}"


def human_seconds(seconds: float) -> str:
    """Return a duration as people read it, such as ``"0.41 s"`` or ``"2 min 5 s"``."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def human_time(stamp: str) -> str:
    """Return an ISO 8601 time as local time to the minute; what is no such time is returned as it is."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # years that the system cannot tell
        return stamp


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as ``"1 variable"`` or ``"2 variables"``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def typed(reference: str) -> str:
    """Return a session's name or reference as it is typed after a magic: in quotes if it has blanks or the like."""
    if re.fullmatch(r"[\w./@:+=,~%][\w./@:+=,~%-]*", reference):
        return reference
    quote = "'" if '"' in reference else '"'
    return f"{quote}{reference}{quote}"


def listing(names: Sequence[str], limit: int = LIMIT) -> str:
    """Return names on one line, ending in "… and N more" when there are many."""
    shown = ", ".join(one_line(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown}, … and {len(names) - limit} more"


def one_line(text: str, width: int = 0) -> str:
    """Return `text` without line breaks or control characters, cut to `width` columns if that is given."""
    if not text.isprintable():
        text = "".join(
            c if c.isprintable() else " " if c.isspace() else c.encode("unicode_escape").decode() for c in text
        )
    if width and columns_of(text) > width:
        kept, used = [], 1
        for char in text:
            used += columns_of(char)
            if used > width:
                break
            kept.append(char)
        text = "".join(kept) + "…"
    return text


def columns_of(text: str) -> int:
    """Return how many terminal columns `text` takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def as_text(title: str, facts: Sequence[str], tables: Sequence[Table] = (), *, whole: bool = False) -> str:
    """Lay out a report for terminals.

    Parameters
    ----------
    title : str
        The first line.
    facts : sequence of str
        One line each, below the title.
    tables : sequence of Table
        Tables without rows are left out.
    whole : bool
        Show every row, and no cell cut, as pipes and `grep` need it.

    Returns
    -------
    str
        Lines without a line break at the end.
    """
    lines = [one_line(title), *(f"  {one_line(fact)}" for fact in facts)]
    for table in tables:
        if table.rows and not table.folded:
            lines += _text_table(table, whole=whole)
    return "\n".join(lines)


def as_html(title: str, facts: Sequence[str], tables: Sequence[Table] = ()) -> str:
    """Lay out a report for notebooks; parameters as for `as_text`.

    Styles are inline and take the page's own colours, so that light and dark themes both read well.
    """
    parts = [f'<div class="jupyter-session-save" style="{_STYLE}">', f"<strong>{_escape(title)}</strong>"]
    parts += [f"<div>{_escape(fact)}</div>" for fact in facts]
    parts += [_html_table(table) for table in tables if table.rows]
    return "".join([*parts, "</div>"])


class ProgressMeter:
    """A `Progress` callback that stays silent for a while, then shows a line a few times each second.

    Parameters
    ----------
    show : callable
        Takes the line, and the share done from 0 to 1.
    after : float
        Seconds of silence; short operations show nothing.
    """

    EVERY = 0.2

    def __init__(self, show: Callable[[str, float], None], *, after: float = 1.0) -> None:
        self.shown = False
        self._show = show
        self._next = time.monotonic() + after

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take note that `done` of `total`, in bytes or variables, are done, and that `what` is under way."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self.EVERY
        self.shown = True
        share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
        self._show(f"{share:4.0%}  {one_line(what, _CELL)}", share)


def progress_html(line: str, share: float) -> str:
    """Return one line of progress with a bar, for notebooks."""
    return f'<div style="{_STYLE}"><progress value="{share:.3f}" max="1"></progress> {_escape(line)}</div>'


def _bounded(table: Table) -> tuple[list[tuple[str, ...]], str]:
    rest = len(table.rows) - LIMIT
    return list(table.rows[:LIMIT]), f"… and {rest} more" if rest > 0 else ""


def _text_table(table: Table, *, whole: bool) -> list[str]:
    rows, more = (list(table.rows), "") if whole else _bounded(table)
    cells = [list(table.columns)] if any(table.columns) else []
    # The last column may be as long as it needs to be: reasons and advice must not be cut.
    last = len(table.columns) - 1
    cells += [[one_line(cell, 0 if whole or i == last else _CELL) for i, cell in enumerate(row)] for row in rows]
    widths = [max(columns_of(row[i]) for row in cells) for i in range(last + 1)]
    lines = [f"  {table.heading}"] if table.heading else []
    for row in cells:
        line = "  ".join(_pad(cell, widths[i], right=i in table.right) for i, cell in enumerate(row))
        lines.append(f"    {line}".rstrip())
    if more:
        lines.append(f"    {more}")
    return lines


def _pad(cell: str, width: int, *, right: bool) -> str:
    space = " " * (width - columns_of(cell))
    return space + cell if right else cell + space


def _html_table(table: Table) -> str:
    rows, more = _bounded(table)
    align = ["right" if i in table.right else "left" for i in range(len(table.columns))]
    parts = ['<table style="border-collapse: collapse; margin: 4px 0; color: inherit; background: transparent">']
    if any(table.columns):
        head = "".join(
            f'<th style="{_TD}; text-align: {align[i]}; opacity: 0.7">{_escape(c)}</th>'
            for i, c in enumerate(table.columns)
        )
        parts.append(f'<tr style="background: transparent">{head}</tr>')
    for row in rows:
        body = "".join(f'<td style="{_TD}; text-align: {align[i]}">{_escape(c)}</td>' for i, c in enumerate(row))
        parts.append(f'<tr style="background: transparent">{body}</tr>')
    if more:
        parts.append(f'<tr><td colspan="{len(table.columns)}" style="{_TD}">{_escape(more)}</td></tr>')
    parts.append("</table>")
    heading = _escape(table.heading)
    if table.folded:
        return f"<details><summary>{heading}</summary>{''.join(parts)}</details>"
    return (f'<div style="margin-top: 6px">{heading}</div>' if heading else "") + "".join(parts)


def _escape(text: str) -> str:
    # Imported late: it brings a table of all entities, and %load_ext should cost little.
    from html import escape

    return escape(one_line(text), quote=True)
