"""An output: a JSON API for partners, with a token of the gateway's.

``GET /json-api/households``: under which names the caller knows households. ``GET /json-api/households/{name}``: the
values of one, from ``start`` to ``end``. ``quantity`` and ``purpose`` in the settings say which and why.
"""

import json
from collections.abc import Iterator
from datetime import datetime

from aiohttp import web

from adapters.plugin import CALLER, Adapter, Released, Renderer, Route, Services
from policies.roles import Listener, Role
from policies.terms import AS_RECEIVED, Level, Period, Pseudonym, Purpose, Recipient, ReleaseRequest

API_VERSION = 3


def create(services: Services) -> Adapter:
    """The entry point. Raises ``ValueError`` for a purpose that is none."""
    quantity = str(services.settings.get("quantity", "1-0:1.8.0*255"))
    purpose = Purpose(services.settings.get("purpose", "energy-advice"))

    async def households(request: web.Request) -> web.Response:
        return web.json_response({"households": sorted({o.pseudonym for o in services.openings(asking(request))})})

    async def values(request: web.Request) -> web.StreamResponse:
        try:
            period = Period(*(datetime.fromisoformat(request.query[edge]) for edge in ("start", "end")))
        except (KeyError, ValueError):
            return web.json_response({"reason": "bad-query", "detail": "start, end: instants with a zone"}, status=400)
        question = ReleaseRequest(
            recipient=asking(request),
            purpose=purpose,
            subject=Pseudonym(request.match_info["name"]),
            quantities=frozenset({quantity}),
            resolution=AS_RECEIVED,
            level=Level.INDIVIDUAL,
            period=period,
        )
        return await services.send(question, RENDERER, request, web.StreamResponse())

    paths = {"/json-api/households": households, "/json-api/households/{name}": values}
    partner = frozenset({Role.PARTNER})
    return Adapter(
        "json-api",
        [Route(Listener.PARTNERS, "GET", path, "json-api", handler, partner) for path, handler in paths.items()],
    )


def asking(request: web.Request) -> Recipient:
    """The organisation behind the token; a client without one is known to no household."""
    return request[CALLER].recipient or Recipient("")


def body(part: Released) -> Iterator[bytes]:
    """One object for each part. A household comes in several when there is much; they are joined by their name."""
    yield b'{"household": %s, "values": [' % json.dumps(part.subject).encode()
    for number, row in enumerate(part.rows):
        shown = {"at": row.end.isoformat(), "value": str(row.value), "unit": row.unit, "status": row.status}
        yield b", " * bool(number) + json.dumps(shown).encode()
    yield b"]}"


RENDERER = Renderer("application/json", body, head=b'{"parts": [', between=b", ", tail=b"]}")
