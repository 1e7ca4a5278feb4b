"""When a 3.1 event is over: intervals in a row, starts of their own, no end, and durations of the event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.openadr.model import Event
from adapters.openadr.objects import EventRequest
from adapters.openadr.transpired import over

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
PRICE = [{"type": "EXPORT_PRICE", "values": [0.1]}]
"""No payload that 2.0b knows: what is over does not depend on it."""


def event(*intervals: dict[str, Any], **more: Any) -> Event:
    steps = [{"id": n, "payloads": PRICE, **interval} for n, interval in enumerate(intervals)]
    content = {"programID": "p", "intervals": steps, **more}
    if not steps:
        del content["intervals"]
    return Event(id="e", created=CREATED, modified=CREATED, content=msgspec.convert(content, EventRequest), serial=1)


def period(start: str | None = "2026-03-01T12:00:00Z", duration: str | None = "PT15M", **more: str) -> dict[str, str]:
    found = {"start": start, "duration": duration, **more}
    return {name: text for name, text in found.items() if text is not None}


@given(st.integers(1, 40))
def test_intervals_follow_one_another(count: int) -> None:
    assert over(event(*[{}] * count, intervalPeriod=period())) == NOON + count * timedelta(minutes=15)


def test_an_interval_may_have_a_start_and_a_length_of_its_own() -> None:
    later = {"intervalPeriod": period("2026-03-01T14:00:00Z", "PT1H")}
    assert over(event({}, later, {}, intervalPeriod=period())) == NOON + timedelta(hours=3, minutes=15)
    assert over(event(later, {"intervalPeriod": period()})) == NOON + timedelta(hours=3)


def test_an_event_that_begins_now_began_when_it_was_made() -> None:
    assert over(event({}, intervalPeriod=period("0001-01-01T00:00:00Z"))) == CREATED + timedelta(minutes=15)


def test_the_random_start_and_the_duration_of_the_event_count() -> None:
    assert over(event({}, intervalPeriod=period(randomizeStart="PT5M"))) == NOON + timedelta(minutes=20)
    assert over(event({}, {}, intervalPeriod=period(), duration="P1D")) == NOON + timedelta(days=1)


@pytest.mark.parametrize(
    "made",
    [
        event(),
        event({}),
        event({}, intervalPeriod=period(start=None)),
        event({}, intervalPeriod=period(duration=None)),
        event({}, intervalPeriod=period(duration="P9999Y")),
        event({}, {"intervalPeriod": period(None, "P9999Y")}, intervalPeriod=period()),
        event({}, intervalPeriod=period(), duration="P9999Y"),
        event({}, intervalPeriod=period("9999-12-31T23:59:59Z", "P1Y")),
    ],
)
def test_what_has_no_end_is_never_over(made: Event) -> None:
    assert over(made) is None
