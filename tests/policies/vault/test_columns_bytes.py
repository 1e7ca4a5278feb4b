"""The plain form byte by byte: another byte, and what lies in stores is not read any more."""

from collections.abc import Sequence
from struct import pack

import pytest

from policies.vault import columns
from policies.vault.columns import PARTIALS, READINGS, Series

SECOND = 1_000_000
DAY = (1_770_000_000 * SECOND, 1_770_086_399 * SECOND)
"""Two instants in whole seconds, further apart than four bytes of microseconds reach."""
NEAR = (DAY[0] + 1, DAY[0] + 5)


def column(form: int, least: int, *offsets: int) -> bytes:
    return pack("<Bq", form, least) + pack(f"<{len(offsets)}{'I' if form & 0x0F == 4 else 'Q'}", *offsets)


def reading(axis: tuple[Sequence[int], ...], *values: int, quantity: str = "q") -> Series:
    return Series("m", "", quantity, None, "measured", axis, 0, 0, (values,))


HEAD = pack("<BBHHH", 2, READINGS, 1, 1, 1) + b"\x01m\x00"
NAME = pack("<H", 0) + b"\x01q\xff" + pack("<BHbbB", 0, 0, 0, 0, 1)


def plain(axis: Sequence[bytes], values: bytes, rows: int = 2) -> bytes:
    return HEAD + pack("<I", rows) + b"".join(axis) + NAME + values


def test_readings_are_two_columns_of_instants_and_one_of_values() -> None:
    written = columns.encode(READINGS, [reading((NEAR, DAY), 7, 9)])
    assert written == plain([column(4, NEAR[0], 0, 4), column(0x84, DAY[0], 0, 86_399)], column(4, 7, 0, 2))


def test_partials_are_five_columns_of_instants_and_their_total_is_always_wide() -> None:
    axis = (DAY, NEAR, NEAR, (1, 2), (0, 60 * SECOND))
    one = Series("main", "S1", "1-0:1.7.0*255", "W", "validated", axis, -3, -6, ((1, 2), (3, 5), (4, 4)))
    two = one._replace(
        serial="", quantity="energy", unit="", status="missing", total_exponent=0, values=((1, 2), (3, 5))
    )
    assert columns.encode(PARTIALS, [one, two]) == b"".join(
        (
            pack("<BBHHH", 2, PARTIALS, 2, 1, 2),
            b"\x04main\x02S1\x04main\x00",
            pack("<I", 2),
            column(0x84, DAY[0], 0, 86_399),
            column(4, NEAR[0], 0, 4),
            column(4, NEAR[0], 0, 4),
            column(4, 1, 0, 1),
            column(4, 0, 0, 60 * SECOND),
            pack("<H", 0) + b"\x0d1-0:1.7.0*255\x01W" + pack("<BHbbB", 2, 0, -3, -6, 3),
            column(4, 1, 0, 1) + column(4, 3, 0, 2) + column(8, 4, 0, 0),
            pack("<H", 1) + b"\x06energy\x00" + pack("<BHbbB", 3, 0, -3, 0, 2),
            column(4, 1, 0, 1) + column(4, 3, 0, 2),
        )
    )
    assert list(columns.decode(columns.encode(PARTIALS, [one, two]))) == [one, two]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ((5, 5 + 2**32 - 1), column(4, 5, 0, 2**32 - 1)),
        ((5, 5 + 2**32), column(8, 5, 0, 2**32)),
        ((0, 2**33), column(8, 0, 0, 2**33)),
        ((0, 2**33 * SECOND), column(8, 0, 0, 2**33 * SECOND)),
        ((-(2**63) + 1, 2**63 - 1), column(8, -(2**63) + 1, 0, 2**64 - 2)),
    ],
)
def test_values_take_four_bytes_where_they_lie_near_and_eight_where_they_do_not(
    values: tuple[int, int], written: bytes
) -> None:
    near = column(4, NEAR[0], 0, 4)
    encoded = columns.encode(READINGS, [reading((NEAR, NEAR), *values)])
    assert encoded == plain([near, near], written)
    assert list(columns.decode(encoded)) == [reading((NEAR, NEAR), *values)]


