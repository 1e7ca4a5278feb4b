"""Meters as the operator sees them: what came by itself waits for a look, and an exchange is entered by a form."""

import asyncio
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup
from typer.testing import CliRunner

from adapters.plugin import Batch
from gateway.cli import registry
from gateway.errors import InUse, NotAllowed
from gateway.registry.meter_book import MeterBook
from gateway.registry.meter_records import Reader
from meter_driver.reading import Reading
from policies.terms import SubjectId
from tests.gateway.pages.test_pages import text
from tests.gateway.people_house import ENERGY, People, people

TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
BY_ITSELF = Reader("box-1", "", "A1", "electricity")


async def home_with_a_meter(house: People) -> SubjectId:
    made = await house.household()
    household = SubjectId(made["household"])
    await house.gateway.registry.meters.meet(household, BY_ITSELF)
    await house.post("/operator", operator_token=house.token)
    return household


async def posted(house: People, household: str, act: str, label: str = "main", **fields: str) -> tuple[int, str]:
    page = f"/fleet/households/{household}/meters"
    token = TOKEN.search(await text(house, page))
    assert token
    answer = await house.post(f"{page}/{label}/{act}", token=token[1], **fields)
    return answer.status, await answer.text()


async def waiting(house: People) -> list[tuple[str, str]]:
    found = await house.operator("GET", "/api/meters/new")
    return [(each["household"], each["label"]) for each in found["meters"]]


