"""The books by route: whether they are whole, their signed heads, and proofs by these (RFC 9162).

A proof is the hashes alone; a household is told beside them what its own entries say. Whoever holds a head, from a
receipt or from yesterday, has it proved that the ledger of today begins with the ledger of then.
"""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from adapters.plugin import CALLER, Route
from adapters.queries import BadQuery, NotOnce, NotWhole, only
from gateway.api.models import Json
from gateway.door.checkpoints import Checkpoint
from gateway.door.ledger import Ledger, PagedEntry
from gateway.errors import BooksBroken
from gateway.serve.problems import Problem, about
from policies.roles import HOUSEHOLD, HOUSEHOLD_OR_OPERATOR, OPERATOR, Listener
from policies.terms import SubjectId

PROVED_AT_ONCE = 50
"""Entries of one answer; each has its proof."""
_LONGEST_NUMBER = 18
"""Digits."""


@dataclass(frozen=True, slots=True)
class LedgerApi:
    """Handlers. ``cohorts_of``: those that told figures with a household in them."""

    ledger: Ledger
    cohorts_of: Callable[[SubjectId], Awaitable[Sequence[str]]]

    def routes(self) -> list[Route]:
        """On the people listener."""
        people, proofs = Listener.PEOPLE, "/api/households/{household}/ledger/proofs"
        books = HOUSEHOLD_OR_OPERATOR
        return [
            Route(people, "POST", "/api/ledger/verify", "api.ledger", self.verify, OPERATOR, 1024),
            Route(people, "GET", "/api/ledger/checkpoint", "api.ledger", self.checkpoint, books, 1024),
            Route(people, "GET", "/api/ledger/consistency", "api.ledger", self.consistency, books, 1024),
            Route(people, "GET", proofs, "api.ledger", self.proofs, HOUSEHOLD, 1024),
        ]

    async def verify(self, _: web.Request) -> web.Response:
        """Walk the chain from the first entry, now. No entry is opened."""
        found = await self.ledger.verify()
        return web.json_response({"entries": found.entries, "whole": not found.fault, "fault": found.fault})

    async def checkpoint(self, request: web.Request) -> web.Response:
        """The newest signed head; entries after it are signed within a minute."""
        _numbers(request)
        if (newest := self.ledger.checkpoints.newest) is None:
            raise about(404, "unknown", [("checkpoint", "nothing was signed yet: the ledger is empty")])
        return web.json_response(_head(newest))

    async def consistency(self, request: web.Request) -> web.Response:
        """That the ledger at the signed head ``second`` (the newest) begins with that at ``first``: RFC 9162, 2.1.4."""
        asked = _numbers(request, "first", "second")
        if "first" not in asked:
            raise _refused(NotOnce("first"))
        try:
            found = await self.ledger.checkpoints.consistency(asked["first"], asked.get("second"))
        except BooksBroken as broken:
            raise Problem(503, "ledger-broken", str(broken)) from None
        except ValueError as wrong:
            raise about(400, "bad-query", [("second", str(wrong).partition(": ")[2])]) from None
        if found is None:
            raise about(404, "unknown", [(each, "no head with a root was signed at this entry") for each in asked])
        heads = {"first": _head(found.first), "second": _head(found.second)}
        return web.json_response({**heads, "path": [each.hex() for each in found.path]})

    async def proofs(self, request: web.Request) -> web.Response:
        """The household's newest entries, or those before a number, each with its proof: RFC 9162, 2.1.3."""
        asked, subject = _numbers(request, "before"), SubjectId(request.match_info["household"])
        if request[CALLER].id != subject:
            raise about(404, "unknown", [("household", "there is no such household")])
        cohorts = await self.cohorts_of(subject)
        found = await self.ledger.page(subject, before=asked.get("before"), most=PROVED_AT_ONCE, cohorts=cohorts)
        if not found:
            return web.json_response({"entries": [], "older": None})
        try:
            head, paths = await self.ledger.checkpoints.inclusion([each.number for each in found])
        except BooksBroken as broken:
            raise Problem(503, "ledger-broken", str(broken)) from None
        entries = [_proved(each, path) for each, path in zip(found, paths, strict=True)]
        older = found[-1].number if len(found) == PROVED_AT_ONCE else None
        named = {"Content-Disposition": 'attachment; filename="ledger-proofs.json"'}
        return web.json_response({**_head(head), "entries": entries, "older": older}, headers=named)


def _head(head: Checkpoint) -> Json:
    return {"number": head.number, "checkpoint": head.token}


def _proved(entry: PagedEntry, path: Sequence[bytes]) -> Json:
    """What the entry says, as its leaf is bound to it; what the leaf is the hash of; and the way to the root."""
    sealed = urlsafe_b64encode(entry.sealed).rstrip(b"=").decode()
    return {
        "number": entry.number,
        "words": entry.plain.decode(),
        "sealed": sealed,
        "path": [each.hex() for each in path],
    }


def _numbers(request: web.Request, *fields: str) -> Mapping[str, int]:
    """Those of the query, each at most once and nothing else. Raises 400."""
    found = {}
    try:
        only(request.query, fields)
    except BadQuery as wrong:
        raise _refused(wrong) from None
    for field in fields:
        said = request.query.getall(field, [])
        if len(said) > 1:
            raise _refused(NotOnce(field))
        if said:
            found[field] = _whole(field, said[0])
    return found


def _whole(field: str, said: str) -> int:
    if not (said.isascii() and said.isdigit() and len(said) <= _LONGEST_NUMBER and int(said)):
        raise _refused(NotWhole(field))
    return int(said)


def _refused(wrong: BadQuery) -> Exception:
    return about(400, wrong.reason, [(wrong.field, wrong.rule)])
