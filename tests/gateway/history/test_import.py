"""``metergate import`` and its API against a running gateway: what is there afterwards, and after a kill."""

import asyncio
import json
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from gateway.cli import history
from policies.terms import DetailClass, Period, SubjectId
from policies.vault.values import Value
from tests.gateway.people_house import START, People, people

NEED = "1-0:1.29.0*255"
MIDNIGHT = START.replace(hour=0) - timedelta(days=30)
MAP = """
columns: {point: MeLo, time: Zeit, quantity: OBIS, value: Wert, status: S}
fixed: {unit: kWh}
stamps: begin
interval: 15min
statuses: {W: measured, E: estimated, V: validated, S: substituted}
csv: {delimiter: ";", decimal: ","}
"""
REPO = Path(__file__).resolve().parents[3]


def line(quarter: int, value: str = "0,250", status: str = "W", point: str = "P1") -> str:
    at = MIDNIGHT + timedelta(minutes=15 * quarter)
    return f"{point};{at:%Y-%m-%dT%H:%M}+00:00;1-0:1.29.0;{value};{status}"


def written(folder: Path, lines: list[str], plan: str = MAP) -> tuple[Path, Path]:
    file, plan_file = folder / "history.csv", folder / "map.yaml"
    file.write_text("\n".join(["MeLo;Zeit;OBIS;Wert;S", *lines, ""]))
    plan_file.write_text(plan)
    return file, plan_file


def settings(house: People, folder: Path) -> Path:
    file = folder / "cli.toml"
    file.write_text(f"[people]\nport = {house.browser.port}\nclear = true\n")
    return file


async def imported(house: People, folder: Path, lines: list[str], *words: str, plan: str = MAP) -> Result:
    """Run the command for a file of these lines."""
    return await run_import(house, folder, written(folder, lines, plan)[0], *words)


async def run_import(house: People, folder: Path, file: Path, *words: str) -> Result:
    """Run the command beside the gateway."""
    plan_file = folder / "map.yaml"
    if not plan_file.exists():
        plan_file.write_text(MAP)
    return await imported_file(house, folder, file, plan_file, *words)


async def imported_file(house: People, folder: Path, file: Path, plan_file: Path, *words: str) -> Result:
    """The same with a map of its own."""
    app = typer.Typer()
    app.command()(history.import_file)
    args = [str(file), "--map", str(plan_file), "--settings", str(settings(house, folder)), *words]
    return await asyncio.to_thread(CliRunner().invoke, app, args)


def sums(done: Result) -> Any:
    return json.loads(done.stdout.splitlines()[-1])


async def household(house: People, point: str = "P1", start: datetime = MIDNIGHT) -> SubjectId:
    made = await house.operator("POST", "/api/households", {"points": [point], "start": start.isoformat()})
    return SubjectId(made["household"])


async def kept(house: People, subject: SubjectId, detail: DetailClass = DetailClass.QUARTER) -> list[Value]:
    period = Period(MIDNIGHT - timedelta(days=500), START + timedelta(days=1))
    return [v async for some in house.gateway.vault.read(subject, detail, frozenset({NEED}), period) for v in some]


