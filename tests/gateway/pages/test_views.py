"""What is kept, as a household reads them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from markupsafe import Markup

from adapters.plugin import Batch
from meter_driver.reading import Reading
from policies.terms import QUARTER_HOUR, DetailClass, SubjectId
from tests.gateway.pages.test_pages import text
from tests.gateway.people_house import ENERGY, START, people


async def test_what_is_kept_reaches_back_to_what_is_really_there(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        who = SubjectId(made["household"])
        await house.post("/login", code=made["login_code"])
        assert kept(await text(house, "/data", **{"Accept-Language": "de"}))[0] == [
            "Werte, wie sie eintrafen", "noch nichts", "7 Tage", "11. März 2026",
        ]  # fmt: skip
        readings = [
            (who, Reading("m", ENERGY, START - timedelta(hours=14) + n * QUARTER_HOUR, Decimal(n), "kWh"))
            for n in range(9)
        ]
        assert not (await house.gateway.intake.take(Batch("box", 1, readings))).refused
        live, quarter, day = kept(await text(house, "/data"))
        assert live == ["Readings as they came in", "3 March 2026", "7 days", "11 March 2026"]
        assert quarter == ["Quarters of an hour", "3 March 2026", "400 days", "8 April 2027"]
        assert day[:2] == ["Days", "nothing yet"]
        await house.gateway.household_end.erase(who)
        assert await house.gateway.own_data.kept(who) == []


async def test_the_first_value_of_a_day_is_of_the_local_day(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        who = SubjectId((await house.household())["household"])
        at = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
        await house.gateway.intake.take(Batch("box", 1, [(who, Reading("m", ENERGY, at, Decimal(1), "kWh"))]))
        found = {each.detail: each.first for each in await house.gateway.own_data.kept(who)}
        assert found[DetailClass.LIVE] == at


def kept(page: str) -> list[list[str]]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [Markup(cell).striptags().replace("\u00ad", "") for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]
