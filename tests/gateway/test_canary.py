"""Every route of every listener, by every role that has no ground: the canary household shows nowhere.

The real composition on free ports; only who a caller is comes from a header, so that every role can try every route.
"""

import asyncio
import io
import json
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web

import gateway.app
from adapters.plugin import CALLER, Caller, Route
from gateway import rights
from gateway.identity.sessions import Session
from gateway.rights import Credential
from gateway.serve.callers import CREDENTIAL, CSRF_HEADER, SESSION, Authenticate, Callers
from gateway.serve.listeners import application
from gateway.settings import parse
from policies.roles import Listener, Role
from policies.terms import FAR_FUTURE, Recipient
from tests.adapters.openadr.ven import message, poll, query, tag
from tests.gateway.route_table import snapshot

READING = "7319462.583"
NAME, STREET, REMARK, POINT = "Quentin Canaryson", "7 Canary Row", "canary remark", "DE00CANARY0000000000000000731946"
PRIVATE = [READING, READING.replace(".", ","), "7319462583", POINT]
"""What nobody may see who is neither the household nor a recipient with a ground."""
IDENTITY = [NAME, STREET, REMARK]
SHOWS_IDENTITY = {("api.registry", "GET", "/api/households/{household}")}
"""Where the operator looks up whose tenancy it is."""
ENDS = ("/erase", "/withdraw", "/move-out", "/end", "/logout")
"""Operator's routes that end something are walked last."""
ENERGY = "1-0:1.8.0*255"
FORM = "form-token"
DSP = [
    "catalog/request", f"catalog/datasets/urn:metergate:load%2Fsingle%2F{'0' * 32}", "negotiations/request",
    "transfers/request", "transfers/urn:uuid:0/start", "negotiations/urn:uuid:0", "elsewhere",
]  # fmt: skip


@dataclass
class Walk:
    """The gateway from outside, and what its handlers saw."""

    urls: dict[Listener, str]
    http: aiohttp.ClientSession
    routes: list[Route]
    log: io.StringIO
    reached: set[tuple[str, str, str, Role]] = field(default_factory=set)

    async def ask(self, listener: Listener, verb: str, path: str, role: Role, **more: Any) -> tuple[int, str]:
        """Status; headers and body as text."""
        who = {"X-Role": role.value, "X-Who": more.pop("who", ""), CSRF_HEADER: FORM, **more.pop("headers", {})}
        url = self.urls[listener] + path
        async with self.http.request(verb, url, headers=who, allow_redirects=False, **more) as answer:
            return answer.status, f"{dict(answer.headers)} {(await answer.read()).decode(errors='replace')}"

    async def operator(self, verb: str, path: str, body: Any) -> Any:
        status, said = await self.ask(Listener.PEOPLE, verb, path, Role.OPERATOR, json=body)
        assert status < 300, said
        return json.loads(said[said.index("} {") + 2 :])


def _callers(_: Callers, listener: Listener) -> Authenticate:
    async def who(request: web.Request) -> Caller:
        role, name = Role(request.headers["X-Role"]), request.headers["X-Who"]
        if role in (Role.HOUSEHOLD, Role.OPERATOR) and listener is Listener.PEOPLE:
            request[CREDENTIAL] = Credential(rights.session(b""), FAR_FUTURE, lambda: True)
            request[SESSION] = Session(role, name, datetime.now(UTC) + timedelta(days=1), FORM)
        recipient = Recipient("stranger") if role in (Role.PARTNER, Role.PARTICIPANT) else None
        scopes = frozenset({"read_all", "write_programs", "write_events", "write_vens"})
        return Caller(role, name, recipient, scopes, client=name)

    return who


