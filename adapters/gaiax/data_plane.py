"""The data plane: ``GET /dsp-data/{transfer}`` with the token of that transfer, and one question to the door."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy import Connection

from adapters.accept import chosen
from adapters.explained import known_of, not_covered, partly_covered, written, wrong
from adapters.formats.csv import CSV
from adapters.formats.json import JSON_TABLE
from adapters.formats.ndjson import NDJSON
from adapters.formats.sdmx_csv import SDMX_CSV
from adapters.formats.words import ZONE
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.catalog import STREAM
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.process import Agreement, Transfer
from adapters.gaiax.dsp.transfer import State
from adapters.gaiax.dsp.words import Side, urn
from adapters.gaiax.odrl import Terms
from adapters.plugin import Opening, Refused, Renderer, Route
from adapters.problems import broken, problem
from adapters.queries import BadQuery, Query, detail, gathered, instant, once, only, quantity
from policies.grid import multiple
from policies.roles import Listener, Role
from policies.terms import FAR_FUTURE, Level, Period, Portfolio, Pseudonym, ReleaseRequest, Subject, Zone
from policies.whole import nothing_whole

RENDERER_OF_TYPE: dict[str, Renderer] = {
    "text/csv": CSV,
    "application/vnd.sdmx.data+csv": SDMX_CSV,
    "application/x-ndjson": NDJSON,
    "application/json": JSON_TABLE,
}
_STREAMED = ("application/x-ndjson", "text/csv", "application/vnd.sdmx.data+csv")
"""Forms that may end after any line."""
_ROLES = frozenset({Role.ANYONE, Role.PARTICIPANT})
"""The token is the transfer's own, and looked at here."""
CELLS_BACK = timedelta(days=7)
"""How far back cells are asked for when the recipient does not say."""


_FIELDS = ("from", "to", "quantity", "minutes")
_OURS = {"start": "from", "end": "to"}
"""Fields as this route calls them."""


class _Problem(Exception):
    """An answer of this route; none of them says anything about values."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.detail = status, reason, detail


class DataPlane:
    """Serves transfers that are STARTED; anything else ends here."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def routes(self) -> list[Route]:
        """One route, with a token of its own."""
        return [Route(Listener.PARTNERS, "GET", "/dsp-data/{transfer}", "dsp.data", self._get, _ROLES, 1024, _refused)]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.method != "GET":
                raise _Problem(405, "method-not-allowed", "data is fetched with GET")
            transfer, agreement = await self._admitted(request)
            streaming = transfer.format == STREAM
            renderer = _renderer(request.headers.get("Accept", ""), streaming=streaming)
            question, headers = await self._question(agreement, gathered(request.query.items()), streaming=streaming)
        except _Problem as raised:
            return _answer(raised)
        except BadQuery as error:
            return broken(400, error.reason, "", [(error.field, error.rule)])
        services, live = self._connector.services, self._connector.live
        trusted = self._connector.participants.trusted
        response = web.StreamResponse(headers=headers)

        def alive() -> bool:
            return live.get(transfer.pid) == transfer.round and trusted(transfer.partner)

        try:
            tell = services.follow if streaming else services.send
            return await tell(question, renderer, request, response, alive=alive)
        except Refused as refused:
            return await self._refused(question, refused)

    async def _refused(self, question: ReleaseRequest, refused: Refused) -> web.Response:
        known = await known_of(self._connector.services, question.recipient, question.subject)
        rules = [(_OURS.get(field, field), rule) for field, rule in wrong(question, refused.refusal, known)]
        words = [str(reason) for reason in refused.refusal.reasons]
        return broken(403, "refused", f"not released: {refused}", rules, reasons=words)

    async def _admitted(self, request: web.Request) -> tuple[Transfer, Agreement]:
        """The transfer of path and token, if it is served now."""
        header = request.headers.get("Authorization", "")
        token = header[7:].strip() if header[:7].lower() == "bearer " else header
        digest, pid = hashlib.sha256(token.encode()).hexdigest(), _pid(request.match_info["transfer"])
        found = await self._connector.services.look(lambda connection: _behind(connection, digest, pid))
        if found is None:
            raise _Problem(401, "token-unknown", "the token belongs to no transfer of this address")
        transfer, agreement, round_ = found
        if await self._connector.participants.recipient(transfer.partner) != transfer.recipient:
            raise _Problem(403, "participant-unknown", "this participant is no longer on the trust list")
        if agreement.ended is not None:
            raise _Problem(403, "transfer-ended", f"the transfer has ended: {agreement.why}")
        if transfer.state is State.SUSPENDED:
            raise _Problem(403, "transfer-suspended", "the transfer is suspended")
        if transfer.state is not State.STARTED or round_ != transfer.round:
            why = transfer.why or "it is over; ask for another under the same agreement"
            raise _Problem(403, "transfer-ended", f"the transfer has ended: {why}")
        return transfer, agreement

    async def _question(
        self, agreement: Agreement, query: Query, *, streaming: bool
    ) -> tuple[ReleaseRequest, dict[str, str]]:
        """With the headers of its answer, which name what the agreement or its grounds do not cover."""
        terms = agreement.terms
        if terms is None:
            raise _Problem(404, "no-data", "nothing is behind this agreement")
        only(query, _FIELDS)
        period = await self._period(terms, agreement)
        question = ReleaseRequest(
            recipient=agreement.recipient,
            purpose=terms.purpose,
            subject=_subject(terms),
            quantities=_quantities(terms, query),
            resolution=_resolution(terms, query),
            level=terms.level,
            period=Period(_instant(query, "from") or period.start, _instant(query, "to") or period.end),
            reference=agreement.id,
        )
        headers = {ZONE: str(self._connector.services.zone)}
        match terms.level:
            case Level.INDIVIDUAL:
                headers |= not_covered(question, [period])
                question = replace(question, period=_inside(question.period, period))
            case Level.PSEUDONYMOUS:
                known = await known_of(self._connector.services, agreement.recipient, question.subject)
                headers |= partly_covered(question, known)
                if streaming and "to" not in query:  # whoever allows it later is told too, of whatever time
                    question = replace(question, period=Period(question.period.start, FAR_FUTURE))
        if not streaming and (why := nothing_whole(question, self._connector.services.zone)) is not None:
            raise BadQuery("minutes" if "minutes" in query else "from", why, "no-whole-interval")
        return question, headers

    async def _period(self, terms: Terms, agreement: Agreement) -> Period:
        """What is asked for when the recipient does not say: all of it. The door takes each household's own part."""
        if terms.level is Level.INDIVIDUAL:
            return terms.values
        now = self._connector.services.clock()
        if terms.level is Level.COHORT:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            return Period(midnight - CELLS_BACK, now - timedelta(seconds=now.timestamp() % 900))
        openings = self._connector.services.openings(agreement.recipient)
        return await asyncio.to_thread(_allowed_by, openings, terms) or Period(now - CELLS_BACK, now)


