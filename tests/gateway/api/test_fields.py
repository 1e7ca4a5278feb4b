"""A refusal of what the caller said has every field and its rule in ``fields``, whatever its status is."""

import ast
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from gateway.people import people_routes
from policies.roles import Role
from tests.gateway.people_house import ENERGY, PROFILE, People, people

ROOT = Path(__file__).resolve().parents[3]
QUARTER = "15 minutes (900 seconds)"
NAMING = frozenset({"NotAllowed", "InUse", "Unknown", "BatchRefused"})
WISH: dict[str, Any] = {
    "recipient": "northwind",
    "purpose": "forecast",
    "quantities": [ENERGY],
    "values_from": "2026-03-01T00:00:00Z",
    "values_to": "2026-12-01T00:00:00Z",
    "until": "2026-12-01T00:00:00Z",
}


async def asked(house: People, verb: str, path: str, body: Any = None) -> ClientResponse:
    """By the operator."""
    return await house.browser.request(verb, path, json=body, headers={"Authorization": f"Bearer {house.token}"})


@pytest.mark.parametrize(("changed", "wrong"), [
    ({"purpose": "billing"}, [("purpose", "the profile has forecast")]),
    ({"quantities": [ENERGY, "1-0:9.8.0*255"]}, [("quantities", "not in the profile: 1-0:9.8.0*255")]),
    ({"level": "cohort"}, [("level", "the profile has individual; this is cohort")]),
    ({"resolution_seconds": 60}, [("resolution_seconds", f"a whole multiple of {QUARTER}, the finest of the profile")]),
    ({"recipient": "nobody"}, [("recipient", "there is no such organisation")]),
    ({"recipient": "neighbourhood"}, [("level", "here it is cohort"), ("purpose", "here it is neighbourhood-figures")]),
])  # fmt: skip
async def test_a_request_beyond_the_profile_names_each_field_and_what_the_profile_has(
    tmp_path: Path, changed: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.operator("PUT", "/api/organisations/northwind", {**PROFILE, "finest_seconds": 900})
        body = {**WISH, "recipient": "northwind", **changed}
        answer = await asked(house, "POST", f"/api/households/{made['household']}/requests", body)
        problem = await answer.json()
    assert (answer.status, problem["reason"]) == (403, "not-in-profile")
    assert [(each["field"], each["rule"]) for each in problem["fields"]] == wrong


LAW = {**WISH, "kind": "legal-task", "law": "MsbG", "article": "60", "basis": "6(1)(c)"}
WRONG: list[tuple[str, str, dict[str, Any] | None, int, list[str]]] = [
    ("POST", "/api/households", {"community": "a"}, 422, ["community"]),
    ("POST", "/api/households", {"points": ["AT1"]}, 409, ["points"]),
    ("GET", "/api/households/nobody", None, 404, ["household"]),
    ("GET", "/api/households/nobody/grounds", None, 404, ["household"]),
    ("POST", "/api/households/nobody/requests", WISH, 404, ["household"]),
    ("POST", "/api/households/{}/requests", {**WISH, "values_to": WISH["values_from"]}, 422, ["values_to"]),
    ("POST", "/api/households/{}/requests", {**WISH, "until": "2026-03-02T00:00:00Z"}, 422, ["until"]),
    ("POST", "/api/households/{}/requests", {**WISH, "resolution_seconds": 7}, 422, ["resolution_seconds"]),
    ("POST", "/api/households/{}/grounds", {**WISH, "kind": "legal-task"}, 422, ["law", "article", "basis"]),
    ("POST", "/api/households/{}/grounds", {**LAW, "law": " ", "article": "\u202e60"}, 422, ["law", "article"]),
    ("PUT", "/api/organisations/acme", {"name": "Stadt\u202ewerke"}, 422, ["name"]),
    ("PUT", "/api/organisations/acme", {"name": "Acme\n"}, 422, ["name"]),
    ("PUT", "/api/organisations/acme", {"name": "Acme", "did": "did:web:a\u200b"}, 422, ["did"]),
    ("PUT", "/api/organisations/acme", {"name": "A", "quantities": [ENERGY, "hello"]}, 422, ["quantities.1"]),
    ("PUT", "/api/organisations/a\u200bcme", {"name": "Acme"}, 422, ["id"]),
    ("POST", "/api/households", {"name": "Anna\u200b"}, 422, ["name"]),
    ("POST", "/api/households", {"address": "Weg 1\n\u2066Ort"}, 422, ["address"]),
    ("POST", "/api/households/{}/grounds/none/withdraw", None, 404, ["ground"]),
    ("POST", "/api/households/{}/grounds/none/end", None, 404, ["ground"]),
    ("GET", "/api/households/{}/receipts/none", None, 404, ["ground"]),
    ("POST", "/api/households/find", {}, 422, ["point", "name"]),
    ("PUT", "/api/retention/quarter", {"days": 9999}, 422, ["detail", "days"]),
    ("POST", "/api/boxes/none/codes", None, 404, ["box"]),
    ("POST", "/api/vens/codes", {"ven": "a b"}, 422, ["ven"]),
    ("PUT", "/api/clients/acme", {"organisation": "nobody"}, 404, ["organisation"]),
    ("POST", "/api/enrol", {"code": "ABCD-EFGH-JKMN", "csr": "none"}, 422, ["csr"]),
    ("POST", "/api/session", {"code": "ABCD-EFGH-JKMN"}, 403, ["code"]),
]


@pytest.mark.parametrize(("verb", "path", "body", "status", "fields"), WRONG)
async def test_a_refusal_of_what_was_said_names_its_fields_in_fields(
    tmp_path: Path, verb: str, path: str, body: dict[str, Any] | None, status: int, fields: list[str]
) -> None:
    async with people(tmp_path) as house:
        made = await house.household(points=["AT1"])
        answer = await asked(house, verb, path.format(made["household"]), body)
        problem = await answer.json()
    assert (answer.status, [each["field"] for each in problem["fields"]]) == (status, fields)
    assert all(f"{each['field']}: {each['rule']}" in problem["detail"] for each in problem["fields"])
    assert (problem["field"], problem["rule"]) == (fields[0], problem["fields"][0]["rule"])


async def test_a_route_refuses_fields_that_it_does_not_know_and_one_without_a_body_any(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        routes = [route for route in people_routes(house.gateway) if route.path.startswith("/api/")]
        silent = set()
        for route in routes:
            path = re.sub(r"\{household\}", made["household"], route.path)
            answer = await asked(house, route.verb, re.sub(r"\{\w+\}", "quarter", path), {"not_ours": 1})
            problem = await answer.json()
            named = {each["field"] for each in problem.get("fields", ())}
            if Role.OPERATOR in route.roles and (answer.status, "not_ours" in named) != (422, True):
                silent.add((route.verb, route.path, answer.status, problem.get("detail")))
    assert not silent


async def test_who_moved_out_does_not_move_out_again_and_no_day_is_taken_for_now(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        path = f"/api/households/{(await house.household())['household']}/move-out"
        answer = await asked(house, "POST", path, {"date": "2026-03-01"})
        assert (answer.status, [each["field"] for each in (await answer.json())["fields"]]) == (422, ["date"])
        assert (await asked(house, "POST", path, {})).status == 200
        answer = await asked(house, "POST", path)
        assert (answer.status, (await answer.json())["reason"]) == (409, "moved-out")
        answer = await asked(house, "POST", "/api/households/nobody/move-out")
        assert answer.status == 404


@pytest.mark.parametrize("path", ["/api/registry/check", "/api/households"])
async def test_a_body_that_is_no_json_is_refused_by_its_content_type(tmp_path: Path, path: str) -> None:
    async with people(tmp_path) as house:
        headers = {"Authorization": f"Bearer {house.token}"}
        answer = await house.browser.post(path, data={"households": "x"}, headers=headers)
        wrong = {"field": "Content-Type", "rule": "the body is application/json"}
        assert (answer.status, (await answer.json())["fields"]) == (415, [wrong])
        headers["Content-Type"] = "application/json"
        for broken in (b"{", b"[]"):
            answer = await house.browser.post(path, data=broken, headers=headers)
            assert (answer.status, [each["field"] for each in (await answer.json())["fields"]]) == (422, ["body"])


async def test_a_meter_is_not_assigned_behind_a_box_of_another_household(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        mine, other = (await house.household())["household"], await house.household()
        answer = await asked(house, "POST", f"/api/households/{mine}/meters", {"box": other["box"], "label": "main"})
        wrong = [{"field": "box", "rule": "it does not send for this household"}]
        assert (answer.status, (await answer.json())["fields"]) == (422, wrong)
        assert await house.operator("GET", f"/api/households/{mine}/meters") == {"meters": []}


async def test_a_meter_is_not_assigned_behind_a_component_that_is_read_for_another_household(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        mine, other = [(await house.household())["household"] for _ in range(2)]
        box = (await house.operator("POST", "/api/boxes", {"meters": {"flat-1": mine, "flat-2": other}}))["box"]
        for household, component, status in ((mine, "flat-1", 201), (mine, "flat-2", 422), (other, "flat-2", 201)):
            body = {"box": box, "component": component}
            answer = await asked(house, "POST", f"/api/households/{household}/meters", body)
            assert answer.status == status
            if status == 422:
                assert [each["field"] for each in (await answer.json())["fields"]] == ["component"]


def test_every_error_of_the_registry_names_its_field_first() -> None:
    """So the field is in ``fields`` of every answer: nothing else says it."""
    guilty = []
    for file in sorted((ROOT / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in NAMING or not node.args:
                continue
            if not re.match(r"(f?)(['\"])[\w.{}' ]+?(, \w+)*: ", ast.unparse(node.args[0])):
                guilty.append(f"{file.name}:{node.lineno}")
    assert guilty == []


async def test_after_a_no_the_answer_says_why_and_from_which_day_on_it_may_be_asked_again(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        request, home = await house.ask(made["household"]), f"/api/households/{made['household']}"
        async with await asked(house, "POST", f"{home}/requests", WISH) as answer:
            told = await answer.json()
        assert (answer.status, told["reason"], told["field"], "again" in told) == (
            409,
            "asked-already",
            "purpose",
            False,
        )
        csrf = await house.log_in(made["login_code"])
        async with house.browser.post(f"{home}/requests/{request}/refuse", headers={"X-CSRF-Token": csrf}) as answer:
            assert answer.status == 204
        async with await asked(house, "POST", f"{home}/requests", WISH) as answer:
            told = await answer.json()
        day = (house.time.now + timedelta(days=30)).date().isoformat()
        assert (answer.status, told["reason"], told["field"], told["again"]) == (409, "said-no", "purpose", day)
        assert told["rule"].endswith(f"; it may be asked again from {day} on")
