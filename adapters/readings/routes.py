"""``GET /readings/...`` on the partners listener: one household, all that allow it, or a place."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web

from adapters.accept import chosen
from adapters.explained import KnownOf, finest, known_of, partly_covered, wrong
from adapters.formats.csv import CSV
from adapters.formats.json import JSON_TABLE
from adapters.formats.ndjson import NDJSON
from adapters.formats.words import ZONE
from adapters.plugin import CALLER, Caller, Opening, Refused, Renderer, Route, Services
from adapters.problems import broken
from adapters.queries import BadQuery, gathered, only
from adapters.readings.questions import question
from meter_driver.instants import stamp
from policies.roles import Listener, Role
from policies.terms import AS_RECEIVED, Portfolio, Pseudonym, Recipient, ReleaseRequest, Subject, Zone

RENDERERS: Mapping[str, Renderer] = {"csv": CSV, "json": JSON_TABLE, "ndjson": NDJSON}

_TYPES = [renderer.content_type.partition(";")[0] for renderer in RENDERERS.values()]


def routes(services: Services) -> list[Route]:
    """All read-only; each asks the door anew."""

    async def households(request: web.Request) -> web.Response:
        """Under which names the caller knows households, and what they allow; in which zone days are. No value."""
        try:
            only(request.query, ())
        except BadQuery as error:
            return broken(400, "bad-query", "", [(error.field, error.rule)])
        body = await asyncio.to_thread(_openings, str(services.zone), services.openings(_recipient(request)))
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    async def one(request: web.Request) -> web.StreamResponse:
        return await _send(services, request, Pseudonym(request.match_info["household"]))

    async def portfolio(request: web.Request) -> web.StreamResponse:
        return await _send(services, request, Portfolio())

    async def place(request: web.Request) -> web.StreamResponse:
        return await _send(services, request, Zone(request.match_info["place"]))

    doors = [
        ("/readings/households", households),
        ("/readings/households/{household:[0-9a-f]{32}}.{format:csv|json|ndjson}", one),
        ("/readings/portfolio.{format:csv|json|ndjson}", portfolio),
        ("/readings/places/{place:.{1,160}}.{format:csv|json|ndjson}", place),
    ]
    return [
        Route(Listener.PARTNERS, "GET", path, "readings", handler, frozenset({Role.PARTNER})) for path, handler in doors
    ]


async def _send(services: Services, request: web.Request, subject: Subject) -> web.StreamResponse:
    """In the form that the path names; 406 to who takes none of ours, and would read something else than he got."""
    if chosen(", ".join(request.headers.getall("Accept", [])), _TYPES) is None:
        rule = f"{', '.join(_TYPES)}, by the end of the path: .{', .'.join(RENDERERS)}; SDMX-CSV is told by /dsp-data"
        return broken(406, "not-acceptable", "", [("Accept", rule)])
    recipient = _recipient(request)
    known = await known_of(services, recipient, subject) if _needs(request, subject) else None
    try:
        query = gathered(request.query.items())
        asked = question(subject, recipient, query, services.zone, lambda plain: _usual(plain, known))
    except BadQuery as error:
        return broken(400, "bad-query", "", [(error.field, error.rule)])
    headers = {ZONE: str(services.zone)}
    if known is not None and isinstance(subject, Portfolio):
        headers |= partly_covered(asked, known)
    try:
        response = web.StreamResponse(headers=headers)
        return await services.send(asked, RENDERERS[request.match_info["format"]], request, response)
    except Refused as error:
        return await _refused(services, asked, error)


def _needs(request: web.Request, subject: Subject) -> bool:
    """Whether an answer needs more than the door's: what is known of all grounds costs a look at each of them."""
    return isinstance(subject, Portfolio) or "minutes" not in request.query


def _usual(asked: ReleaseRequest, known: KnownOf | None) -> timedelta:
    return AS_RECEIVED if known is None else finest(asked, known)


async def _refused(services: Services, asked: ReleaseRequest, error: Refused) -> web.Response:
    rules = wrong(asked, error.refusal, await known_of(services, asked.recipient, asked.subject))
    return broken(403, "refused", str(error), rules, reasons=[r.value for r in error.refusal.reasons])


def _recipient(request: web.Request) -> Recipient:
    """The organisation behind the caller; a client without one may ask, and is known to no household."""
    caller: Caller = request[CALLER]
    return caller.recipient or Recipient("")


def _openings(zone: str, openings: Sequence[Opening]) -> bytes:
    return json.dumps({"zone": zone, "households": [_opening(each) for each in openings]}).encode()


def _opening(opening: Opening) -> Mapping[str, Any]:
    quantities: Sequence[str] = sorted(opening.quantities)
    return {
        "household": opening.pseudonym,
        "purpose": opening.purpose.value,
        "quantities": quantities,
        "minutes": int(opening.resolution.total_seconds() // 60),
        "level": opening.level.value,
        "start": stamp(opening.values.start),
        "end": stamp(opening.values.end),
        "until": stamp(opening.until),
        "ends_soon": opening.ends_soon,
    }
