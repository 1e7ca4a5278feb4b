"""What people and their browsers send, what stands in heads, and files of history that an operator was given."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import gettempdir
from types import SimpleNamespace
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from pydantic import BaseModel

from adapters.queries import BadQuery
from bench.fuzz.calls import LOOP, posted, request_of, run
from bench.fuzz.parser import KB, Parser
from bench.fuzz.shapes import Shape, filled, json_shapes, numbered, repeated, text_shapes, xml_shapes
from gateway import logs
from gateway.api import models
from gateway.api.history import HistoryIn
from gateway.api.meters import ExchangeIn
from gateway.api.town_checks import sound
from gateway.api.vee import EditIn
from gateway.cli.history_file import map_of
from gateway.errors import CsrRefused, NotAllowed
from gateway.history import green_button, mscons, parquet, table
from gateway.history.plan import plan_of
from gateway.history.values import Values
from gateway.history.wrong import FileRefused, MapRefused
from gateway.identity.certs import requested_key
from gateway.identity.sessions import COOKIE
from gateway.identity.signer import verified
from gateway.pages.asked import BadAddress, _json_asked, chosen, whole
from gateway.pages.forms import FORM_BYTES, decimal_of, same_site
from gateway.pages.render import language_of
from gateway.serve import proxy_header
from gateway.serve.cookies import cookie_of
from gateway.serve.listeners import _legible
from gateway.serve.outside import behind
from gateway.serve.problems import Problem

_LINE = 8190


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


# -- bodies of the API

_HOME = {"name": "a", "points": ["p"], "start": "2026-01-01T00:00:00Z", "box": True}
_SCOPE = {
    "recipient": "r",
    "purpose": "billing",
    "quantities": ["1-0:1.8.0"],
    "values_from": "2026-01-01T00:00:00Z",
    "values_to": "2027-01-01T00:00:00Z",
    "until": "2027-01-01T00:00:00Z",
}
_SERIES = {"household": "h", "quantity": "1-0:1.8.0", "starts": [0], "ends": [900], "values": ["1.5"]}
_ORGANISATION = {"name": "o", "did": "did:web:a", "levels": ["individual"], "zones": ["z"]}
_SMALL = 1 << 16
_OF_API: Sequence[tuple[type[BaseModel], Any, int]] = (
    (models.EnrolIn, {"code": "a", "csr": "b"}, 1 << 15),
    (models.CodeIn, {"code": "a"}, _SMALL),
    (models.ScopeIn, _SCOPE, _SMALL),
    (models.AnswerIn, {"quantities": ["a"], "language": "de"}, _SMALL),
    (models.OrganisationIn, _ORGANISATION, _SMALL),
    (models.BoxIn, {"household": "h", "meters": {"m": "h"}}, _SMALL),
    (ExchangeIn, {"at": "2026-01-01T00:00:00Z", "stands": [{"quantity": "a", "last": "1", "first": "0"}]}, _SMALL),
    (EditIn, {"author": "a", "reason": "b", "value": "1.5", "unit": "kWh", "start": "2026-01-01T00:00:00Z"}, _SMALL),
    (HistoryIn, {"source": "s", "sequence": 1, "series": [_SERIES]}, 4 << 20),
)


def _api(model: type[BaseModel], good: Any, most: int) -> Parser:
    def read(data: bytes) -> object:
        try:
            return run(models.body(posted(data), model))
        except Problem:
            return None

    name, modules = f"API, {model.__name__}", ("gateway.api.models",)
    return Parser(name, modules, read, lambda: [json.dumps(good).encode()], json_shapes(good), most)


_TOWN = {"organisations": {"o": _ORGANISATION}, "clients": {"c": {"scopes": ["s"]}}, "households": [_HOME]}


def _town(data: bytes) -> object:
    try:
        return run(sound(posted(data)))
    except Problem:
        return None


# -- forms and heads


def _form(data: bytes) -> object:
    request = request_of(data, "application/x-www-form-urlencoded", most=FORM_BYTES)
    try:
        form = LOOP.run_until_complete(request.post())
        return decimal_of(str(form.get("value", "")), "value")
    except (NotAllowed, ValueError):
        return None
    except Exception as error:
        if getattr(error, "status", 500) < 500:
            return None
        raise


def _page(data: bytes) -> object:
    request = request_of(b"", query=_text(data))
    try:
        return chosen(request, "state", ["a"]), whole(request, "before")
    except (BadAddress, BadQuery):
        return None


def _headers(data: bytes) -> object:
    """One line of text in every header that we look into."""
    said = _text(data).replace("\r", " ").replace("\n", " ")
    names = ("Accept", "Accept-Language", "Authorization", "Content-Type", "Origin", "X-CSRF-Token")
    request = request_of(b"", headers=dict.fromkeys(names, said))
    try:
        _legible(request)
        same_site(request)
    except (Problem, ValueError):
        pass
    return language_of(request), _json_asked(request)


def _cookies(data: bytes) -> object:
    return cookie_of(request_of(b"", headers={"Cookie": _text(data).replace("\r", " ").replace("\n", " ")}), COOKIE)


def _forwarded(data: bytes) -> object:
    from ipaddress import ip_network

    return behind("10.0.0.1", [_text(data)], [ip_network("10.0.0.0/8")])


def _announced(data: bytes) -> object:
    asks, at = proxy_header.header(), 0
    wanted = next(asks)
    while at + wanted <= len(data):
        try:
            wanted, at = asks.send(data[at : at + wanted]), at + wanted
        except (StopIteration, proxy_header.BadHeader):
            return at
    return None


def _wire(data: bytes) -> object:
    """Through the server's own parser: heads and bodies, inflated within its bounds, and what we look for in a head."""
    protocol: Any = SimpleNamespace(_reading_paused=False, pause_reading=lambda: None, resume_reading=lambda: None)
    parser = HttpRequestParser(protocol, LOOP, 1 << 16, max_line_size=_LINE, max_field_size=_LINE)
    try:
        return [len(message.headers) for message, _ in parser.feed_data(data)[0]]
    except HttpProcessingError:
        return None


_HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


def _redacted(data: bytes) -> object:
    return logs.redact(None, "", {"field": _text(data)})


_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def _csr(data: bytes) -> object:
    try:
        return requested_key(_text(data))
    except CsrRefused:
        return None


# -- files

_MAP = {"format": "csv", "columns": {"point": "p", "quantity": "q", "time": "t", "value": "v"}, "fixed": {"unit": "Wh"}}
_CSV = b"p,q,t,v\n" + b"".join(b"a,1-0:1.8.0,2026-01-01T0%d:00:00Z,%d\n" % (n, n) for n in range(9))
_EDIFACT = (
    b"UNA:+.? 'UNH+1+MSCONS:D:04B'NAD+DP'LOC+172+a'RFF+MG:1'LIN+1'PIA+5+1-0?:1.29.0'"
    b"QTY+220:1.5:KWH'DTM+163:202601010000?+00:303'DTM+164:202601010015?+00:303'UNT+9+1'"
)
_ESPI = (
    b'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:e="http://naesb.org/espi"><entry><link rel="self" href="u/1"/>'
    b'<title>a</title><content><e:UsagePoint/></content></entry><entry><link rel="self" href="u/1/MeterReading/1"/>'
    b'<link rel="related" href="t/1"/><content><e:MeterReading/></content></entry><entry><link rel="self" href="t/1"/>'
    b"<content><e:ReadingType><e:commodity>1</e:commodity><e:uom>72</e:uom></e:ReadingType></content></entry><entry>"
    b'<link rel="up" href="u/1/MeterReading/1/IntervalBlock"/><content><e:IntervalBlock><e:IntervalReading>'
    b"<e:timePeriod><e:duration>900</e:duration><e:start>0</e:start></e:timePeriod><e:value>5</e:value>"
    b"</e:IntervalReading></e:IntervalBlock></content></entry></feed>"
)
_IMPORT = "metergate import, a process of the operator's; at most 10 million values, 2 GiB"
_FILE = 100 * KB


