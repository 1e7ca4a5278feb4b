"""What a meter with a doubtful clock told is noted once a day, found by the next look, and ends with its day."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from adapters.plugin import Batch
from gateway.errors import StoreFull
from gateway.intake.doubts import Doubted, doubted
from gateway.storage.tables.vault import batch as batches
from gateway.storage.tables.vee import vee_clock
from gateway.vee.clocks import first_doubts
from gateway.vee.records import Handling, Listed
from meter_driver.intervals import day_edges
from meter_driver.reading import Quality, Reading
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, Period, SubjectId
from policies.vee.terms import Severity
from tests.gateway.house import ENERGY, NOON, House, house

REPO = Path(__file__).resolve().parents[3]
DAY = NOON.replace(hour=0) - ONE_DAY
"""Yesterday; days of the house are UTC where a test says nothing else."""
BERLIN = "Europe/Berlin"
DOUBT = Quality.AUTHENTICATED | Quality.CLOCK_DOUBTFUL
_sequences = count(1)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


def day_of(
    who: SubjectId, start: datetime, doubtful: Sequence[int] = range(97), meter: str = "m"
) -> list[tuple[SubjectId, Reading]]:
    """A register every quarter of an hour; ``doubtful``: which of them the meter told with a doubtful clock."""
    return [
        (who, Reading(meter, ENERGY, start + n * QUARTER_HOUR, Decimal(1000 + n), "kWh",
                      quality=DOUBT if n in doubtful else Quality.AUTHENTICATED))
        for n in range(97)
    ]  # fmt: skip


async def take(home: House, readings: Sequence[tuple[SubjectId, Reading]]) -> None:
    assert not (await home.intake.take(Batch("box", next(_sequences), readings))).refused


async def swept(home: House) -> None:
    while await home.compactor.round():
        pass
    await home.gateway.sweep.round()


async def rows(home: House) -> list[Any]:
    return await home.store.look(lambda connection: list(connection.execute(select(vee_clock))))


async def listed(home: House, who: SubjectId) -> list[Listed]:
    return await home.gateway.vee.work.listed(household=who, rule="clock", state=None)


async def noted(home: House, who: SubjectId) -> list[tuple[str, datetime]]:
    """Meter, and when it first told so; of all days that are held."""
    clocks = await home.gateway.vee.clocks.of(who, Period(NOON - 1000 * ONE_DAY, home.now + ONE_DAY))
    return [(one.meter, one.at) for one in clocks]


async def test_a_doubtful_clock_is_one_note_and_stands_in_the_work_list(home: House) -> None:
    who, other = await home.household(), await home.household()
    await take(home, [*day_of(who, DAY, range(40, 96)), *day_of(other, DAY, [])])
    assert len(await rows(home)) == 1
    assert await noted(home, who) == [("m", DAY + 40 * QUARTER_HOUR)]
    await swept(home)
    (one,) = await listed(home, who)
    found = one.item.found
    assert (one.state, found.meter, found.quantity, found.end) == (Handling.OPEN, "m", ENERGY, DAY + ONE_DAY)
    assert found.severity is Severity.INFORMATION
    assert await listed(home, other) == []


async def test_batches_that_come_late_again_or_together_make_no_second_note_and_no_second_exception(
    home: House,
) -> None:
    who = await home.household()
    readings = day_of(who, DAY)[:-1]
    parts = [readings[at : at + 8] for at in range(0, 96, 8)]
    answers = await asyncio.gather(*[home.intake.take(Batch("box", next(_sequences), some)) for some in parts])
    assert not any(answer.refused for answer in answers)
    await take(home, parts[5])
    again = Batch("other", 1, parts[3])
    assert [(await home.intake.take(again)).repeated for _ in range(2)] == [False, True]
    assert len(await rows(home)) == 1
    await swept(home)
    await take(home, parts[0])
    await swept(home)
    assert (len(await rows(home)), len(await listed(home, who))) == (1, 1)


async def test_a_house_that_is_opened_again_makes_no_second_note(tmp_path: Path) -> None:
    async with house(tmp_path) as first:
        who = await first.household()
        await take(first, day_of(who, DAY)[:50])
        kept = await rows(first)
    async with house(tmp_path) as second:
        await take(second, day_of(who, DAY)[:60])
        assert await rows(second) == kept
        assert await noted(second, who) == [("m", DAY)]


async def test_each_meter_and_each_local_day_has_a_note_of_its_own(tmp_path: Path) -> None:
    async with house(tmp_path, zone=BERLIN) as home:
        who = await home.household()
        midnight, before = DAY - timedelta(hours=1), NOON - timedelta(days=2)
        doubt = [
            Reading(meter, ENERGY, at, Decimal(n), "kWh", quality=DOUBT)
            for n, at in enumerate((before, midnight - QUARTER_HOUR, midnight, midnight + QUARTER_HOUR))
            for meter in ("m", "pump")
        ]
        await take(home, [(who, each) for each in doubt])
        of_day = home.gateway.vee.clocks.of
        for local, at in ((before.date(), before), (DAY.date(), midnight)):
            told = await of_day(who, Period(*day_edges(local, ZoneInfo(BERLIN))))
            assert [(one.meter, one.at, one.doubtful) for one in told] == [("m", at, True), ("pump", at, True)]
        assert len(await rows(home)) == 4
        assert {row.day for row in await rows(home)} == {before.toordinal(), midnight.toordinal()}


async def test_what_is_refused_makes_no_note(home: House) -> None:
    who = await home.household()
    gone = SubjectId("f" * 32)
    wrong = [
        (gone, Reading("m", ENERGY, DAY, Decimal(1), "kWh", quality=DOUBT)),
        (who, Reading("m", ENERGY, DAY, "off", None, quality=DOUBT)),
        (who, Reading("m", ENERGY, DAY, Decimal(1), "parsec", quality=DOUBT)),
        (who, Reading("m", ENERGY, NOON + ONE_DAY, Decimal(1), "kWh", quality=DOUBT)),
        (who, Reading("m", ENERGY, NOON - 5000 * ONE_DAY, Decimal(1), "kWh", quality=DOUBT)),
        (who, Reading("m", ENERGY, DAY, Decimal(1), "kWh", quality=DOUBT | Quality.NO_VALUE)),
    ]
    answer = await home.intake.take(Batch("box", next(_sequences), wrong))
    assert len(answer.refused) == len(wrong)
    assert await rows(home) == []


async def test_an_interval_that_began_on_a_day_that_is_gone_makes_no_note_and_hides_none(tmp_path: Path) -> None:
    async with house(tmp_path, kept={DetailClass.QUARTER: 2}) as home:
        who = await home.household()
        long = Reading("m", "1-0:1.29.0*255", DAY, Decimal(1), "kWh", start=DAY - 5 * ONE_DAY, quality=DOUBT)
        await take(home, [(who, long), *day_of(who, DAY)[:-1]])
        assert await noted(home, who) == [("m", DAY)]


async def test_a_meter_that_goes_on_doubting_is_sealed_once_until_its_note_is_forgotten(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await home.household()
    notes = home.gateway.vee.clocks.notes
    assert await notes([(who, "m", DAY)])
    await take(home, day_of(who, DAY)[:2])
    assert await notes([(who, "m", DAY + QUARTER_HOUR)]) == []
    assert await notes([(who, "m", DAY + ONE_DAY)])
    monkeypatch.setattr("gateway.vee.clocks.REMEMBERED_NOTES", 1)
    await take(home, day_of(who, DAY, meter="pump")[:2])
    assert await notes([(who, "m", DAY)])
    assert await notes([(who, "pump", DAY)]) == []


async def test_what_a_rule_has_found_worse_is_not_covered_by_doubt(home: House) -> None:
    who = await home.household()
    off = timedelta(minutes=4)
    entries = [
        Reading("m", "1-0:1.29.0*255", DAY + (n + 1) * QUARTER_HOUR + off, Decimal(1), "kWh",
                start=DAY + n * QUARTER_HOUR + off, quality=DOUBT)
        for n in range(95)
    ]  # fmt: skip
    await take(home, [(who, each) for each in entries])
    await swept(home)
    (one,) = await listed(home, who)
    assert (one.item.found.severity, dict(one.item.found.numbers)) == (Severity.WARNING, {"seconds": Decimal(240)})


async def test_the_meter_has_the_name_that_its_household_gave_it(home: House) -> None:
    who = await home.household()
    labels = {(who, "m"): "cellar"}
    await home.intake.take(Batch("box", next(_sequences), day_of(who, DAY), labels))
    assert {meter for meter, _ in await noted(home, who)} == {"cellar"}


async def test_a_note_says_nothing_readable(home: House) -> None:
    who = await home.household()
    await take(home, day_of(who, DAY, meter="a-meter-with-a-name"))
    (first, *_) = written = await rows(home)
    assert b"a-meter-with-a-name" not in repr(written).encode()
    assert b"doubt" not in repr(written).encode()
    assert DAY.date().isoformat().encode() not in repr(written).encode()
    assert first._fields == ("id", "tenancy", "day", "sealed")


async def test_a_note_ends_with_its_day_also_where_nothing_is_looked_at_and_after_a_move(tmp_path: Path) -> None:
    async with house(tmp_path, looks=False) as home:
        who, moved = await home.household(), await home.household()
        await take(home, [*day_of(who, DAY), *day_of(moved, DAY)])
        await home.gateway.household_end.move_out(moved)
        await swept(home)
        assert await listed(home, who) == []
        assert {row.tenancy for row in await rows(home)} == {who, moved}
        home.now += timedelta(days=500)
        await home.gateway.retention.run(home.now)
        assert len(await rows(home)) == 4
        for each in (who, moved):
            assert await noted(home, each) == []  # nobody can open them, and then they go
        await home.gateway.sweep.round()
        assert await rows(home) == []


async def test_erasure_deletes_notes_and_what_a_batch_under_way_left_goes_too(home: House) -> None:
    who, stays = await home.household(), await home.household()
    await take(home, [*day_of(who, DAY)[:-1], *day_of(stays, DAY)[:-1]])
    (late,) = [row for row in await rows(home) if row.tenancy == who]
    await home.gateway.household_end.erase(who)
    assert {row.tenancy for row in await rows(home)} == {stays}
    await home.store.write(lambda connection: connection.execute(insert(vee_clock), [late._asdict()]).rowcount)
    await home.gateway.sweep.round()
    assert {row.tenancy for row in await rows(home)} == {stays}


async def test_a_batch_that_could_not_be_kept_leaves_no_note_and_is_noted_when_it_comes_again(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await home.household()
    sent = Batch("box", next(_sequences), day_of(who, DAY))

    async def full(_: Any) -> None:
        raise StoreFull("full")

    with monkeypatch.context() as patch:
        patch.setattr(home.store, "append_all", full)
        with pytest.raises(StoreFull):
            await home.intake.take(sent)
    assert await rows(home) == []
    await home.intake.take(sent)
    assert len(await noted(home, who)) == 2


def run_and_kill(folder: Path, enough: int) -> tuple[SubjectId, list[int]]:
    """The household, and what was acknowledged before the kill."""
    command = [sys.executable, "-m", "tests.gateway.vee.doubter", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPO, text=True) as process:
        assert process.stdout is not None
        lines = (line for line in process.stdout if not line.startswith("20"))  # but for the log
        who = SubjectId(next(lines).strip())
        acknowledged = [int(next(lines)) for _ in range(enough)]
        process.send_signal(signal.SIGKILL)
        return who, acknowledged + [int(line) for line in lines if line.endswith("\n")]


async def test_what_was_acknowledged_with_a_doubtful_clock_is_noted_after_a_kill(tmp_path: Path) -> None:
    who, acknowledged = run_and_kill(tmp_path, 40)
    async with house(tmp_path) as home:
        kept = {meter for meter, _ in await noted(home, who)}
        assert {f"m{number}" for number in acknowledged} <= kept
        taken = select(batches.c.sequence).where(batches.c.source == "doubter")
        known = await home.store.look(lambda connection: list(connection.execute(taken).scalars()))
        assert kept == {f"m{number}" for number in known}


# -- pure

_INSTANTS = st.integers(0, 6 * 24 * 4).map(lambda n: datetime(2026, 3, 27, tzinfo=UTC) + n * QUARTER_HOUR)
"""Around the night in which Berlin's clocks go forward."""
_TOLD = st.lists(st.tuples(st.sampled_from([SubjectId("a"), SubjectId("b")]), st.sampled_from("xy"), _INSTANTS))


@given(_TOLD, st.sampled_from([ZoneInfo(BERLIN), ZoneInfo("Pacific/Apia"), UTC]))
def test_of_a_meters_local_day_the_earliest_doubt_counts(told: list[Doubted], zone: Any) -> None:
    slow: dict[Any, datetime] = {}
    for household, meter, at in sorted(told, key=lambda one: one[2], reverse=True):
        slow[household, meter, at.astimezone(zone).date()] = at
    found = {
        (who, *place): at for who, firsts in first_doubts(iter(told), zone).items() for place, at in firsts.items()
    }
    assert found == slow


def test_an_interval_is_told_by_its_begin_and_what_was_refused_not_at_all() -> None:
    who = SubjectId("a")
    one = Reading("m", "1-0:1.29.0*255", NOON, Decimal(1), "kWh", start=NOON - QUARTER_HOUR, quality=DOUBT)
    two = Reading("n", ENERGY, NOON, Decimal(1), "kWh", quality=DOUBT)
    sent = Batch("box", 1, [(who, one), (who, two), (who, two)], {(who, "m"): "main"})
    assert list(doubted(sent, [0, 1, 2], {1: "unit"})) == [(who, "main", NOON - QUARTER_HOUR), (who, "n", NOON)]
