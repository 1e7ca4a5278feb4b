"""Forms, queries, cookies and what else stands in a head; tokens and signed records."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser

from adapters.queries import BadQuery
from bench.fuzz.calls import LOOP, request_of
from bench.fuzz.parser import Parser
from bench.fuzz.shapes import Shape, filled, numbered
from bench.fuzz.syntaxes import repeated, text_shapes
from gateway import logs
from gateway.errors import CsrRefused, NotAllowed
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


HEADS: Sequence[Parser] = (
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
        (
            "gateway.pages.asked",
            "gateway.api.authority",
            "gateway.api.box_certificate",
            "gateway.api.ledger",
            "gateway.pages.household",
            "gateway.api.household",
            "gateway.api.vee",
        ),
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
)
