"""Errors outside the standards' own: problem+json (RFC 9457) with a stable ``reason``."""

from typing import Any

import msgspec
from aiohttp import web

TYPE = "https://metergate.invalid/problems/"
"""Problem types are names, not addresses; ``.invalid`` says so (RFC 2606)."""


class Problem(Exception):
    """Raise anywhere below a handler; the listener turns it into an answer.

    Args:
        status: HTTP status.
        reason: stable word, kebab-case.
        detail: one sentence that names the field and the rule; no value of a household, no secret.
        headers: further response headers (``Retry-After`` ...).
        more: extension members (``reasons``, ``refused`` ...).
    """

    def __init__(
        self, status: int, reason: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(f"{status} {reason}: {detail}")
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = headers or {}
        self.more = more


def answer(problem: Problem) -> web.Response:
    """The response for a problem."""
    body = {
        "type": TYPE + problem.reason,
        "title": problem.reason.replace("-", " "),
        "status": problem.status,
        "reason": problem.reason,
        "detail": problem.detail,
        **problem.more,
    }
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(body),
        headers=problem.headers,
        content_type="application/problem+json",
    )
