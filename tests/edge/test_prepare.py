"""Names, instants and flags of what a telegram gave."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from edge.prepare import prepare
from meter_driver.p1.telegram import telegrams
from meter_driver.reading import ClockSource, Quality, Reading, Telegram
from tests.meter_driver.p1.make import LINES
from tests.meter_driver.p1.make import telegram as made

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


def test_what_a_device_behind_the_meter_measured_an_hour_ago_is_no_clock_that_is_off() -> None:
    measured = datetime(2024, 5, 1, 9, 55, 3, tzinfo=UTC)
    (_, gas) = telegrams(made(LINES))
    for after, off in ((timedelta(hours=1), None), (-LIMIT, None), (timedelta(minutes=-6), timedelta(minutes=6))):
        found = prepare(gas, measured + after, box="b", far_off=LIMIT)
        assert found.off == off
        assert (Quality.CLOCK_DOUBTFUL in found.readings[-1].quality) is (off is not None)


def test_a_peak_of_a_telegram_without_a_clock_may_be_old_but_not_of_the_future() -> None:
    peak = replace(telegram(NOW).readings[0], at=NOW - timedelta(days=20))
    said = replace(telegram(None), readings=(peak,))
    assert prepare(said, NOW, box="b", far_off=LIMIT).off is None
    assert prepare(said, NOW - timedelta(days=21), box="b", far_off=LIMIT).off == timedelta(days=1)


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


def p1(*lines: str) -> list[Reading]:
    return [
        reading
        for said in telegrams(made((*LINES, *lines)))
        for reading in prepare(said, NOW, box="b", component="flat2", far_off=LIMIT).readings
    ]


def test_meters_behind_a_p1_port_have_components_numbers_and_media_of_their_own() -> None:
    water = ("0-2:24.1.0(007)", "0-2:96.1.0(57)", "0-2:24.2.1(240501115503S)(00001.0*m3)")
    unnamed = ("0-3:24.2.1(240501115503S)(00002.0*m3)",)
    found = {(reading.meter, reading.serial, reading.medium) for reading in p1(*water, *unnamed)}
    assert found == {
        ("urn:dev:ops:b_flat2", "4D45544552303031", ""),
        ("urn:dev:ops:b_flat2-gas-1", "474153303031", "gas"),
        ("urn:dev:ops:b_flat2-cold-water-2", "57", "cold-water"),
        ("urn:dev:ops:b_flat2-channel-3", "", ""),
    }


def test_a_channel_in_the_list_of_its_meter_is_told_apart_too() -> None:
    texts = (("0-1:24.1.0*255", "003"), ("0-1:96.1.0*255", "G4"))
    gas = [Reading("K1", name, NOW, text, None) for name, text in texts]
    stand = Reading("K1", "0-1:24.2.1*255", NOW, Decimal(5), "m3")
    one = telegram(NOW)
    *_, own, told = prepare(replace(one, readings=(*gas, *one.readings, stand)), NOW, box="b", far_off=LIMIT).readings
    assert (own.meter, own.serial) == ("urn:dev:ops:b", "K1")
    assert (told.meter, told.serial, told.medium) == ("urn:dev:ops:b_gas-1", "G4", "gas")
    late = timedelta(minutes=6)
    assert prepare(replace(one, readings=(*one.readings, stand)), NOW + late, box="b", far_off=LIMIT).off == -late


def test_a_name_that_the_settings_give_to_a_device_is_all_of_its_name() -> None:
    (_, gas) = telegrams(made(LINES))
    found = prepare(gas, NOW, box="b", component="kitchen", named=True, far_off=LIMIT).readings
    assert {reading.meter for reading in found} == {"urn:dev:ops:b_kitchen"}


def test_a_recording_interval_gives_its_amounts_a_begin() -> None:
    one = telegram(NOW)
    length = Reading("K1", "1-0:0.8.4*255", NOW, Decimal(15), "min")
    amount = Reading("K1", "1-0:1.29.0*255", NOW, Decimal(7), "Wh")
    said = replace(one, readings=(length, amount, *one.readings))
    begins = [reading.start for reading in prepare(said, NOW, box="b", far_off=LIMIT).readings]
    assert begins == [None, NOW.replace(minute=0, second=0), None]
    whole = replace(amount, at=NOW.replace(minute=15, second=0))
    (_, entry) = prepare(replace(one, readings=(length, whole)), NOW, box="b").readings
    assert entry.start == NOW.replace(minute=0, second=0)
    (alone,) = prepare(replace(one, readings=(amount,)), NOW, box="b").readings
    assert alone.start is None


def test_a_begin_that_the_decoder_tells_is_kept() -> None:
    begin = NOW - timedelta(minutes=60)
    entry = replace(telegram(NOW).readings[0], start=begin)
    (found,) = prepare(replace(telegram(NOW), readings=(entry,)), NOW, box="b").readings
    assert (found.start, found.at) == (begin, NOW)