@asynccontextmanager
async def walking(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Walk]:
    doors = {which.value: {"port": 0, "clear": True} for which in Listener}
    log, ready, until = io.StringIO(), asyncio.Event(), asyncio.Event()
    routes: list[Route] = []
    walk: list[Walk] = []

    def recorded(route: Route) -> Route:
        async def handler(request: web.Request) -> web.StreamResponse:
            if walk and request.method == route.verb:
                walk[0].reached.add((route.name, route.verb, route.path, request[CALLER].role))
            return await route.handler(request)

        return replace(route, handler=handler)

    def recording(which: Listener, given: Iterable[Route], *around: Any, **bounds: Any) -> web.Application:
        some = list(given)
        routes.extend(some)
        return application(which, map(recorded, some), *around, **bounds)

    def opened(ports: Any) -> None:
        urls.update({which: f"http://127.0.0.1:{port}" for which, port in ports.items()})
        ready.set()

    urls: dict[Listener, str] = {}
    patch.setattr(Callers, "of", _callers)
    patch.setattr(gateway.app, "application", recording)
    lines = structlog.wrap_logger(structlog.PrintLogger(log), processors=[structlog.processors.JSONRenderer()])
    settings = parse(doors, folder)
    async with asyncio.TaskGroup() as group:
        group.create_task(gateway.app.serve(settings, lines, until, ready=opened))
        await ready.wait()
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as http:
                walk.append(Walk(urls, http, routes, log))
                yield walk[0]
        finally:
            until.set()


async def _canary(walk: Walk) -> dict[str, str]:
    """The household, with a reading, a consent for somebody else and a request that waits; what paths may name."""
    body = {"name": NAME, "address": STREET, "remarks": REMARK, "zone": "canary-zone", "points": [POINT], "box": True}
    made = await walk.operator("POST", "/api/households", body)
    home = made["household"]
    pack: list[dict[str, Any]] = [
        {"n": f"urn:dev:ops:{made['box']}:1-0:1.8.0", "u": "kWh", "v": float(READING), "t": time.time() - 60}
    ]
    headers = {"Batch-Sequence": "1", "Content-Type": "application/senml+json"}
    status, said = await walk.ask(
        Listener.DEVICES, "POST", "/ingest/senml", Role.BOX, who=made["box"], headers=headers, data=json.dumps(pack)
    )
    assert (status, '"accepted":1' in said) == (200, True), said
    for name in ("friend", "stranger"):
        profile: dict[str, Any] = {
            "name": name,
            "did": f"did:web:{name}.example",
            "levels": ["individual", "pseudonymous", "cohort"],
        }
        profile |= {"quantities": [ENERGY], "finest_seconds": 0, "purposes": ["forecast"], "zones": ["canary-zone"]}
        await walk.operator("PUT", f"/api/organisations/{name}", profile)
    now = datetime.now(UTC)
    later = (now + timedelta(days=30)).isoformat()
    wish: dict[str, Any] = {"recipient": "friend", "purpose": "forecast", "quantities": [ENERGY]}
    wish |= {"values_from": (now - timedelta(days=2)).isoformat(), "values_to": later, "until": later}
    waiting = await walk.operator("POST", f"/api/households/{home}/requests", wish)
    law = {"kind": "legal-task", "law": "MsbG", "article": "60", "objectable": True}
    ground = await walk.operator("POST", f"/api/households/{home}/grounds", {**wish, **law})
    return {"household": home, "request": waiting["request"], "ground": ground["ground"], "box": made["box"]}


def _paths(route: Route, names: dict[str, str]) -> list[str]:
    """The route's path with what the canary is called by, and with rubbish."""
    known = {**names, "format": "csv", "place": "canary-zone", "organisation": "friend", "client": "friend"}
    known |= {"detail": "live", "language": "de", "file": "style.css", "name": "ven"}
    tails = DSP if "{tail" in route.path else [""]

    def fill(found: re.Match[str], tail: str, *, rubbish: bool) -> str:
        if found[1] == "tail":
            return tail
        plain = "0" * 32 if found[1] == "household" and "readings" in route.path else "%27%3B--"
        return known.get(found[1], names["household"]) if not rubbish or found[1] == "format" else plain

    pattern = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")
    return [
        pattern.sub(lambda found, t=tail, r=rubbish: fill(found, t, rubbish=r), route.path)  # type: ignore[misc]
        for tail in tails
        for rubbish in ((False, True) if "{" in route.path.replace("{tail:.*}", "") else (False,))
    ]


