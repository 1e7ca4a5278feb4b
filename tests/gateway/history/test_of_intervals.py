"""Values of which the file says that they are of an interval: amounts of a register, means; and what they become."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.history.values import SourceColumn, Values
from gateway.history.wrong import Wrong
from policies.terms import SubjectId
from tests.gateway.history.test_import import MIDNIGHT, household, imported_file, sums
from tests.gateway.history.test_readers import MARCH, feed, from_feed, from_mscons, from_table, reading, seconds
from tests.gateway.history.test_round_trip import rows
from tests.gateway.people_house import People, people

COLUMNS = {"quantity": "OBIS", "unit": "E", "value": "Wert"}
ENDS = {"columns": {**COLUMNS, "time": "Zeit"}, "fixed": {"point": "P1"}, "stamps": "end", "interval": "15min"}
FROM_TO = {"columns": {**COLUMNS, "begin": "Von", "end": "Bis"}, "fixed": {"point": "P1"}}
QUARTER = timedelta(minutes=15)


def at_ends(quantity: str, unit: str, value: str = "0.25", **more: Any) -> tuple[Sequence[SourceColumn], Values]:
    lines = [f"{MARCH + n * QUARTER:%Y-%m-%dT%H:%M}+00:00,{quantity},{unit},{value}" for n in (1, 2)]
    return from_table(["Zeit,OBIS,E,Wert", *lines], {**ENDS, **more})


def spans(column: SourceColumn) -> list[tuple[int, int]]:
    first = seconds(MARCH)
    return [(start - first, end - first) for start, end in zip(column.starts, column.ends, strict=True)]


@pytest.mark.parametrize(
    ("quantity", "unit", "told"),
    [
        ("1-0:1.8.0", "kWh", "1-0:1.29.0*255"),
        ("7-0:3.0.0", "m3", "7-0:3.9.0*255"),
        ("1-0:1.9.0", "kWh", "1-0:1.29.0*255"),
    ],
)
def test_intervals_of_a_registers_code_are_its_amounts_in_every_form(quantity: str, unit: str, told: str) -> None:
    begin = f"{MARCH:%Y-%m-%dT%H:%M}+00:00"
    end = f"{MARCH + QUARTER:%Y-%m-%dT%H:%M}+00:00"
    table = from_table(["Von,Bis,OBIS,E,Wert", f"{begin},{end},{quantity},{unit},0.25"], FROM_TO)
    code = "KWH" if unit == "kWh" else "MTQ"
    message = MESSAGE.replace("1-0?:1.8.0", quantity.replace(":", "?:")).replace("KWH", code)
    for (column, *others), values in (at_ends(quantity, unit), table, from_mscons(message)):
        assert (others, values.wrong.some) == ([], [])
        assert (column.name.quantity, column.said) == (told, f"{quantity}*255")
        assert spans(column)[0] == (0, 900)


MESSAGE = (
    "UNB+UNOC:3+9900:500+9901:500+260302:0000+1'UNH+1+MSCONS:D:04B:UN:2.3c'LOC+172+P1'PIA+5+1-0?:1.8.0:SRW'"
    "QTY+220:0.25:KWH'DTM+163:202603010000?+00:303'DTM+164:202603010015?+00:303'UNT+20+1'UNZ+1+1'"
)


def test_a_stand_of_mscons_with_its_instant_is_one_whatever_period_stands_beside_it() -> None:
    (column,), values = from_mscons(MESSAGE.replace("UNT+", "DTM+9:202603010015?+00:303'UNT+"))
    assert not values.wrong
    assert (column.name.quantity, spans(column)) == ("1-0:1.8.0*255", [(900, 900)])


def green(behaviour: str, quantity: str, duration: int = 3600, **words: str) -> tuple[Sequence[SourceColumn], Values]:
    said = {"accumulationBehaviour": behaviour, "commodity": "7", "powerOfTenMultiplier": "-3", "uom": "42"} | words
    kind = "".join(f"<{name}>{text}</{name}>" for name, text in said.items() if text)
    values = [reading(seconds(MARCH) + n * 3600, duration=duration) for n in (0, 1)]
    return from_feed(feed(values, kind), fixed={"point": "P1", "quantity": quantity})


@pytest.mark.parametrize("behaviour", ["4", ""])
def test_a_green_button_delta_of_a_named_register_is_its_amount(behaviour: str) -> None:
    (column,), values = green(behaviour, "7-0:3.0.0")
    assert not values.wrong
    assert (column.name.quantity, column.values[0], spans(column)[0]) == ("7-0:3.9.0*255", "0.250", (0, 3600))


def test_green_button_stands_are_of_an_instant_and_never_amounts() -> None:
    (column,), values = green("1", "7-0:3.0.0")
    assert (column.name.quantity, spans(column)[0], values.wrong.count) == ("7-0:3.0.0*255", (0, 0), 0)
    _, values = green("1", "7-0:3.9.0")
    assert [(wrong.line, wrong.field) for wrong in values.wrong.some] == [(1, "ReadingType")]


def test_a_green_button_delta_without_its_duration_is_wrong() -> None:
    _, values = green("4", "7-0:3.0.0", 0)
    assert [(wrong.line, wrong.field) for wrong in values.wrong.some] == [(1, "duration"), (2, "duration")]


def test_green_button_power_speaks_for_its_duration() -> None:
    (column,), values = green("6", "1-0:1.7.0", uom="38", commodity="1", powerOfTenMultiplier="0")
    assert not values.wrong
    assert spans(column) == [(0, 3600), (3600, 7200)]
    (column,), _ = green("12", "1-0:1.7.0", 0, uom="38", commodity="1", powerOfTenMultiplier="0")
    assert spans(column) == [(0, 0), (3600, 3600)]


def test_mean_power_of_a_quarter_begins_with_it() -> None:
    (column,), values = at_ends("1-0:1.7.0", "W", "400")
    assert (spans(column), values.wrong.count) == ([(0, 900), (900, 1800)], 0)
    (column,), values = from_mscons(MESSAGE.replace("1.8.0", "1.7.0").replace("KWH", "KWT"))
    assert (spans(column), values.wrong.count) == ([(0, 900)], 0)


@pytest.mark.parametrize(
    ("quantity", "unit", "value", "field"),
    [
        ("1-0:1.6.0", "kW", "0.25", "quantity"),
        ("7-20:99.33.17", "kWh", "0.25", "quantity"),
        ("energy", "kWh", "0.25", "quantity"),
        ("1-0:1.8.0", "kWh", "12345.6", "value"),
        ("7-0:3.0.0", "m3", "812.5", "value"),
    ],
)
def test_what_can_have_no_rows_and_stands_that_look_like_amounts_are_wrong(
    quantity: str, unit: str, value: str, field: str
) -> None:
    columns, values = at_ends(quantity, unit, value)
    assert [(wrong.line, wrong.field) for wrong in values.wrong.some] == [(2, field), (3, field)]
    assert not columns


def test_a_mean_of_more_than_an_hour_is_wrong() -> None:
    _, values = at_ends("1-0:1.7.0", "W", interval="1d")
    assert {(wrong.field, wrong.rule) for wrong in values.wrong.some} == {
        ("time", "a mean of an interval is one of an hour at most")
    }


def test_a_register_and_its_amounts_in_one_file_are_told_apart_or_wrong() -> None:
    stamp = f"{MARCH:%Y-%m-%dT%H:%M}+00:00"
    later = f"{MARCH + QUARTER:%Y-%m-%dT%H:%M}+00:00"
    lines = [f"{stamp},1-0:1.8.0,kWh,0.25", f"{later},1-0:1.29.0,kWh,0.25"]
    _, values = from_table(["Zeit,OBIS,E,Wert", *lines], ENDS)
    rule = "intervals of 1-0:1.29.0*255 and 1-0:1.8.0*255 would be the same amounts"
    assert values.wrong.some == [Wrong(2, "quantity", rule)]


def test_a_row_whose_begin_is_its_end_is_a_stand() -> None:
    at = f"{MARCH:%Y-%m-%dT%H:%M}+00:00"
    (column,), values = from_table(["Von,Bis,OBIS,E,Wert", f"{at},{at},1-0:1.8.0,kWh,12345.6"], FROM_TO)
    assert (column.name.quantity, spans(column), values.wrong.count) == ("1-0:1.8.0*255", [(0, 0)], 0)


@pytest.mark.parametrize(("gap", "wrong"), [(0, 0), (-1, 1)])
def test_means_may_follow_each_other_and_not_overlap(gap: int, wrong: int) -> None:
    begins = [MARCH, MARCH + QUARTER + timedelta(minutes=gap)]
    lines = [f"{at:%Y-%m-%dT%H:%M}+00:00,1-0:1.7.0,W,400" for at in begins]
    _, values = from_table(["Zeit,OBIS,E,Wert", *lines], {**ENDS, "stamps": "begin"})
    assert values.wrong.count == wrong


# -- with a gateway


async def sent(house: People, folder: Path, plan: str, lines: Sequence[str]) -> tuple[Any, str]:
    """A check and a run of a file; what the run says, and what the check says on stderr."""
    file, plan_file = folder / "of.csv", folder / "of.yaml"
    file.write_text("\n".join(["Zeit,OBIS,E,Wert", *lines, ""]))
    plan_file.write_text(plan)
    checked = await imported_file(house, folder, file, plan_file, "--check")
    done = await imported_file(house, folder, file, plan_file)
    assert done.exit_code == checked.exit_code, done.stderr
    return sums(done) if done.exit_code == 0 else None, checked.stderr


PLAN = "columns: {time: Zeit, quantity: OBIS, unit: E, value: Wert}\nfixed: {point: P1}\nstamps: end\ninterval: "
DAY = timedelta(days=1)


def day_of(quantity: str, unit: str, step: timedelta, value: str = "0.25", *, days: int = 1) -> list[str]:
    ends = (MIDNIGHT + n * step for n in range(1, days * DAY // step + 1))
    return [f"{end:%Y-%m-%dT%H:%M}+00:00,{quantity},{unit},{value}" for end in ends]


async def told(house: People, subject: SubjectId, detail: str) -> list[tuple[str, str, str | None, str]]:
    """Quantity, begin, value and status of the rows of the file's day in UTC."""
    end = f"{MIDNIGHT + DAY:%Y-%m-%dT%H:%M}"
    return [
        (row[0], row[1], row[3], row[5]) for row in await rows(house, subject, detail) if row[2] <= end or row[1] < end
    ]