async def test_a_meter_that_came_by_itself_waits_until_somebody_has_looked(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        household = await home_with_a_meter(house)
        assert await waiting(house) == [(household, "main")]
        page = await text(house, "/fleet/meters")
        assert f"/fleet/households/{household}/meters" in page
        assert "A1" in page
        assert await posted(house, household, "confirm") == (303, "")
        assert await waiting(house) == []
        assert "A1" not in await text(house, "/fleet/meters")


async def test_another_number_in_the_telegrams_waits_again_and_a_declared_exchange_ends_that(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        household = await home_with_a_meter(house)
        await posted(house, household, "confirm")
        await house.gateway.registry.meters.meet(household, BY_ITSELF)
        assert await waiting(house) == [], "the same number is nothing new"
        await house.gateway.registry.meters.meet(household, Reader("box-1", "", "B2", "electricity"))
        assert await waiting(house) == [(household, "main")]
        fields = {"old": "A1", "new": "B2", "quantity": "1-0:1.8.0", "last": "12345,6", "first": "0.3", "unit": "kWh"}
        assert await posted(house, household, "exchange", at="2026-01-02T10:15", **fields) == (303, "")
        assert await waiting(house) == []
        (meter,) = (await house.operator("GET", f"/api/households/{household}/meters"))["meters"]
        stand = {"quantity": "1-0:1.8.0*255", "last": "12345.6", "first": "0.3", "unit": "kWh"}
        at = meter["exchanged"][0].pop("at")
        assert at.startswith("2026-01-02T")
        assert meter["exchanged"] == [{"old": "A1", "new": "B2", "stands": [stand]}]
        page = await text(house, f"/fleet/households/{household}/meters")
        assert "12345.6 → 0.3 kWh" in Markup(page).striptags()


OLD = re.compile(r'<input name="old"([^>]*)>')
OFFERED = re.compile(r'<option value="([^"]*)">')


async def test_the_old_number_stands_in_the_form_where_one_device_can_have_gone_and_is_left_open_else(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        household = await home_with_a_meter(house)
        page = f"/fleet/households/{household}/meters"
        assert OLD.findall(await text(house, page)) == [' maxlength="64" autocomplete="off" value="A1"']
        await house.gateway.registry.meters.meet(household, Reader("box-1", "", "B2", "electricity"))
        shown = await text(house, page)
        assert 'value="' not in OLD.findall(shown)[0], "A1 went and B2 came, or the other way round: nobody said"
        assert OFFERED.findall(shown) == ["A1", "B2"]
        await posted(house, household, "exchange", at="2026-01-02T10:15", old="A1", new="B2")
        assert OLD.findall(await text(house, page))[0].endswith('value="B2"'), "A1 is gone"
        await posted(house, household, "exchange", at="2026-01-03T10:15", old="B2", new="A1")
        assert OLD.findall(await text(house, page))[0].endswith('value="A1"'), "and it came back"
        await house.gateway.registry.meters.meet(household, Reader("box-1", "gas", "", "gas"))
        assert sorted('value="' in each for each in OLD.findall(await text(house, page))) == [False, True]


async def test_an_exchange_that_was_none_is_taken_back_with_the_number_that_only_it_knew(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        household = await home_with_a_meter(house)
        await posted(house, household, "exchange", at="2026-01-02T10:15", old="A1", new="C3")
        (meter,) = await meters(house, household)
        assert [each["serial"] for each in meter["serials"]] == ["A1", "C3"], "the present one last"
        at = meter["exchanged"][0]["at"]
        assert (await posted(house, household, "undo", at="2026-01-02T10:16:00+00:00"))[0] == 404
        assert await posted(house, household, "undo", at=at) == (303, "")
        (meter,) = await meters(house, household)
        assert [each["serial"] for each in meter["serials"]] == ["A1"]
        assert meter["exchanged"] == []
        await posted(house, household, "exchange", at="2026-01-02T10:15", old="A1", new="C3")
        undone = await house.operator("DELETE", f"/api/households/{household}/meters/main/exchange/{at}")
        assert undone["exchanged"] == []


async def test_a_number_of_a_p1_telegram_is_told_as_it_is_printed_on_the_meter(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        household = await home_with_a_meter(house)
        await house.gateway.registry.meters.meet(household, Reader("box-1", "gas", "4B384547303034303436333935353037"))
        _, gas = sorted(await meters(house, household), key=lambda meter: str(meter["serials"]))
        assert [each["serial"] for each in gas["serials"]] == ["K8EG004046395507"]
        status, _ = await posted(house, household, "exchange", label="gas", at="2026-01-02T10:15", new="NEW001")
        assert status == 303
        await house.gateway.registry.meters.meet(household, Reader("box-1", "gas", "4E4557303031"))
        gas = next(each for each in await meters(house, household) if each["label"] == "gas")
        assert {each["serial"] for each in gas["serials"]} == {"K8EG004046395507", "NEW001"}, "it is no third one"


@pytest.mark.parametrize(("wrong", "says"), [
    ({"at": "yesterday"}, "at: day and time"), ({"at": "2999-01-01T00:00"}, "at: an exchange that has not happened"),
    ({"quantity": "1-0:1.7.0"}, "quantity: a quantity that is no register"), ({"last": "much"}, "last: a number"),
    ({"first": "NaN"}, "first: a number"), ({"unit": "parsec"}, "unit: "), ({"old": "x" * 65}, "old: at most 64"),
    ({"old": "Z9"}, "old: this meter never had"), ({"unit": "m3"}, "unit: this quantity is in MJ or kWh"),
    ({"last": "-5"}, "last: not below 0"),
])  # fmt: skip
async def test_a_form_that_is_wrong_says_field_and_rule_and_changes_nothing(
    tmp_path: Path, wrong: dict[str, str], says: str
) -> None:
    good = {"at": "2026-01-02T10:15", "quantity": "1-0:1.8.0", "last": "5", "first": "0", "unit": "kWh"}
    async with people(tmp_path) as house:
        household = await home_with_a_meter(house)
        status, page = await posted(house, household, "exchange", **{**good, **wrong})
        assert status == 422
        assert says in page
        assert (await meters(house, household))[0]["exchanged"] == []
        assert (await posted(house, household, "exchange", **good))[0] == 303


async def test_a_meter_or_a_household_of_nobody_is_not_found(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        household = await home_with_a_meter(house)
        assert (await posted(house, household, "confirm", label="attic"))[0] == 404
        async with house.browser.get(f"/fleet/households/{'f' * 32}/meters") as answer:
            assert answer.status == 404
        await house.operator("POST", f"/api/households/{household}/move-out")
        assert await waiting(house) == []
        async with house.browser.get(f"/fleet/households/{household}/meters") as answer:
            assert answer.status == 404


async def test_a_household_sees_that_a_meter_is_new_and_when_one_was_exchanged(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.gateway.registry.meters.meet(SubjectId(made["household"]), BY_ITSELF)
        await house.post("/login", code=made["login_code"])
        assert "(new)" in await text(house, "/data")
        assert "(neu)" in await text(house, "/data", **{"Accept-Language": "de"})
        path = f"/api/households/{made['household']}/meters/main/exchange"
        await house.operator("POST", path, {"at": "2026-01-02T10:15:00+00:00", "old": "A1", "new": "B2"})
        assert "Exchanged: " in await text(house, "/data")


async def test_a_meter_that_the_operator_has_looked_at_is_not_new_to_its_household(tmp_path: Path) -> None:
    """By the command, after a new start too."""
    async with people(tmp_path) as house:
        made = await house.household()
        await house.gateway.registry.meters.meet(SubjectId(made["household"]), BY_ITSELF)
        await house.post("/login", code=made["login_code"])
        assert "(new)" in await text(house, "/data")
        file = tmp_path / "cli.toml"
        file.write_text(f"[people]\nport = {house.browser.port}\nclear = true\n")
        words = "meter", "confirm", made["household"], "main", "--settings", str(file)
        done = await asyncio.to_thread(CliRunner().invoke, registry.app, words)
        assert done.exit_code == 0, done.stderr
        assert "(new)" not in await text(house, "/data")
        book = MeterBook(house.gateway.store, house.gateway.vault, house.gateway.clock)
        assert not (await book.home(SubjectId(made["household"]))).meters["main"].waits


async def test_the_boxes_own_meter_is_renamed_by_page_api_and_command_and_its_series_goes_on(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        household = await home_with_a_meter(house)
        at = house.gateway.clock() - timedelta(hours=1)
        reading = Reading("main", ENERGY, at, Decimal(7), "kWh")
        await house.gateway.intake.take(Batch("b", 1, [(household, reading)]))
        assert await posted(house, household, "name", name="<Haus> 1") == (303, "")
        page = await text(house, f"/fleet/households/{household}/meters")
        assert "&lt;Haus&gt; 1 (main)" in page
        assert await house.gateway.registry.meters.meet(household, BY_ITSELF) == "main"
        file = tmp_path / "cli.toml"
        file.write_text(f"[people]\nport = {house.browser.port}\nclear = true\n")
        words = "meter", "rename", household, "<Haus> 1", "Haus unten", "--settings", str(file)
        done = await asyncio.to_thread(CliRunner().invoke, registry.app, words)
        assert done.exit_code == 0, done.stderr
        (meter,) = await meters(house, household)
        assert (meter["label"], meter["name"]) == ("main", "Haus unten")
        code = (await house.operator("POST", f"/api/households/{household}/login-codes", {}))["code"]
        await house.log_in(code)
        assert "Haus unten (main)" in await text(house, "/data")
        assert "Haus unten" in await text(house, "/data/readings.csv?locale=de")
        machines = await text(house, "/data/readings.csv")
        assert ("main" in machines, "Haus unten" in machines) == (True, False)


async def test_a_household_names_its_own_meters_and_nobody_elses(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made, other = await house.household(), await house.household()
        for each in (made, other):
            await house.gateway.registry.meters.meet(SubjectId(each["household"]), BY_ITSELF)
        headers = {"X-CSRF-Token": await house.log_in(made["login_code"])}
        for each, status in ((made, 200), (other, 404)):
            path = f"/api/households/{each['household']}/meters/main/name"
            async with house.browser.post(path, json={"name": "unten"}, headers=headers) as answer:
                assert answer.status == status
        assert [meter["name"] for meter in await meters(house, made["household"])] == ["unten"]
        assert [meter["name"] for meter in await meters(house, other["household"])] == ["main"]


async def test_a_name_is_one_meters_alone_and_finds_it(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        household, known = await home_with_a_meter(house), house.gateway.registry.meters
        await known.meet(household, Reader("box-1", "heat"))
        await known.rename(household, "main", "house")
        for taken in ("house", "main"):
            with pytest.raises(InUse, match="name: another meter"):
                await known.rename(household, "heat", taken)
        for wrong in ("", " ", "a\nb", "a\u202eb", "x" * 65):
            with pytest.raises(NotAllowed, match="name: at most 64 characters; printable"):
                await known.rename(household, "heat", wrong)
        assert (await known.confirm(household, "house")).label == "main"
        assert await known.planned(household, "house", "", {}) == ("main", False)
        assert await known.imported(household, "house", "") == "main"
        assert await known.meet(household, Reader("box-1", "house")) == "house-2"
        assert (await known.rename(household, "house", "main")).name == ""


async def meters(house: People, household: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.operator("GET", f"/api/households/{household}/meters"))["meters"]
    return found
