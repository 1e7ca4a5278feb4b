"""A home whose box was silent, through the real door: the three classes agree, and each form says what is missing."""

import asyncio
import csv
import io
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adapters.formats.csv import CSV
from adapters.formats.espi import espi
from adapters.formats.json import JSON_TABLE
from adapters.formats.sdmx_csv import SDMX_CSV
from adapters.openadr.v3.report_form import Labels, renderer
from adapters.plugin import Renderer
from adapters.sdmx.structure import artefacts, message
from gateway.door import following
from meter_driver.reading import Reading
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, Period, ReleaseRequest, Row, SubjectId
from tests.gateway.door.test_days import own, run
from tests.gateway.house import House, house

HOUR = timedelta(hours=1)
ENERGY, NEED, POWER = "1-0:1.8.0*255", "1-0:1.29.0*255", "1-0:1.7.0*255"
KINDS = frozenset({ENERGY, NEED, POWER})
START = datetime(2026, 3, 1, tzinfo=UTC)


async def speak(home: House, who: SubjectId, quarters: Sequence[int], meter: str = "m") -> None:
    """A register at the begin of quarters since ``START``, what was drawn in each, and a power."""
    readings = []
    for n in quarters:
        begin = START + n * QUARTER_HOUR
        readings += [
            Reading(meter, ENERGY, begin, Decimal(1000 + n) / 4, "kWh"),
            Reading(meter, NEED, begin + QUARTER_HOUR, Decimal("0.25"), "kWh", start=begin),
            Reading(meter, POWER, begin, Decimal(1000), "W"),
        ]
    for some in range(0, len(readings), 300):
        await home.take([(who, reading) for reading in readings[some : some + 300]])


class Home(NamedTuple):
    house: House
    who: SubjectId

    def asked(self, step: timedelta, quantity: str, days: float, start: datetime = START) -> ReleaseRequest:
        words: dict[str, Any] = {"resolution": step, "quantities": frozenset({quantity})}
        return self.house.question(self.who, period=Period(start, start + days * ONE_DAY), **words)

    async def rows(self, step: timedelta, quantity: str, days: float = 6, start: datetime = START) -> list[Row]:
        return await self.house.rows(self.asked(step, quantity, days, start))


async def silent(home: House, quarters: Sequence[int], days: int = 6) -> Home:
    """Days after ``START``: a home that was heard in some quarters alone."""
    home.now = START - 3 * ONE_DAY
    who = await home.household()
    home.registry.quantities = KINDS
    home.now = START + days * ONE_DAY + HOUR
    await home.agree(who, quantities=KINDS, values=Period(START - 3 * ONE_DAY, home.now + ONE_DAY))
    await speak(home, who, quarters)
    return Home(home, who)


GAPS = {
    "hours": [*range(2 * 96 + 40), *range(2 * 96 + 52, 6 * 96)],
    "a day and more": [*range(2 * 96 + 40), *range(3 * 96 + 80, 6 * 96)],
    "days": [*range(96 + 40), *range(4 * 96 + 4, 6 * 96)],
    "always": [*range(0, 6 * 96, 40)],
}


