"""The one clock is the wall clock in UTC; below the shell time is an argument."""

from datetime import UTC, datetime, timedelta

from freezegun import freeze_time

from gateway.clock import system_clock


async def test_the_clock_is_aware_and_in_utc() -> None:
    with freeze_time("2026-03-01T12:00:00+01:00", real_asyncio=True) as frozen:
        assert system_clock() == datetime(2026, 3, 1, 11, tzinfo=UTC)
        frozen.tick(timedelta(seconds=90))
        assert system_clock() == datetime(2026, 3, 1, 11, 1, 30, tzinfo=UTC)
        assert system_clock().utcoffset() == timedelta(0)
