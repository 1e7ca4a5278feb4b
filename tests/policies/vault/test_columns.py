"""The plain form: series survive it, damage is an error, and its length tells counts, not consumption."""

from collections.abc import Sequence
from contextlib import suppress
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.vault import columns
from policies.vault.columns import PARTIALS, READINGS, Series

i64 = st.integers(-(2**63) + 1, 2**63 - 1)


@st.composite
def batches(draw: st.DrawFn) -> tuple[int, list[Series]]:
    layout = draw(st.sampled_from([READINGS, PARTIALS]))
    series = []
    for _ in range(draw(st.integers(0, 3))):
        rows = draw(st.integers(0, 4))
        column = st.lists(draw(st.sampled_from([i64, st.integers(0, 99)])), min_size=rows, max_size=rows).map(tuple)
        seconds = st.lists(st.integers(0, 10**6).map(lambda n: n * 10**6), min_size=rows, max_size=rows).map(tuple)
        axis = tuple(draw(column | seconds) for _ in range(columns.AXIS_COLUMNS[layout]))
        for _ in range(draw(st.integers(1, 2))):
            values = tuple(draw(column) for _ in range(draw(st.integers(2, 3)) if layout else 1))
            exponents = draw(st.integers(-20, 20)), draw(st.integers(-20, 20))
            meter, serial = draw(st.sampled_from(["", "main", "Wärme"])), draw(st.text(max_size=63))
            unit = draw(st.sampled_from([None, "", "kWh"]))
            status = draw(st.sampled_from(columns.STATUSES))
            series.append(Series(meter, serial, draw(st.text(max_size=12)), unit, status, axis, *exponents, values))
    return layout, series


@given(batches())
def test_series_survive_their_encoding(batch: tuple[int, list[Series]]) -> None:
    layout, series = batch
    plain = columns.encode(layout, series)
    assert list(columns.decode(plain)) == series
    assert list(columns.decode(plain + bytes(5))) == series


@given(batches(), st.data())
def test_only_the_series_asked_for_are_decoded(batch: tuple[int, list[Series]], data: st.DataObject) -> None:
    layout, series = batch
    wanted = frozenset(one.quantity for one in series if data.draw(st.booleans()))
    found = list(columns.decode(columns.encode(layout, series), wanted))
    assert found == [one for one in series if one.quantity in wanted]


@given(batches(), st.data())
def test_damaged_columns_give_an_error_of_ours_or_other_series(
    batch: tuple[int, list[Series]], data: st.DataObject
) -> None:
    plain = bytearray(columns.encode(*batch))
    del plain[data.draw(st.integers(0, len(plain))) :]
    for place, byte in data.draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4)):
        if place < len(plain):
            plain[place] = byte
    plain += data.draw(st.binary(max_size=6))
    with suppress(ValueError):
        list(columns.decode(bytes(plain)))
    with suppress(ValueError):
        list(columns.decode(bytes(plain), frozenset({"a"})))


@given(batches())
def test_cut_columns_are_never_whole(batch: tuple[int, list[Series]]) -> None:
    plain = columns.encode(*batch)
    with pytest.raises(ValueError, match=r"damaged|known"):
        list(columns.decode(plain[:-1]))


