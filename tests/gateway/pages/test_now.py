"""The page Now: what was used, what meters read, and what each number is worth, written as the language writes it."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from adapters.plugin import Batch, Released, always
from gateway.door.release import SELF
from gateway.door.standing import own_right
from gateway.pages.lately import UNSETTLED
from gateway.pages.now_view import NowView
from gateway.pages.words import Phrases
from gateway.rights import Credential, session
from meter_driver.quantities import OPT
from meter_driver.reading import Reading
from policies.terms import AS_RECEIVED, FAR_FUTURE, ONE_DAY, QUARTER_HOUR, Level, Purpose, Row, SubjectId
from tests.gateway.pages.test_pages import text
from tests.gateway.people_house import ENERGY, FEED, START, People, people

BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 3, 4, tzinfo=BERLIN)
YESTERDAY = MIDNIGHT - ONE_DAY
HOUR = timedelta(hours=1)
SILENT = "incomplete: 5 of 52 quarters of an hour gap 00:00–11:45"
GAS, POWER, VOLTAGE = "7-0:3.0.0*255", "1-0:1.7.0*255", "1-0:32.7.0*255"
_sequences = count(1)


async def log_in(house: People) -> SubjectId:
    made = await house.household(name="Anna")
    await house.post("/login", code=made["login_code"])
    return SubjectId(made["household"])


async def feed(
    house: People, who: SubjectId, quantity: str, of: Callable[[int], str], unit: str, *, meter: str = "main",
    step: timedelta = QUARTER_HOUR, left_out: Sequence[int] = (),
) -> None:  # fmt: skip
    """From the begin of yesterday to now."""
    ends = range((START - YESTERDAY) // step + 1)
    readings = [
        (who, Reading(meter, quantity, YESTERDAY + n * step, Decimal(of(n)), unit)) for n in ends if n not in left_out
    ]
    assert not (await house.gateway.intake.take(Batch("box", next(_sequences), readings))).refused


async def now(house: People, language: str = "en") -> str:
    return await text(house, "/now", **{"Accept-Language": language})


def section(page: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading, as text; no-break blanks are blanks."""
    found = re.search(rf"<h2 [^>]*>{heading}</h2>.*?<tbody>(.*?)</tbody>", page, re.DOTALL)
    assert found, heading
    rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL)
    return [
        [Markup(cell).striptags() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows
    ]


async def test_numbers_have_the_mark_of_the_language_and_stand_on_one_line_with_their_unit(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await feed(house, await log_in(house), ENERGY, lambda n: f"{12345 + n}.25", "kWh")
        english, german = await now(house), await now(house, "de")
        assert '<span class="figure">12493.25\u00a0kWh</span>' in english
        assert '<span class="figure">12493,25\u00a0kWh</span>' in german
        assert not re.search(r"\d\.\d", re.sub(r"<[^>]*>", "", german)), "a decimal point in German"
        assert "white-space: nowrap" in (await text(house, "/static/style.css")).partition(".figure {")[2][:30]


async def test_today_and_yesterday_are_what_my_data_tells_for_each_meter(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        who = await log_in(house)
        await feed(house, who, ENERGY, lambda n: str(Decimal("0.137") * n), "kWh")
        await feed(house, who, ENERGY, lambda n: str(Decimal("0.3") * n), "kWh", meter="Heat pump")
        await feed(house, who, GAS, lambda n: str(Decimal("0.25") * n), "m3", meter="gas", step=HOUR)
        days, quarters, hours = [await own(house, detail) for detail in ("day", "quarter", "hour")]
        rows = section(await now(house), "Consumption and feed-in")
        assert [row[0] for row in rows] == [
            "Energy taken from the grid Main meter", "Gas gas", "Energy taken from the grid Heat pump",
        ]  # fmt: skip
        for row, meter, unit, parts in zip(
            rows, ("main", "gas", "Heat pump"), ("kWh", "m³", "kWh"), (quarters, hours, quarters), strict=True
        ):
            (yesterday,) = [value for start, value in days[meter].items() if start == YESTERDAY]
            today = sum(value for start, value in parts[meter].items() if start >= MIDNIGHT)
            assert row[1:] == [f"{today} {unit} up to 13:00 measured", f"{yesterday} {unit} measured"]


async def own(house: People, detail: str) -> Mapping[str, Mapping[datetime, Decimal]]:
    """Values of "My data" that are there, by meter."""
    found: dict[str, dict[datetime, Decimal]] = {}
    for row in csv.DictReader((await text(house, f"/data/readings.csv?detail={detail}")).splitlines()):
        if row["value"]:
            found.setdefault(row["meter"], {})[datetime.fromisoformat(row["start"])] = Decimal(row["value"])
    return found


async def test_readings_stand_under_what_they_are_and_say_what_they_are_worth(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        who = await log_in(house)
        for quantity, unit in ((ENERGY, "kWh"), (FEED, "Wh"), (POWER, "W"), (VOLTAGE, "V")):
            await feed(house, who, quantity, str, unit)
        english, german = await now(house), await now(house, "de")
        assert [row[0] for row in section(english, "Meter readings")] == [
            "Energy taken from the grid", "Energy given to the grid",
        ]  # fmt: skip
        assert section(german, "Aktuelle Werte") == [
            ["Augenblickliche Leistung, Bezug", "148 W gemessen", "4. März 2026, 13:00"],
            ["Spannung, Phase L1", "148 V gemessen", "4. März 2026, 13:00"],
        ]
        assert section(german, "Zählerstände")[1] == [
            "Einspeisung in das Netz", "0.148 kWh gemessen".replace(".", ","), "4. März 2026, 13:00",
        ]  # fmt: skip


async def test_what_was_not_read_is_told_by_its_time_and_estimates_by_their_method(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        who = await log_in(house)
        await feed(house, who, ENERGY, str, "kWh", left_out=[100, *range(106, 114), *range(133, 150)])
        ((_, today, yesterday),) = section(await now(house, "de"), "Verbrauch und Einspeisung")
        assert today == (
            "27 kWh bis 09:00 geschätzt: zwischen den Werten darum (8 von 27 Viertel\u00adstunden) "
            "unvollständig: 27 von 48 Viertel\u00adstunden Lücke 02:15–04:30 Lücke 09:00–12:00"
        )
        assert yesterday == "96 kWh gemessen"


async def test_a_household_that_counts_nothing_reads_its_current_values(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await feed(house, await log_in(house), VOLTAGE, str, "V")
        page = await now(house)
        assert section(page, "Current values") == [["Voltage, phase 1", "148 V measured", "4 March 2026, 13:00"]]
        assert "Consumption" not in page


async def test_finer_detail_is_asked_only_where_coarser_has_no_value(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        who = await log_in(house)
        await feed(house, who, ENERGY, str, "kWh")
        later = Reading("main", ENERGY, START + QUARTER_HOUR, Decimal(149), "kWh")
        house.time.now = START + timedelta(minutes=20)
        assert not (await house.gateway.intake.take(Batch("box", next(_sequences), [(who, later)]))).refused
        right = own_right(Credential(session(b"s"), FAR_FUTURE, always), house.time)
        told = [
            (part.released.resolution, row.start)
            async for part in await house.gateway.own_data.lately(who, right)
            for row in part.released.rows
            if part.released.resolution != AS_RECEIVED
        ]
        hours = [(HOUR, MIDNIGHT + n * HOUR) for n in range(13)]
        assert told == [(ONE_DAY, YESTERDAY), *hours, (QUARTER_HOUR, START)]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (None, ["1.25 kWh up to 13:00 measured", "no value"]),
        (2, [f"1.25 kWh up to 13:00 measured {SILENT}", "no value gap 00:00–24:00"]),
        (40, [f"1.25 kWh up to 13:00 measured {SILENT}", "no value gap 00:00–24:00"]),
    ],
)
async def test_a_meter_that_is_first_heard_today_misses_nothing_and_one_that_was_silent_does(
    tmp_path: Path, before: int | None, said: list[str]
) -> None:
    async with people(tmp_path) as house:
        who = await log_in(house)
        await feed(house, who, FEED, str, "kWh", meter="other")
        ends = [START - n * QUARTER_HOUR for n in range(5, -1, -1)]
        told = [Reading("new", ENERGY, at, Decimal(n) / 4, "kWh") for n, at in enumerate(ends, 1)]
        if before is not None:
            old = Reading("new", ENERGY, YESTERDAY - before * ONE_DAY, Decimal(0), "kWh")
            assert not (await house.gateway.intake.take(Batch("box", next(_sequences), [(who, old)]))).refused
            if before > UNSETTLED.days:
                await house.gateway.compactor.round()
        batch = Batch("box", next(_sequences), [(who, each) for each in told])
        assert not (await house.gateway.intake.take(batch)).refused
        rows = section(await now(house), "Consumption and feed-in")
        (new,) = [row for row in rows if row[0].endswith("new")]
        assert new[1:] == said


async def test_a_household_of_which_nothing_came_is_told_so(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await log_in(house)
        assert "Nothing has come in since yesterday." in await now(house)
        assert "<table>" not in await now(house)


# -- the view alone


@dataclass
class View:
    """Rows of one register, told at ten past ten of the fourth of March."""

    language: str = "en"
    zone: ZoneInfo = BERLIN
    at: timedelta = timedelta(hours=10, minutes=10)

    def __post_init__(self) -> None:
        self.midnight = datetime(2026, 3, 4, tzinfo=self.zone)
        self.view = NowView(Phrases(self.language), self.zone, self.midnight + self.at)

    def tell(self, step: timedelta, *rows: Row) -> None:
        words = SELF, Purpose.ENERGY_ADVICE, step, Level.INDIVIDUAL, timedelta(0)
        assert list(self.view.add(Released("self", rows, *words))) == []

    def row(self, begin: timedelta, length: timedelta, value: str | None = "1", **other: object) -> Row:
        start = self.midnight + begin
        number = None if value is None else Decimal(value)
        made: dict[str, object] = {"status": "missing" if value is None else "measured", "meter": "main", **other}
        return Row("self", ENERGY, start, start + length, number, "kWh", **made)  # type: ignore[arg-type]

    def known_before(self, known: bool) -> None:
        """Whether it told anything before yesterday."""
        if known:
            self.tell(AS_RECEIVED, self.row(-40 * ONE_DAY, timedelta(0)))

    def today(self) -> str:
        (line,) = self.view.amounts()
        return plain(line.today.figure, *line.today.notes)

    def yesterday(self) -> str:
        (line,) = self.view.amounts()
        return plain(line.yesterday.figure, *line.yesterday.notes)


def plain(*texts: str) -> str:
    return "; ".join(Markup(each).striptags() for each in texts)


def test_an_hour_counts_once_and_its_quarters_only_where_it_has_no_value() -> None:
    view = View()
    view.tell(HOUR, *(view.row(n * HOUR, HOUR, "4") for n in range(9)), view.row(9 * HOUR, HOUR, None))
    view.tell(QUARTER_HOUR, *(view.row(n * QUARTER_HOUR, QUARTER_HOUR) for n in range(41) if n != 37))
    assert view.today() == "39 kWh; up to 10:00; measured; incomplete: 39 of 40 quarters of an hour"


def test_what_has_not_ended_is_not_counted() -> None:
    view = View()
    view.tell(QUARTER_HOUR, *(view.row(n * QUARTER_HOUR, QUARTER_HOUR) for n in range(44)))
    assert view.today() == "40 kWh; up to 10:00; measured"


@pytest.mark.parametrize(("until", "said"), [(36, "36 kWh; up to 09:00; measured"), (34, "gap 08:30–09:00")])
def test_what_may_be_on_its_way_yet_is_no_gap(until: int, said: str) -> None:
    view = View()
    view.tell(QUARTER_HOUR, *(view.row(n * QUARTER_HOUR, QUARTER_HOUR) for n in range(until)))
    assert view.today().endswith(said)


def test_three_gaps_are_told_and_the_others_counted() -> None:
    view = View()
    view.tell(QUARTER_HOUR, *(view.row(n * QUARTER_HOUR, QUARTER_HOUR) for n in range(40) if n not in (1, 3, 5, 7, 9)))
    assert view.today().endswith("gap 00:15–00:30; gap 00:45–01:00; gap 01:15–01:30; and 2 gaps")


def test_an_hour_over_midnight_belongs_to_neither_day_but_its_quarters_do() -> None:
    view = View(zone=ZoneInfo("Asia/Kolkata"))
    half = timedelta(minutes=30)
    view.tell(HOUR, view.row(-half, HOUR, "100"))
    view.tell(QUARTER_HOUR, *(view.row(n * QUARTER_HOUR, QUARTER_HOUR) for n in range(-2, 40)))
    assert view.today() == "40 kWh; up to 10:00; measured"


def test_yesterday_says_how_much_of_it_was_read_and_where_nothing_was() -> None:
    view = View("de")
    view.tell(
        ONE_DAY,
        view.row(-ONE_DAY, ONE_DAY, "9.5", status="estimated", method="interpolated", completeness=Decimal("0.997")),
    )
    view.tell(HOUR, *(view.row(-ONE_DAY + n * HOUR, HOUR) for n in range(23)))
    told = "unvollständig: Ablesungen für 99 % des Tages; Lücke 23:00–24:00"
    assert view.yesterday() == f"9,5 kWh; geschätzt: zwischen den Werten darum; {told}"


def test_a_day_without_a_number_has_no_value_and_lacks_nothing_before_the_first_one() -> None:
    for known, gap in ((True, "; gap 00:00–24:00"), (False, "")):
        view = View()
        view.tell(ONE_DAY, view.row(-ONE_DAY, ONE_DAY, None, completeness=Decimal("0.5")))
        view.known_before(known)
        assert view.yesterday() == f"no value; incomplete: readings for 50% of the day{gap}"
        view = View()
        view.tell(QUARTER_HOUR, view.row(timedelta(0), QUARTER_HOUR))
        view.known_before(known)
        assert view.yesterday() == f"no value{gap}"


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (True, "2 kWh; up to 09:00; measured; incomplete: 2 of 36 quarters of an hour; gap 00:00–08:30"),
        (False, "2 kWh; up to 09:00; measured"),
    ],
)
def test_today_lacks_nothing_before_the_first_value_that_there_ever_was(known: bool, said: str) -> None:
    view = View()
    view.tell(QUARTER_HOUR, *(view.row(n * QUARTER_HOUR, QUARTER_HOUR) for n in (34, 35)))
    view.known_before(known)
    assert view.today() == said


def test_a_meter_of_which_one_reading_came_today_lacks_what_is_after_it() -> None:
    view = View()
    view.tell(AS_RECEIVED, view.row(timedelta(hours=6, minutes=50), timedelta(0)))
    assert (view.today(), view.yesterday()) == ("no value; gap 07:00–09:00", "no value")


def test_a_day_that_began_in_the_middle_lacks_nothing_before() -> None:
    view = View()
    view.tell(ONE_DAY, view.row(-ONE_DAY, ONE_DAY, "9", completeness=Decimal("0.5")))
    view.tell(HOUR, *(view.row(-ONE_DAY + n * HOUR, HOUR) for n in range(12, 24) if n != 15))
    view.tell(QUARTER_HOUR, *(view.row(n * QUARTER_HOUR, QUARTER_HOUR) for n in range(4, 40)))
    assert view.yesterday() == "9 kWh; measured; incomplete: readings for 50% of the day; gap 15:00–16:00"
    assert view.today().endswith("gap 00:00–01:00")


@pytest.mark.parametrize(("minutes", "said"), [(14, "no value"), (15, "no value; gap 00:00–00:15")])
def test_a_quarter_is_missed_seventy_five_minutes_after_its_begin(minutes: int, said: str) -> None:
    view = View(at=timedelta(hours=1, minutes=minutes))
    view.known_before(True)
    view.tell(AS_RECEIVED, view.row(-HOUR, timedelta(0)))
    assert view.today() == said


@pytest.mark.parametrize(("minutes", "gap"), [(29, ""), (30, "; gap 09:15–09:30")])
def test_a_sum_that_lacks_something_says_so_at_once_and_calls_it_a_gap_when_it_is_missed(
    minutes: int, gap: str
) -> None:
    view = View(at=timedelta(hours=10, minutes=minutes))
    view.tell(QUARTER_HOUR, *(view.row(n * QUARTER_HOUR, QUARTER_HOUR) for n in range(40) if n != 37))
    assert view.today() == f"39 kWh; up to 10:00; measured; incomplete: 39 of 40 quarters of an hour{gap}"


def test_soon_after_midnight_the_end_of_yesterday_may_be_on_its_way_yet() -> None:
    view = View(at=timedelta(minutes=20))
    view.known_before(True)
    view.tell(ONE_DAY, view.row(-ONE_DAY, ONE_DAY, "9", completeness=Decimal("0.9")))
    view.tell(HOUR, *(view.row(-ONE_DAY + n * HOUR, HOUR) for n in range(22)))
    assert view.yesterday() == "9 kWh; measured; incomplete: readings for 90% of the day; gap 22:00–23:15"


def test_an_answer_of_a_device_is_told_in_words() -> None:
    view = View("de")
    opt = Row("self", OPT, MIDNIGHT, MIDNIGHT, Decimal(0), None)
    view.tell(AS_RECEIVED, opt)
    ((heading, (line,)),) = view.view.newest()
    assert (heading, plain(line.reading.figure)) == ("other_heading", "nimmt nicht teil")
