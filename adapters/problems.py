"""problem+json (RFC 9457) where no other standard has an error of its own: one shape for adapters and the gateway."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

PROBLEM_TYPE = "https://metergate.invalid/problems/"
"""Problem types are names, not addresses; ``.invalid`` says so (RFC 2606)."""


def problem(
    status: int, reason: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> web.Response:
    """``reason`` is a stable word, kebab-case; ``detail`` one sentence without any value; ``more`` its own members."""
    body = {
        "type": PROBLEM_TYPE + reason,
        "title": reason.replace("-", " "),
        "status": status,
        "reason": reason,
        "detail": detail,
        **more,
    }
    return web.Response(
        status=status, body=msgspec.json.encode(body), headers=headers, content_type="application/problem+json"
    )
