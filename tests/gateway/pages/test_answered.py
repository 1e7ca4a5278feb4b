"""After a press the next page says in words what happened and what follows, once, and only what the record knows."""

from pathlib import Path
from typing import Any

import pytest
from lxml import html

from tests.gateway.pages.test_by_law import LAW, added
from tests.gateway.pages.test_pages import text, token_of
from tests.gateway.people_house import ENERGY, FEED, People, people

GERMAN = {"Accept-Language": "de"}


async def lines(house: People, path: str, **headers: str) -> list[str]:
    """The status lines of a page, as a screen reader has them."""
    found = html.fromstring(await text(house, path, **headers)).xpath('//*[@role="status"]')
    assert all(each.get("tabindex") == "-1" and "autofocus" in each.attrib for each in found), "the keyboard is there"
    return [" ".join(each.text_content().split()) for each in found]


async def after(house: People, sent: Any) -> tuple[str, str]:
    """The one line of the page to which a form leads, in both languages."""
    assert sent.status == 303
    where = sent.headers["Location"]
    (english,), (german,) = await lines(house, where), await lines(house, where, **GERMAN)
    return english, german


async def test_a_yes_a_no_and_a_withdrawal_are_each_said_with_what_follows(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        refused = await house.ask(made["household"])
        await house.post("/login", code=made["login_code"])
        english, german = await after(house, await house.answer(refused, "refuse"))
        assert english.startswith("Done: you said no to Northwind Forecasts. It gets nothing by this request")
        assert german.startswith("Erledigt: Sie haben nein gesagt zu Northwind Forecasts.")
        asked = await house.ask(made["household"], purpose="forecast", recipient=await other(house))
        english, german = await after(house, await house.answer(asked, "part", quantity=ENERGY))
        assert english.startswith("Done: you said yes to South & Co. From now on it may receive what stands below")
        assert english.endswith("Read receipt")
        assert german.startswith("Erledigt: Sie haben ja gesagt zu South & Co.")
        (ground,) = (await house.operator("GET", f"/api/households/{made['household']}/grounds"))["grounds"]
        for _ in range(2):
            sent = await house.post(f"/consents/{ground['ground']}/withdraw", token=await token_of(house))
            english, german = await after(house, sent)
            assert english.startswith("Done: you withdrew your consent to South & Co. Nothing more is given by it.")
            assert german.startswith("Erledigt: Sie haben Ihre Einwilligung gegenüber South & Co widerrufen.")
        assert (await lines(house, f"/consents?done={asked}"))[0].startswith("Done: you withdrew"), "not what was once"


async def other(house: People) -> str:
    profile = {"name": "South & Co", "levels": ["individual"], "quantities": [ENERGY, FEED], "purposes": ["forecast"]}
    await house.operator("PUT", "/api/organisations/south", {**profile, "finest_seconds": 0})
    return "south"


@pytest.mark.parametrize(
    ("words", "english", "german"),
    [
        (LAW | {"basis": "6(1)(e)"}, "Done: you objected to giving values to", "Erledigt: Sie haben der Weitergabe an"),
        ({**LAW, "kind": "contract"}, "Done: the contract with", "Erledigt: Der Vertrag mit"),
    ],
)
async def test_an_objection_and_the_end_of_a_contract_are_said(
    tmp_path: Path, words: dict[str, Any], english: str, german: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        told = {key: value for key, value in words.items() if words["kind"] != "contract" or key not in _OF_LAW}
        ground = await added(house, made["household"], **told)
        await house.post("/login", code=made["login_code"])
        assert await lines(house, f"/consents?done={ground}") == [], "nothing was pressed yet"
        said = await after(house, await house.post(f"/consents/{ground}/end", token=await token_of(house)))
        assert (said[0].startswith(english), said[1].startswith(german)) == (True, True)


_OF_LAW = ("law", "article", "basis")


async def test_an_address_that_somebody_made_up_says_that_nothing_was_done(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        mine, theirs = await house.household(), await house.household()
        waiting, foreign = await house.ask(mine["household"]), await house.ask(theirs["household"])
        await house.post("/login", code=mine["login_code"])
        for made_up in ("", "0" * 32, waiting, foreign, "%3Cb%3E"):
            assert await lines(house, f"/consents?done={made_up}") == []


async def test_a_request_whose_time_is_over_gives_nothing_and_says_so(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        asked = await house.ask(made["household"], until="2026-03-04T13:00:00Z")
        await house.post("/login", code=made["login_code"])
        token = await token_of(house)
        house.time.now = house.time.now.replace(hour=14)
        sent = await house.post(f"/consents/{asked}/answer", do="refuse", token=token)
        assert "so nothing was given" in await text(house, sent.headers["Location"])


async def test_who_logs_out_reads_that_it_was_done(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await house.post("/login", code=(await house.household())["login_code"])
        english, german = await after(house, await house.post("/logout", token=await token_of(house)))
        assert english.startswith("You are logged out.")
        assert german.startswith("Sie sind abgemeldet.")