@pytest.mark.parametrize("plain", [b"", b"\x00", b"\x03" + bytes(7), b"\x02\x02" + bytes(6)])
def test_another_layout_is_an_error(plain: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged|known"):
        list(columns.decode(plain))


def length(layout: int, exponent: int, *values: Sequence[int]) -> int:
    axis = tuple(tuple(range(len(values[0]))) for _ in range(columns.AXIS_COLUMNS[layout]))
    return len(
        columns.encode(layout, [Series("m", "s", "1-0:1.8.0*255", "Wh", "measured", axis, exponent, -6, values)])
    )


near = st.integers(-(2**62), 2**62).flatmap(
    lambda least: st.lists(st.integers(least, least + 2**31 - 1), min_size=48, max_size=48)
)
totals = st.lists(i64, min_size=48, max_size=48)


@given(near, near, st.integers(-9, 9))
def test_the_length_does_not_depend_on_the_values(some: list[int], others: list[int], exponent: int) -> None:
    assert length(READINGS, exponent, some) == length(READINGS, 0, others)
    assert length(PARTIALS, exponent, some, others) == length(PARTIALS, 0, others, some)


@given(near, near, totals)
def test_an_empty_house_has_totals_as_long_as_a_full_one(firsts: list[int], lasts: list[int], busy: list[int]) -> None:
    assert length(PARTIALS, 0, firsts, lasts, [0] * 48) == length(PARTIALS, 0, lasts, firsts, busy)


@given(st.lists(st.integers(0, 86_399), min_size=2, max_size=48, unique=True))
def test_instants_in_whole_seconds_take_four_bytes_a_day_and_more(seconds: list[int]) -> None:
    at = tuple(1_770_000_000_000_000 + second * 10**6 for second in seconds)
    plain = columns.encode(READINGS, [Series("", "", "q", None, "measured", (at, at), 0, 0, ([0] * len(at),))])
    ((axis,),) = [[one.axis for one in columns.decode(plain)]]
    assert axis == (at, at)
    assert len(plain) < 60 + 12 * len(at)


def test_series_of_one_telegram_share_their_axis() -> None:
    axis = ((1, 2), (1, 2))
    one = [Series("", "", name, "W", "measured", axis, 0, 0, ((3, 4),)) for name in ("a", "b")]
    apart = [one[0], one[1]._replace(axis=(axis[0], axis[1]))]
    assert len(columns.encode(READINGS, one)) < len(columns.encode(READINGS, apart))


@pytest.mark.parametrize("mantissa", [2**63, -(2**63)])
def test_a_mantissa_beyond_64_bits_is_refused(mantissa: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        columns.encode(READINGS, [Series("", "", "a", None, "measured", ((1,), (1,)), 0, 0, ([mantissa],))])


SERIES = Series("", "", "a", None, "measured", ((1,), (1,)), 0, 0, ([1],))
LONG = "é" * 128


@pytest.mark.parametrize(
    "series",
    [
        SERIES._replace(meter=LONG),
        SERIES._replace(serial=LONG),
        SERIES._replace(quantity=LONG),
        SERIES._replace(unit=LONG),
        SERIES._replace(exponent=200),
    ],
    ids=["meter", "serial", "quantity", "unit", "exponent"],
)
def test_what_has_no_place_in_the_layout_is_refused(series: Series) -> None:
    with pytest.raises(ValueError, match=r"too long|out of bounds"):
        columns.encode(READINGS, [series])


# -- version 1

Old = tuple[str, str | None, str, tuple[Sequence[int], ...], int, int, tuple[Sequence[int], ...]]


def version_1(layout: int, series: Sequence[Old]) -> bytes:
    """As it was written before meters were told apart: each series with an axis of its own."""
    parts = [pack("<BBHH", 1, layout, len(series), len(series))]
    for _, _, _, axis, _, _, _ in series:
        parts.append(pack("<I", len(axis[0])))
        parts += [pack(f"<{len(column)}q", *column) for column in axis]
    for number, (quantity, unit, status, _, exponent, total_exponent, values) in enumerate(series):
        name = quantity.encode()
        parts += (bytes([len(name)]), name)
        parts.append(b"\xff" if unit is None else bytes([len(unit)]) + unit.encode())
        parts.append(pack("<BHbb", columns.STATUSES.index(status), number, exponent, total_exponent))
        parts += [pack(f"<{len(column)}q", *column) for column in values]
    return b"".join(parts)


@st.composite
def old_batches(draw: st.DrawFn) -> tuple[int, list[Old]]:
    layout = draw(st.sampled_from([READINGS, PARTIALS]))
    series: list[Old] = []
    for _ in range(draw(st.integers(0, 3))):
        rows = draw(st.integers(0, 4))
        column = st.lists(i64, min_size=rows, max_size=rows).map(tuple)
        axis = tuple(draw(column) for _ in range(4 if layout else 2))
        values = tuple(draw(column) for _ in range(3 if layout else 1))
        names = draw(st.text(max_size=12)), draw(st.sampled_from([None, "", "kWh"])), "measured"
        series.append((*names, axis, draw(st.integers(-9, 9)), draw(st.integers(-9, 9)), values))
    return layout, series


@given(old_batches())
def test_what_was_written_before_meters_were_told_apart_is_still_read(batch: tuple[int, list[Old]]) -> None:
    """Of partials nobody knows what time they speak for."""
    layout, series = batch
    found = list(columns.decode(version_1(layout, series)))
    expected = [
        Series("", "", quantity, unit, status, (*axis, (0,) * len(axis[0])) if layout else axis, one, two, values)
        for quantity, unit, status, axis, one, two, values in series
    ]
    assert found == expected
    assert list(columns.decode(columns.encode(layout, found))) == found


@given(old_batches(), st.data())
def test_damaged_old_columns_give_an_error_of_ours_or_other_series(
    batch: tuple[int, list[Old]], data: st.DataObject
) -> None:
    plain = bytearray(version_1(*batch))
    del plain[data.draw(st.integers(1, len(plain))) :]
    for place, byte in data.draw(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 255)), max_size=4)):
        if place < len(plain):
            plain[place] = byte
    with suppress(ValueError):
        list(columns.decode(bytes(plain)))


@settings(max_examples=20)
@given(old_batches())
def test_of_old_columns_too_only_the_series_asked_for_are_decoded(batch: tuple[int, list[Old]]) -> None:
    layout, series = batch
    wanted = frozenset(one[0] for one in series[:1])
    found = list(columns.decode(version_1(layout, series), wanted))
    assert [one.quantity for one in found] == [one[0] for one in series if one[0] in wanted]


@pytest.mark.parametrize("value", [0, 5, -(1 << 62)])
def test_one_value_takes_as_much_room_as_in_a_longer_column(value: int) -> None:
    for wide, room in ((False, 4), (True, 8)):
        assert len(columns._packed([value], wide=wide)) == 1 + 8 + room
        assert len(columns._packed([value, value], wide=wide)) == 1 + 8 + 2 * room


@pytest.mark.parametrize("column", [[1 << 63], [-(1 << 63)], [0, 1 << 63], [0, -(1 << 63)]])
def test_what_does_not_fit_is_said(column: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^a mantissa does not fit$"):
        columns._packed(column)


@given(i64, i64, st.none() | i64)
def test_a_single_partial_is_packed_as_its_columns_are_one_by_one(first: int, last: int, total: int | None) -> None:
    apart = columns._packed([first]) + columns._packed([last])
    if total is None:
        assert columns._one_row(([first], [last])) == apart
    else:
        assert columns._one_row(([first], [last], [total])) == apart + columns._packed([total], wide=True)


@pytest.mark.parametrize("mantissa", [2**63, -(2**63)])
@pytest.mark.parametrize("place", range(3))
def test_a_mantissa_of_a_single_partial_beyond_64_bits_is_refused(mantissa: int, place: int) -> None:
    values = tuple([mantissa if place == each else 1] for each in range(3))
    with pytest.raises(ValueError, match=r"^a mantissa does not fit$"):
        columns.encode(PARTIALS, [SERIES._replace(axis=((1,),) * 5, values=values)])
    columns.encode(PARTIALS, [SERIES._replace(axis=((1,),) * 5, values=tuple([2**63 - 1] for _ in values))])