def _asked(route: Route, names: dict[str, str]) -> Sequence[dict[str, Any]]:
    """Queries and bodies: plausible ones that name the canary, and rubbish."""
    now = datetime.now(UTC)
    period = {"start": (now - timedelta(days=1)).isoformat(), "end": (now + timedelta(days=1)).isoformat()}
    plausible = {"purpose": "forecast", "quantity": ENERGY, "clientName": "ven", **period}
    if route.verb == "GET":
        return ({"params": plausible}, {"params": {"start": "\u0000'", "quantity": "x" * 200, "limit": "-1"}})
    if route.listener is Listener.OPENADR20:
        xml = {"headers": {"Content-Type": "application/xml"}}
        lookup = message(
            "oadrRequestEvent", f"<pyld:eiRequestEvent>{tag('ei:venID', names['household'])}</pyld:eiRequestEvent>"
        )
        return tuple({**xml, "data": body} for body in (query(), poll(names["household"]), lookup, b"<a", b""))
    body = {**names, "code": "AAAA-BBBB", "token": FORM, "quantities": [ENERGY], "days": 1, "name": "x"}
    form = {"token": FORM, "code": "AAAA-BBBB", "quantity": ENERGY, "answer": "yes"}
    dsp = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}
    return ({"json": body}, {"data": form}, {"json": dsp}, {"data": b"\xff{", "headers": {"Content-Type": "text/x"}})


def _order(route: Route) -> tuple[bool, bool]:
    return route.path.endswith(ENDS) or route.verb == "DELETE", route.verb != "GET"


@pytest.mark.gdpr("5(1)(a)")
async def test_no_route_shows_the_canary_to_anybody_without_a_ground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with walking(tmp_path, monkeypatch) as walk:
        names = await _canary(walk)
        other = await walk.operator("POST", "/api/households", {"name": "Other"})
        who = {Role.HOUSEHOLD: other["household"], Role.OPERATOR: "operator", Role.BOX: "box", Role.VEN: "f" * 64}
        own = await walk.ask(Listener.PEOPLE, "GET", "/data/readings.csv", Role.HOUSEHOLD, who=names["household"])
        assert READING in own[1]
        seen: list[str] = []
        table = snapshot()
        for route in sorted(walk.routes, key=_order):
            for role in Role:
                if role not in table[route.listener, route.verb, route.path]:
                    continue
                for path in _paths(route, names):
                    for more in _asked(route, names):
                        status, said = await walk.ask(
                            route.listener, route.verb, path, role, who=who.get(role, "stranger"), **more
                        )
                        where = f"{role} {route.verb} {route.path}"
                        assert status != 500, (where, more, said)
                        shows = role is Role.OPERATOR and (route.name, route.verb, route.path) in SHOWS_IDENTITY
                        for word in PRIVATE if shows else [*PRIVATE, *IDENTITY]:
                            seen += [f"{where}: {word}"] * (word in said)
        assert not seen
        written = walk.log.getvalue() + caplog.text
    assert "request.refused" in written
    assert [word for word in [*PRIVATE, *IDENTITY, FORM] if word in written] == []


async def test_a_role_reaches_the_routes_of_its_table_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with walking(tmp_path, monkeypatch) as walk:
        names = await _canary(walk)
        walk.reached.clear()
        refusals: dict[int, int] = defaultdict(int)
        table = snapshot()
        for route in walk.routes:
            for role in Role:
                path = _paths(route, names)[0]
                status, _ = await walk.ask(route.listener, route.verb, path, role, who=names["household"])
                may = role in table[route.listener, route.verb, route.path]
                assert ((route.name, route.verb, route.path, role) in walk.reached) == may, (route, role)
                if not may:
                    refusals[status] += 1
        assert set(refusals) <= {303, 401, 403, 404}  # 303: a page sends somebody without a session to the log-in
        assert refusals[401]
        assert refusals[403]
