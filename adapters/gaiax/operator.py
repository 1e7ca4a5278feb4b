"""The consumer role for the operator: look into a provider's catalog, negotiate, ask for transfers, end them."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from adapters.gaiax.dsp import client, negotiations, store, transfers
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.desk import Desk, Refuse
from adapters.gaiax.dsp.messages import read_data_address
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.odrl import RULES
from adapters.gaiax.problems import problem
from adapters.plugin import Route
from policies.roles import Listener

BY_OPERATOR = "ended by the operator"
_ENDINGS = {"completion": t.Say.COMPLETION, "suspension": t.Say.SUSPENSION, "termination": t.Say.TERMINATION}


class _Provider(msgspec.Struct, forbid_unknown_fields=True):
    """``address`` is the base of the provider's protocol endpoints, as its operator tells it."""

    partner: str
    address: str


class _Wish(_Provider, forbid_unknown_fields=True):
    """An offer as the catalog shows it."""

    dataset: str
    offer: dict[str, Any]


class _Fetch(msgspec.Struct, forbid_unknown_fields=True):
    agreement: str
    address: str
    format: str


Handler = Callable[[web.Request], Awaitable[tuple[int, Any]]]


class Consumer:
    """``/api/dsp/...`` on the people listener."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Bodies are JSON and say so: a form on another site cannot send that."""
        table: list[tuple[str, str, Handler]] = [
            ("POST", "/catalog", self._catalog),
            ("POST", "/negotiations", self._negotiate),
            ("GET", "/negotiations/{pid}", self._negotiation),
            ("POST", "/negotiations/{pid}/termination", self._break_off),
            ("POST", "/transfers", self._fetch),
            ("GET", "/transfers/{pid}", self._transfer),
            ("POST", "/transfers/{pid}/{ending}", self._end),
        ]
        return [
            Route(Listener.PEOPLE, verb, "/api/dsp" + path, "dsp.operator", _answered(handler), 256 * 1024)
            for verb, path, handler in table
        ]

    async def _catalog(self, request: web.Request) -> tuple[int, Any]:
        wanted = await _read(request, _Provider)
        return 200, await client.fetch_catalog(self._desk, wanted.partner, wanted.address)

    async def _negotiate(self, request: web.Request) -> tuple[int, Any]:
        wish = await _read(request, _Wish)
        rules: dict[str, Any] = {name: wish.offer[name] for name in RULES if name in wish.offer}
        offer_id = wish.offer.get("@id")
        if not isinstance(offer_id, str) or not rules:
            raise Refuse(400, "malformed", "offer: must have an @id and rules, as the catalog shows it")
        begun = {"partner": wish.partner, "address": wish.address, "dataset": wish.dataset}
        pid = await negotiations.begin(self._desk, **begun, offer_id=offer_id, policy=rules)
        return 202, {"pid": pid}

    async def _negotiation(self, request: web.Request) -> tuple[int, Any]:
        found = await self._negotiation_of(request)
        if found is None:
            raise Refuse(404, "not-found", "no such negotiation")
        return 200, {"state": found.state, "agreement": found.agreement, "side": found.side, "why": found.why}

    async def _break_off(self, request: web.Request) -> tuple[int, Any]:
        found = await self._negotiation_of(request)
        if found is None or found.state in n.FINAL:
            raise Refuse(404 if found is None else 409, "not-open", "no such negotiation, or it has ended")
        await negotiations.end(self._desk, found.pid, BY_OPERATOR)
        return 202, {"pid": found.pid}

    async def _fetch(self, request: web.Request) -> tuple[int, Any]:
        wanted = await _read(request, _Fetch)
        of = {"address": wanted.address, "agreement_id": wanted.agreement, "data_format": wanted.format}
        return 202, {"pid": await transfers.begin(self._desk, **of)}

    async def _transfer(self, request: web.Request) -> tuple[int, Any]:
        found = await self._found(request)
        address = read_data_address(found.address) if found.address else ("", "")
        running = found.state is t.State.STARTED and found.side is Side.CONSUMER
        endpoint, token = address if running else ("", "")
        return 200, {"state": found.state, "side": found.side, "endpoint": endpoint, "token": token, "why": found.why}

    async def _end(self, request: web.Request) -> tuple[int, Any]:
        found = await self._found(request)
        ending = _ENDINGS.get(request.match_info["ending"])
        if ending is None or t.move(found.state, ending, found.side) is None:
            raise Refuse(409, "wrong-state", f"that is not possible in {found.state}")
        await transfers.end(self._desk, found.pid, BY_OPERATOR, what=ending)
        return 202, {"pid": found.pid}

    async def _negotiation_of(self, request: web.Request) -> Negotiation | None:
        pid = request.match_info["pid"]
        return await self._desk.services.look(lambda connection: store.load(connection, Negotiation, pid))

    async def _found(self, request: web.Request) -> Transfer:
        pid = request.match_info["pid"]
        found = await self._desk.services.look(lambda connection: store.load(connection, Transfer, pid))
        if found is None:
            raise Refuse(404, "not-found", "no such transfer")
        return found


T = TypeVar("T")


async def _read(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else "the body is not JSON"
        raise Refuse(400, "malformed", what) from None


def _answered(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            if request.method == "POST" and request.content_type != "application/json":
                raise Refuse(415, "unsupported-media-type", "Content-Type: must be application/json")
            status, body = await handler(request)
        except Refuse as refused:
            return problem(refused.status, refused.code, refused.reason)
        return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")

    return answer
