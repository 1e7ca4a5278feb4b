"""2.0b messages: bytes to elements and back. Pure; never entities, DOCTYPEs or network."""

from collections.abc import Iterable
from functools import lru_cache
from xml.sax.saxutils import escape

from lxml import etree

from adapters.openadr.durations import read_span
from adapters.openadr.v2b.names import NAMESPACES, XSI, clark
from adapters.openadr.v2b.shapes import FROM_VEN, ROOT, schema

Element = etree._Element
LARGEST_MESSAGE = 4 << 20
"""Bytes of the largest message that is read."""

LARGEST_POLL = 1024
"""Bytes of the largest poll that is remembered."""


class NotAMessage(Exception):
    """The bytes are no 2.0b message: HTTP 406 (9.1.5). ``str()`` names the element and the rule, never a value."""


class VenMessage:
    """One message of a VEN that obeys the schema.

    Attributes:
        name: local name, ``oadrPoll`` for example.
        element: the message itself (inside oadrPayload and oadrSignedObject).
    """

    __slots__ = ("element", "name")

    def __init__(self, name: str, element: Element) -> None:
        self.name = name
        self.element = element

    @property
    def ven(self) -> str:
        """venID; "" when there is none."""
        for child in self.element:
            if child.tag == _VEN:
                return child.text or ""
            if child.tag in _INNER:
                return child.findtext(_VEN) or ""
        return ""

    @property
    def request_id(self) -> str:
        """The message's own requestID; "" when there is none."""
        for child in self.element:
            if child.tag == _REQUEST:
                return child.text or ""
            if child.tag in _INNER:
                return child.findtext(_REQUEST) or ""
        return ""

    @property
    def answered(self) -> str:
        """The requestID in eiResponse: what the message is an answer to."""
        return self.text("ei:eiResponse/pyld:requestID")

    def text(self, path: str, default: str = "") -> str:
        """The text at a path of prefixed names."""
        found = self.element.findtext(clark(path))
        return default if found is None else found

    def all(self, path: str) -> list[Element]:
        return self.element.findall(clark(path))

    def one(self, path: str) -> Element | None:
        return self.element.find(clark(path))


_VEN, _REQUEST = clark("ei:venID"), clark("pyld:requestID")
_INNER = (clark("pyld:eiRequestEvent"), clark("pyld:eiCreatedEvent"))


def read(body: bytes) -> VenMessage:
    """Parse and check one message. Raises ``NotAMessage``.

    The message may be one that only a VTN sends; its content is then not checked.
    """
    if len(body) > LARGEST_MESSAGE:
        raise NotAMessage("the message is too large")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise NotAMessage("a message has no DOCTYPE and no entities")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotAMessage("not well-formed XML") from error
    info = root.getroottree().docinfo
    if info.doctype or (info.encoding or "UTF-8").upper() not in ("UTF-8", "US-ASCII", "ASCII"):
        raise NotAMessage("a message is UTF-8 and has no DOCTYPE")
    if root.tag != ROOT:
        raise NotAMessage("the root is not oadrPayload of OpenADR 2.0b")
    if b"XMLSchema-instance" in body:
        _without_hints(root)
    _check(root)
    element = root[-1][0]
    return VenMessage(str(etree.QName(element).localname), element)


def polled(body: bytes) -> str | None:
    """The venID of an oadrPoll; None for anything else. A VEN polls with the same bytes all day: they are read once.

    Other messages are not remembered: they may hold values.
    """
    return _polled(body) if len(body) <= LARGEST_POLL and b"oadrPoll" in body else None


@lru_cache(maxsize=16_384)
def _polled(body: bytes) -> str | None:
    try:
        message = read(body)
    except NotAMessage:
        return None
    return message.ven if message.name == "oadrPoll" else None


def _without_hints(root: Element) -> None:
    """A schemaLocation in a message is ignored (rule 45)."""
    for element in root.iter():
        for name in [str(n) for n in element.attrib if str(n).startswith(f"{{{XSI}}}")]:
            del element.attrib[name]


def _check(root: Element) -> None:
    rules = schema()
    if not rules.validate(root):
        raise NotAMessage(why(rules.error_log))


def why(log: Iterable[object]) -> str:
    """The first complaint that names an element, without its text."""
    lines = [str(getattr(entry, "message", "")) for entry in log]
    told = next((line for line in lines if line.startswith(("Expecting", "Did not expect", "Element"))), "")
    return told[:160] if told.isprintable() and told else "the message breaks the schema"


def faults(body: bytes) -> list[str]:
    """Every complaint of the tables about a well-formed message, with its line; for people, not for the log."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    except (etree.XMLSyntaxError, ValueError):
        return []
    rules = schema()
    rules.validate(root)
    return [f"line {entry.line}: {entry.message}" for entry in rules.error_log]


def from_ven(name: str) -> bool:
    """Whether a VEN may send this message."""
    return name in FROM_VEN


def seconds(element: Element | None) -> float:
    """The duration inside an element such as ``granularity``; 0 when it is missing or none."""
    if element is None:
        return 0.0
    try:
        return read_span(element.findtext(clark("xcal:duration"), "PT0S")).total_seconds()
    except ValueError:
        return 0.0


# --- writing -------------------------------------------------------------------------------------

_DECLARED = " ".join(f'xmlns:{p}="{u}"' for p, u in NAMESPACES.items() if p not in ("gml", "atom", "ds"))
_OPEN = f'<?xml version="1.0" encoding="UTF-8"?>\n<oadr:oadrPayload {_DECLARED}><oadr:oadrSignedObject>'
_CLOSE = "</oadr:oadrSignedObject></oadr:oadrPayload>"
_FORBIDDEN = dict.fromkeys([*(n for n in range(32) if n not in (9, 10, 13)), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)])
"""Characters that XML 1.0 cannot carry; JSON can, so texts of 3.1 objects lose them here."""


def wrap(name: str, inner: str) -> bytes:
    """A whole message from the inside of its element."""
    return f'{_OPEN}<oadr:{name} ei:schemaVersion="2.0b">{inner}</oadr:{name}>{_CLOSE}'.encode()


def tag(name: str, value: str) -> str:
    """One element with text."""
    return f"<{name}>{text(value)}</{name}>"


def text(value: str) -> str:
    """Character data: escaped, without what XML cannot carry."""
    return escape(value) if value.isprintable() else escape(value.translate(_FORBIDDEN))


def lasting(name: str, duration: str) -> str:
    """An element that holds a duration."""
    return f"<{name}><xcal:duration>{duration}</xcal:duration></{name}>"


def response(code: str, description: str, request_id: str) -> str:
    """eiResponse."""
    return (
        f"<ei:eiResponse><ei:responseCode>{code}</ei:responseCode>{tag('ei:responseDescription', description)}"
        f"{tag('pyld:requestID', request_id)}</ei:eiResponse>"
    )
