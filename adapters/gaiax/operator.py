"""The consumer role for the operator: look into a provider's catalog, negotiate, ask for transfers, end them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from adapters.bodies import decoded
from adapters.gaiax.dsp import consumer, negotiations, store, transfers
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.agreements import Wish
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.messages import read_data_address
from adapters.gaiax.dsp.outcome import Refuse
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.dsp.words import Side
from adapters.plugin import Route
from adapters.problems import broken, rules_of
from meter_driver.malformed import field_and_rule
from policies.roles import OPERATOR, Listener

BY_OPERATOR = "ended by the operator"
NOT_RECORDED = (
    "it is refused from now on, but that cannot be recorded: it is tried again until it is, and a restart before that "
    "would forget it"
)
_ORDERS = {"completion": t.Say.COMPLETION, "suspension": t.Say.SUSPENSION, "termination": t.Say.TERMINATION}


class _Provider(msgspec.Struct, forbid_unknown_fields=True):
    """``address`` is the base of the provider's protocol endpoints, as its operator tells it."""

    partner: str
    address: str


class _Who(msgspec.Struct, forbid_unknown_fields=True):
    did: str


class _Fetch(msgspec.Struct, forbid_unknown_fields=True):
    agreement: str
    address: str
    format: str


_Handler = Callable[[web.Request], Awaitable[tuple[int, Any]]]


class OperatorRoutes:
    """``/api/dsp/...`` on the people listener."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def routes(self) -> list[Route]:
        """Bodies are JSON and say so: a form on another site cannot send that."""
        table: list[tuple[str, str, _Handler]] = [
            ("POST", "/catalog", self._catalog),
            ("POST", "/negotiations", self._negotiate),
            ("GET", "/negotiations/{pid}", self._negotiation),
            ("POST", "/negotiations/{pid}/termination", self._break_off),
            ("POST", "/transfers", self._fetch),
            ("GET", "/transfers/{pid}", self._transfer),
            ("POST", "/transfers/{pid}/{ending}", self._end),
            ("GET", "/participants", self._participants),
            ("POST", "/participants/distrust", self._distrust),
            ("POST", "/participants/trust", self._trust),
        ]
        return [
            Route(Listener.PEOPLE, verb, "/api/dsp" + path, "dsp.operator", _answered(handler), OPERATOR, 256 * 1024)
            for verb, path, handler in table
        ]

    async def _participants(self, _: web.Request) -> tuple[int, Any]:
        """The settings' entries, and whoever was taken off the list. Organisations with a DID are in the registry."""
        listed = self._connector.participants.listed()
        return 200, {"participants": [{"did": did, "organisation": who, "trusted": yes} for did, who, yes in listed]}

    async def _distrust(self, request: web.Request) -> tuple[int, Any]:
        """At once, also in answers that are open; it stays so until it is put back."""
        did = (await _read(request, _Who)).did
        participants = self._connector.participants
        try:
            found = await asyncio.shield(participants.distrust(did))
        except Exception as error:
            if participants.recorded(did):
                raise
            raise Refuse(507, "not-recorded", NOT_RECORDED) from error
        if not found:
            raise Refuse(404, "not-found", "did: it is not on the trust list")
        return 200, {"did": did, "trusted": False}

    async def _trust(self, request: web.Request) -> tuple[int, Any]:
        did = (await _read(request, _Who)).did
        if not await self._connector.participants.trust(did):
            raise Refuse(404, "not-found", "did: it was not taken off the trust list")
        return 200, {"did": did, "trusted": True}

    async def _catalog(self, request: web.Request) -> tuple[int, Any]:
        wanted = await _read(request, _Provider)
        return 200, await consumer.catalog(self._connector, wanted.partner, wanted.address)

    async def _negotiate(self, request: web.Request) -> tuple[int, Any]:
        return 202, {"pid": await consumer.negotiate(self._connector, await _read(request, Wish))}

    async def _negotiation(self, request: web.Request) -> tuple[int, Any]:
        found = await self._connector.find(Negotiation, request.match_info["pid"])
        if found is None:
            raise Refuse(404, "not-found", "no such negotiation")
        return 200, {"state": found.state, "agreement": found.agreement, "side": found.side, "why": found.why}

    async def _break_off(self, request: web.Request) -> tuple[int, Any]:
        pid = request.match_info["pid"]
        await self._connector.act(lambda c: negotiations.end(store.load(c, Negotiation, pid), BY_OPERATOR))
        return 202, {"pid": pid}

    async def _fetch(self, request: web.Request) -> tuple[int, Any]:
        wanted = await _read(request, _Fetch)
        of = {"address": wanted.address, "agreement_id": wanted.agreement, "data_format": wanted.format}
        return 202, {"pid": await consumer.fetch(self._connector, **of)}

    async def _transfer(self, request: web.Request) -> tuple[int, Any]:
        found = await self._connector.find(Transfer, request.match_info["pid"])
        if found is None:
            raise Refuse(404, "not-found", "no such transfer")
        address = read_data_address(found.address) if found.address else ("", "")
        running = found.state is t.State.STARTED and found.side is Side.CONSUMER
        endpoint, token = address if running else ("", "")
        return 200, {"state": found.state, "side": found.side, "endpoint": endpoint, "token": token, "why": found.why}

    async def _end(self, request: web.Request) -> tuple[int, Any]:
        pid, say = request.match_info["pid"], _ORDERS.get(request.match_info["ending"])
        await self._connector.act(lambda c: transfers.order(store.load(c, Transfer, pid), say, BY_OPERATOR))
        return 202, {"pid": pid}


T = TypeVar("T")


async def _read(request: web.Request, kind: type[T]) -> T:
    try:
        return decoded(await request.read(), kind)
    except msgspec.DecodeError as error:
        raise Refuse(400, "malformed", _told(error)) from None


def _told(error: Exception) -> str:
    """Field and rule; ``body`` for what is no JSON, or no object."""
    if not isinstance(error, msgspec.ValidationError):
        return "body: not JSON"
    field, rule = field_and_rule(error)
    return f"{field or 'body'}: {rule}"


def _answered(handler: _Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            if request.method == "POST" and request.content_type != "application/json":
                raise Refuse(415, "unsupported-media-type", "Content-Type: must be application/json")
            status, body = await handler(request)
        except Refuse as refused:
            rules = rules_of(refused.reason)
            return broken(refused.status, refused.code, "" if rules else refused.reason, rules)
        return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")

    return answer
