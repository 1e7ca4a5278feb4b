"""Errors outside the standards' own: problem+json (RFC 9457) with a stable ``reason``."""

from typing import Any

from aiohttp import web

from adapters.problems import problem


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


def answer(raised: Problem) -> web.Response:
    """The response for a problem."""
    return problem(raised.status, raised.reason, raised.detail, headers=raised.headers, **raised.more)
