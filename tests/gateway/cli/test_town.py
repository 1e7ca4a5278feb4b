"""A town in one file: all or nothing, again without harm, found again by point and by name; meters by command."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from gateway.cli import registry
from gateway.identity.codes import ALPHABET
from gateway.registry import names
from tests.gateway.cli.test_registry_commands import TOWN, command, last
from tests.gateway.people_house import ENERGY, START, People, people

HOMES = [
    {"name": "Anna Müller", "address": "Hauptplatz 1", "points": ["P1", "P2"], "login_code": True, "box": True},
    {"name": "Bo", "points": ["P3"], "login_code": True},
]


async def imported(house: People, folder: Path, table: dict[str, Any], *words: str) -> Result:
    file = folder / "town.json"
    file.write_text(json.dumps(table))
    return await command(house, folder, registry.app, "import", str(file), *words)


def told(done: Result) -> list[Any]:
    """The command's lines, without what the gateway logged."""
    return [said for said in map(json.loads, done.stdout.splitlines()) if "event" not in said]


async def counts(house: People) -> tuple[int, int]:
    clients = house.gateway.clients.all()
    return len((await house.operator("GET", "/api/households"))["households"]), len(clients)


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"nme": "Cy"}, "households.2.nme"),
        ({"name": "Cy", "points": ["P3"]}, "households.2.points.0"),
        ({"name": "", "points": ["P9"]}, "households.2.name"),
        ({"points": []}, "households.2.points"),
        ({"name": "Cy", "login_code": "yes"}, "households.2.login_code"),
        ({"name": "Cy", "points": ["P9", "P9"]}, "households.2.points.1"),
        ({"name": "Cy", "points": [""]}, "households.2.points"),
        ({"name": "Cy", "community": "north"}, "households.2.community"),
        ({"name": "Cy", "points": ["P0"]}, "households.2.points"),
        ({"name": "Resident", "points": ["P0", "P00"]}, "households.2.points"),
    ],
)
async def test_one_household_that_cannot_be_and_nothing_is_done(
    tmp_path: Path, broken: dict[str, Any], field: str
) -> None:
    async with people(tmp_path) as house:
        await house.household(name="Resident", points=["P0"])
        before = await counts(house)
        done = await imported(house, tmp_path, {**TOWN, "households": [*HOMES, broken]})
        assert done.exit_code == 1
        assert f"\n{field}: " in done.stderr
        assert "Cy" not in done.stderr
        assert await counts(house) == before


async def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        profile = {"name": "O", "quantities": [ENERGY, "hello world"]}
        table: dict[str, Any] = {
            "organisations": {"o.1": profile, "o2": {"name": "O", "levels": ["near"]}},
            "clients": {
                "c": {"organisation": "nobody", "scopes": ["readall"]},
                "d": {"organisation": "o2", "scopes": ["read_all"]},
            },
            "households": [
                {"nme": "A"},
                {},
                {"zone": 1},
                {"name": "Bo", "points": ["P1"]},
                {"name": "", "points": ["P1"]},
            ],
        }
        done = await imported(house, tmp_path, table, "--check")
        assert {told.partition(": ")[0] for told in done.stderr.splitlines()[1:]} == {
            "organisations.o.1.quantities.1", "organisations.o2.levels.0", "clients.c.organisation",
            "clients.c.scopes.0", "households.0.nme", "households.1.points", "households.2.zone", "households.4.name",
            "households.4.points.0",
        }  # fmt: skip
        table = {"clients": {"a:b": {}, "c": {"organisation": "nobody"}}, "households": [{"community": "x"}]}
        done = await imported(house, tmp_path, table)
        for field in ("clients.a:b", "clients.c.organisation", "households.0.community"):
            assert f"{field}: " in done.stderr


