"""Local time in the words of ESPI: rules that a stranger works out to the instants at which clocks really change."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from adapters.formats.espi import espi
from adapters.formats.espi_time import NO_CHANGE, LocalTime, local_time
from tests.adapters.formats.test_espi import NAMES, START, feed, row, valid
from tests.shared import needs_corpus

NEW_YORK = LocalTime(0x360E2000, 0xB40E2000, 3600, -18000)
"""As in feeds of utilities there: the second Sunday of March and the first of November, 2:00."""


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/New_York", NEW_YORK),
        ("Europe/Berlin", LocalTime(0x3E0E2000, 0xAE0E3000, 3600, 3600)),
        ("Australia/Lord_Howe", LocalTime(0xA40E2000, 0x440E2000, 1800, 37800)),
        ("Asia/Kathmandu", LocalTime(NO_CHANGE, NO_CHANGE, 0, 20700)),
        ("UTC", LocalTime(NO_CHANGE, NO_CHANGE, 0, 0)),
    ],
)
def test_zones_are_told_by_offset_and_rules(zone: str, said: LocalTime) -> None:
    assert local_time(ZoneInfo(zone), 2026) == said


def test_clocks_that_follow_the_moon_have_no_rule_and_nothing_is_said() -> None:
    zone = ZoneInfo("Africa/Casablanca")
    assert local_time(zone, 2026) is None
    assert b"LocalTimeParameters" not in espi(START, zone).head


def worked_out(rule: int, year: int) -> datetime:
    """What the schema says of a rule: the clock's time before the change."""
    month, operator, day = rule >> 28, rule >> 25 & 7, rule >> 20 & 31
    weekday, hour, seconds = rule >> 17 & 7, rule >> 12 & 31, rule & 0xFFF
    days = [datetime(year, month, n + 1) for n in range(monthrange(year, month)[1])]  # noqa: DTZ001 - a clock's time
    of_week = [each for each in days if each.isoweekday() == weekday]
    if operator == 0:
        found = days[day - 1]
    elif operator == 1:
        found = next(each for each in of_week if each.day >= day)
    else:
        found = of_week[-1] if operator == 7 else of_week[operator - 2]
    return found + timedelta(hours=hour, seconds=seconds)


def ahead(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


@pytest.mark.parametrize(
    "name",
    [
        "America/Havana", "America/New_York", "America/Santiago", "America/St_Johns", "Asia/Jerusalem", "Asia/Kolkata",
        "Atlantic/Azores", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin", "Europe/Dublin", "Europe/Lisbon",
        "Pacific/Auckland", "Pacific/Chatham",
    ],
)  # fmt: skip
def test_a_rule_gives_the_instants_at_which_clocks_change(name: str) -> None:
    zone = ZoneInfo(name)
    said = local_time(zone, 2026)
    assert said is not None
    winter, summer = timedelta(seconds=said.offset), timedelta(seconds=said.offset + said.ahead)
    for year in range(2026, 2031):
        if said.start_rule == NO_CHANGE:
            assert {ahead(datetime(year, month, 1, tzinfo=UTC), zone) for month in range(1, 13)} == {winter}
            continue
        start = (worked_out(said.start_rule, year) - winter).replace(tzinfo=UTC)
        end = (worked_out(said.end_rule, year) - summer).replace(tzinfo=UTC)
        second = timedelta(seconds=1)
        assert [ahead(at, zone) for at in (start - second, start, end - second, end)] == [
            winter,
            summer,
            summer,
            winter,
        ]


@needs_corpus
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "UTC", "Africa/Casablanca"])
def test_a_feed_says_the_zones_time_and_is_valid(zone: str) -> None:
    document = feed([row("1")], zone=ZoneInfo(zone))
    valid(document)
    said = local_time(ZoneInfo(zone), START.year)
    clock = document.find("a:entry/a:content/e:LocalTimeParameters", NAMES)
    if said is None:
        assert clock is None
        return
    assert clock is not None
    assert {etree.QName(child).localname: child.text for child in clock} == dict(said.fields())
    related = document.findall("a:entry/a:link[@rel='related']", NAMES)
    assert any(str(link.get("href")).endswith("/LocalTimeParameters/1") for link in related)
