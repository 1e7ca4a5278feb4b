"""Instants in words: one form, whatever the offset, and one place in the house that writes it."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.instants import in_utc, stamp

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "adapters", "edge", "policies", "meter_driver", "metergate")
WRITES_ONE = re.compile(r"strftime\(|\}Z\b|\+ \"Z\"|(?<!day)(?<!epoch)(?<!\.date\(\))\.isoformat\(")
OTHERWISE = {
    "meter_driver/instants.py": "here",
    "meter_driver/mbus/profiles.py": "a meter's own calendar, without a zone",
    "meter_driver/mbus/values.py": "a date",
    "meter_driver/profiles/radio.py": "a date",
    "gateway/history/parquet.py": "a cell as a line of CSV would have it, for the same reader",
    "gateway/api/whose.py": "a date",
    "gateway/vault/days.py": "a date",
    "gateway/pages/render.py": "a date",
    "gateway/pages/local_table.py": "for people, local with its offset",
    "policies/whole.py": "for people, local with its offset",
    "gateway/vee/worklist.py": "under a hash",
    "metergate/testing/people.py": "for drivers that run without the libraries of the gateway",
}
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(1970, 1, 2), datetime(9998, 12, 30), timezones=zones)  # noqa: DTZ001


@given(instants)
def test_an_instant_reads_back_as_itself_and_ends_in_z(at: datetime) -> None:
    text = stamp(at)
    assert text.endswith("Z")
    assert "+" not in text
    assert datetime.fromisoformat(text) == at


@given(instants)
def test_an_instant_has_one_form_whatever_its_offset(at: datetime) -> None:
    for to in ("seconds", "milliseconds", "auto"):
        assert stamp(at, to) == stamp(at.astimezone(UTC), to)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2027-10-01T00:00:00+02:00", "2027-09-30T22:00:00Z"),
        ("2026-03-01T01:30:00.500+01:00", "2026-03-01T00:30:00.5Z"),
        ("2026-03-01T00:00:00.000100Z", "2026-03-01T00:00:00.0001Z"),
        ("2026-03-01T00:00:10Z", "2026-03-01T00:00:10Z"),
    ],
)
def test_a_fraction_is_written_only_where_there_is_one(text: str, written: str) -> None:
    assert stamp(datetime.fromisoformat(text)) == written


def test_an_instant_without_an_offset_and_one_without_a_year_in_utc_are_refused() -> None:
    with pytest.raises(ValueError, match="needs its offset"):
        stamp(datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="between the years"):
        in_utc(datetime.fromisoformat("0001-01-01T00:00:00+02:00"))


def test_nowhere_else_is_an_instant_written() -> None:
    found = {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if any(WRITES_ONE.search(line) for line in file.read_text().splitlines())
    }
    assert found == set(OTHERWISE)
