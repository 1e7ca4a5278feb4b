"""The labels of our own: what an entry covers has to be understood, a serial number holds until it changes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver import senml
from meter_driver.errors import SenmlError
from meter_driver.reading import ClockSource, Reading

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
URN = "urn:dev:ops:box-1"
TYPES = [senml.JSON, senml.CBOR]
T = b"1773144000"


def reading(at: datetime, start: datetime | None, serial: str) -> Reading:
    return Reading(URN, "1-0:1.29.0*255", at, Decimal("1.25"), "kWh", start, clock=ClockSource.METER, serial=serial)


micros = st.integers(0, 10**12).map(lambda us: AT + timedelta(microseconds=us))
lengths = st.none() | st.integers(1, 400 * 86400 * 10**6).map(lambda us: timedelta(microseconds=us))


@given(
    st.lists(st.tuples(micros, lengths, st.text(st.characters(codec="utf-8"), max_size=63)), min_size=1, max_size=8),
    st.sampled_from(TYPES),
)
def test_interval_and_serial_number_go_there_and_back(
    sent: list[tuple[datetime, timedelta | None, str]], content_type: str
) -> None:
    readings = [reading(at, None if length is None else at - length, serial) for at, length, serial in sent]
    pack = senml.parse(senml.encode(readings, content_type), content_type)
    assert (pack.readings, pack.errors) == (readings, [])


@pytest.mark.parametrize("content_type", TYPES)
def test_pieces_of_two_meters_keep_their_serial_numbers(content_type: str) -> None:
    pieces = []
    for serial in ("A", "", "B"):
        writer = senml.Writer(content_type)
        writer.add(reading(AT, None, serial))
        pieces.append(writer.piece())
    pack = senml.parse(senml.join(pieces), content_type)
    assert [one.serial for one in pack.readings] == ["A", "", "B"]


@pytest.mark.parametrize("length", [b"0", b"-1", b"34560001", b"0.0000001", b"1e60", b'"900"', b"true", b"null"])
def test_an_entry_that_covers_nothing_or_too_much_is_refused_alone(length: bytes) -> None:
    body = b'[{"bn":"%s:","n":"1-0:1.29.0","v":1,"t":%s,"mgd_":%s},{"n":"1-0:1.8.0","v":2,"t":%s}]'
    pack = senml.parse(body % (URN.encode(), T, length, T), senml.JSON)
    assert [one.value for one in pack.readings] == [2]
    assert [error.index for error in pack.errors] == [0]


def test_a_length_holds_for_its_record_alone() -> None:
    body = b'[{"bn":"%s:","n":"1-0:1.29.0","v":1,"t":%s,"mgd_":900},{"n":"1-0:1.8.0","v":2,"t":%s}]'
    first, second = senml.parse(body % (URN.encode(), T, T), senml.JSON).readings
    assert first.at is not None
    assert first.start == first.at - timedelta(minutes=15)
    assert second.start is None


@pytest.mark.parametrize("label", ["mgx_", "Mgd_", "mgd__"])
def test_another_label_that_must_be_understood_is_still_not(label: str) -> None:
    record = {-2: f"{URN}:", 0: "1-0:1.8.0", 2: 1, 6: 1773144000, label: 900}
    with pytest.raises(SenmlError, match="understood"):
        senml.parse(cbor2.dumps([record]), senml.CBOR)
    body = b'[{"bn":"%s:","n":"1-0:1.8.0","v":1,"t":%s,"%s":900}]' % (URN.encode(), T, label.encode())
    with pytest.raises(SenmlError, match="understood"):
        senml.parse(body, senml.JSON)


@pytest.mark.parametrize("serial", [b"1", b"null", b'"' + b"x" * 64 + b'"'])
def test_a_bad_serial_number_is_the_end_of_the_pack(serial: bytes) -> None:
    body = b'[{"bn":"%s:","bmgs":%s,"n":"1-0:1.8.0","v":1,"t":%s}]' % (URN.encode(), serial, T)
    with pytest.raises(SenmlError) as caught:
        senml.parse(body, senml.JSON)
    assert caught.value.index == 0


def test_a_serial_number_that_is_too_long_is_not_written() -> None:
    with pytest.raises(SenmlError, match="bmgs"):
        senml.encode([reading(AT, None, "x" * 64)])


@pytest.mark.parametrize("start", [AT, AT + timedelta(seconds=1)])
def test_an_entry_that_ends_before_it_begins_is_not_written(start: datetime) -> None:
    with pytest.raises(SenmlError, match="start"):
        senml.encode([reading(AT, start, "")])
