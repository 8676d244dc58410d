"""Parts of documents that others keep whole: of spaCy, lxml and Beautiful Soup.

Invariant: a part stays a part of its document, so that what is changed through one shows in the other.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
from typing import TYPE_CHECKING, Any

from .. import rebuild

if TYPE_CHECKING:
    from ..pickler import Pickling


def language(obj: Any, pickling: Pickling) -> Any:
    """Reduce a pipeline of spaCy by its own protocol, with a constructor that readies the parts it may get."""
    reduced = obj.__reduce_ex__(4)
    return new_language, (type(obj),), *reduced[2:]


def span(obj: Any, pickling: Pickling) -> Any:
    """Reduce a span of spaCy to its place in the document."""
    return make_span, (type(obj), obj.doc, obj.start, obj.end, obj.label, obj.kb_id, obj.id)


def token(obj: Any, pickling: Pickling) -> Any:
    """Reduce a token of spaCy to its place in the document."""
    return make_token, (obj.doc, obj.i)


def xml(obj: Any, pickling: Pickling) -> Any:
    """Reduce an element of lxml to its place below the root, and the root to its text."""
    from lxml import etree

    whole = obj.getroottree()
    root = whole.getroot()
    if obj is root:
        in_html = type(obj).__module__ == "lxml.html"
        if not in_html and type(obj) is not etree._Element:
            return NotImplemented
        pickling.modules.add("lxml")
        return parse_xml, (etree.tostring(whole, encoding="utf-8"), in_html)
    place: list[int] = []
    below = obj
    while below is not root:
        above = below.getparent()
        if above is None:
            return pickling.placeholder(obj, "it stands beside the root of its document", "take it from there again")
        place.insert(0, above.index(below))
        below = above
    return child, (root, tuple(place))


def xml_tree(obj: Any, pickling: Pickling) -> Any:
    """Reduce a tree of lxml to its root."""
    return type(obj), (), obj.getroot(), None, None, set_root


def path(obj: Any, pickling: Pickling) -> Any:
    """Reduce a compiled path to its text."""
    if ":" in obj.path.replace("::", ""):
        return pickling.placeholder(obj, "it does not tell its namespaces", "compile it again")
    return type(obj), (obj.path,)


def template(obj: Any, pickling: Pickling) -> Any:
    """Reduce a template of Jinja to what it was compiled to: its constructor wants the text, which it does not keep."""
    return rebuild.instance, (type(obj),), vars(obj), None, None, rebuild.object_state


_LINKS = frozenset(
    "parent contents next_element previous_element next_sibling previous_sibling _most_recent_element builder".split()
)
"""What follows from the order of the elements; a builder knows its page and makes itself anew."""


def page(obj: Any, pickling: Pickling) -> Any:
    """Reduce a tag or text of Beautiful Soup to its place in the page, and the page to its elements in order."""
    root, above = obj, obj.parent
    while above is not None:
        root, above = above, above.parent
    pickling.modules.add("bs4")
    if root is not obj:
        return part_of_page, (root, next(i for i, part in enumerate(root.descendants) if part is obj))
    if isinstance(obj, str):
        return make_text, (type(obj), str(obj)), _own(obj), None, None, rebuild.raw_state
    parts = list(obj.descendants)
    places = {id(part): i for i, part in enumerate(parts)}
    rows = [(type(p), str(p) if isinstance(p, str) else None, places.get(id(p.parent), -1), _own(p)) for p in parts]
    builder = type(obj.builder) if getattr(obj, "builder", None) is not None else None
    return rebuild.instance, (type(obj),), (_own(obj), rows, builder), None, None, fill_page


def _own(part: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(part).items() if name not in _LINKS}


def new_language(cls: Any) -> Any:
    """Make an empty pipeline, and register the factories of parts, as the first `spacy.blank` would have done."""
    for module, register in (("registrations", "populate_registry"), ("pipeline.factories", "register_factories")):
        with contextlib.suppress(ImportError, AttributeError):  # Other versions register when they are imported.
            getattr(importlib.import_module(f"spacy.{module}"), register)()
    return cls.__new__(cls)


def make_span(cls: Any, doc: Any, start: int, end: int, label: int, kb_id: int, identity: int) -> Any:
    """Take a span out of a document."""
    return cls(doc, start, end, label=label, kb_id=kb_id, span_id=identity)


def make_token(doc: Any, index: int) -> Any:
    """Take a token out of a document."""
    return doc[index]


def parse_xml(text: bytes, in_html: bool) -> Any:
    """Parse a document, and return its root."""
    from lxml import etree, html

    options: Any = {"resolve_entities": False, "strip_cdata": False, "huge_tree": True}
    parser = html.XHTMLParser(**options) if in_html else etree.XMLParser(**options)
    return etree.fromstring(text, parser)


def child(root: Any, place: tuple[int, ...]) -> Any:
    """Return an element below a root."""
    for index in place:
        root = root[index]
    return root


@rebuild.setter
def set_root(made: Any, root: Any) -> None:
    """Give a tree its root."""
    if root is not None:
        made._setroot(root)


def make_text(cls: Any, text: str) -> Any:
    """Make a text of a page; its attributes follow."""
    made = str.__new__(cls, text)
    made.parent = made.next_element = made.previous_element = made.next_sibling = made.previous_sibling = None
    return made


@rebuild.setter
def fill_page(made: Any, state: tuple[dict[str, Any], list[tuple[Any, str | None, int, dict[str, Any]]], Any]) -> None:
    """Give a page its elements, and link them in their order."""
    attributes, rows, builder = state
    parts: list[Any] = [made]
    for cls, text, _, _ in rows:
        parts.append(make_text(cls, text) if text is not None else cls.__new__(cls))
    for part, own in zip(parts, (attributes, *(row[3] for row in rows)), strict=True):
        vars(part).update(dict.fromkeys(_LINKS - {"contents", "_most_recent_element", "builder"}), **own)
        if not isinstance(part, str):
            part.contents = []
    for part, (_, _, above, _) in zip(parts[1:], rows, strict=True):
        part.parent = parts[above + 1]
        before = part.parent.contents[-1:]
        for sibling in before:
            part.previous_sibling, sibling.next_sibling = sibling, part
        part.parent.contents.append(part)
    for one, other in itertools.pairwise(parts):
        one.next_element, other.previous_element = other, one
    if builder is not None:
        made.builder = builder()
        made.builder.soup = made


def part_of_page(root: Any, index: int) -> Any:
    """Return an element of a page."""
    return next(itertools.islice(root.descendants, index, None))