def _file(read: Callable[[bytes, Values], object]) -> Callable[[bytes], object]:
    def reading(data: bytes) -> object:
        values = Values()
        try:
            read(data, values)
            return values.finish()
        except FileRefused:
            return None

    return reading


def _mapped(data: bytes) -> object:
    file = Path(gettempdir()) / "metergate-fuzz-map.yaml"
    file.write_bytes(data)
    try:
        return plan_of(map_of(file))
    except MapRefused:
        return None
    finally:
        file.unlink()


def _parquet_file() -> bytes:
    from pyarrow import parquet as pq
    from pyarrow import table as made

    out = io.BytesIO()
    columns = {
        "p": ["a"] * 9,
        "q": ["1-0:1.8.0"] * 9,
        "t": [f"2026-01-01T0{n}:00:00Z" for n in range(9)],
        "v": [1.5] * 9,
    }
    pq.write_table(made(columns), out)
    return out.getvalue()


_PLAN = plan_of(_MAP)
_LINES = [
    *(
        Shape(f"many {w!r}", filled(w, b"p,q,t,v\n"))
        for w in (b"\n", b'"', b",", b"a,", b'"a"', b"a,b,c,d\n", b"24:24:24")
    ),
    Shape("many series", numbered("p%d,1-0:1.8.0,2026-01-01T00:00:00Z,1\n", "p,q,t,v\n")),
    Shape("many columns", numbered("c%d,", "", "\n")),
    Shape("many 24 in a time", filled(b"a,1-0:1.8.0," + b"24" * 40 + b",1\n", b"p,q,t,v\n")),
    Shape("same instant", filled(b"a,1-0:1.8.0,2026-01-01T00:00:00Z,1\n", b"p,q,t,v\n")),
    Shape("digits", filled(b"9", b"p,q,t,v\na,1-0:1.8.0,2026-01-01T00:00:00Z,")),
]
_SEGMENTS = [
    *(
        Shape(f"many {w!r}", filled(w, b"UNA:+.? '"))
        for w in (b"'", b"?", b"??", b"+", b":", b"a'", b"?+", b"a+b:c'", b"UNH+1+MSCONS'")
    ),
    *(
        Shape(f"many {s!r}", filled(s, _EDIFACT[:100]))
        for s in (b"LOC+172+a'", b"QTY+220:1:KWH'", b"DTM+163:24:203'", b"PIA+5+a'")
    ),
    *repeated(_EDIFACT),
]

