"""Names, instants and flags of what a telegram gave."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from edge.prepare import prepare
from meter_driver.reading import ClockSource, Quality, Reading, Telegram

NOW = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
LIMIT = timedelta(minutes=5)


def telegram(at: datetime | None, *, meter: str = "K1", below: str = "K1") -> Telegram:
    clock = ClockSource.METER if at else ClockSource.NONE
    reading = Reading(below, "1-0:1.8.0*255", at, Decimal(5), "Wh", quality=Quality.AUTHENTICATED, clock=clock)
    return Telegram(meter, at, (reading,), 7, "TITLE", "dlms")


def test_the_meter_of_the_line_is_the_box_itself() -> None:
    (reading,) = prepare(telegram(NOW), NOW, box="box-1", far_off=LIMIT).readings
    assert (reading.meter, reading.at, reading.clock) == ("urn:dev:ops:box-1", NOW, ClockSource.METER)
    assert reading.quality is Quality.AUTHENTICATED


def test_a_meter_behind_the_meter_and_a_second_line_have_names_of_their_own() -> None:
    (gas,) = prepare(telegram(NOW, below="G 4"), NOW, box="b", far_off=LIMIT).readings
    (second,) = prepare(telegram(NOW), NOW, box="b", component="flat2", far_off=LIMIT).readings
    assert gas.meter == "urn:dev:ops:b_G-4"
    assert second.meter == "urn:dev:ops:b_flat2"


def test_a_telegram_without_a_clock_gets_the_instant_of_arrival() -> None:
    (reading,) = prepare(telegram(None), NOW, box="b", far_off=LIMIT).readings
    assert (reading.at, reading.clock) == (NOW, ClockSource.RECEIVED)


def test_a_clock_far_off_is_flagged_and_its_reading_is_kept() -> None:
    for off in (timedelta(minutes=6), -timedelta(minutes=6)):
        prepared = prepare(telegram(NOW + off), NOW, box="b", far_off=LIMIT)
        assert prepared.off == off
        assert Quality.CLOCK_DOUBTFUL in prepared.readings[0].quality
    assert prepare(telegram(NOW + LIMIT), NOW, box="b", far_off=LIMIT).off is None


def test_a_recording_is_not_compared_with_today() -> None:
    prepared = prepare(telegram(NOW - timedelta(days=900)), NOW, box="b", far_off=None)
    assert prepared.off is None
    assert prepared.readings[0].quality is Quality.AUTHENTICATED


def test_what_the_meter_calls_not_valid_is_dropped_and_counted() -> None:
    one = telegram(NOW)
    void = replace(one.readings[0], quality=Quality.CHECKSUM_ONLY | Quality.NO_VALUE)
    prepared = prepare(replace(one, readings=(void, *one.readings, void)), NOW, box="b", far_off=LIMIT)
    assert [reading.quality for reading in prepared.readings] == [Quality.AUTHENTICATED]
    assert prepared.void == 2
