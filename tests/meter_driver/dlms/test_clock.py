from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.dlms.clock import instant
from meter_driver.errors import PayloadError
from meter_driver.simulate import _date_time

FIRST, LAST = datetime(1900, 1, 2), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.rule("IEC 62056-6-2, 4.1.6.1: date-time with deviation and status")
@given(st.datetimes(FIRST, LAST, timezones=OFFSETS))
def test_local_time_and_deviation_give_utc_to_the_second(at: datetime) -> None:
    assert instant(_date_time(at, 0)) == (at.astimezone(UTC).replace(microsecond=0), False)


def test_minus_120_is_two_hours_ahead_of_utc() -> None:
    assert instant(bytes.fromhex("07EA0715020E1E0500FF8880")) == (datetime(2026, 7, 21, 12, 30, 5, tzinfo=UTC), False)


@pytest.mark.parametrize(
    "octets",
    [
        "07EA0715020E1E0500800000",  # deviation not specified
        "FFFF0715020E1E0500FF8800",
        "07EAFF15020E1E0500FF8800",
        "07EA0715FFFF1E0500FF8800",
    ],
)
def test_what_is_not_specified_gives_no_instant(octets: str) -> None:
    assert instant(bytes.fromhex(octets))[0] is None


@pytest.mark.parametrize(
    ("status", "doubtful"), [(0x00, False), (0x80, False), (0x82, True), (0x01, True), (0xFF, False)]
)
def test_the_status_says_whether_the_clock_is_doubtful(status: int, doubtful: bool) -> None:
    assert instant(bytes.fromhex("07EA0715020E1E0500FF88") + bytes([status]))[1] is doubtful


@pytest.mark.parametrize(
    "octets",
    [
        "07EA0D15020E1E0500FF8800",
        "07EA021E020E1E0500FF8800",
        "07EA071502181E0500FF8800",
        "07EA0715020E1E0564FF8800",
        "07EA0715020E1E0500200000",
        "00000715020E1E0500FF8800",
        "000101010200000000FE2000",
    ],
)
def test_a_date_that_does_not_exist_is_refused(octets: str) -> None:
    with pytest.raises(PayloadError):
        instant(bytes.fromhex(octets))
