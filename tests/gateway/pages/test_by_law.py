"""Grounds that are no consent, as a household reads them: the article, how each ends, and the right to object."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.grounds import over
from policies.terms import SubjectId
from tests.gateway.pages.test_pages import text, token_of
from tests.gateway.pages.test_views import facts
from tests.gateway.people_house import ENERGY, PROFILE, People, people

TASK: dict[str, Any] = {
    "recipient": "northwind", "purpose": "billing", "quantities": [ENERGY], "resolution_seconds": 900,
    "values_from": "2026-03-01T00:00:00Z", "values_to": "2027-01-01T00:00:00Z", "until": "2027-05-06T00:00:00Z",
}  # fmt: skip
LAW = {**TASK, "kind": "legal-task", "law": "MsbG", "article": "60"}
GERMAN = {"Accept-Language": "de"}


async def added(house: People, household: str, **words: Any) -> str:
    await house.operator("PUT", "/api/organisations/northwind", {**PROFILE, "purposes": ["forecast", "billing"]})
    made = await house.operator("POST", f"/api/households/{household}/grounds", words)
    return str(made["ground"])


def button(page: str) -> list[str]:
    """The forms of grounds, by what they do."""
    return re.findall(r'action="/consents/[0-9a-f]{32}/(\w+)"', page)


@pytest.mark.gdpr("21")
async def test_a_task_in_the_public_interest_is_objected_to_in_one_press_and_gives_nothing_more(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await added(house, made["household"], **LAW, basis="6(1)(e)")
        await house.post("/login", code=made["login_code"])
        page, german = await text(house, "/consents"), await text(house, "/consents", **GERMAN)
        assert facts(page)["Ground"] == "Legal task in the public interest: GDPR Art. 6(1)(e)"
        assert "You may object at any time (GDPR Art. 21)" in facts(page)["How it ends"]
        assert "DSGVO Art. 6 Abs. 1 Buchst. e" in facts(german)["Grundlage"]
        assert "<button>Object <" in page
        assert "to giving values to Northwind Forecasts" in page
        now = await text(house, "/now")
        assert "Consents that are active: 0." in now
        assert "Contracts and legal tasks by which somebody may get values: 1." in now
        assert "<button>Widersprechen <" in german
        for _ in range(2):
            sent = await house.post(f"/consents/{ground}/end", token=await token_of(house))
            assert (sent.status, sent.headers["Location"]) == (303, f"/consents?done={ground}")
        page = await text(house, "/consents")
        assert facts(page)["Objected"] == "4 March 2026, 13:00"
        assert button(page) == []
        known = house.gateway.grounds.find(SubjectId(made["household"]), ground)
        assert known is not None
        assert over(known)
        ledger = await text(house, "/ledger")
        assert [facts(ledger, nth)["Legal task"] for nth in (0, 2)] == ["Objected", "Given"]
        assert facts(await text(house, "/ledger", **GERMAN))["Gesetzliche Aufgabe"] == "Widersprochen"


async def test_what_a_law_demands_has_no_objection_and_the_page_says_why(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await added(house, made["household"], **LAW, basis="6(1)(c)")
        await house.post("/login", code=made["login_code"])
        page, german = await text(house, "/consents"), await text(house, "/consents", **GERMAN)
        assert facts(page)["Ground"] == "Legal task, a duty laid down by law: GDPR Art. 6(1)(c)"
        assert facts(page)["Law"] == "MsbG 60"
        assert "There is no right to object: GDPR Art. 21" in facts(page)["How it ends"]
        assert "Ein Widerspruch ist nicht möglich" in facts(german)["Wie es endet"]
        assert button(page) == []
        token = await token_of(house)
        sent = await house.browser.post(f"/consents/{ground}/end", data={"token": token}, headers=GERMAN)
        assert sent.status == 409
        assert "Hier gibt es keinen Widerspruch" in await sent.text()
        (shown,) = (await house.operator("GET", f"/api/households/{made['household']}/grounds"))["grounds"]
        assert (shown["active"], shown["basis"], shown["objectable"]) == (True, "6(1)(c)", False)


async def test_a_contract_says_its_article_and_how_it_ends_and_is_ended_on_the_page(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await added(house, made["household"], **TASK, kind="contract")
        await house.post("/login", code=made["login_code"])
        page, german = await text(house, "/consents"), await text(house, "/consents", **GERMAN)
        assert facts(page)["Ground"] == "Contract: GDPR Art. 6(1)(b)"
        assert "when you end it here, or when you move out" in facts(page)["How it ends"]
        assert facts(german)["Grundlage"] == "Vertrag: DSGVO Art. 6 Abs. 1 Buchst. b"
        assert button(page) == ["end"]
        await house.post(f"/consents/{ground}/end", token=await token_of(house))
        assert facts(await text(house, "/consents"))["Ended"] == "4 March 2026, 13:00"
        assert facts(await text(house, "/ledger"))["Contract"] == "Ended"


async def test_nobody_ends_what_is_anothers_or_a_consent_by_this_form(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        mine, theirs = await house.household(), await house.household()
        foreign = await added(house, theirs["household"], **LAW, basis="6(1)(e)")
        asked = await house.ask(mine["household"])
        await house.post("/login", code=mine["login_code"])
        await house.answer(asked)
        (own,) = (await house.operator("GET", f"/api/households/{mine['household']}/grounds"))["grounds"]
        token = await token_of(house)
        for name in (foreign, own["ground"], "0" * 32):
            assert (await house.post(f"/consents/{name}/end", token=token)).status == 404
        assert (await house.post(f"/consents/{foreign}/end")).status == 403
        for home in (mine, theirs):
            (ground,) = (await house.operator("GET", f"/api/households/{home['household']}/grounds"))["grounds"]
            assert ground["active"]


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ({}, ["basis"]),
        ({"basis": "6(1)(f)"}, ["basis"]),
        ({"basis": "6(1)(c)", "objectable": True}, ["objectable"]),
        ({"basis": "6(1)(e)", "objectable": False}, ["objectable"]),
        ({"basis": "6(1)(e)", "law": ""}, ["law"]),
        ({"kind": "contract", "basis": "6(1)(e)"}, ["basis"]),
    ],
)
async def test_a_legal_task_says_by_which_letter_it_stands_and_only_that_decides_about_objection(
    tmp_path: Path, words: dict[str, Any], fields: list[str]
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        headers = {"Authorization": f"Bearer {house.token}"}
        path = f"/api/households/{made['household']}/grounds"
        async with house.browser.post(path, json={**LAW, **words}, headers=headers) as answer:
            assert answer.status == 422
            assert [each["field"] for each in (await answer.json())["fields"]] == fields


@pytest.mark.parametrize(
    ("words", "basis"),
    [
        ({"objectable": False}, "6(1)(c)"),
        ({"objectable": True}, "6(1)(e)"),
        ({"basis": "6(1)(e)", "objectable": True}, "6(1)(e)"),
    ],
)
async def test_whether_it_can_be_objected_to_names_the_letter_too(
    tmp_path: Path, words: dict[str, Any], basis: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await added(house, made["household"], **LAW, **words)
        (ground,) = (await house.operator("GET", f"/api/households/{made['household']}/grounds"))["grounds"]
        assert (ground["basis"], ground["law"], ground["article"]) == (basis, "MsbG", "60")
