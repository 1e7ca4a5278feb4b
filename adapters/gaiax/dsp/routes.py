"""DSP 2025-1 over HTTPS: paths of both roles below ``/dsp``, and the standard's error for every refusal."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from adapters.gaiax.dsp import catalog, exchange, inbound, messages
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.messages import CATALOG_ERROR, NEGOTIATION_ERROR, TRANSFER_ERROR, Malformed
from adapters.gaiax.dsp.negotiation import Say as NSay
from adapters.gaiax.dsp.outcome import Refuse
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.dsp.transfer import Say as TSay
from adapters.gaiax.dsp.words import urn
from adapters.plugin import CALLER, Caller, Route
from policies.roles import Listener, Role

LARGEST_BODY = 64 * 1024
"""Bytes of a message; expanding one takes the loop's time."""

_SAYS: dict[str, tuple[str, ...]] = {
    "request": ("ContractRequestMessage",),
    "offers": ("ContractOfferMessage",),
    "agreement": ("ContractAgreementMessage",),
    "agreement/verification": ("ContractAgreementVerificationMessage",),
    "events": ("ContractNegotiationEventMessage",),
    "termination": ("ContractNegotiationTerminationMessage",),
}
_NEGOTIATION_SAYS = {
    "request": NSay.REQUEST,
    "offers": NSay.OFFER,
    "agreement": NSay.AGREEMENT,
    "agreement/verification": NSay.VERIFICATION,
    "termination": NSay.TERMINATION,
}
_EVENTS = {"ACCEPTED": NSay.ACCEPTED, "FINALIZED": NSay.FINALIZED}
_TRANSFER_SAYS = {
    "start": (TSay.START, "TransferStartMessage"),
    "suspension": (TSay.SUSPENSION, "TransferSuspensionMessage"),
    "completion": (TSay.COMPLETION, "TransferCompletionMessage"),
    "termination": (TSay.TERMINATION, "TransferTerminationMessage"),
}

StatusAndBody = tuple[int, Mapping[str, Any] | bytes | None]
"""Status, and what to write: a message, a message that is JSON already, or nothing."""
_Handler = Callable[[web.Request, Caller, str], Awaitable[StatusAndBody]]