@pytest.mark.parametrize("quarters", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("quantity", sorted(KINDS))
async def test_the_classes_agree_on_what_is_missing(tmp_path: Path, quantity: str, quarters: list[int]) -> None:
    """A day or an hour that is missing lacks a quarter, and one that has all of them is as they are."""
    async with house(tmp_path) as home:
        played = await silent(home, quarters)
        fine = {row.start: row for row in await played.rows(QUARTER_HOUR, quantity)}
        assert [*fine] == [START + n * QUARTER_HOUR for n in range(len(fine))], "from the first to the last, each"
        assert len(fine) > 5 * 96
        spoken = {START + n * QUARTER_HOUR for n in quarters}
        assert {at for at, row in fine.items() if row.status == "measured"} <= spoken
        for step in (HOUR, 4 * HOUR, ONE_DAY):
            for row in await played.rows(step, quantity):
                count = step // QUARTER_HOUR
                inside = [fine[at] for n in range(count) if (at := row.start + n * QUARTER_HOUR) in fine]
                words = {each.status for each in inside}
                assert (row.value is None) == (row.status == "missing")
                if row.status == "missing":
                    assert "missing" in words or len(inside) < count
                if row.status == "measured" and quantity != ENERGY:
                    assert words == {"measured"}
                if words == {"measured"} and len(inside) == count:
                    assert row.status == "measured"


async def test_a_gap_in_quarters_is_one_in_days_also_when_only_days_are_held(tmp_path: Path) -> None:
    async with house(tmp_path, kept={DetailClass.LIVE: 3, DetailClass.QUARTER: 5}) as home:
        home.now = START
        who = await home.household()
        for day in range(24):
            await run(home, START + (day + 1) * ONE_DAY)
            if day < 3 or day > 12:
                await speak(home, who, range(day * 96, day * 96 + 96))
        await run(home, START + 25 * ONE_DAY)
        days = [row for row in await own(home, who, ONE_DAY) if row.quantity == NEED]
        assert [(row.start - START) // ONE_DAY for row in days] == [*range(24)]
        assert [row.status for row in days] == ["measured"] * 3 + ["missing"] * 10 + ["measured"] * 11


async def test_what_retention_took_is_not_missing(tmp_path: Path) -> None:
    async with house(tmp_path, kept={DetailClass.LIVE: 3, DetailClass.QUARTER: 5, DetailClass.DAY: 9}) as home:
        home.now = START
        who = await home.household()
        for day in range(20):
            await run(home, START + (day + 1) * ONE_DAY)
            await speak(home, who, [day * 96, day * 96 + 1, day * 96 + 90])
        held = {QUARTER_HOUR: START + 15 * ONE_DAY, ONE_DAY: START + 11 * ONE_DAY}
        for step, oldest in held.items():
            rows = [row for row in await own(home, who, step) if row.quantity == NEED]
            assert min(row.start for row in rows) == oldest
            assert {row.status for row in rows} >= {"missing"}


async def test_what_a_consent_does_not_cover_makes_nothing_missing(tmp_path: Path) -> None:
    """The home spoke before and after, which is not the recipient's to know."""
    async with house(tmp_path) as home:
        played = await silent(home, [0, 1, 300, 301, 500])
        start, end = START + 2 * QUARTER_HOUR, START + 500 * QUARTER_HOUR
        days = (end - start) / ONE_DAY
        for quantity in (NEED, POWER):
            rows = await played.rows(QUARTER_HOUR, quantity, days, start)
            told = [(row.start - START) // QUARTER_HOUR for row in rows if row.status != "measured"]
            assert set(told) <= {2, 302}, "a power stands a quarter of an hour"
            assert 300 in [(row.start - START) // QUARTER_HOUR for row in rows]


async def test_an_exchange_of_which_nobody_wrote_down_a_stand_leaves_no_hole_without_a_word(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        played = await silent(home, [])
        for serial, quarters in (("A", range(40)), ("B", range(60, 100))):
            readings = [
                Reading("m", ENERGY, START + n * QUARTER_HOUR, Decimal(n), "kWh", serial=serial) for n in quarters
            ]
            await home.take([(played.who, reading) for reading in readings])
        rows = await played.rows(QUARTER_HOUR, ENERGY)
        assert [(row.start - START) // QUARTER_HOUR for row in rows] == [*range(99)]
        assert {(row.start - START) // QUARTER_HOUR for row in rows if row.status == "missing"} == {*range(39, 60)}
        assert {row.completeness for row in rows if row.status == "missing"} == {Decimal(0)}


# -- how each form says it


async def written(played: Home, made: Renderer) -> bytes:
    parts = await played.house.parts(played.asked(HOUR, NEED, 1))
    return made.head + made.between.join(b"".join(made.body(part.released)) for part in parts) + made.tail


def sdmx_read(text: bytes) -> list[tuple[str, str, str]]:
    import sdmx

    structures = sdmx.read_sdmx(io.BytesIO(message(artefacts(), number="M1", prepared=START)))
    (dataset,) = sdmx.read_sdmx(io.BytesIO(text), format="csv", structure=structures.structure["DSD_ENERGY"]).data
    said = [(o.value or "", o.attached_attribute) for o in dataset.obs]
    return [(value, str(about["OBS_STATUS"]), str(about["COMPLETENESS"])) for value, about in said]


async def test_each_form_says_what_is_missing_in_its_own_words(tmp_path: Path) -> None:
    """Heard in the hours 0, 5 and 6, and in half of hour 3."""
    async with house(tmp_path) as home:
        played = await silent(home, [*range(4), 12, 13, *range(20, 28)])
        right = ["A", "M", "M", "M", "M", "A", "A"]
        shares = ["1", "0", "0", "0.5", "0", "1", "1"]
        table = list(csv.DictReader(io.StringIO((await written(played, CSV)).decode())))
        assert [row["status"][0].upper() for row in table] == ["M"] * 7
        assert [(row["value"], row["status"]) for row in table] == [
            ("1.00", "measured") if word == "A" else ("", "missing") for word in right
        ]
        assert [Decimal(row["completeness"]) for row in table] == [Decimal(share) for share in shares]
        assert {row["unit"] for row in table} == {"kWh"}
        ((*records,),) = [some for some in json.loads(await written(played, JSON_TABLE)) if some]
        assert [(row["value"], row["status"] == "missing") for row in records] == [
            (1.0, False) if word == "A" else (None, True) for word in right
        ]
        observed = sdmx_read(await written(played, SDMX_CSV))
        assert [(value, word, Decimal(share)) for value, word, share in observed] == [
            ("1.00" if word == "A" else "", word, Decimal(share)) for word, share in zip(right, shares, strict=True)
        ]
        labels = Labels("home", "c", "v", START, START)
        (report,) = json.loads(await written(played, renderer(labels, "none", {}, some=False)))
        said = [{p["type"]: p["values"] for p in each["payloads"]} for each in report["resources"][0]["intervals"]]
        assert [each["DATA_QUALITY"] for each in said] == [["OK" if word == "A" else "MISSING"] for word in right]
        assert [each["X_METERGATE_READING"][0] for each in said] == [1.0 if word == "A" else "" for word in right]
        feed = (await written(played, espi(START))).decode()
        assert feed.count("<IntervalReading>") == 7
        assert feed.count("<value>") == 3


# -- a stream


@pytest.mark.parametrize("seed", range(4))
async def test_in_whatever_order_entries_come_a_stream_tells_each_interval_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """One meter is late and has gaps that are filled, another closes intervals; merges come in between."""
    rng = random.Random(seed)
    async with house(tmp_path) as home:
        played = await silent(home, [], days=0)
        late, alive = list[int](), [True]
        quarter = [4]

        async def moment(_: asyncio.Event | None) -> None:
            """Half an hour later: the box tells what it has, and now and then what it kept back."""
            if quarter[0] >= 60:
                alive[0] = False
                return
            now, quarter[0] = quarter[0], quarter[0] + 2
            home.now += HOUR / 2
            late.extend([now, now + 1])
            some = late[:] if quarter[0] >= 60 else rng.sample(late, rng.randrange(len(late) + 1))
            for n in some:
                late.remove(n)
            await speak(home, played.who, some, "slow")
            await speak(home, played.who, [now + 1], "quick")
            if rng.random() < 0.3:
                await home.compactor.merge(played.who, DetailClass.QUARTER, START.toordinal())

        monkeypatch.setattr(following, "_moment", moment)
        question = played.asked(QUARTER_HOUR, NEED, 1)
        stream = await home.release.follow(question, home.right(question, lambda: alive[0]), gone=lambda: False)
        rows = [row for part in [part async for part in stream] for row in part.released.rows]
        assert {row.status for row in rows} == {"measured"}
        told = [(row.meter, (row.start - START) // QUARTER_HOUR) for row in rows]
        assert len(set(told)) == len(told)
        slow, quick = ({n for meter, n in told if meter == name} for name in sorted({meter for meter, _ in told})[::-1])
        assert slow | {59} == {*range(4, 60)}
        assert quick | {59} == {*range(5, 60, 2)}
