"""VEE as people meet it: API, commands, pages; no number of a household on any of them but by the door."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from adapters.plugin import Batch
from gateway.cli import vee
from gateway.errors import SettingsError
from gateway.settings import parse
from gateway.settings.vee import VeeLimits, VeeSettings
from meter_driver.reading import Reading
from policies.terms import QUARTER_HOUR, SubjectId
from policies.vee.estimation import Estimation
from policies.vee.rules import VEE_RULES
from tests.gateway.books import entries_of
from tests.gateway.people_house import ENERGY, START, People, people

PAGE = Path(__file__).resolve().parents[3] / "docs" / "vee.md"
DAY = datetime(2026, 3, 2, 23, tzinfo=UTC)
"""Begin of the local third of March in Berlin."""
SPIKE = "27.419"
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
WHY = {"author": "K. Meier", "reason": "load test <of> the maker"}


@dataclass
class Case:
    """A home with a spike yesterday."""

    people: People
    home: str
    code: str
    exception: str

    async def operator(self, verb: str, path: str, body: Any = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self.people.token}"}
        async with self.people.browser.request(verb, path, json=body, headers=headers) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with people(tmp_path, tables={"vee": {"organisation": "metering"}}) as house:
        made = await house.household(name="Anna")
        who = SubjectId(made["household"])
        values = [Decimal("0.1") * n + (Decimal(SPIKE) if n > 40 else 0) for n in range(97)]
        readings = [(who, Reading("m", ENERGY, DAY + n * QUARTER_HOUR, v, "kWh")) for n, v in enumerate(values)]
        assert not (await house.gateway.intake.take(Batch("box", 1, readings))).refused
        await house.gateway.compactor.round()
        await house.gateway.sweep.round()
        found = await house.operator("GET", "/api/vee/exceptions?rule=spike")
        (one,) = found["exceptions"]
        yield Case(house, made["household"], made["login_code"], one["id"])


async def test_the_list_says_what_and_when_and_no_number(case: Case) -> None:
    for path in ("", f"/{case.exception}"):
        status, said = await case.operator("GET", f"/api/vee/exceptions{path}")
        assert status == 200
        assert "27.5" not in said
        assert SPIKE not in said
    one = json.loads(said)
    assert (one["rule"], one["household"], one["state"]) == ("spike", case.home, "open")
    assert one["start"] == "2026-03-03T09:00:00Z"


@pytest.mark.parametrize(("limit", "there", "more"), [(1, 1, False), (2, 3, True), (2, 2, False), (500, 501, True)])
async def test_whether_there_are_more_of_them_is_said(
    case: Case, limit: int, there: int, more: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = case.people.gateway.vee.work
    (one,) = await work.listed(state=None)

    async def several(*, most: int, **_: Any) -> list[Any]:
        return [one] * min(most, there)

    monkeypatch.setattr(work, "listed", several)
    said = json.loads((await case.operator("GET", f"/api/vee/exceptions?limit={limit}"))[1])
    assert (len(said["exceptions"]), said["more"]) == (limit, more)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("state=all", 200),
        ("state=gone", 422),
        ("limit=0x1", 422),
        ("limit=99999", 422),
        ("limit=501", 422),
        ("limit=0", 422),
        ("limit=500", 200),
        ("rule=spikes", 422),
        ("rules=spike", 400),
        ("", 200),
    ],
)
async def test_filters_are_checked(case: Case, query: str, status: int) -> None:
    told, said = await case.operator("GET", f"/api/vee/exceptions?{query}")
    assert told == status
    if status >= 400:
        assert [each["field"] for each in json.loads(said)["fields"]] == [query.partition("=")[0]]


@pytest.mark.gdpr("16")
async def test_an_edit_by_the_api_is_seen_by_the_household_with_role_and_reason_and_without_the_name(
    case: Case,
) -> None:
    path = f"/api/vee/exceptions/{case.exception}/edit"
    status, said = await case.operator("POST", path, {**WHY, "value": "0.1", "unit": "kWh"})
    assert (status, json.loads(said)["state"]) == (200, "edited")
    when = {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T09:15:00Z"}
    assert json.loads(said)["correction"] == {**when, "value": "0.1", "unit": "kWh", "warnings": []}
    assert (await case.operator("GET", f"/api/households/{case.home}/corrections"))[1].count("K. Meier") == 1
    await case.people.log_in(case.code)
    async with case.people.browser.get("/data", headers={"Accept-Language": "de"}) as answer:
        page = await answer.text()
    assert "load test &lt;of&gt; the maker" in page
    assert "Betreiber" in page
    assert "K. Meier" not in page
    async with case.people.browser.get(f"/api/households/{case.home}/corrections") as answer:
        (told,) = (await answer.json())["corrections"]
    assert (told["status"], told["role"], told["reason"]) == ("validated", "operator", WHY["reason"])
    assert "author" not in told
    async with case.people.browser.get("/data/readings.csv?detail=quarter") as answer:
        rows = await answer.text()
    assert re.search(r"2026-03-03T09:00Z?.*,0\.1,.*validated", rows) or "0.1,kWh,validated" in rows


async def test_a_correction_is_taken_back_by_the_api_and_the_household_reads_it(case: Case) -> None:
    path = f"/api/vee/exceptions/{case.exception}"
    assert (await case.operator("POST", f"{path}/undo", WHY))[0] == 422
    await case.operator("POST", f"{path}/edit", {**WHY, "value": "0.1", "unit": "kWh"})
    status, said = await case.operator("POST", f"{path}/undo", {"author": "K. Meier", "reason": "it was the oven"})
    assert (status, json.loads(said)["state"], json.loads(said)["listed"]) == (200, "open", True)
    when = {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T09:15:00Z"}
    assert json.loads(said)["undone"] == [{**when, "unit": "kWh", "status": "validated", "method": ""}]
    await case.people.log_in(case.code)
    async with case.people.browser.get(f"/api/households/{case.home}/corrections") as answer:
        told = (await answer.json())["corrections"]
    assert [(each["status"], each["reason"]) for each in told] == [
        ("as-read", "it was the oven"),
        ("validated", WHY["reason"]),
    ]
    async with case.people.browser.get("/data", headers={"Accept-Language": "de"}) as answer:
        page = await answer.text()
    assert re.search(r"Ersetzt</strong>\s+durch: zurückgenommen: wie abgelesen", page)
    async with case.people.browser.get("/data/readings.csv?detail=quarter") as answer:
        assert "validated" not in await answer.text()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({**WHY}, "value: "),
        ({**WHY, "value": "1", "method": "average"}, "value: "),
        ({**WHY, "value": "900"}, "unit: a value has one: kWh"),
        ({**WHY, "method": "guess"}, "method: "),
        ({**WHY, "value": "1", "start": "2026-03-03T09:00:00Z"}, "start: "),
        ({"author": "x", "value": "1"}, "reason: "),
        ({**WHY, "method": "average"}, "never estimated over"),
    ],
)
async def test_a_wrong_edit_names_its_field(case: Case, body: Any, says: str) -> None:
    status, said = await case.operator("POST", f"/api/vee/exceptions/{case.exception}/edit", body)
    assert status == 422
    assert says in said


@pytest.mark.gdpr("29")
async def test_values_are_looked_at_by_the_door_with_a_ground_and_an_entry_in_the_ledger(case: Case) -> None:
    path = f"/api/vee/exceptions/{case.exception}/values"
    status, said = await case.operator("GET", path)
    assert (status, [each["field"] for each in json.loads(said)["fields"]]) == (403, ["purpose"])
    profile: dict[str, Any] = {"name": "Metering", "levels": ["individual"], "quantities": [ENERGY]}
    profile |= {"finest_seconds": 900, "purposes": ["billing"]}
    await case.people.operator("PUT", "/api/organisations/metering", profile)
    status, said = await case.operator("GET", path)
    assert (status, [each["field"] for each in json.loads(said)["fields"]]) == (403, ["purpose"])
    status, said = await case.operator("GET", f"{path}?purpose=research")
    rule = {"field": "purpose", "rule": "the profile has billing"}
    assert (status, json.loads(said)["reason"], json.loads(said)["fields"]) == (403, "not-in-profile", [rule])
    law: dict[str, Any] = {"kind": "legal-task", "law": "MsbG", "article": "60", "basis": "6(1)(c)"}
    law |= {"recipient": "metering", "purpose": "billing", "quantities": [ENERGY], "resolution_seconds": 900}
    law |= {"values_from": "2026-03-01T00:00:00Z", "values_to": "2027-01-01T00:00:00Z"}
    await case.people.operator("POST", f"/api/households/{case.home}/grounds", {**law, "until": "2027-01-01T00:00:00Z"})
    status, said = await case.operator("GET", path)
    assert status == 200
    assert "27.519" in said
    entries = await entries_of(case.people.gateway.ledger, SubjectId(case.home))
    assert [e.reference for e in entries if e.kind == "release"] == ["validation exception spike"]


async def test_days_are_looked_at_again_on_order(case: Case) -> None:
    body = {"household": case.home, "first": "2026-03-03", "last": "2026-03-03"}
    assert json.loads((await case.operator("POST", "/api/vee/run", body))[1]) == {"days": 1, "new": 0}
    for wrong in ({**body, "last": "2026-03-02"}, {**body, "last": "2026-12-01"}, {**body, "last": "2026-03-04"}):
        assert (await case.operator("POST", "/api/vee/run", wrong))[0] == 422
    assert (await case.operator("POST", "/api/vee/run", {**body, "household": "0" * 32}))[0] == 404


async def test_the_page_lists_accepts_and_edits_in_both_languages(case: Case) -> None:
    browser = case.people.browser
    await case.people.post("/operator", operator_token=case.people.token)
    async with browser.get("/fleet/exceptions", headers={"Accept-Language": "de"}) as answer:
        german = await answer.text()
    assert "Lastspitze" in german
    assert SPIKE not in german
    async with browser.get("/fleet/exceptions") as answer:
        found = TOKEN.search(await answer.text())
    assert found
    base = f"/fleet/exceptions/{case.exception}"
    without = await case.people.post(f"{base}/accept", **WHY)
    assert (without.status, without.headers["Location"]) == (303, "/operator")
    assert json.loads((await case.operator("GET", f"/api/vee/exceptions/{case.exception}"))[1])["state"] == "open"
    assert (await case.people.post(f"{base}/accept", token=found[1], **WHY)).status == 303
    for said in ("much", "NaN", "Infinity"):
        wrong = await case.people.post(f"{base}/edit", token=found[1], value=said, **WHY)
        assert (wrong.status, "value: a number" in await wrong.text()) == (422, True)
    without = await case.people.post(f"{base}/edit", token=found[1], value="0,1", **WHY)
    assert (without.status, "unit: a value has one: kWh" in await without.text()) == (422, True)
    done = await case.people.post(f"{base}/edit", token=found[1], value="0,1", unit="MWh", **WHY)
    page = await done.text()
    assert (done.status, "0.1 MWh" in page, "above what the connection carries" in page) == (200, True, True)
    async with browser.get("/fleet/exceptions?state=edited") as answer:
        page = await answer.text()
    assert ("K. Meier: load test" in page, f"{base}/accept" in page) == (True, False)
    assert f"{base}/undo" in page
    late = await case.people.post(f"{base}/accept", token=found[1], **WHY)
    assert (late.status, "it was corrected, and the correction counts" in await late.text()) == (422, True)
    back = await case.people.post(f"{base}/undo", token=found[1], **WHY)
    page = await back.text()
    assert (back.status, "Taken back, as read again" in page, "open again" in page) == (200, True, True)
    assert "value checked and set, kWh" in page
    gone = await case.people.post(f"/fleet/exceptions/{'0' * 32}/accept", token=found[1], **WHY)
    assert gone.status == 404


async def test_the_commands_list_edit_accept_and_run(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "cli.toml"
    file.write_text(f"[people]\nport = {case.people.browser.port}\nclear = true\n")

    async def command(*words: str) -> Any:
        done = await asyncio.to_thread(CliRunner().invoke, vee.app, [*words, "--settings", str(file)])
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    assert [one["id"] for one in (await command("list", "--rule", "spike"))["exceptions"]] == [case.exception]
    why = ["--reason", "r", "--author", "a"]
    assert (await command("accept", case.exception, *why))["state"] == "accepted"
    said = ["--value", "0.4", "--unit", "kWh", "--start", "2026-03-03T09:00Z", "--end", "2026-03-03T10:00Z"]
    edited = await command("edit", case.exception, *said, *why)
    assert edited["state"] == "edited"
    undone = await command("undo", case.exception, *why)
    assert [each["end"] for each in undone["undone"]] == ["2026-03-03T10:00:00Z"]
    assert (await command("run", case.home, "2026-03-03"))["days"] == 1
    assert (await command("rules"))["rules"] == list(VEE_RULES)


async def test_exceptions_are_listed_and_accepted_by_household_meter_and_day(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "cli.toml"
    file.write_text(f"[people]\nport = {case.people.browser.port}\nclear = true\n")

    async def command(*words: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, vee.app, [*words, "--settings", str(file)])

    listed = json.loads((await command("list", "--state", "all")).stdout)["exceptions"]
    meter, day = listed[0]["meter"], "2026-03-03"
    mine = ["--household", case.home, "--meter", meter, "--day", day]
    found = json.loads((await command("list", *mine[2:])).stdout)["exceptions"]
    assert case.exception in [one["id"] for one in found]
    for other in (["--meter", "another", "--day", day], ["--meter", meter, "--day", "2026-02-01"]):
        assert json.loads((await command("list", *other)).stdout)["exceptions"] == []
    done = await command("accept", *mine, "--rule", "spike", "--reason", "an oven")
    accepted = json.loads(done.stdout.splitlines()[-1])
    assert (accepted["id"], accepted["state"]) == (case.exception, "accepted")
    nothing = await command("accept", *mine, "--rule", "spike", "--reason", "an oven")
    assert (nothing.exit_code, nothing.stderr) == (1, "metergate: no open exception of this meter and day\n")
    for words in ([], mine[:4], [case.exception, *mine]):
        assert (await command("accept", *words, "--reason", "r")).exit_code == 2
    wrong = await command("list", "--day", "3.3.2026")
    assert (wrong.exit_code, wrong.stderr.splitlines()[-1]) == (1, "--day: a date, YYYY-MM-DD")


@pytest.mark.parametrize(("words", "field"), [
    (["2026-12-31"], "FIRST: a day that has ended"),
    (["2026-03-01", "--last", "2026-12-31"], "--last: not before the first, and at most 31 days"),
    (["2026-03-03", "--last", "2026-03-12"], "--last: a day that has ended"),
])  # fmt: skip
async def test_a_day_that_is_not_over_is_named_as_it_was_given(
    case: Case, tmp_path: Path, words: list[str], field: str
) -> None:
    file = tmp_path / "cli.toml"
    file.write_text(f"[people]\nport = {case.people.browser.port}\nclear = true\n")
    order = ["run", case.home, *words, "--settings", str(file)]
    done = await asyncio.to_thread(CliRunner().invoke, vee.app, order)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, field)


async def test_another_household_sees_no_corrections_of_this_one(case: Case) -> None:
    other = await case.people.household()
    await case.people.log_in(other["login_code"])
    async with case.people.browser.get(f"/api/households/{case.home}/corrections") as answer:
        assert answer.status == 404
    async with case.people.browser.get("/api/vee/exceptions") as answer:
        assert answer.status == 403


def test_the_page_of_vee_names_each_limit_rule_and_method_and_nothing_else() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    documented = {row[0].strip("`"): row[-1] for row in cells}
    fields: type[BaseModel] = VeeLimits
    assert {n: documented[n] for n in fields.model_fields} == {
        n: field.description for n, field in fields.model_fields.items()
    }
    assert set(documented) == {*fields.model_fields, *VEE_RULES, *Estimation}
    defaults = {row[0].strip("`"): row[1].strip("`") for row in cells if len(row) == 3}
    for name, field in fields.model_fields.items():
        said = defaults[name]
        default = field.default
        assert said == ("-" if default is None else "[]" if default == () else str(default))


def test_the_narrower_table_counts_field_by_field_and_the_meters_own_limit_first() -> None:
    settings = VeeSettings.model_validate(
        {
            "media": {
                "all": {"zero_days": 3, "off": ["clock"]},
                "gas": {"high": 20},
                "gas/boiler": {"high": 9, "off": []},
            }
        }
    )
    wide, gas, boiler = (settings.limits(*which) for which in (("heat", ""), ("gas", ""), ("gas", "boiler")))
    assert (wide.high, wide.zero_days, wide.off) == (None, 3, frozenset({"clock"}))
    assert (gas.high, gas.zero_days, gas.off) == (Decimal(20), 3, frozenset({"clock"}))
    assert (boiler.high, boiler.zero_days, boiler.off) == (Decimal(9), 3, frozenset())
    assert settings.limits("gas", "boiler", Decimal(4)).own == 4
    assert settings.limits("gas", "").drift == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ({"media": {"steam": {}}}, "vee.media.steam: is none: all"),
        ({"media": {"gas/": {}}}, "vee.media.gas/: is none: all"),
        ({"media": {"gas": {"off": ["magic"]}}}, "no rule is named"),
        ({"profiles": {"gas": [1, 2, 3]}}, "24, 48 or 96"),
    ],
)
def test_wrong_limits_are_refused_by_name(table: Any, rule: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rule):
        parse({"vee": table}, tmp_path)


def test_start_is_after_the_day_that_is_looked_at() -> None:
    assert DAY + timedelta(days=1) < START
