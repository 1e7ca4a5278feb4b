"""Errors of OpenADR 3.1: application/problem+json whose ``instance`` is the header ``x-request-id``."""

import uuid
from collections.abc import Mapping

import msgspec
from aiohttp import web

REQUEST_ID = "x-request-id"
_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 413: "Content Too Large", 415: "Unsupported Media Type", 500: "Internal Server Error",
    501: "Not Implemented", 503: "Service Unavailable",
}  # fmt: skip


class VtnProblem(Exception):
    """Raise below a handler of this API. ``str()`` names the member and the rule, never a value."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})


def respond(status: int, detail: str, request_id: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """The answer for a problem.

    Args:
        request_id: a urn:uuid.
    """
    body = {
        "type": "about:blank",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": request_id,
    }
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers={REQUEST_ID: request_id, "Cache-Control": "no-store", **(headers or {})},
    )


def urn(fresh: str) -> str:
    """A urn:uuid from 32 fresh hex digits."""
    return uuid.UUID(hex=fresh).urn
