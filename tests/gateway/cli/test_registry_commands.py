"""``metergate registry`` and ``consent`` against a running gateway."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapters.formats.words import whole_second
from gateway.cli import consent, registry
from tests.gateway.people_house import ENERGY, PROFILE, START, People, people

TOWN = {
    "organisations": {
        "acme": {"name": "Acme", "levels": ["individual"], "quantities": [ENERGY], "purposes": ["forecast"]}
    },
    "clients": {"acme-1": {"organisation": "acme", "scopes": ["read_all"]}},
    "households": [{"name": "Anna Musterfrau", "box": True, "login_code": True}, {"name": "Bo", "zone": "z1"}],
}


async def command(house: People, folder: Path, app: Any, *words: str, more: str = "") -> Result:
    """Run it beside the gateway, with settings that lead to it. ``more``: of the settings."""
    file = folder / "cli.toml"
    file.write_text(f"[people]\nport = {house.browser.port}\nclear = true\n{more}")
    return await asyncio.to_thread(CliRunner().invoke, app, [*words, "--settings", str(file)])


def last(done: Result) -> Any:
    """What the command said; above it may stand what the gateway in the same process logged."""
    return json.loads(done.stdout.splitlines()[-1])


async def test_a_town_is_imported_and_its_codes_are_told_once(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        town = tmp_path / "town.json"
        town.write_text(json.dumps(TOWN))
        done = await command(house, tmp_path, registry.app, "import", str(town))
        assert done.exit_code == 0, done.stderr
        client, first, second = map(json.loads, done.stdout.splitlines())
        assert client["client_id"] == "acme-1"
        assert {"index", "name", "points", "household", "box", "box_code", "box_enrol", "login_code"} == set(first)
        assert (second["index"], second["name"], second["points"]) == (1, "Bo", [])
        listed = await command(house, tmp_path, registry.app, "households")
        assert len(last(listed)["households"]) == 2
        code = await command(house, tmp_path, registry.app, "code", second["household"])
        await house.log_in(last(code)["code"])


async def test_what_the_gateway_refuses_ends_the_command_with_its_words(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        done = await command(house, tmp_path, registry.app, "code", "0" * 32)
        assert done.exit_code == 1
        assert "there is no such household" in done.stderr


async def test_the_operator_withdraws_and_erases_on_behalf_of_a_household(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        request = await house.ask(made["household"])
        csrf = await house.log_in(made["login_code"])
        path = f"/api/households/{made['household']}/requests/{request}/accept"
        await house.browser.post(path, json={}, headers={"X-CSRF-Token": csrf})
        done = await command(house, tmp_path, consent.app, "withdraw", made["household"])
        assert len(last(done)["withdrawn"]) == 1
        listed = await command(house, tmp_path, consent.app, "list", made["household"])
        assert [g["active"] for g in last(listed)["grounds"]] == [False]
        erased = await command(house, tmp_path, consent.app, "erase", made["household"], "--yes")
        assert erased.stdout.splitlines()[-1].count(".") == 2


async def test_a_request_that_was_refused_is_listed_with_when(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.operator("PUT", "/api/organisations/southwind", PROFILE)
        refused = await house.ask(made["household"])
        waits = await house.ask(made["household"], recipient="southwind")
        csrf = await house.log_in(made["login_code"])
        home = f"/api/households/{made['household']}"
        house.time.now += timedelta(hours=1)
        async with house.browser.post(f"{home}/requests/{refused}/refuse", headers={"X-CSRF-Token": csrf}) as answer:
            assert answer.status == 204
        listed = last(await command(house, tmp_path, consent.app, "list", made["household"]))
        assert listed["grounds"] == []
        (one,) = listed["refused"]
        assert (one["request"], one["state"], one["recipient"]) == (refused, "refused", "northwind")
        assert (one["asked"], one["answered"]) == (whole_second(START), whole_second(house.time.now))
        (other,) = (await house.operator("GET", f"{home}/requests"))["requests"]
        assert (other["request"], other["state"]) == (waits, "waiting")
        async with house.browser.get(f"{home}/requests?state=lost") as answer:
            assert (answer.status, (await answer.json())["fields"][0]["field"]) == (422, "state")


async def test_all_consents_of_all_households_are_taken_back_at_once(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        homes = [await house.household() for _ in range(3)]
        for made in homes[:2]:
            request = await house.ask(made["household"])
            csrf = {"X-CSRF-Token": await house.log_in(made["login_code"])}
            path = f"/api/households/{made['household']}/requests/{request}/accept"
            await house.browser.post(path, json={}, headers=csrf)
        asked = await command(house, tmp_path, consent.app, "withdraw-all")
        assert asked.exit_code == 1
        done = await command(house, tmp_path, consent.app, "withdraw-all", "--yes")
        told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"household"')]
        assert {each["household"] for each in told} == {made["household"] for made in homes[:2]}
        for made in homes:
            grounds = await house.operator("GET", f"/api/households/{made['household']}/grounds")
            assert not any(ground["active"] for ground in grounds["grounds"])


async def test_a_fresh_code_for_a_box_that_is_there_has_its_fingerprint(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        done = await command(house, tmp_path, registry.app, "box-code", made["box"])
        said = last(done)
        assert said["enrol"].partition("@")[2] == made["box_enrol"].partition("@")[2] != ""
        assert said["code"] != made["box_code"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON in UTF-8 (line 1"),
        (
            b"name;points\n",
            'an import is one JSON object, such as {"households": [{"name": "A. Muster", "points": ["AT00..."]}]}',
        ),
        (b"\xff", "not JSON in UTF-8"),
        (b"[]", "a JSON object with"),
        (None, "No such"),
    ],
)
async def test_a_file_that_cannot_be_read_is_told_in_words(tmp_path: Path, body: bytes | None, words: str) -> None:
    async with people(tmp_path) as house:
        if body is not None:
            (tmp_path / "town.json").write_bytes(body)
        done = await command(house, tmp_path, registry.app, "import", str(tmp_path / "town.json"))
        assert done.exit_code == 1
        assert words in done.stderr
        assert "Error" not in done.stderr


ASKED = ("--recipient", "northwind", "--purpose", "forecast", "--quantity", ENERGY, "--quantity", "1-0:2.8.0")


async def test_the_operator_puts_a_request_before_a_household(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.operator("PUT", "/api/organisations/northwind", PROFILE)
        words = ("ask", made["household"], *ASKED, "--start", "2026-03-01T00:00:00Z", "--end", "2026-12-01T00:00:00Z")
        asked = last(await command(house, tmp_path, consent.app, *words))["request"]
        waiting = await house.operator("GET", f"/api/households/{made['household']}/requests")
        (mine,) = [each for each in waiting["requests"] if each["request"] == asked]
        assert mine["quantities"] == [ENERGY, "1-0:2.8.0*255"]
        assert (mine["level"], mine["recipient"]) == ("individual", "northwind")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("--start", "2026-03-01T00:00:00"), "--start: an instant with its offset"),
        (("--quantity", "1-0:9.8.0"), "not-in-profile"),
        (("--until", "2026-01-01T00:00:00Z"), "until: lies in the past"),
        (("--end", "2026-03-02T00:00:00Z"), "until: lies in the past"),
        (("--minutes", "7"), "--minutes: must divide the day"),
    ],
)
async def test_a_request_that_cannot_be_is_refused_by_its_field(
    tmp_path: Path, changes: tuple[str, ...], said: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.ask(made["household"])
        words = ("--start", "2026-03-01T00:00:00Z", "--end", "2026-12-01T00:00:00Z", *changes)
        done = await command(house, tmp_path, consent.app, "ask", made["household"], *ASKED, *words)
        assert done.exit_code == 1
        assert said in done.stderr


def test_without_a_gateway_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERGATE_OPERATOR_TOKEN", "x")
    file = tmp_path / "cli.toml"
    file.write_text("[people]\nport = 9\nclear = true\n")
    done = CliRunner().invoke(registry.app, ["boxes", "--settings", str(file)])
    assert done.exit_code == 1
    assert "does not answer" in done.stderr


async def test_the_finest_detail_of_a_profile_is_told_in_minutes_as_the_option_is(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.ask(made["household"])
        profile = {name: value for name, value in PROFILE.items() if name != "finest_seconds"}
        await house.operator("PUT", "/api/organisations/northwind", {**profile, "finest_minutes": 15})
        words = ("--start", "2026-03-01T00:00:00Z", "--end", "2026-12-01T00:00:00Z", "--minutes", "5")
        done = await command(house, tmp_path, consent.app, "ask", made["household"], *ASKED, *words)
        assert "--minutes: a whole multiple of 15 minutes (900 seconds), the finest of the profile" in done.stderr


async def test_who_asks_twice_is_told_so_and_may_take_the_first_back(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        first = await house.ask(made["household"])
        words = ("--start", "2026-03-01T00:00:00Z", "--end", "2026-12-01T00:00:00Z")
        done = await command(house, tmp_path, consent.app, "ask", made["household"], *ASKED, *words)
        assert done.exit_code == 1
        assert "asked-already" in done.stderr
        assert "--purpose: this recipient has asked the household for this purpose already" in done.stderr
        done = await command(house, tmp_path, consent.app, "take-back", made["household"], first)
        assert done.exit_code == 0, done.stderr
        assert (await house.operator("GET", f"/api/households/{made['household']}/requests"))["requests"] == []
        done = await command(house, tmp_path, consent.app, "ask", made["household"], *ASKED, *words)
        assert done.exit_code == 0, done.stderr
        done = await command(house, tmp_path, consent.app, "take-back", made["household"], first)
        assert "REQUEST: there is no such request" in done.stderr
