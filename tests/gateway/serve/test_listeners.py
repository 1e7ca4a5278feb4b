"""The wrapper around every route, and the TLS of the four listeners."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Connection

from adapters.plugin import CALLER, Caller, Route
from gateway.errors import BeingRecorded, NotRemembered, StoreFull
from gateway.identity.certs import Authority
from gateway.serve.access import AccessLog
from gateway.serve.callers import Callers
from gateway.serve.listeners import application
from gateway.serve.outside import public_url
from gateway.serve.problems import Problem
from gateway.serve.tls_context import RULE_67, CertificateFiles, tls
from gateway.settings import parse
from metergate.testing.log import LogLines
from policies.roles import EVERYBODY, Listener, Role
from tests.gateway.people_house import START, people

HOUSEHOLD = frozenset({Role.HOUSEHOLD})
SECRET = "values-of-somebody"


class Fixed(Callers):
    """Everybody is whom the header X-Role names."""

    def __init__(self) -> None:
        pass

    async def person(self, request: web.Request) -> Caller:
        return Caller(Role(request.headers.get("X-Role", "anyone")), "me")


class Notes(AccessLog):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, int]] = []

    def note(self, route: str, verb: str, caller: str, status: int) -> None:
        self.lines.append((route, verb, caller, status))


@asynccontextmanager
async def served(*routes: Route) -> AsyncIterator[tuple[TestClient[Any, Any], Notes]]:
    notes = Notes()
    app = application(Listener.PEOPLE, routes, Fixed().person, notes.note, structlog.get_logger(), most=1 << 20)
    async with TestClient(TestServer(app)) as client:
        yield client, notes


def route(
    handler: Any,
    *,
    verb: str = "GET",
    path: str = "/x",
    name: str = "x",
    roles: frozenset[Role] = EVERYBODY,
    **more: Any,
) -> Route:
    return Route(Listener.PEOPLE, verb, path, name, handler, roles, **more)


async def fine(request: web.Request) -> web.Response:
    body = await request.read()
    return web.Response(text=f"{request[CALLER].role.value} {len(body)}")


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_reaches_what_its_route_names_and_nothing_else(role: Role) -> None:
    async with served(route(fine, roles=HOUSEHOLD)) as (client, notes):
        for ask in (client.get, client.head):
            answer = await ask("/x", headers={"X-Role": role.value})
            expected = 200 if role is Role.HOUSEHOLD else 401 if role is Role.ANYONE else 403
            assert answer.status == expected
        assert notes.lines == [("x", verb, "me", expected) for verb in ("GET", "HEAD")]


@pytest.mark.parametrize(
    ("sent", "challenge", "said"),
    [
        ({}, "Bearer", "say who you are first"),
        ({"Authorization": "Basic eDp5"}, "Bearer", "say who you are first"),
        ({"Authorization": "Bearer gone"}, 'Bearer error="invalid_token"', "not valid any more"),
        ({"Authorization": "bearer gone"}, 'Bearer error="invalid_token"', "not valid any more"),
    ],
)
async def test_a_token_by_which_nobody_is_known_is_told_from_none(
    sent: dict[str, str], challenge: str, said: str
) -> None:
    async with served(route(fine, roles=HOUSEHOLD)) as (client, _):
        answer = await client.get("/x", headers={"X-Role": Role.ANYONE.value, **sent})
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, challenge)
        assert said in (await answer.json())["detail"]


async def test_a_route_without_roles_is_for_nobody() -> None:
    async with served(route(fine, roles=frozenset())) as (client, _):
        for role in Role:
            assert (await client.get("/x", headers={"X-Role": role.value})).status in (401, 403)


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_beyond_the_routes_limit_is_refused(chunked: bool) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        yield b"x" * size

    async with served(route(fine, verb="POST", max_body=100)) as (client, _):
        for size, status in ((100, 200), (101, 413)):
            data = pieces(size) if chunked else b"x" * size
            answer = await client.post("/x", data=data)
            assert answer.status == status
        assert (await answer.json())["reason"] == "too-large"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Problem(409, "taken", "it is in use"), 409, "taken"),
        (StoreFull("full"), 507, "storage-full"),
        (NotRemembered("it has stopped"), 507, "not-recorded"),
        (BeingRecorded("it has stopped"), 202, "being-recorded"),
        (ValueError(SECRET), 500, "internal"),
        (web.HTTPNotFound(), 404, "not-found"),
    ],
)
async def test_whatever_is_raised_becomes_a_problem_that_tells_no_secret(
    error: Exception, status: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def raising(_: web.Request) -> web.Response:
        raise error

    async with served(route(raising)) as (client, notes):
        answer = await client.get("/x")
        assert answer.content_type == "application/problem+json"
        body = await answer.json()
        assert (answer.status, body["reason"]) == (status, reason)
        assert notes.lines[-1][3] == status
    told = capsys.readouterr()
    assert SECRET not in str(body) + told.out + told.err


async def test_a_standards_own_error_replaces_the_problem() -> None:
    def own(_: web.Request, status: int, reason: str, detail: str) -> web.Response:
        return web.Response(status=status, text=f"<error>{reason}: {detail}</error>", content_type="application/xml")

    async with served(route(fine, roles=HOUSEHOLD, problems=own)) as (client, _):
        answer = await client.get("/x")
        assert (answer.status, answer.content_type) == (401, "application/xml")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("own", [False, True])
async def test_an_answer_that_means_not_now_says_when(status: int, own: bool) -> None:
    def form(_: web.Request, status: int, reason: str, detail: str) -> web.Response:
        return web.Response(status=status, text=reason)

    async def at_once(_: web.Request) -> web.Response:
        return web.Response(status=status, text="not now")

    async def later(_: web.Request) -> web.Response:
        raise Problem(status, "not-now", "not now", headers={"Retry-After": "7"})

    problems = form if own else None
    async with served(route(at_once), route(later, path="/later", problems=problems)) as (client, _):
        answers = [await client.get(path) for path in ("/x", "/later")]
    assert [(each.status, each.headers["Retry-After"]) for each in answers] == [(status, "60"), (status, "7")]


async def test_an_expectation_that_is_unknown_is_a_problem() -> None:
    async with served(route(fine, verb="POST")) as (client, _):
        answer = await client.post("/x", data=b"", headers={"Expect": "secret"})
        assert (answer.status, answer.content_type) == (417, "application/problem+json")
        assert "Server" not in answer.headers
        assert (await client.post("/x", data=b"1", expect100=True)).status == 200


async def test_an_extension_that_cannot_say_a_problem_in_its_own_form_has_it_said_in_ours() -> None:
    def own(*_: object) -> web.Response:
        raise KeyError(SECRET)

    async with served(route(fine, roles=HOUSEHOLD, problems=own)) as (client, notes):
        answer = await client.get("/x")
        body = await answer.json()
        assert (answer.status, answer.content_type) == (401, "application/problem+json")
        assert SECRET not in str(body)
        assert notes.lines[-1][3] == 401


async def test_unknown_addresses_and_verbs_are_problems_too() -> None:
    async with served(route(fine)) as (client, _):
        nothing, wrong = await client.get("/y"), await client.delete("/x")
        assert (nothing.status, (await nothing.json())["reason"]) == (404, "not-found")
        assert (wrong.status, wrong.headers["Allow"]) == (405, "GET, HEAD")
        assert (await client.head("/x")).status == 200


def test_a_route_on_the_wrong_listener_or_twice_stops_the_start() -> None:
    around: Any = (Fixed().person, Notes().note, structlog.get_logger())
    with pytest.raises(ValueError, match="belongs to"):
        application(Listener.DEVICES, [route(fine)], *around, most=1)
    with pytest.raises(ValueError, match="twice"):
        application(Listener.PEOPLE, [route(fine), route(fine)], *around, most=1)


# -- TLS


def chain(folder: Path, kind: Any) -> CertificateFiles:
    return CertificateFiles(*Authority(folder, START).server(["localhost"], kind, START))


def suites(context: ssl.SSLContext) -> set[str]:
    return {each["name"] for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"}


def test_only_openadr20_knows_the_suites_of_rule_67_and_only_beside_aead(tmp_path: Path) -> None:
    chains = [chain(tmp_path, "ec")]
    for which in Listener:
        context = tls(which, chains, [tmp_path / "ca.pem"])
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        old = {name for name in suites(context) if "GCM" not in name and "CHACHA20" not in name}
        assert old == (set(RULE_67.split(":")) if which is Listener.OPENADR20 else set())


def test_devices_and_openadr20_demand_a_certificate_the_others_do_not(tmp_path: Path) -> None:
    chains = [chain(tmp_path, "ec")]
    demanding = {w for w in Listener if tls(w, chains, [tmp_path / "ca.pem"]).verify_mode is ssl.CERT_REQUIRED}
    assert demanding == {Listener.DEVICES, Listener.OPENADR20}


@pytest.mark.rule("67")
@pytest.mark.parametrize("suite", RULE_67.split(":"))
async def test_a_client_that_knows_one_suite_of_rule_67_only_is_served(tmp_path: Path, suite: str) -> None:
    authority = Authority(tmp_path, START)
    context = tls(Listener.OPENADR20, [chain(tmp_path, "ec"), chain(tmp_path, "rsa")], [authority.ca_file])
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE  # the test's clock is not this host's
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(suite)
    seen: list[str] = []

    async def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    context.verify_mode = ssl.CERT_NONE
    server = await asyncio.start_server(met, "127.0.0.1", 0, ssl=context)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2], ssl=client)
        seen.append(writer.get_extra_info("cipher")[0])
        await reader.read()
        writer.close()
    assert seen == [suite]


def test_the_public_url_is_the_configured_one_or_follows_from_the_port(tmp_path: Path) -> None:
    settings = parse({"people": {"public_url": "https://gw.example/"}, "partners": {"clear": True}}, tmp_path)
    assert public_url(settings, Listener.PEOPLE) == "https://gw.example"
    assert public_url(settings, Listener.PARTNERS) == "http://localhost:8445"


# -- the access log


async def test_the_access_log_holds_route_caller_and_status_and_forgets_after_its_days(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        access = house.gateway.access
        await house.operator("GET", "/api/boxes")
        await access.flush()

        def rows(connection: Connection) -> list[tuple[Any, ...]]:
            query = "SELECT route, verb, caller, status FROM access_log"
            return [tuple(row) for row in connection.exec_driver_sql(query)]

        assert await house.gateway.store.look(rows) == [("api.registry", "GET", "operator", 200)]
        await access._sweep(START.timestamp() + 1)
        assert await house.gateway.store.look(rows) == []


async def test_a_handshake_that_fails_is_in_the_log_with_its_reason(tmp_path: Path) -> None:
    log = LogLines()
    authority = Authority(tmp_path, START)
    context = tls(Listener.DEVICES, [chain(tmp_path, "ec")], [authority.ca_file], log)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE  # the test's clock is not this host's
    client.maximum_version = ssl.TLSVersion.TLSv1_2

    async def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0, ssl=context)
    async with server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(*server.sockets[0].getsockname()[:2], ssl=client)
    assert log.lines == [{"event": "tls.refused", "listener": "devices", "reason": "PEER_DID_NOT_RETURN_A_CERTIFICATE"}]


@pytest.mark.gdpr("33")
async def test_a_refusal_is_in_the_log_by_route_caller_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    async with served(route(fine, name="page", roles=HOUSEHOLD)) as (client, _):
        await client.get("/x", headers={"X-Role": "operator"})
    line = capsys.readouterr().out
    assert all(word in line for word in ("request.refused", "page", "forbidden", "403"))


BYTES = b"\xff\xfe"


@pytest.mark.parametrize(
    ("header", "body", "status", "field"),
    [
        (b"Authorization: Bearer " + BYTES, b"", 400, "Authorization"),
        (b"Cookie: session=" + BYTES, b"", 400, "Cookie"),
        (b"X-Anything: " + BYTES, b"", 400, "X-Anything"),
        (b"Content-Type: application/json; charset=nope", b"{}", 400, "Content-Type"),
        (b"Content-Type: application/x-www-form-urlencoded; charset=nope", b"a=b", 400, "Content-Type"),
        (b"Content-Type: application/x-www-form-urlencoded; charset=hex", b"a=b", 400, "Content-Type"),
        (b"Content-Type: application/json; charset=" + b"(" * 200, b"{}", 400, "Content-Type"),
        (b"Content-Type: application/json; a=" + b"b" * 250, b"{}", 400, "Content-Type"),
        (b"Content-Type: multipart/form-data", b"a", 415, "Content-Type"),
        (b"Content-Type: multipart/form-data; boundary=x", b"--x\r\n", 415, "Content-Type"),
        (b"Content-Encoding: gzip", b"no gzip", 400, "body"),
        (b"X-Anything: \xc3\xa4", b"", 200, ""),
        (b"Content-Type: application/json; charset=latin-1", b"{}", 200, ""),
    ],
)
async def test_a_head_that_cannot_be_read_is_a_clear_error(header: bytes, body: bytes, status: int, field: str) -> None:
    async def form(request: web.Request) -> web.Response:
        await request.post()
        await request.read()
        request.headers.get("Authorization", "").encode()
        return web.json_response({})

    async with served(route(form, verb="POST")) as (client, notes):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        length = b"Content-Length: %d\r\n" % len(body)
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + length + header + b"\r\n\r\n" + body)
        head, _, told = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert head.split(b" ")[1] == str(status).encode()
    assert [line[3] for line in notes.lines] == [status]
    found = msgspec.json.decode(told).get("fields", [])
    assert [one["field"] for one in found] == ([field] if field else [])