PEOPLE: Sequence[Parser] = (
    *(_api(*each) for each in _OF_API),
    Parser(
        "API, a town",
        ("gateway.api.town_checks", "gateway.api.town"),
        _town,
        lambda: [json.dumps(_TOWN).encode()],
        json_shapes(_TOWN),
        32 << 20,
    ),
    Parser(
        "form",
        ("gateway.pages.forms", "gateway.pages.entrance", "gateway.pages.operator"),
        _form,
        lambda: [b"value=1.5&token=a"],
        text_shapes(("value=", ""), ("", "=")),
        FORM_BYTES,
    ),
    Parser(
        "query of a page",
        ("gateway.pages.asked", "gateway.pages.household", "gateway.api.household", "gateway.api.vee"),
        _page,
        lambda: [b"state=a&before=1"],
        text_shapes(("before=", "")),
        _LINE,
    ),
    Parser(
        "headers",
        ("gateway.serve.listeners", "gateway.serve.callers", "gateway.serve.login", "gateway.pages.render"),
        _headers,
        lambda: [b"text/html; charset=utf-8, de"],
        text_shapes(("text/html;charset=", ""), ("http://", "")),
        _LINE,
    ),
    Parser(
        "cookies",
        ("gateway.serve.cookies",),
        _cookies,
        lambda: [b'a=b; c="d"'],
        text_shapes(('a="', ""), ("a=b; ", "")),
        _LINE,
    ),
    Parser(
        "X-Forwarded-For",
        ("gateway.serve.outside",),
        _forwarded,
        lambda: [b"10.0.0.2, [::1]:1"],
        text_shapes(("", ", 10.0.0.2")),
        _LINE,
    ),
    Parser(
        "PROXY header",
        ("gateway.serve.proxy_header",),
        _announced,
        lambda: [b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12)],
        repeated(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12)),
        1 << 10,
    ),
    Parser(
        "head, on the wire",
        ("gateway.serve.listeners",),
        _wire,
        lambda: [_HEAD + b"Content-Length: 0\r\n\r\n"],
        [
            *text_shapes((_HEAD.decode() + "A: ", "\r\n\r\n"), ("GET /", " HTTP/1.1\r\n\r\n")),
            Shape("many headers", numbered("A%d: b\r\n", _HEAD.decode(), "\r\n")),
            Shape("same header", filled(b"A: b\r\n", _HEAD, b"\r\n")),
            Shape("pipelined", filled(_HEAD + b"\r\n")),
        ],
    ),
    Parser(
        "text in a log",
        ("gateway.logs",),
        _redacted,
        lambda: [b"Bearer eyJhbGciOi.eyJ.a"],
        text_shapes(("eyJ", ""), ("bearer ", "")),
    ),
    Parser(
        "signing request",
        ("gateway.identity.certs",),
        _csr,
        lambda: [b"-----BEGIN CERTIFICATE REQUEST-----\nMAA="],
        text_shapes(("-----BEGIN CERTIFICATE REQUEST-----\n", "\n-----END CERTIFICATE REQUEST-----\n")),
        1 << 16,
    ),
    Parser(
        "signed record, token",
        ("gateway.identity.signer",),
        lambda data: verified(_text(data), _JWK),
        lambda: [b"eyJhbGciOiJFUzI1NiJ9.e30.AA"],
        text_shapes(("eyJhbGciOiJFUzI1NiJ9.", ".AA"), ("", ".e30.AA")),
        1 << 16,
    ),
    Parser(
        "history, CSV",
        ("gateway.history.table",),
        _file(lambda d, v: table.read(io.StringIO(_text(d), newline=""), _PLAN, v)),
        lambda: [_CSV],
        [*_LINES, *repeated(_CSV)],
        _FILE,
        _IMPORT,
    ),
    Parser(
        "history, MSCONS",
        ("gateway.history.mscons",),
        _file(lambda d, v: mscons.read([d.decode("latin-1")], plan_of({"format": "mscons"}), v)),
        lambda: [_EDIFACT],
        _SEGMENTS,
        _FILE,
        _IMPORT,
    ),
    Parser(
        "history, Green Button",
        ("gateway.history.green_button",),
        _file(lambda d, v: green_button.read(lambda: io.BytesIO(d), plan_of({"format": "green-button"}), v)),
        lambda: [_ESPI],
        xml_shapes(_ESPI),
        _FILE,
        _IMPORT,
    ),
    Parser(
        "history, Parquet",
        ("gateway.history.parquet",),
        _file(lambda d, v: parquet.read(io.BytesIO(d), plan_of({**_MAP, "format": "parquet"}), v, lambda *_: None)),
        lambda: [_parquet_file()],
        repeated(_parquet_file()),
        _FILE,
        _IMPORT,
    ),
    Parser(
        "map of an import",
        ("gateway.cli.history_file",),
        _mapped,
        lambda: [b"format: csv\ncolumns: {time: t}\n"],
        [*json_shapes(), *text_shapes(("a: ", ""))],
        _FILE,
        "metergate import, written by the operator",
    ),
)
