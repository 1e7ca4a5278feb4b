"""Errors outside the standards' own: problem+json (RFC 9457) with a stable ``reason``."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from adapters.problems import BrokenRule, members, problem, worded


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


RAISED = web.RequestKey("metergate.raised", Problem)
"""In the request, for a route that tells refusals in a form of its own."""


def about(status: int, reason: str, rules: Sequence[BrokenRule], why: str = "", **more: Any) -> Problem:
    """A problem with something that the caller said: ``fields`` has every field and the rule that it breaks.

    ``why`` is said before them; without fields it stands alone.
    """
    return Problem(status, reason, worded(why, rules), **members(rules), **more)


def gone() -> Problem:
    """The household that was named is not here (any more)."""
    return about(404, "gone", [("household", "there is no such household")])


def unknown_token() -> Problem:
    """A bearer token by which nobody is known (any more): RFC 6750, 3.1. Which of the two is not told."""
    said = "the token is not known, or not valid any more: get another one"
    return Problem(401, "unauthorized", said, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def answer(raised: Problem) -> web.Response:
    """The response for a problem."""
    return problem(raised.status, raised.reason, raised.detail, headers=raised.headers, **raised.more)