@pytest.mark.parametrize(
    ("instants", "written"),
    [
        ((0, 2**32 - 1), column(4, 0, 0, 2**32 - 1)),
        ((0, 2**32), column(8, 0, 0, 2**32)),
        ((3, 3 + 5000 * SECOND), column(0x84, 3, 0, 5000)),
        ((0, 5000 * SECOND + 1), column(8, 0, 0, 5000 * SECOND + 1)),
        ((0, (2**32 - 1) * SECOND), column(0x84, 0, 0, 2**32 - 1)),
        ((0, 2**32 * SECOND), column(0x88, 0, 0, 2**32)),
        ((2**32 * SECOND, (2**32 + 86_399) * SECOND), column(0x84, 2**32 * SECOND, 0, 86_399)),
    ],
)
def test_instants_far_apart_are_told_in_seconds_where_all_are_whole_seconds_apart(
    instants: tuple[int, int], written: bytes
) -> None:
    near = column(4, NEAR[0], 0, 4)
    encoded = columns.encode(READINGS, [reading((instants, NEAR), 7, 9)])
    assert encoded == plain([written, near], column(4, 7, 0, 2))
    assert list(columns.decode(encoded)) == [reading((instants, NEAR), 7, 9)]


def test_nothing_is_a_column_of_no_rows() -> None:
    nothing = column(4, 0)
    assert columns.encode(READINGS, [reading(((), ()))]) == plain([nothing, nothing], nothing, rows=0)
    assert columns.encode(READINGS, []) == pack("<BBHHH", 2, READINGS, 0, 0, 0)


def test_series_of_one_axis_and_of_one_meter_share_them_and_others_do_not() -> None:
    one, two = (NEAR, NEAR), (DAY, DAY)
    series = [
        reading(one, 1, 2, quantity="a"),
        reading(two, 1, 2, quantity="b")._replace(meter="w"),
        reading(one, 1, 2, quantity="c")._replace(meter="w"),
    ]
    written = columns.encode(READINGS, series)
    assert written[:8] == pack("<BBHHH", 2, READINGS, 2, 2, 3)
    assert list(columns.decode(written)) == series
    assert list(columns.decode(written, frozenset({"c"}))) == series[2:]


@pytest.mark.parametrize("length", [254, 255])
def test_a_name_has_at_most_254_bytes(length: int) -> None:
    series = reading((NEAR, NEAR), 7, 9, quantity="q" * length)
    if length == 254:
        assert list(columns.decode(columns.encode(READINGS, [series]))) == [series]
    else:
        with pytest.raises(ValueError, match=r"^a name is too long$"):
            columns.encode(READINGS, [series])


@pytest.mark.parametrize("mantissa", [2**63, -(2**63)])
def test_a_mantissa_beyond_its_eight_bytes_is_named_as_the_reason(mantissa: int) -> None:
    with pytest.raises(ValueError, match=r"^a mantissa does not fit$"):
        columns.encode(READINGS, [reading((NEAR, NEAR), 0, mantissa)])


def test_an_exponent_beyond_its_byte_is_out_of_bounds() -> None:
    with pytest.raises(ValueError, match=r"^a value, or a number of series, is out of bounds$"):
        columns.encode(READINGS, [reading((NEAR, NEAR), 7, 9)._replace(exponent=200)])


@pytest.mark.parametrize("head", [(3, READINGS), (0, READINGS), (2, 2), (2, 255)])
def test_another_version_or_layout_is_not_known(head: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"^the layout is not known$"):
        list(columns.decode(pack("<BB", *head) + bytes(6)))


NEARLY = plain([column(4, NEAR[0], 0, 4)] * 2, column(4, 7, 0, 2))


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x01",
        NEARLY[:-1],
        NEARLY.replace(b"\x01q\xff", b"\x02\xc3\xff", 1),
        NEARLY.replace(NAME, NAME[:4] + b"\xff" + pack("<BHbbB", 9, 0, 0, 0, 1)),
        NEARLY.replace(NAME, NAME[:4] + b"\xff" + pack("<BHbbB", 0, 9, 0, 0, 1)),
        NEARLY.replace(NAME, pack("<H", 9) + NAME[2:]),
        NEARLY[:-17] + b"\x05" + NEARLY[-16:],
    ],
    ids=["empty", "version 1", "cut", "text", "status", "axis", "meter", "form"],
)
def test_whatever_is_damaged_is_one_error(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the columns are damaged$"):
        list(columns.decode(damaged))