def _behind(connection: Connection, digest: str, pid: str) -> tuple[Transfer, Agreement, int] | None:
    """The transfer of this id, its agreement, and for which of its rounds the token was made."""
    found = store.find_token(connection, digest)
    if found is None or found[0] != pid:
        return None
    transfer = store.load(connection, Transfer, pid)
    agreement = transfer and store.load_agreement(connection, transfer.agreement, Side.PROVIDER)
    return (transfer, agreement, found[1]) if transfer and agreement else None


def _allowed_by(openings: Sequence[Opening], terms: Terms) -> Period | None:
    """From the first to the last value that anybody allows."""
    allowing = [opening.values for opening in openings if _allows(opening, terms)]
    return Period(min(v.start for v in allowing), max(v.end for v in allowing)) if allowing else None


def _allows(opening: Opening, terms: Terms) -> bool:
    return (
        opening.purpose is terms.purpose
        and opening.level is not Level.COHORT
        and set(terms.quantities) <= opening.quantities
        and multiple(terms.resolution, opening.resolution)
    )


def _subject(terms: Terms) -> Subject:
    match terms.level:
        case Level.INDIVIDUAL:
            return Pseudonym(terms.about)
        case Level.COHORT:
            return Zone(terms.about)
    return Portfolio()


def _inside(asked: Period, agreed: Period) -> Period:
    """What of a period is agreed. Raises ``BadQuery`` for nothing."""
    if asked.empty:
        raise BadQuery("to", "after from", "period-empty")
    both = asked.intersect(agreed)
    if both.empty:
        field = "from" if asked.start >= agreed.end else "to"
        raise BadQuery(field, f"the agreement covers {written(agreed)}", "period-not-covered")
    return both


def _quantities(terms: Terms, query: Query) -> frozenset[str]:
    """Those of the agreement, or fewer if the recipient names some: repeated, or separated by commas."""
    everything = frozenset(terms.quantities)
    if "quantity" not in query:
        return everything
    named = [text for given in query["quantity"] for text in given.split(",")]
    chosen = {text if text in everything else quantity(text) for text in named}
    if not chosen <= everything:
        raise BadQuery("quantity", f"one of the agreement's: {', '.join(terms.quantities)}", "quantity-unknown")
    return frozenset(chosen)


def _resolution(terms: Terms, query: Query) -> timedelta:
    """That of the agreement, or coarser: ``minutes``, 0 for values as they came, or ``month``."""
    if (text := once(query, "minutes")) is None:
        return terms.resolution
    if (asked := detail(text)) < terms.resolution:
        least = terms.resolution / timedelta(minutes=1)
        raise BadQuery("minutes", f"at least {least:g}, the agreement's detail", "minutes-out-of-bounds")
    return asked


def _instant(query: Query, field: str) -> datetime | None:
    text = once(query, field)
    return None if text is None else instant(text, field)


def _renderer(accept: str, *, streaming: bool) -> Renderer:
    """Of the form that is wanted most. Raises ``_Problem`` 406."""
    ours = _STREAMED if streaming else tuple(RENDERER_OF_TYPE)
    found = chosen(accept, ours)
    if found is not None:
        return RENDERER_OF_TYPE[found]
    raise _Problem(406, "not-acceptable", "Accept: " + ", ".join(ours))


def _pid(name: str) -> str:
    try:
        return urn(name)
    except ValueError:
        return ""


def _answer(raised: _Problem) -> web.Response:
    response = problem(raised.status, raised.reason, raised.detail)
    if raised.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="dsp-data"'
    return response


def _refused(_: web.Request, status: int, reason: str, detail: str) -> web.Response:
    return _answer(_Problem(status, reason, detail))
