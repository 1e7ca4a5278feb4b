"""What a stranger's extension may bring: start from what is allowed and break one thing."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from adapters.plugin import Adapter, Caller, Notice, Route
from gateway.errors import SettingsError
from gateway.extending.bounds import MAY_NAME, bounded
from gateway.extending.found import ExtensionKind, Found
from gateway.identity.sessions import Session
from gateway.serve.callers import SESSION
from metergate.testing.serving import serve
from policies.roles import Listener, Role
from tests.gateway.people_house import START

ALLOWED = [(kind, listener, roles) for kind, table in MAY_NAME.items() for listener, roles in table.items()]


async def nothing(_: web.Request) -> web.Response:
    return web.Response()


async def heard(_: Notice) -> None:
    return None


def found(kind: ExtensionKind, *, ours: bool = False) -> Found:
    return Found(kind, "far", "far-away 1.0", ours, None, None)


def route(listener: Listener, roles: frozenset[Role], **more: Any) -> Route:
    return replace(Route(listener, "GET", "/far/x", "far", nothing, roles), **more)


def refusal(adapter: Adapter, it: Found, taken: frozenset[str] = frozenset({"readings"})) -> str:
    with pytest.raises(SettingsError) as refused:
        bounded(adapter, it, taken)
    assert "far-away 1.0" in str(refused.value), "the package is named"
    return str(refused.value)


@given(st.sampled_from(ExtensionKind), st.sampled_from(Listener), st.frozensets(st.sampled_from(Role)))
def test_a_route_is_for_the_roles_of_its_kind_on_their_listener_and_for_no_other(
    kind: ExtensionKind, listener: Listener, roles: frozenset[Role]
) -> None:
    adapter = Adapter("far", [route(listener, roles)])
    if roles and roles <= MAY_NAME[kind].get(listener, frozenset()):
        assert bounded(adapter, found(kind), ()).routes[0].roles == roles
    else:
        told = refusal(adapter, found(kind))
        assert "GET /far/x" in told
        assert "no routes there" in told or all(r in told for r in roles - MAY_NAME[kind][listener])
    assert bounded(adapter, found(kind, ours=True), ()) is adapter, "ours are looked at by the table of routes"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"verb": "get"}, "the verb"),
        ({"listener": "partners"}, "listener and roles"),
        ({"roles": frozenset({"partner"})}, "listener and roles"),
    ],
)
def test_a_route_says_verb_listener_and_roles_as_they_are_mounted(more: dict[str, Any], word: str) -> None:
    good = route(Listener.PARTNERS, frozenset({Role.PARTNER}))
    assert bounded(Adapter("far", [good]), found(ExtensionKind.OUTPUT), ()).routes
    assert word in refusal(Adapter("far", [replace(good, **more)]), found(ExtensionKind.OUTPUT))


async def test_whoever_an_output_recognises_has_no_scope_on_our_routes() -> None:
    async def recognise(_: str) -> Caller:
        return Caller(Role.PARTNER, "x", scopes=frozenset({"write_events"}))

    narrowed = bounded(Adapter("far", authenticate=recognise), found(ExtensionKind.OUTPUT), ()).authenticate
    assert narrowed is not None
    caller = await narrowed("Bearer x")
    assert caller is not None
    assert caller.scopes == frozenset()


def test_no_kind_may_name_the_operator_a_ven_or_everybody_and_an_output_no_box() -> None:
    named = {role for _, _, roles in ALLOWED for role in roles}
    assert named == {Role.PARTNER, Role.PARTICIPANT, Role.HOUSEHOLD, Role.BOX}
    assert {kind for kind, _, roles in ALLOWED if Role.BOX in roles} == {ExtensionKind.INPUT}


def test_the_page_says_the_same_as_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "extending.md").read_text()
    rows = re.findall(r"^\| (output|input|processor) \| (\S+) \| (.+) \|$", page, re.MULTILINE)
    told = [(kind, listener.strip("`"), set(re.findall(r"`(\w+)`", roles))) for kind, listener, roles in rows]
    assert told == [*[(k.word, w.value, {r.value for r in some}) for k, w, some in ALLOWED], ("processor", "-", set())]


@pytest.mark.parametrize(("kind", "listener", "roles"), ALLOWED)
def test_paths_and_names_of_a_route_begin_with_the_name_of_the_extension(
    kind: ExtensionKind, listener: Listener, roles: frozenset[Role]
) -> None:
    good = route(listener, roles)
    bounded(Adapter("far", [good]), found(kind), ())
    for path in ("/readings/x", "/{any}/x", "far/x", "/farther/x", "/"):
        assert "begin with /far/" in refusal(Adapter("far", [replace(good, path=path)]), found(kind))
    assert "begin with /far/" in refusal(Adapter("far", [good]), found(kind), frozenset({"far"}))
    assert "begins with far" in refusal(Adapter("far", [replace(good, name="readings")]), found(kind))
    assert "calls itself near" in refusal(Adapter("near", [good]), found(kind))


def test_notices_are_those_for_all_or_its_own() -> None:
    good = Adapter("far", notices={"household.erased": heard, "far.told": heard})
    bounded(good, found(ExtensionKind.PROCESSOR), ())
    for kind in ("dsp.message", "farther.told", "far"):
        assert kind in refusal(Adapter("far", notices={kind: heard}), found(ExtensionKind.OUTPUT))


@pytest.mark.parametrize("name", ["household", "ground", "dsp"])
def test_a_name_that_others_notices_begin_with_hears_none_of_them(name: str) -> None:
    it = replace(found(ExtensionKind.OUTPUT), name=name)
    with pytest.raises(SettingsError, match="is not its own"):
        bounded(Adapter(name, notices={f"{name}.begun": heard}), it, (), {"dsp"})


@pytest.mark.parametrize("role", Role)
async def test_whoever_an_output_recognises_is_a_partner_or_a_participant_or_nobody(role: Role) -> None:
    async def authenticate(_: str) -> Caller | None:
        return Caller(role, "somebody")

    made = bounded(Adapter("far", authenticate=authenticate), found(ExtensionKind.OUTPUT), ())
    assert made.authenticate is not None
    caller = await made.authenticate("Basic x")
    assert (caller.role if caller else None) == (role if role in (Role.PARTNER, Role.PARTICIPANT) else None)
    for kind in (ExtensionKind.INPUT, ExtensionKind.PROCESSOR):
        assert "only an output" in refusal(Adapter("far", authenticate=authenticate), found(kind))


async def test_a_change_on_the_peoples_listener_needs_the_sessions_token() -> None:
    async def with_cookie(request: web.Request) -> Caller:
        request[SESSION] = Session(Role.HOUSEHOLD, "h", START, "form-token")
        return Caller(Role.HOUSEHOLD, "h")

    roles = frozenset({Role.HOUSEHOLD})
    asked = [route(Listener.PEOPLE, roles), route(Listener.PEOPLE, roles, verb="POST")]
    made = bounded(Adapter("far", asked), found(ExtensionKind.OUTPUT), ())
    async with TestClient(TestServer(serve(made, with_cookie))) as client:
        assert (await client.get("/far/x")).status == 200
        assert (await client.post("/far/x", headers={"X-CSRF-Token": "form-token"})).status == 200
        assert (await client.post("/far/x")).status != 200