async def test_values_of_a_file_are_kept_with_their_worth_under_an_imported_meter(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        done = await imported(house, tmp_path, [line(0), line(1, "0,5", "E"), line(2, "0,125", "V"), line(3, "1", "S")])
        assert done.exit_code == 0, done.stderr
        assert sums(done)["accepted"] == 4
        assert "4 values, 1 household, 1 meter of which 1 new\n" in done.stderr
        assert [(v.total, v.status) for v in await kept(house, subject)] == [
            (Decimal("250"), "measured"),
            (Decimal("500"), "estimated"),
            (Decimal("125"), "validated"),
            (Decimal("1000"), "substituted"),
        ]
        (meter,) = await house.gateway.registry.meters.of(subject)
        assert (meter.label, meter.how) == ("main", "imported")


async def test_one_wrong_line_and_nothing_is_sent(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        done = await imported(house, tmp_path, [line(0), line(1, "much")])
        assert done.exit_code == 1
        assert f"{tmp_path / 'history.csv'}:3: Wert: " in done.stderr
        assert "much" not in done.stderr
        assert await kept(house, subject) == []


async def test_a_point_of_nobody_is_named_by_the_first_line_of_its_series(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        done = await imported(house, tmp_path, [line(0), line(0, point="P9"), line(1, point="P9")])
        assert done.exit_code == 1
        assert f"{tmp_path / 'history.csv'}:3: MeLo: " in done.stderr
        assert await kept(house, subject) == []


async def test_what_is_too_old_or_from_before_the_tenancy_is_refused_counted_and_listed(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await household(house)
        old = await household(house, "P2", MIDNIGHT - timedelta(days=700))
        lines = [line(-1), line(0), line(-96 * 500, point="P2"), line(-96 * 500 + 1, point="P2"), line(0, point="P2")]
        foreseen = await imported(house, tmp_path, lines, "--check")
        assert await kept(house, old) == []
        done = await imported(house, tmp_path, lines)
        assert done.exit_code == foreseen.exit_code == 3
        assert "metergate: 3 values not taken, as told above; all others are in\n" in done.stderr
        assert "; all others would be\n" in foreseen.stderr
        assert sums(done)["refused"] == sums(foreseen)["refused"] == {"before-start": 1, "expired": 2}
        assert (sums(done)["accepted"], sums(foreseen)["sent"]) == (2, False)
        file = tmp_path / "history.csv"
        for told in (f"{file}:2: before-start", f"{file}:4-5: expired"):
            assert told in done.stderr


async def test_a_wrong_line_and_a_point_of_nobody_are_told_at_once(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await household(house)
        done = await imported(house, tmp_path, [line(0), line(1, "much"), line(0, point="P9")], "--check")
        file = tmp_path / "history.csv"
        assert [told.partition(": there")[0].partition(": no ")[0] for told in done.stderr.splitlines()] == [
            f"{file}:3: Wert",
            f"{file}:4: MeLo",
            "metergate: 2 wrong; nothing was sent",
        ]


async def test_wrong_lines_are_told_without_a_gateway_too(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        file, plan = written(tmp_path, [line(0), line(1, "much")])
        config = settings(house, tmp_path)
    app = typer.Typer()
    app.command()(history.import_file)
    done = CliRunner().invoke(app, [str(file), "--map", str(plan), "--settings", str(config)])
    assert done.exit_code == 1
    assert f"{file}:3: Wert: " in done.stderr


async def test_what_is_wrong_with_the_map_is_charged_to_the_map(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        for plan in (
            MAP.replace("W: measured", "W: measrued"),
            MAP.replace("MeLo", "MeLoo"),
            MAP.replace("unit: kWh", "unit: furlong"),
        ):
            done = await imported(house, tmp_path, [line(0)], plan=plan)
            told = done.stderr.splitlines()
            assert told[0].startswith(f"{tmp_path / 'map.yaml'}: ")
            assert told[1:] == ["metergate: 1 wrong; nothing was sent"]


async def test_a_stamp_of_the_future_is_foreseen_by_the_check_as_the_run_refuses_it(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await household(house)
        ahead = (house.gateway.clock() - MIDNIGHT) // timedelta(minutes=15) + 1
        lines = [line(0), line(ahead - 2), line(ahead), line(ahead + 96)]
        foreseen = await imported(house, tmp_path, lines, "--check")
        done = await imported(house, tmp_path, lines)
        assert foreseen.exit_code == done.exit_code == 3
        assert sums(foreseen)["refused"] == sums(done)["refused"] == {"clock": 2}
        assert f"{tmp_path / 'history.csv'}:4-5: clock" in foreseen.stderr
        assert sums(foreseen)["accepted"] == sums(done)["accepted"] == 2


@pytest.mark.parametrize(("quantity", "fits"), [("1-0:32.7.0", "V"), ("1-0:1.7.0", "J/h or W"), ("8-0:1.0.0", "m3")])
async def test_a_unit_that_the_quantity_cannot_be_in_is_refused_by_line_and_by_the_gateway(
    tmp_path: Path, quantity: str, fits: str
) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        done = await imported(house, tmp_path, [line(0), line(1).replace("1-0:1.29.0", quantity)])
        rule = f"{quantity}*255 cannot be in kWh: it is in {fits}, or in a multiple of it"
        assert f"{tmp_path / 'history.csv'}:3: fixed.unit: {rule}" in done.stderr
        assert (done.exit_code, await kept(house, subject)) == (1, [])
        name = {"point": "P1", "quantity": quantity, "unit": "kWh"}
        (said,) = (await house.operator("POST", "/api/history/check", {"series": [name]}))["series"]
        assert said == {"wrong": {"field": "unit", "rule": rule}}
        series = [{**name, "ends": [int(MIDNIGHT.timestamp())], "values": ["1"]}]
        body = {"source": "a", "sequence": 0, "series": series}
        headers = {"Authorization": f"Bearer {house.token}"}
        async with house.browser.post("/api/history", json=body, headers=headers) as answer:
            assert answer.status == 422
            assert (await answer.json())["detail"] == f"series.0.unit: {rule}"


async def test_the_same_file_again_changes_nothing_and_tells_the_same(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        lines = [line(-1), *(line(n) for n in range(200))]
        first = sums(await imported(house, tmp_path, lines))
        again = sums(await imported(house, tmp_path, lines))
        assert (first["accepted"], again["accepted"]) == (200, 200)
        assert again["refused"] == first["refused"] == {"before-start": 1}
        assert (first["repeated"], again["repeated"]) == (0, 201)
        assert len(await kept(house, subject)) == 200


async def test_a_correction_of_values_whose_readings_are_gone_counts_once_with_its_own_worth(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        await imported(house, tmp_path, [line(n, "0,300", "E") for n in range(96)])
        await imported(house, tmp_path, [line(n, "0,250") for n in range(48)])
        values = await kept(house, subject)
        assert [v.total for v in values] == [Decimal(250)] * 48 + [Decimal(300)] * 48
        assert [v.status for v in values] == ["measured"] * 48 + ["estimated"] * 48


async def test_a_file_that_names_no_meter_in_a_home_of_several_is_refused(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        box = (await house.operator("POST", "/api/boxes", {"household": subject}))["box"]
        for name in ("main", "heat pump"):
            path = f"/api/households/{subject}/meters"
            await house.operator("POST", path, {"box": box, "component": name.replace(" ", ""), "label": name})
        done = await imported(house, tmp_path, [line(0)])
        assert done.exit_code == 1
        assert "2: meter: the household has several" in done.stderr
        named = await imported(house, tmp_path, [line(0)], plan=MAP.replace("unit: kWh", "unit: kWh, meter: heat pump"))
        assert named.exit_code == 0
        assert {v.meter for v in await kept(house, subject)} == {"heat pump"}


async def test_a_parquet_file_is_read_by_the_same_map_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file, count = tmp_path / "history.parquet", 600
    stamps = [MIDNIGHT + timedelta(minutes=15 * n) for n in range(-1, count)]
    table = {
        "MeLo": ["P1"] * len(stamps),
        "Zeit": arrow.array(stamps, arrow.timestamp("ms", "UTC")),
        "OBIS": ["1-0:1.29.0"] * len(stamps),
        "Wert": arrow.array([Decimal("0.250")] * len(stamps), arrow.decimal128(12, 3)),
        "S": ["W"] * len(stamps),
    }
    parquet.write_table(arrow.table(table), file)
    async with people(tmp_path) as house:
        subject = await household(house)
        first = await run_import(house, tmp_path, file)
        again = await run_import(house, tmp_path, file)
        assert f"{file}:1: before-start" in first.stderr
        assert (sums(first)["accepted"], sums(first)["refused"]) == (count, {"before-start": 1})
        assert (sums(again)["accepted"], sums(again)["repeated"]) == (count, count + 1)
        assert [v.total for v in await kept(house, subject)] == [Decimal("250")] * count
        file.write_bytes(file.read_bytes()[:-100])
        damaged = await run_import(house, tmp_path, file)
        assert (damaged.exit_code, damaged.stdout) == (1, "")
        assert damaged.stderr.splitlines() == [
            f"{file}: file: no Parquet, or not whole: PAR1 at both ends",
            "metergate: 1 wrong; nothing was sent",
        ]


async def test_an_import_that_was_killed_goes_on_and_each_value_counts_once(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        lines = [line(n) for n in range(2600)]
        file, plan = written(tmp_path, lines)
        words = [str(file), "--map", str(plan), "--settings", str(settings(house, tmp_path))]
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway.cli", "import", *words, cwd=REPO)
        while not await kept(house, subject):
            assert process.returncode in (None, 0)
            await asyncio.sleep(0.005)
        with suppress(ProcessLookupError):  # on a busy machine it may have come to its end first
            process.kill()
        await process.wait()
        done = sums(await imported(house, tmp_path, lines))
        assert done["accepted"] == 2600
        assert 0 < done["repeated"] <= 2600
        values = await kept(house, subject)
        assert len(values) == 2600
        assert {(v.total, v.count) for v in values} == {(Decimal(250), 1)}


async def test_a_batch_is_known_after_a_restart_with_what_was_refused_of_it(tmp_path: Path) -> None:
    at = int(MIDNIGHT.replace(tzinfo=UTC).timestamp())
    name = {"point": "P1", "quantity": NEED, "unit": "kWh", "meter": "main"}
    series = [{**name, "starts": [at - 900, at], "ends": [at, at + 900], "values": ["1", "2"]}]
    body = {"source": "a file", "sequence": 0, "series": series}
    async with people(tmp_path) as house:
        subject = await household(house)
        first = await house.operator("POST", "/api/history", body)
        assert first == {
            "sequence": 0,
            "accepted": 1,
            "refused": [{"series": 0, "row": 0, "reason": "before-start"}],
            "repeated": False,
        }
    async with people(tmp_path) as house:
        assert await house.operator("POST", "/api/history", body) == {**first, "repeated": True}
        assert len(await kept(house, subject)) == 1


async def test_the_exit_says_whether_all_of_the_file_was_taken(tmp_path: Path) -> None:
    """What the file leaves empty is left out: the end is a normal one, and not that of a file that was taken whole."""
    async with people(tmp_path) as house:
        await household(house)
        whole, some, wrong = [line(0)], [line(1), line(2, "")], [line(3), line(4, "much")]
        for lines, code in ((whole, 0), (some, 3), (wrong, 1)):
            assert (await imported(house, tmp_path, lines)).exit_code == code


async def test_an_amount_that_begins_before_quarters_are_held_is_refused_and_foreseen(tmp_path: Path) -> None:
    """It belongs to the quarter of its begin; nothing would keep it."""
    async with people(tmp_path) as house:
        subject = await household(house, start=MIDNIGHT - timedelta(days=700))
        oldest = house.gateway.vault.oldest(subject, DetailClass.QUARTER)
        assert oldest is not None
        begin = datetime(oldest.year, oldest.month, oldest.day, tzinfo=UTC) - timedelta(hours=12)
        lines = [f"P1;{begin + n * timedelta(days=1):%Y-%m-%dT%H:%M}+00:00;1-0:1.29.0;5;W" for n in range(3)]
        plan = MAP.replace("15min", "1d")
        foreseen = await imported(house, tmp_path, lines, "--check", plan=plan)
        done = await imported(house, tmp_path, lines, plan=plan)
        assert sums(foreseen)["refused"] == sums(done)["refused"] == {"expired": 1}
        assert [value.total for value in await kept(house, subject)] == [5000, 5000]


async def test_a_device_is_there_since_the_first_of_its_values_whatever_its_status_and_file(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house, start=MIDNIGHT - timedelta(days=2))
        plan = MAP.replace("status: S", "status: S, serial: N")
        for quarters, first in (([2, 3, 4], 2), ([0, 1], 0)):
            lines = [f"{line(n, status='WE'[n > 2])};77" for n in quarters]
            file, plan_file = written(tmp_path, lines, plan)
            file.write_text(file.read_text().replace("Wert;S", "Wert;S;N"))
            done = await imported_file(house, tmp_path, file, plan_file)
            assert done.exit_code == 0, done.stderr
            (meter,) = await house.gateway.registry.meters.of(subject)
            assert meter.serials == (("77", MIDNIGHT + first * timedelta(minutes=15)),)


@pytest.mark.parametrize("words", [("--check",), ()])
async def test_serial_numbers_that_become_several_meters_are_counted_and_said(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        lines = [f"{line(n)};{serial}" for n, serial in enumerate(["S1", "S2"])]
        file, plan_file = written(tmp_path, lines, MAP.replace("status: S", "status: S, serial: N"))
        file.write_text(file.read_text().replace("Wert;S", "Wert;S;N"))
        done = await imported_file(house, tmp_path, file, plan_file, *words)
        assert "1 household, 2 meters of which 2 new\n" in done.stderr
        assert ":3: each serial number without `meter` becomes a meter of its own" in done.stderr
        assert len(await house.gateway.registry.meters.of(subject)) == (0 if words else 2)
        plan_file.write_text(plan_file.read_text().replace("fixed: {", "fixed: {meter: house, "))
        if words:
            done = await imported_file(house, tmp_path, file, plan_file, *words)
            assert "1 meter of which 1 new\n" in done.stderr
            assert "each serial number" not in done.stderr


async def test_a_serial_number_of_a_later_file_that_becomes_a_meter_beside_the_first_is_said(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await household(house)
        plan = MAP.replace("status: S", "status: S, serial: N")
        for serial, said in (("S1", False), ("S1", False), ("S2", True)):
            file, plan_file = written(tmp_path, [f"{line(0)};{serial}"], plan)
            file.write_text(file.read_text().replace("Wert;S", "Wert;S;N"))
            done = await imported_file(house, tmp_path, file, plan_file)
            assert ("each serial number without `meter`" in done.stderr) is said


def test_series_of_one_place_are_asked_together_as_far_as_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_AT_ONCE", 3)
    names = [SimpleNamespace(name=SimpleNamespace(household="", point=point)) for point in "AABBCDDDDE"]
    asked = list(history._together(range(10), SimpleNamespace(columns=names)))  # type: ignore[arg-type]
    assert asked == [[0, 1], [2, 3, 4], [5, 6, 7], [8, 9]]
