"""Simple HTTP, pull: the five services below /OpenADR2/Simple/2.0b (rules 53, 511, chapter 9.1)."""

import zlib
from collections.abc import Sequence

from aiohttp import web

from adapters.openadr.desk import Desk
from adapters.openadr.v2b.messages import LARGEST_MESSAGE, NotAMessage
from adapters.openadr.v2b.vtn import SERVICES
from adapters.plugin import CALLER, Caller, Handler, Route
from adapters.problems import broken
from adapters.problems import problem as told
from policies.roles import Listener, Role

PREFIX = "/OpenADR2/Simple/2.0b"
_TYPES = ("application/xml", "application/xml;charset=utf-8")
_ROLES = frozenset({Role.VEN, Role.ANYONE})
"""Without TLS nobody shows a certificate."""
_CLOSE = {"Connection": "close"}
_OTHER_VERBS = ("GET", "PUT", "PATCH", "DELETE")


def routes(desk: Desk) -> Sequence[Route]:
    """POST is the protocol; every other verb gets 501 (9.1.5)."""
    found = []
    for service in SERVICES:
        path = f"{PREFIX}/{service}"
        found.append(
            Route(
                Listener.OPENADR20,
                "POST",
                path,
                "openadr2b",
                _service(desk, service),
                _ROLES,
                max_body=LARGEST_MESSAGE,
                problems=problem,
            )
        )
        found += [
            Route(Listener.OPENADR20, verb, path, "openadr2b.other", not_implemented, _ROLES, problems=problem)
            for verb in _OTHER_VERBS
        ]
    return found


def problem(_: web.Request, status: int, reason: str, detail: str) -> web.Response:
    """What simple HTTP says when there is no message to answer with: a status, and why for whoever looks."""
    return told(status, reason, detail)


async def not_implemented(_: web.Request) -> web.StreamResponse:
    """9.1.5: any method but POST."""
    return told(501, "not-implemented", "OpenADR 2.0b over simple HTTP has POST and nothing else (9.1.5)")


def _service(desk: Desk, service: str) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Content-Type", "").lower().replace(" ", "").replace('"', "") not in _TYPES:
            return broken(406, "not-a-message", "", [("Content-Type", "application/xml, in UTF-8 (9.1.5)")])
        if (request.content_length or 0) > LARGEST_MESSAGE:
            return told(413, "too-large", f"body: it may have {LARGEST_MESSAGE} bytes at most", headers=_CLOSE)
        body = await request.read()
        caller: Caller = request[CALLER]
        fingerprint = caller.client if caller.role is Role.VEN else ""
        try:
            reply = await desk.receive(service, body, fingerprint)
        except NotAMessage as fault:
            desk.log.info("openadr2b.refused", service=service, why=str(fault))
            return told(406, "not-a-message", str(fault))
        return _answer(reply, request.headers.get("Accept-Encoding", ""))

    return handle


def _answer(body: bytes, accepted: str) -> web.Response:
    """9.1.9.2: gzip and deflate are honoured, nothing is sent chunked. Messages hold no household's data."""
    headers = {"Content-Type": "application/xml"}
    offered = {part.split(";")[0].strip().lower() for part in accepted.split(",") if not part.endswith("q=0")}
    if "gzip" in offered:
        headers["Content-Encoding"] = "gzip"
        body = _packed(body, 31)
    elif "deflate" in offered:
        headers["Content-Encoding"] = "deflate"
        body = _packed(body, 15)
    return web.Response(body=body, headers=headers)


def _packed(body: bytes, window: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, window)
    return packer.compress(body) + packer.flush()
