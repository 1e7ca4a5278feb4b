"""The people API: what the operator's programs and a household's own program may do."""

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from policies.roles import Role
from policies.terms import SubjectId
from tests.gateway.people_house import ENERGY, People, people
from tests.gateway.route_table import snapshot


async def asked(house: People, verb: str, path: str, body: Any = None, **headers: str) -> ClientResponse:
    return await house.browser.request(verb, path, json=body, headers=headers)


async def reason(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["reason"]


@pytest.mark.gdpr("7(1)")
async def test_a_household_answers_withdraws_and_holds_its_receipts(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        home = f"/api/households/{made['household']}"
        request = await house.ask(made["household"])
        csrf = {"X-CSRF-Token": await house.log_in(made["login_code"])}
        waiting = await (await asked(house, "GET", f"{home}/requests")).json()
        assert [r["request"] for r in waiting["requests"]] == [request]
        given = await (
            await asked(house, "POST", f"{home}/requests/{request}/accept", {"quantities": [ENERGY]}, **csrf)
        ).json()
        assert given["quantities"] == [ENERGY]
        assert await reason(await asked(house, "POST", f"{home}/requests/{request}/accept", {}, **csrf)) == (
            409,
            "answered",
        )
        receipt = await asked(house, "GET", f"{home}/receipts/{given['ground']}")
        claims = house.gateway.signer.verify(await receipt.text(), typ="receipt+jwt")
        assert claims is not None
        assert claims["record_id"] == given["ground"]
        assert made["household"] not in str(claims)
        for _ in range(2):
            answer = await asked(house, "POST", f"{home}/grounds/{given['ground']}/withdraw", **csrf)
            assert answer.status == 200
        grounds = await (await asked(house, "GET", f"{home}/grounds")).json()
        assert [(g["active"], g["ends_soon"], g["end"]) for g in grounds["grounds"]] == [(False, False, "withdrawn")]


async def test_an_instant_with_an_offset_is_told_in_utc_and_a_restart_tells_the_same(tmp_path: Path) -> None:
    wish = {"until": "2027-10-01T00:00:00+02:00", "values_to": "2027-10-01T00:00:00+02:00"}
    async with people(tmp_path) as house:
        made = await house.household(start="2026-03-01T00:00:00+01:00", points=["AT1"])
        home = f"/api/households/{made['household']}"
        request = await house.ask(made["household"], **wish)
        csrf = {"X-CSRF-Token": await house.log_in(made["login_code"])}
        ground = await (await asked(house, "POST", f"{home}/requests/{request}/accept", {}, **csrf)).json()
        assert (ground["until"], ground["values_to"]) == ("2027-09-30T22:00:00Z", "2027-09-30T22:00:00Z")
        receipt = await (await asked(house, "GET", f"{home}/receipts/{ground['ground']}")).text()
        claims = house.gateway.signer.verify(receipt, typ="receipt+jwt")
        assert claims is not None
        assert claims["validity"]["until"] == "2027-09-30T22:00:00Z"
        before = await house.operator("POST", "/api/households/find", {"point": "AT1"})
        assert before["found"][0]["start"] == "2026-02-28T23:00:00Z"
    async with people(tmp_path) as house:
        assert await house.operator("POST", "/api/households/find", {"point": "AT1"}) == before
        again = await house.operator("GET", f"{home}/grounds")
        assert again["grounds"] == [{**ground, "active": True, "ends_soon": False, "end": None}]


async def test_an_exchange_is_told_in_utc(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        home = f"/api/households/{made['household']}/meters"
        await house.operator("POST", home, {"box": made["box"], "label": "main"})
        done = await house.operator("POST", f"{home}/main/exchange", {"at": "2026-03-04T12:30:00+01:00"})
        assert done["exchanged"][0]["at"] == "2026-03-04T11:30:00Z"


@pytest.mark.parametrize(("wrong", "status", "says"), [
    ({"box": "box-nope"}, 404, "box: there is no such box"),
    ({"component": "has space"}, 422, "component: letters, digits"),
    ({"box": ""}, 404, "label: this household has no such meter"),
])  # fmt: skip
async def test_a_place_that_cannot_be_is_refused_by_field_and_rule(
    tmp_path: Path, wrong: dict[str, str], status: int, says: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        home, operator = f"/api/households/{made['household']}/meters", {"Authorization": f"Bearer {house.token}"}
        body = {"box": made["box"], "label": "main", **wrong}
        answer = await asked(house, "POST", home, body, **operator)
        assert answer.status == status
        assert says in (await answer.json())["detail"]
        assert await house.operator("GET", home) == {"meters": []}


async def test_a_known_meter_gets_its_limit_without_a_box(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.gateway.registry.meters.imported(SubjectId(made["household"]), "cellar", "")
        home = f"/api/households/{made['household']}/meters"
        changed = await house.operator("POST", home, {"label": "cellar", "limit": "12.5", "family": "old"})
        assert (changed["limit"], changed["family"], changed["how"]) == ("12.5", "old", "imported")


async def test_a_wrong_stand_is_named_by_its_index_and_a_body_that_is_no_json_as_the_body(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        home, operator = f"/api/households/{made['household']}/meters", {"Authorization": f"Bearer {house.token}"}
        await house.operator("POST", home, {"box": made["box"], "label": "main"})
        good = {"quantity": "1-0:1.8.0", "last": "5", "first": "0", "unit": "kWh"}
        body = {"at": "2026-01-04T12:30:00+01:00", "stands": [good, {**good, "quantity": "1-0:1.7.0"}]}
        answer = await asked(house, "POST", f"{home}/main/exchange", body, **operator)
        assert (await answer.json())["detail"] == "stands.1.quantity: a quantity that is no register"
        headers = {**operator, "Content-Type": "application/json"}
        broken = await house.browser.request("POST", f"{home}/main/exchange", data=b"{", headers=headers)
        assert broken.status == 422
        assert [wrong["field"] for wrong in (await broken.json())["fields"]] == ["body"]


async def test_an_instant_that_utc_has_no_year_for_is_refused_by_its_field(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        operator = {"Authorization": f"Bearer {house.token}"}
        answer = await asked(house, "POST", "/api/households", {"start": "0001-01-01T00:00:00+02:00"}, **operator)
        assert answer.status == 422
        assert [wrong["field"] for wrong in (await answer.json())["fields"]] == ["start"]


async def test_consent_is_the_households_alone(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        request = await house.ask(made["household"])
        path = f"/api/households/{made['household']}/requests/{request}/accept"
        answer = await asked(house, "POST", path, {}, Authorization=f"Bearer {house.token}")
        assert await reason(answer) == (403, "forbidden")


async def test_another_households_path_is_not_there_and_a_change_needs_the_token(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        mine, theirs = await house.household(), await house.household()
        csrf = await house.log_in(mine["login_code"])
        for verb, what in (("GET", "grounds"), ("GET", "requests"), ("POST", "withdraw"), ("POST", "erase")):
            for household in (theirs["household"], "0" * 32):
                answer = await asked(house, verb, f"/api/households/{household}/{what}", **{"X-CSRF-Token": csrf})
                assert await reason(answer) == (404, "unknown")
        for token in ("", "0" * 64):
            path = f"/api/households/{mine['household']}/withdraw"
            assert await reason(await asked(house, "POST", path, **{"X-CSRF-Token": token})) == (403, "csrf")


async def test_the_operators_cookie_alone_changes_nothing(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await house.post("/operator", operator_token=house.token)
        assert (await asked(house, "GET", "/api/households")).status == 200
        assert await reason(await asked(house, "POST", "/api/households", {})) == (403, "csrf")
        assert house.gateway.registry.tenancies.all() == []


async def test_erasing_gives_a_certificate_that_names_nobody_once_and_again(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household(name="Anna Musterfrau")
        home = f"/api/households/{made['household']}"
        csrf = {"X-CSRF-Token": await house.log_in(made["login_code"])}
        first = await (await asked(house, "POST", f"{home}/erase", **csrf)).text()
        claims = house.gateway.signer.verify(first, typ="erasure+jwt")
        assert claims is not None
        assert made["household"] not in str(claims)
        assert "Anna" not in str(claims)
        assert await (await asked(house, "GET", f"{home}/certificate")).text() == first
        assert await reason(await asked(house, "POST", "/api/session", {"code": made["login_code"]})) == (
            403,
            "code-refused",
        )
        operator = {"Authorization": f"Bearer {house.token}"}
        answer = await asked(house, "POST", f"{home}/login-codes", **operator)
        assert await reason(answer) == (404, "unknown")


async def test_a_request_beyond_the_organisations_profile_is_refused(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.ask(made["household"])
        wish = {
            "recipient": "northwind",
            "purpose": "research",
            "quantities": [ENERGY],
            "values_from": "2026-03-01T00:00:00Z",
            "values_to": "2026-12-01T00:00:00Z",
            "until": "2026-12-01T00:00:00Z",
        }
        path = f"/api/households/{made['household']}/requests"
        answer = await asked(house, "POST", path, wish, Authorization=f"Bearer {house.token}")
        assert await reason(answer) == (403, "not-in-profile")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"purpose": "marketing"}, "purpose"),
        ({"quantities": []}, "quantities"),
        ({"resolution_seconds": 1000}, "resolution_seconds"),
        ({"values_to": "2026-01-01T00:00:00Z"}, "values_to"),
        ({"until": "2026-12-01T00:00:00"}, "until"),
        ({"keep_days": -1}, "keep_days"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_a_wrong_field_is_named_and_its_value_is_not_repeated(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        wish = {
            "recipient": "northwind",
            "purpose": "forecast",
            "quantities": [ENERGY],
            "values_from": "2026-03-01T00:00:00Z",
            "values_to": "2026-12-01T00:00:00Z",
            "until": "2026-12-01T00:00:00Z",
            **change,
        }
        path = f"/api/households/{made['household']}/requests"
        answer = await asked(house, "POST", path, wish, Authorization=f"Bearer {house.token}")
        body = await answer.json()
        assert answer.status == 422
        assert field in body["detail"]
        assert "marketing" not in str(body)


async def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        headers = {"Authorization": f"Bearer {house.token}", "Content-Type": "application/json"}
        for raw in (b"{", b"[]", b"\xff", b'{"name": 1}', b"null"):
            answer = await house.browser.post("/api/households", data=raw, headers=headers)
            assert answer.status == 422
        answer = await house.browser.post(
            "/api/households", data=b"{}", headers={**headers, "Content-Type": "text/xml"}
        )
        assert answer.status == 415


async def test_a_legal_task_names_its_law_and_can_be_objected_to_only_where_it_says_so(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.ask(made["household"])
        home = f"/api/households/{made['household']}"
        task = {
            "kind": "legal-task",
            "recipient": "northwind",
            "purpose": "forecast",
            "quantities": [ENERGY],
            "values_from": "2026-03-01T00:00:00Z",
            "values_to": "2026-12-01T00:00:00Z",
            "until": "2026-12-01T00:00:00Z",
        }
        operator = {"Authorization": f"Bearer {house.token}"}
        assert (await asked(house, "POST", f"{home}/grounds", task, **operator)).status == 422
        for objectable, status in ((False, 409), (True, 200)):
            law = {"law": "ElWOG 2010", "article": "84", "objectable": objectable}
            added = await (await asked(house, "POST", f"{home}/grounds", {**task, **law}, **operator)).json()
            csrf = {"X-CSRF-Token": await house.log_in((await house.operator("POST", f"{home}/login-codes"))["code"])}
            answer = await asked(house, "POST", f"{home}/grounds/{added['ground']}/end", **csrf)
            assert answer.status == status
            assert (await asked(house, "POST", f"{home}/grounds/{added['ground']}/withdraw", **csrf)).status == 404
            house.browser.session.cookie_jar.clear()


async def test_retention_is_shortened_never_lengthened(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        assert (await house.operator("PUT", "/api/retention/live", {"days": 3}))["days"] == 3
        for detail, days in (("live", 5), ("identity", 1), ("nothing", 1)):
            answer = await asked(
                house, "PUT", f"/api/retention/{detail}", {"days": days}, Authorization=f"Bearer {house.token}"
            )
            assert answer.status == 422


async def test_the_document_names_every_route_and_who_may_call_it(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        document = await (await house.browser.get("/api/openapi.json")).json()
        described = {(verb.upper(), path) for path, verbs in document["paths"].items() for verb in verbs}
        served = {
            (route.method, route.resource.canonical)
            for route in house.browser.server.app.router.routes()  # type: ignore[attr-defined]
            if route.resource is not None and route.resource.canonical.startswith("/api/") and route.method != "HEAD"
        }
        assert described == served - {("GET", "/api/openapi.json")}
        for path, verbs in document["paths"].items():
            for verb, operation in verbs.items():
                assert operation["summary"], (path, verb)
        accept = document["paths"]["/api/households/{household}/requests/{request}/accept"]["post"]
        assert accept["security"] == [{"session": []}]


@pytest.mark.gdpr("29")
async def test_every_people_route_is_for_the_roles_of_the_table_alone(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.log_in(made["login_code"])
        session = dict(house.browser.session.cookie_jar.filter_cookies(house.browser.make_url("/")))
        house.browser.session.cookie_jar.clear()
        cookie = "; ".join(f"{k}={m.value}" for k, m in session.items())
        callers = {
            Role.ANYONE: {},
            Role.HOUSEHOLD: {"Cookie": cookie},
            Role.OPERATOR: {"Authorization": f"Bearer {house.token}"},
        }
        table = {(verb, path): roles for (_, verb, path), roles in snapshot().items()}
        for verb, path in [(route.verb, route.path) for route in _routes(house)]:
            for role, headers in callers.items():
                if role in table[verb, path]:
                    continue
                where = re.sub(r"\{\w+\}", "x1", path.replace("{household}", made["household"]))
                answer = await house.browser.request(verb, where, headers=headers, allow_redirects=False)
                assert answer.status in (303, 401, 403), (verb, path, role, answer.status)


def _routes(house: People) -> Any:
    from gateway.people import people_routes

    return people_routes(house.gateway)


@pytest.mark.parametrize(
    ("finest", "seconds"),
    [
        ({}, 900),
        ({"finest_seconds": 0}, 0),
        ({"finest_seconds": 10}, 10),
        ({"finest_seconds": 86_400}, 86_400),
        ({"finest_minutes": 0}, 0),
        ({"finest_minutes": 5}, 300),
        ({"finest_minutes": 1440}, 86_400),
        ({"finest_seconds": 7}, None),
        ({"finest_seconds": 50_000}, None),
        ({"finest_minutes": 7}, None),
        ({"finest_minutes": 15, "finest_seconds": 900}, None),
    ],
)
async def test_the_finest_detail_of_a_profile_divides_the_day_and_is_told_in_minutes_or_in_seconds(
    tmp_path: Path, finest: dict[str, int], seconds: int | None
) -> None:
    async with people(tmp_path) as house:
        headers = {"Authorization": f"Bearer {house.token}"}
        body = {"name": "A", **finest}
        async with house.browser.request("PUT", "/api/organisations/a", json=body, headers=headers) as answer:
            told = await answer.json()
        assert answer.status == (422 if seconds is None else 200)
        if seconds is None:
            assert [each["field"] for each in told["fields"]] == [min(finest)]
        else:
            shown = (await house.operator("GET", "/api/organisations"))["organisations"]
            (profile,) = [each for each in shown if each["organisation"] == "a"]
            assert (profile["finest_seconds"], profile["finest_minutes"]) == (seconds, seconds / 60)