@pytest.mark.parametrize(
    ("quantity", "unit", "kept"),
    [
        ("1-0:1.8.0", "kWh", "1-0:1.29.0*255"),
        ("7-0:3.0.0", "m3", "7-0:3.9.0*255"),
        ("7-0:3.29.0", "m3", "7-0:3.11.0*255"),
        ("6-0:1.0.0", "kWh", "6-0:1.29.0*255"),
    ],
)
async def test_amounts_under_the_code_of_a_register_become_rows_and_the_check_says_so(
    tmp_path: Path, quantity: str, unit: str, kept: str
) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        said, check = await sent(house, tmp_path, f"{PLAN}15min", day_of(quantity, unit, QUARTER))
        assert f"{tmp_path / 'of.csv'}:2: {quantity}*255 with intervals: taken as amounts, {kept}\n" in check
        assert said["accepted"] == 96
        quarters = await told(house, subject, "quarter")
        assert [(name, float(value or 0), status) for name, _, value, status in quarters] == [
            (kept, 0.25, "measured")
        ] * 96
        (meter,) = await house.gateway.registry.meters.of(subject)
        assert meter.medium == {"1": "electricity", "7": "gas", "6": "heat"}[quantity[0]]


async def test_mean_power_stamped_at_its_end_is_told_in_its_own_quarters(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        said, _ = await sent(house, tmp_path, f"{PLAN}15min", day_of("1-0:1.7.0", "W", QUARTER, "400"))
        assert said["accepted"] == 96
        found = await told(house, subject, "quarter")
        begins = [f"{MIDNIGHT + n * QUARTER:%Y-%m-%dT%H:%M}" for n in range(96)]
        assert [row[1][:16] for row in found] == begins
        assert {(float(row[2] or 0), row[3]) for row in found} == {(400.0, "measured")}


@pytest.mark.parametrize("quantity", ["1-0:1.7.0", "1-0:1.5.0"])
async def test_mean_power_of_an_hour_is_that_of_the_hour_and_an_estimate_of_its_quarters(
    tmp_path: Path, quantity: str
) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        lines = day_of(quantity, "W", timedelta(hours=1), "400")
        said, check = await sent(house, tmp_path, f"{PLAN}1h", lines)
        assert (said["accepted"], said["values"]) == (24, 24)
        assert "of.csv:2: means of more than a quarter of an hour: estimated in each of its quarters\n" in check
        for detail, count, status in (("quarter", 96, "estimated"), ("hour", 24, "measured")):
            found = await told(house, subject, detail)
            assert {(float(row[2] or 0), row[3]) for row in found} == {(400.0, status)}
            assert len(found) == count


async def test_a_mean_counts_until_its_end_and_not_until_the_next_one(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        lines = day_of("1-0:1.7.0", "W", timedelta(minutes=5), "400")
        said, _ = await sent(house, tmp_path, f"{PLAN}5min", [*lines[:4], lines[6]])
        assert said["accepted"] == 5
        found = [(float(row[2] or 0), row[3]) for row in await told(house, subject, "quarter")]
        assert found == [(400.0, "measured"), (400.0, "estimated"), (400.0, "estimated")]


@pytest.mark.parametrize("interval", ["15min", "1h"])
async def test_a_day_of_means_is_whole(tmp_path: Path, interval: str) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        step = {"15min": QUARTER, "1h": timedelta(hours=1)}[interval]
        await sent(house, tmp_path, f"{PLAN}{interval}", day_of("1-0:1.7.0", "W", step, "400", days=2))
        whole = [row for row in await rows(house, subject, "day") if row[3] is not None]
        assert [(float(row[3]), row[5]) for row in whole] == [(400.0, "measured")]


@pytest.mark.parametrize(("quantity", "unit"), [("1-0:1.6.0", "kW"), ("7-20:99.33.17", "kWh"), ("energy", "kWh")])
async def test_what_can_have_no_rows_is_refused_by_the_check_all_lines_together(
    tmp_path: Path, quantity: str, unit: str
) -> None:
    async with people(tmp_path) as house:
        await household(house)
        said, check = await sent(house, tmp_path, f"{PLAN}15min", day_of(quantity, unit, QUARTER))
        assert said is None
        first, last = check.splitlines()
        assert first.startswith(f"{tmp_path / 'of.csv'}:2-97: OBIS: ")
        assert last == "metergate: 96 wrong; nothing was sent"


BEGIN = int(MIDNIGHT.timestamp())


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        (
            {"quantity": "1-0:1.8.0", "unit": "kWh"},
            "series.0.starts: a stand has no interval; amounts are told as 1-0:1.29.0*255",
        ),
        ({"quantity": "1-0:1.29.0", "unit": "kWh", "starts": []}, "series.0.starts: an amount needs its interval"),
        ({"quantity": "1-0:1.6.0", "unit": "W"}, "series.0.quantity: an extreme or a limit, of which no intervals"),
        (
            {"quantity": "1-0:1.5.0", "unit": "W", "starts": []},
            "series.0.starts: a mean of the meter's own period needs its interval",
        ),
        (
            {"quantity": "1-0:1.7.0", "unit": "W", "starts": [BEGIN - 7200]},
            "series.0.starts: a mean of an interval is one of an hour at most",
        ),
    ],
)
async def test_the_gateway_refuses_by_field_what_would_be_lost(
    tmp_path: Path, words: dict[str, Any], detail: str
) -> None:
    async with people(tmp_path) as house:
        await household(house)
        one = {"point": "P1", "starts": [BEGIN], "ends": [BEGIN + 900], "values": ["1"], **words}
        body = {"source": "a", "sequence": 0, "series": [one]}
        headers = {"Authorization": f"Bearer {house.token}"}
        async with house.browser.post("/api/history", json=body, headers=headers) as answer:
            assert answer.status == 422
            assert (await answer.json())["detail"].startswith(detail)


