"""A household reads that something ends soon by its time, what it may do, and afterwards how it ended."""

from datetime import timedelta
from pathlib import Path

import pytest
from markupsafe import Markup

from gateway.app import time_ends
from policies.terms import SubjectId
from tests.gateway.pages.test_pages import text
from tests.gateway.pages.test_views import LAW, facts
from tests.gateway.people_house import People, people

DAY = timedelta(days=1)
UNTIL = {"until": "2026-04-13T12:00:00Z"}
"""Forty days from the start."""
SAID = {
    "en": (
        "The last day of this consent is 13 April 2026. You need not do anything: it ends by itself, and then this "
        "recipient gets nothing more. If it asks you again, you may say yes again, or no.",
        "The last day of this is 13 April 2026: it ends by itself.",
        "Ends soon",
    ),
    "de": (
        "Der letzte Tag dieser Einwilligung ist der 13. April 2026. Sie müssen nichts tun: Sie endet von selbst, und "
        "dann erhält dieser Empfänger nichts mehr. Fragt er Sie wieder, können Sie wieder ja sagen oder nein.",
        "Der letzte Tag ist der 13. April 2026: Das endet von selbst.",
        "Endet bald",
    ),
}


async def page(house: People, path: str) -> str:
    return (await text(house, path)).replace("\u00a0", " ")


async def words(house: People, path: str) -> str:
    return Markup(await page(house, path)).striptags()


async def agreed(house: People) -> str:
    """Logged in, with a consent; the household's id."""
    made = await house.household()
    request = await house.ask(made["household"], **UNTIL)
    await house.post("/login", code=made["login_code"])
    await house.answer(request)
    return str(made["household"])


@pytest.mark.parametrize("language", ["en", "de"])
async def test_from_thirty_days_before_the_page_says_that_it_ends_and_what_the_household_may_do(
    tmp_path: Path, language: str
) -> None:
    async with people(tmp_path) as house:
        who = await agreed(house)
        await house.operator("POST", f"/api/households/{who}/grounds", {**LAW, **UNTIL})
        await house.browser.get(f"/language/{language}")
        house.time.now += 10 * DAY - timedelta(seconds=1)
        before, now = await words(house, "/consents"), await words(house, "/now")
        assert [said for said in SAID[language] if said in before + now] == []
        house.time.now += timedelta(seconds=1)
        consents, now = await words(house, "/consents"), await words(house, "/now")
        assert [said in consents for said in SAID[language]] == [True, True, False]
        assert now.count(SAID[language][2]) == 2
        await house.gateway.consent.withdraw(SubjectId(who))
        assert (await words(house, "/now")).count(SAID[language][2]) == 1


async def test_after_its_time_the_page_and_the_ledger_say_that_time_ended_it(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        who = await agreed(house)
        house.time.now += 41 * DAY
        login = await house.operator("POST", f"/api/households/{who}/login-codes")
        await house.post("/login", code=login["code"])
        await time_ends(house.gateway).look()
        past = facts(await page(house, "/consents"))
        assert past["Ended by its time"].startswith("13 April 2026")
        assert "Withdrawn" not in past
        lines = [facts(await page(house, "/ledger"), nth) for nth in range(3)]
        assert [line for line in lines if line.get("Consent") == "Ended by its time"] != []


async def test_the_api_says_that_it_ends_soon_and_how_it_ended(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        who = await agreed(house)
        for days, said in ((9, (True, False, None)), (1, (True, True, None)), (30, (False, False, "time"))):
            house.time.now += days * DAY
            await time_ends(house.gateway).look()
            (ground,) = (await house.operator("GET", f"/api/households/{who}/grounds"))["grounds"]
            assert (ground["active"], ground["ends_soon"], ground["end"]) == said