class Routes:
    """The handlers: each is given the process of the path, or a fresh id, and gives a status and a body.

    ``_serve`` writes the answer before the outbox may say more about that process.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._table: list[tuple[str, re.Pattern[str], _Handler]] = []
        self._ready: dict[str, tuple[Sequence[catalog.Dataset], bytes]] = {}
        self._add("POST", "/catalog/request", self._catalog)
        self._add("GET", "/catalog/datasets/(.+)", self._dataset)
        self._add("POST", "/negotiations/request", self._negotiation_request)
        self._add("GET", "/negotiations/([^/]+)", self._negotiation)
        for action in _SAYS:
            self._add("POST", f"/negotiations/([^/]+)/{action}", self._negotiation_says(action))
        self._add("POST", "/transfers/request", self._transfer_request)
        self._add("GET", "/transfers/([^/]+)", self._transfer)
        for action in _TRANSFER_SAYS:
            self._add("POST", f"/transfers/([^/]+)/{action}", self._transfer_says(action))

    def _add(self, verb: str, path: str, handler: _Handler) -> None:
        self._table.append((verb, re.compile(path), handler))

    def routes(self) -> list[Route]:
        """One wildcard for each verb: partners' connectors write ``/dsp//negotiations``, which is folded here."""
        return [
            Route(
                Listener.PARTNERS,
                verb,
                "/dsp/{tail:.*}",
                "dsp",
                self._serve,
                frozenset({Role.PARTICIPANT}),
                LARGEST_BODY,
                refused,
            )
            for verb in ("GET", "POST")
        ]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = "/" + re.sub("/+", "/", request.match_info["tail"]).strip("/")
        caller: Caller = request[CALLER]
        for verb, pattern, handler in self._table:
            match = pattern.fullmatch(path)
            if match is None or verb != request.method:
                continue
            pid = match[1] if match.lastindex else urn(self._connector.services.ids())
            async with self._connector.answer_leaving(pid):
                response = await self._answer(request, caller, handler, pid)
                await response.prepare(request)
                await response.write_eof()
            return response
        return refused(request, 404, "not-found", "no such path of the Dataspace Protocol 2025-1")

    async def _answer(self, request: web.Request, caller: Caller, handler: _Handler, pid: str) -> web.Response:
        try:
            status, body = await handler(request, caller, pid)
        except Malformed as error:
            return refused(request, 400, "malformed", str(error))
        except Refuse as error:
            return refused(request, error.status, error.code, error.reason)
        return _json(status, body)

    # -- catalog

    @property
    def _catalog_id(self) -> str:
        return self._connector.us.origin + "/dsp/catalog"

    async def _catalog(self, request: web.Request, caller: Caller, _: str) -> StatusAndBody:
        await self._connector.aside.read(await request.read(), "CatalogRequestMessage")
        found = await self._connector.datasets(caller)
        kept, body = self._ready.get(caller.client, ((), b""))
        if kept is not found or not body:
            us = self._connector.us
            answer = catalog.catalog(us.did, self._catalog_id, us.address, found, str(self._connector.services.zone))
            body = msgspec.json.encode(answer)
            self._ready.pop(next(iter(self._ready)) if len(self._ready) >= catalog.KEPT else "", None)
            self._ready[caller.client] = found, body
        return 200, body

    async def _dataset(self, _: web.Request, caller: Caller, name: str) -> StatusAndBody:
        for dataset in await self._connector.datasets(caller):
            if dataset.id == name:
                us, zone = self._connector.us, str(self._connector.services.zone)
                return 200, catalog.dataset_answer(dataset, self._catalog_id, us.address, zone)
        raise Refuse(404, "not-found", "no such dataset in your catalog, or it was withdrawn with its consent")

    # -- negotiations

    async def _negotiation_request(self, request: web.Request, caller: Caller, fresh: str) -> StatusAndBody:
        message = await self._connector.aside.read_first_request(await request.read())
        return 201, (await inbound.negotiation_request(self._connector, caller, message, fresh)).answer

    async def _negotiation(self, _: web.Request, caller: Caller, pid: str) -> StatusAndBody:
        process = exchange.owned(await self._connector.find(Negotiation, pid), Negotiation, caller.client)
        return 200, messages.negotiation_state(process)

    def _negotiation_says(self, action: str) -> _Handler:
        async def handle(request: web.Request, caller: Caller, pid: str) -> StatusAndBody:
            body = await request.read()
            message = await self._connector.aside.read(body, *_SAYS[action])
            say = _EVENTS.get(message.event) if action == "events" else _NEGOTIATION_SAYS[action]
            if say is None:
                raise Malformed("eventType: must be ACCEPTED or FINALIZED")
            digest = _digest(action, body)
            return 200, (await inbound.negotiation_message(self._connector, caller, pid, say, message, digest)).answer

        return handle

    # -- transfers

    async def _transfer_request(self, request: web.Request, caller: Caller, fresh: str) -> StatusAndBody:
        message = await self._connector.aside.read(await request.read(), "TransferRequestMessage")
        return 201, (await inbound.transfer_request(self._connector, caller, message, fresh)).answer

    async def _transfer(self, _: web.Request, caller: Caller, pid: str) -> StatusAndBody:
        process = exchange.owned(await self._connector.find(Transfer, pid), Transfer, caller.client)
        return 200, messages.transfer_state(process)

    def _transfer_says(self, action: str) -> _Handler:
        say, kind = _TRANSFER_SAYS[action]

        async def handle(request: web.Request, caller: Caller, pid: str) -> StatusAndBody:
            body = await request.read()
            message = await self._connector.aside.read(body, kind)
            digest = _digest(action, body)
            return 200, (await inbound.transfer_message(self._connector, caller, pid, say, message, digest)).answer

        return handle


def refused(request: web.Request, status: int, reason: str, detail: str) -> web.Response:
    """The standard's error for a path: of the catalog, a negotiation or a transfer."""
    parts = [part for part in request.path.split("/") if part][1:]
    chapter = parts[0] if parts else ""
    kind = {"negotiations": NEGOTIATION_ERROR, "transfers": TRANSFER_ERROR}.get(chapter, CATALOG_ERROR)
    named = parts[1] if len(parts) > 2 or (len(parts) == 2 and request.method == "GET") else ""
    consumer = len(parts) > 2 and parts[2] in ("offers", "agreement") and parts[-1] != "verification"
    pids = {"consumer_pid": named} if consumer else {"provider_pid": named}
    response = _json(status, messages.error(kind, reason, [detail], **pids))
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="dsp"'
    return response


def _json(status: int, body: Mapping[str, Any] | bytes | None) -> web.Response:
    if body is None:
        return web.Response(status=status)
    written = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return web.Response(status=status, body=written, content_type="application/json")


def _digest(action: str, body: bytes) -> str:
    return hashlib.sha256(action.encode() + b"\n" + body).hexdigest()