async def test_the_old_number_of_an_exchange_is_told_since_the_meter_is_known(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        await sent(house, tmp_path, f"{PLAN}15min", day_of("1-0:1.8.0", "kWh", QUARTER))
        came, house.time.now = house.time.now, house.time.now + DAY
        done = {"at": house.time.now.isoformat(), "old": "S1", "new": "S2"}
        told = await house.operator("POST", f"/api/households/{subject}/meters/main/exchange", done)
        assert told["serials"] == [
            {"serial": serial, "since": f"{at:%Y-%m-%dT%H:%M:%SZ}"} for serial, at in (("S1", came), ("S2", came + DAY))
        ]


async def test_a_mean_that_ends_in_the_future_is_refused_as_a_whole(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await household(house)
        now = int(house.gateway.clock().timestamp())
        starts = [now - 3600, now - 1800, now + 200]
        one = {"point": "P1", "quantity": "1-0:1.7.0", "unit": "W", "starts": starts, "values": ["1"] * 3}
        series = [{**one, "ends": [now - 1800, now, now + 1100]}]
        told = await house.operator("POST", "/api/history", {"source": "a", "sequence": 0, "series": series})
        assert (told["accepted"], told["refused"]) == (2, [{"series": 0, "row": 2, "reason": "clock"}])


async def test_the_medium_that_a_file_tells_is_not_to_be_denied_and_a_number_is_there_since_its_first_value(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        subject = await household(house)
        plan = PLAN.replace("point: P1", "point: P1, meter: gas, serial: G1")
        await sent(house, tmp_path, f"{plan}15min", day_of("7-0:3.0.0", "m3", QUARTER))
        (meter,) = (await house.operator("GET", f"/api/households/{subject}/meters"))["meters"]
        assert (meter["label"], meter["medium"]) == ("gas", "gas")
        assert meter["serials"] == [{"serial": "G1", "since": f"{MIDNIGHT:%Y-%m-%dT%H:%M:%SZ}"}]
        headers, body = {"Authorization": f"Bearer {house.token}"}, {"label": "gas", "medium": "electricity"}
        async with house.browser.post(f"/api/households/{subject}/meters", json=body, headers=headers) as answer:
            assert answer.status == 422
            assert "medium: its imported values say another one" in (await answer.json())["detail"]
