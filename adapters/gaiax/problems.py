"""problem+json (RFC 9457) for routes of this adapter that no other standard gives an error."""

from collections.abc import Sequence

import msgspec
from aiohttp import web


def problem(status: int, reason: str, detail: str, reasons: Sequence[str] = ()) -> web.Response:
    """``reason`` is a stable word; ``detail`` one sentence without any value; ``reasons`` those of the door."""
    body = {
        "type": f"https://metergate.invalid/problems/{reason}",
        "title": reason.replace("-", " "),
        "status": status,
        "reason": reason,
        "detail": detail,
        **({"reasons": reasons} if reasons else {}),
    }
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/problem+json")
