"""The record of processing, as a running gateway makes it."""

from pathlib import Path
from typing import Any

import pytest
from typer import Typer

from gateway.cli.record import BESIDE, markdown, record
from policies.processing import STORED
from policies.terms import Purpose
from tests.gateway.cli.test_registry_commands import command, last
from tests.gateway.people_house import PROFILE, People, people

TABLES = {"controller": {"name": "Stadtwerke <A> | B", "contact": "x@example.org"}, "retention": {"access_log": 17}}


def app() -> Typer:
    made = Typer()
    made.command()(record)
    return made


async def recorded(house: People) -> Any:
    return await house.operator("GET", "/api/record-of-processing")


@pytest.mark.gdpr("30")
async def test_it_says_what_is_held_of_whom_why_for_whom_and_until_when(tmp_path: Path) -> None:
    async with people(tmp_path, tables=TABLES) as house:
        await house.operator("PUT", "/api/organisations/northwind", PROFILE)
        found = await recorded(house)
        assert found["controller"] == TABLES["controller"]
        assert {each["purpose"]: each["recipients"] for each in found["purposes"]} == {
            purpose: ["northwind"] if purpose == "forecast" else [] for purpose in Purpose
        }
        (who,) = found["recipients"]
        assert (who["name"], who["purposes"], who["levels"]) == ("Northwind Forecasts", ["forecast"], ["individual"])
        assert sorted(t for each in found["stored"] for t in each["tables"]) == sorted(
            t for each in STORED for t in each.tables
        )
        until = {table: each["until"] for each in found["stored"] for table in each["tables"]}
        assert (until["access_log"], until["owed_ending"][-8:]) == ("17 days", "24 hours")
        assert "quarters of an hour 400" in until["piece"]


async def test_it_says_for_how_many_days_a_class_is_kept_now(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await house.operator("PUT", "/api/retention/quarter", {"days": 33})
        until = {table: each["until"] for each in (await recorded(house))["stored"] for table in each["tables"]}
        assert "quarters of an hour 33" in until["piece"]


async def test_it_is_the_operators(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.post("/login", code=made["login_code"])
        async with house.browser.get("/api/record-of-processing") as answer:
            assert answer.status in (401, 403)


async def test_the_command_makes_a_page_of_it_or_json(tmp_path: Path) -> None:
    async with people(tmp_path, tables=TABLES) as house:
        await house.operator("PUT", "/api/organisations/northwind", PROFILE)
        page = (await command(house, tmp_path, app())).stdout
        assert "# Record of processing activities (GDPR Art. 30)" in page
        assert "Controller: Stadtwerke \\<A\\> \\| B x@example.org" in page
        assert "| forecast | https://w3id.org/dpv#ServiceProvision | northwind |" in page
        assert "| northwind | Northwind Forecasts | forecast | individual |" in page
        assert all(f"- {each}" in page for each in BESIDE)
        assert last(await command(house, tmp_path, app(), "--json")) == await recorded(house)


def test_a_table_of_the_page_has_as_many_cells_in_each_row() -> None:
    stored = [{"what": "a | b\nc", "of": "x", "opened_by": "y", "ground": "", "until": "z"}]
    found = {"controller": {"name": "n", "contact": ""}, "purposes": [], "recipients": [], "stored": stored}
    lines = list(markdown({**found, "measures": []}))
    rows = [line for line in lines if line.startswith("| a")]
    assert rows == ["| a \\| b c | x | y |  | z |"]
    assert "Controller: n" in lines