async def test_what_does_not_exist_or_comes_twice_is_told_beside_what_has_not_its_shape(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        table: dict[str, Any] = {
            "organisation": {},
            "organisations": {
                "o": {"nme": "O", "quantities": [ENERGY, "hello"]},
                "p": {"name": "P", "quantities": ["hello", 7]},
            },
            "clients": {"c": {"organisation": "nobody", "scopes": ["readall"], "secret": 1}},
            "households": [
                {"name": "A", "points": ["P1"], "zone": 1},
                {"name": "B", "points": ["P1"]},
                {"name": "C", "points": ["P2", "P2", 3, 4], "nme": "C"},
                {"name": "D", "points": ["P2"], "community": "north"},
                {"name": "E", "points": "P2"},
                "F",
            ],
        }
        done = await imported(house, tmp_path, table, "--check")
        told = [line.partition(": ") for line in done.stderr.splitlines()[1:]]
        assert sorted(field for field, _, _ in told) == [
            "clients.c.organisation", "clients.c.scopes.0", "clients.c.secret",
            "households.0.zone", "households.1.points.0", "households.2.nme", "households.2.points.1",
            "households.2.points.2", "households.2.points.3", "households.3.community", "households.3.points.0",
            "households.4.points", "households.5", "organisation", "organisations.o.name", "organisations.o.nme",
            "organisations.o.quantities.1", "organisations.p.quantities.0", "organisations.p.quantities.1",
        ]  # fmt: skip
        rules = {field: rule for field, _, rule in told}
        assert rules["households.1.points.0"] == "households.0 has it too"
        assert rules["households.3.points.0"] == "households.2 has it too"


async def test_a_row_without_its_shape_is_held_against_what_is_there_by_what_is_right_of_it(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await house.household(name="Resident", points=["P0"])
        rows: list[dict[str, Any]] = [
            {"name": "Cy", "points": ["P0"], "zone": 1},
            {"name": "Resident", "points": ["P0", "P1"], "nme": "x"},
            {"name": "Resident", "points": ["P2", 3], "zone": "a/b", "start": "2026-03-01"},
            {"name": 7, "points": ["P3"]},
            {"name": "Cy", "points": ["P0"], "community": "north"},
        ]
        done = await imported(house, tmp_path, {"households": rows}, "--check")
        told = [line.partition(": ")[::2] for line in done.stderr.splitlines()[1:]]
        assert sorted(told, key=lambda each: each[0]) == [
            ("households.0.points", "a metering point belongs to another household"),
            ("households.0.zone", "a text"),
            ("households.1.nme", "there is no such field"),
            ("households.1.points", "1: the household is there without this one"),
            ("households.1.points.0", "households.0 has it too"),
            ("households.2.points.1", "a text"),
            ("households.2.start", "an instant with its offset, ISO 8601"),
            ("households.2.zone", "at most 64 printable characters, no slash"),
            ("households.3.name", "a text"),
            ("households.4.community", "lies in a zone, which is missing"),
            ("households.4.points", "a metering point belongs to another household"),
            ("households.4.points.0", "households.0 has it too"),
        ]


async def test_a_file_has_nobody_who_could_not_be_known_again(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        before = await counts(house)
        done = await imported(house, tmp_path, {"households": [*HOMES, {"box": True}]})
        assert (done.exit_code, await counts(house)) == (1, before)
        assert "households.2.points: a name or a metering point, at least one" in done.stderr
        made = await house.operator("POST", "/api/households/import", {"households": [{"box": True}]})
        assert made["households"][0]["box_code"], "what is taken in by the API is known by the number that it gave"


async def test_the_same_file_again_skips_who_is_there_and_says_so(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        first = told(await imported(house, tmp_path, {"households": HOMES[:1]}))
        again = told(await imported(house, tmp_path, {"households": HOMES}))
        assert again[0] == {
            "index": 0,
            "name": "Anna Müller",
            "points": ["P1", "P2"],
            "household": first[0]["household"],
            "skipped": True,
        }
        assert "login_code" in again[1]
        assert (await counts(house))[0] == 2


@pytest.mark.parametrize("end", ["erase", "move-out"])
async def test_who_has_left_is_not_brought_back_by_the_file_that_took_him_in(tmp_path: Path, end: str) -> None:
    rows: list[dict[str, Any]] = [{**HOMES[0], "start": "2026-03-01T00:00:00+01:00"}, HOMES[1]]
    async with people(tmp_path) as house:
        for made in told(await imported(house, tmp_path, {"households": rows})):
            await house.operator("POST", f"/api/households/{made['household']}/{end}")
        before = await counts(house)
        left = "2026-03-04T23:00:00Z" if end == "erase" else "2026-03-04T12:00:00Z"
        words = f"left on {left}; give a later start for who lives there now"
        checked = await imported(house, tmp_path, {"households": rows}, "--check")
        done = await imported(house, tmp_path, {"households": rows})
        for stderr in (checked.stderr, done.stderr):
            assert f"households.0: skipped: P2: {words}" in stderr
            assert f"households.1: skipped: P3: {words}" in stderr
            assert "Anna" not in stderr
        anna, bo = told(done)
        assert (anna["skipped"], anna["left"]) == (True, {"P1": words, "P2": words})
        assert not {"household", "box", "login_code"} & (set(anna) | set(bo))
        assert await counts(house) == before


@pytest.mark.parametrize("end", ["erase", "move-out"])
async def test_who_lives_there_now_comes_in_by_a_later_start(tmp_path: Path, end: str) -> None:
    async with people(tmp_path) as house:
        (made,) = told(await imported(house, tmp_path, {"households": HOMES[:1]}))
        await house.operator("POST", f"/api/households/{made['household']}/{end}")
        rows = [{"name": "Cy", "points": ["P1", "P2"], "start": "2026-03-05T00:00:00Z", "login_code": True}]
        (cy,) = told(await imported(house, tmp_path, {"households": rows}))
        assert cy["household"] != made["household"]
        assert "login_code" in cy


async def test_each_code_stands_beside_a_point_and_a_name_in_signs_that_are_not_confused(tmp_path: Path) -> None:
    letters = tmp_path / "letters.txt"
    async with people(tmp_path) as house:
        done = await imported(house, tmp_path, {"households": HOMES}, "--letters", str(letters))
        anna, bo = told(done)
        assert (anna["name"], anna["points"], bo["name"], bo["points"]) == ("Anna Müller", ["P1", "P2"], "Bo", ["P3"])
        assert set(anna["login_code"] + anna["box_code"] + bo["login_code"]) <= set(ALPHABET) | {"-"}
        assert not set("01258BILOSUZ") & set(ALPHABET)
        first, second, rest = letters.read_text().split("\f")
        assert (anna["login_code"] in first, "Hauptplatz 1" in first, "P2" in first) == (True, True, True)
        assert bo["login_code"] in second
        assert rest.strip() == ""
        assert letters.stat().st_mode & 0o077 == 0


async def test_a_letter_names_who_writes_in_both_languages_and_how_the_box_joins(tmp_path: Path) -> None:
    letters = tmp_path / "letters.txt"
    sender = '[controller]\nname = "Stadtwerke Muster {x}"\ncontact = "Hauptplatz 2, daten@muster.example"\n'
    homes = [{**HOMES[0], "login_code": False}, HOMES[1], {"name": "No Code", "points": ["P4"]}]
    async with people(tmp_path) as house:
        table = {"households": [*homes, {**HOMES[0], "points": ["P5"]}]}
        file = tmp_path / "town.json"
        file.write_text(json.dumps(table))
        words = ("import", str(file), "--letters", str(letters))
        done = await command(house, tmp_path, registry.app, *words, more=sender)
        anna, bo, _, both = told(done)
    first, second, third, rest = letters.read_text().split("\f")
    for page in (first, second, third):
        assert page.startswith("Stadtwerke Muster {x}\nHauptplatz 2, daten@muster.example\n")
        assert "Others get them only if you allow it" in page
        assert "Messwerte Ihres Zählers" in page
    assert (anna["box_enrol"] in first, "Anmelden" in first, "Der Code gilt" in first) == (True, False, True)
    assert anna["box_enrol"].startswith(anna["box_code"] + "@")
    assert (bo["login_code"] in second, "metergate-edge" in second) == (True, False)
    assert (both["login_code"] in third, both["box_enrol"] in third, "Jeder Code" in third) == (True, True, True)
    assert rest == ""


async def test_an_import_never_touches_the_secret_of_a_client_that_is_there(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = told(await imported(house, tmp_path, TOWN))[0]
        clients = house.gateway.clients
        for secret in (None, "another secret"):
            client = {"organisation": "acme", "scopes": ["read_all", "write_vens"], "secret": secret}
            table = {**TOWN, "clients": {"acme-1": client}, "households": []}
            (kept,) = told(await imported(house, tmp_path, table))
            assert kept == {"client_id": "acme-1", "client_secret": None, "kept": True}
            found = await clients.check("acme-1", made["client_secret"])
            assert found is not None
            assert "write_vens" in found.scopes
        other = last(await command(house, tmp_path, registry.app, "client-secret", "acme-1"))
        assert await clients.check("acme-1", made["client_secret"]) is None
        assert await clients.check("acme-1", other["client_secret"]) is not None


async def test_a_household_is_found_by_its_point_and_by_the_begin_of_its_names(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await imported(house, tmp_path, {"households": HOMES})
        for wanted in ("P2", "muller", "Anna M", "MÜLLER, anna"):
            done = await command(house, tmp_path, registry.app, "find", wanted)
            assert (done.exit_code, last(done)["name"], last(done)["points"]) == (0, "Anna Müller", ["P1", "P2"])
        assert (await command(house, tmp_path, registry.app, "find", "P")).exit_code == 1
        assert (await command(house, tmp_path, registry.app, "find", "ann mueller")).exit_code == 1
        many = [{"name": f"Cara {n}"} for n in range(450)]
        await house.operator("POST", "/api/households/import", {"households": many})
        found = told(await command(house, tmp_path, registry.app, "find", "cara 4"))
        assert {each["name"] for each in found} == {f"Cara {n}" for n in range(450) if str(n).startswith("4")}


def test_names_are_compared_without_case_accents_and_signs() -> None:
    assert names.plain("  O'Neill-Straße,  Žofie ") == "o neill strasse zofie"
    assert not names.matches("Anna", "  ,")


async def test_meters_are_assigned_exchanged_and_listed_by_command(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        home, box = made["household"], made["box"]
        words = ("meter", "assign", home, box, "heatpump", "--label", "heat pump", "--serial", "1ESM1", "--medium")
        done = await command(house, tmp_path, registry.app, *words, "electricity")
        assert done.exit_code == 0, done.stderr
        exchange = (
            "exchange", home, "heat pump", "--at", START.isoformat(), "--old", "1ESM1", "--new", "1ESM2",
            "--stand", "1-0:1.8.0 last=12345.6 first=0.3 unit=kWh",
        )  # fmt: skip
        done = await command(house, tmp_path, registry.app, *exchange)
        assert done.exit_code == 0, done.stderr
        (meter,) = last(await command(house, tmp_path, registry.app, "meters", home))["meters"]
        assert (meter["label"], meter["medium"]) == ("heat pump", "electricity")
        assert [each["serial"] for each in meter["serials"]] == ["1ESM1", "1ESM2"]
        ((stand,),) = [each["stands"] for each in meter["exchanged"]]
        assert stand == {"quantity": "1-0:1.8.0*255", "last": "12345.6", "first": "0.3", "unit": "kWh"}


@pytest.mark.parametrize("stand", ["1-0:1.8.0", "1-0:1.8.0 first=1", "last=1 first=2", "1-0:1.8.0 last=1 first=2 x=3"])
async def test_a_stand_that_is_not_said_whole_is_refused(tmp_path: Path, stand: str) -> None:
    async with people(tmp_path) as house:
        words = ("exchange", "0" * 32, "main", "--at", START.isoformat(), "--stand", stand)
        assert (await command(house, tmp_path, registry.app, *words)).exit_code == 2
