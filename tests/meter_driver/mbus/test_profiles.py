"""Compact profiles of M-Bus: each element a reading of its own, right or left out."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.errors import PayloadError
from meter_driver.mbus.records import records
from tests.meter_driver.mbus.make import examples

SECONDS, MINUTES, HOURS, DAYS = range(4)
ABSOLUTE, POSITIVE, NEGATIVE, SIGNED = range(4)
INVERSE, NUMBERED, PLAIN = 0x13, 0x1E, 0x1F
MONTHLY, HALF_MONTHLY = 0xFE, 0xFD
BASE = "c40713 e8030000"  # volume storage=15 1.000 m3
NEW_YEAR = "c2076c 2131"  # date storage=15 2025-01-01
NOON = "c4076d 000c2131"  # date_time storage=15 2025-01-01T12:00
AUGUST = "c2076c 1f38"  # date storage=15 2024-08-31


def profile(
    code: int,
    elements: Sequence[bytes],
    *,
    mode: int = ABSOLUTE,
    unit: int = DAYS,
    spacing: int = MONTHLY,
    field: int = 2,
    head: str = "cd0793",
) -> str:
    """A profile of volume at storage 15, in litres."""
    data = bytes([mode << 6 | unit << 4 | field, spacing]) + b"".join(elements)
    return head + f"{code:02x}" + f"{len(data):02x}" + data.hex()


def words(*numbers: int, signed: bool = False) -> list[bytes]:
    return [number.to_bytes(2, "little", signed=signed) for number in numbers]


def read(*parts: str) -> dict[str, str]:
    found = records(b"".join(map(bytes.fromhex, parts)))
    return {layout.name: str(value) for layout, value in found}


def unfolded(*parts: str) -> dict[str, str]:
    """What a profile adds to the other records."""
    others = read(*(part for part in parts if not part.startswith("cd")))
    found = read(*parts)
    assert found.items() >= others.items()
    return {name: value for name, value in found.items() if name not in others}


@pytest.mark.rule("EN 13757-3 compact profiles (VIFE 13, 1E, 1F)")
def test_a_profile_with_register_numbers_goes_on_from_the_storage_of_its_base() -> None:
    assert unfolded(NEW_YEAR, BASE, profile(NUMBERED, words(1010, 1030))) == {
        "date storage=16": "2025-02-01",
        "volume storage=16": "1.010",
        "date storage=17": "2025-03-01",
        "volume storage=17": "1.030",
    }


def test_a_profile_without_register_numbers_says_that_its_numbers_only_count() -> None:
    assert unfolded(NEW_YEAR, BASE, profile(PLAIN, words(1010))) == {
        "date storage=16 profile=volume": "2025-02-01",
        "volume storage=16 profile": "1.010",
    }


def test_an_inverse_profile_goes_back_in_time() -> None:
    assert unfolded(NOON, BASE, profile(INVERSE, words(10, 0, 5), mode=POSITIVE, unit=HOURS, spacing=6)) == {
        "date_time storage=16 profile=volume": "2025-01-01T06:00",
        "volume storage=16 profile": "0.990",
        "date_time storage=17 profile=volume": "2025-01-01T00:00",
        "volume storage=17 profile": "0.990",
        "date_time storage=18 profile=volume": "2024-12-31T18:00",
        "volume storage=18 profile": "0.985",
    }


@pytest.mark.parametrize(
    ("code", "mode", "elements", "said"),
    [
        (PLAIN, ABSOLUTE, words(7, -7, signed=True), ["0.007", "-0.007"]),
        (PLAIN, POSITIVE, words(7, 50000), ["1.007", "51.007"]),
        (PLAIN, NEGATIVE, words(7, 50000), ["0.993", "-49.007"]),
        (PLAIN, SIGNED, words(7, -10, signed=True), ["1.007", "0.997"]),
        (INVERSE, ABSOLUTE, words(7, -7, signed=True), ["0.007", "-0.007"]),
        (INVERSE, POSITIVE, words(7, 10), ["0.993", "0.983"]),
        (INVERSE, NEGATIVE, words(7, 10), ["1.007", "1.017"]),
        (INVERSE, SIGNED, words(7, -10, signed=True), ["0.993", "1.003"]),
    ],
)
def test_a_difference_is_the_younger_value_minus_the_older(
    code: int, mode: int, elements: list[bytes], said: list[str]
) -> None:
    assert list(unfolded(BASE, profile(code, elements, mode=mode)).values()) == said


@pytest.mark.parametrize(
    ("field", "element", "said"),
    [
        (1, "05", "0.005"), (3, "050000", "0.005"), (4, "05000000", "0.005"), (6, "050000000000", "0.005"),
        (7, "0500000000000000", "0.005"), (5, "0000a040", "0.0050"), (9, "42", "0.042"), (0xA, "3412", "1.234"),
        (0xB, "563412", "123.456"), (0xC, "78563412", "12345.678"), (0xE, "785634120000", "12345.678"),
    ],
)  # fmt: skip
def test_an_element_has_the_data_field_that_the_spacing_control_says(field: int, element: str, said: str) -> None:
    found = unfolded(BASE, profile(NUMBERED, [bytes.fromhex(element)], field=field))
    assert Decimal(found["volume storage=16"]) == Decimal(said)


@pytest.mark.parametrize(
    ("mode", "field", "void"),
    [
        (ABSOLUTE, 2, "0080"), (SIGNED, 1, "80"), (POSITIVE, 2, "ffff"), (NEGATIVE, 4, "ffffffff"),
        (ABSOLUTE, 1, "80"), (ABSOLUTE, 3, "000080"), (SIGNED, 4, "00000080"), (POSITIVE, 6, "ffffffffffff"),
        (NEGATIVE, 7, "ffffffffffffffff"), (ABSOLUTE, 0xB, "ffffff"),
        (POSITIVE, 0xA, "01f0"), (ABSOLUTE, 5, "0000c07f"),
    ],
)  # fmt: skip
def test_an_element_that_is_not_valid_gives_no_reading_and_ends_what_adds_up(mode: int, field: int, void: str) -> None:
    good = bytes([1]).ljust(len(void) // 2, b"\0")
    found = unfolded(NEW_YEAR, BASE, profile(NUMBERED, [good, bytes.fromhex(void), good], mode=mode, field=field))
    assert "volume storage=16" in found
    assert "volume storage=17" not in found
    assert "date storage=17" not in found
    assert ("volume storage=18" in found) is (mode == ABSOLUTE)


def test_zeros_at_the_end_of_increments_may_be_what_is_still_to_come() -> None:
    found = unfolded(BASE, profile(NUMBERED, words(0, 256, 0, 0), mode=POSITIVE))
    assert found == {"volume storage=16": "1.000", "volume storage=17": "1.256"}
    assert unfolded(BASE, profile(NUMBERED, words(0, 0), mode=SIGNED)) == {}
    assert len(unfolded(BASE, profile(INVERSE, words(0, 0), mode=POSITIVE))) == 2


@pytest.mark.parametrize("mode", [POSITIVE, NEGATIVE, SIGNED])
@pytest.mark.parametrize(
    "bases",
    [
        (),
        ("c40713 00000080",),  # not valid
        ("cc0713 0f000000",),  # no digits
        ("c40713 e8030000", "cc0713 02100000"),  # two of them
        ("c40714 64000000",),  # the same in another power of ten
        ("d40713 e8030000",),  # the maximum
        ("c41713 e8030000",),  # another tariff
        ("c44713 e8030000",),  # another subunit
        ("c40813 e8030000",),  # another storage
        ("c407933c e8030000",),  # backwards
    ],
)
def test_increments_need_their_base_value_and_exactly_one(mode: int, bases: tuple[str, ...]) -> None:
    part = profile(NUMBERED, words(7), mode=mode)
    assert unfolded(*bases, part) == {}
    assert list(unfolded(*bases, profile(NUMBERED, words(7))).values()) == ["0.007"]


def test_absolute_values_need_no_base_and_further_extensions_hold_for_each_element() -> None:
    assert read("dd5793fd1f 04 32fe 0700") == {"volume max storage=16 tariff=1 subunit=1 profile": "7"}
    assert read("cd0793bc1e 04 32fe 0700") == {"volume storage=16 negative": "0.007"}
    assert read("cd07939e3c 04 32fe 0700") == {"volume storage=16 negative": "0.007"}
    assert read("cd0793f81f 04 32fe 0700") == {"volume storage=16 profile": "0.007001"}
    assert read("cd0793931f 04 32fe 0700") == {}  # a profile of a profile


def test_the_base_of_increments_has_the_same_extensions() -> None:
    part = profile(NUMBERED, words(7), mode=POSITIVE, head="cd0793bc")
    assert unfolded("c407933c e8030000", part) == {"volume storage=16 negative": "1.007"}
    assert unfolded(BASE, part) == {}


@pytest.mark.parametrize(
    ("unit", "spacing", "base", "said"),
    [
        (SECONDS, 90, NOON, "2025-01-01T12:01:30"),
        (MINUTES, 15, NOON, "2025-01-01T12:15"),
        (HOURS, 1, NOON, "2025-01-01T13:00"),
        (HOURS, 250, NOON, "2025-01-11T22:00"),
        (DAYS, 7, NOON, "2025-01-08T12:00"),
        (DAYS, 7, NEW_YEAR, "2025-01-08"),
        (HOURS, 0xFE, NEW_YEAR, "2025-04-01"),
        (MINUTES, 0xFE, NEW_YEAR, "2025-07-01"),
        (DAYS, HALF_MONTHLY, NEW_YEAR, "2025-01-16"),
        (DAYS, HALF_MONTHLY, "c2076c 3031", "2025-02-01"),
        (DAYS, MONTHLY, NEW_YEAR, "2025-02-01"),
        (DAYS, MONTHLY, AUGUST, "2024-09-30"),
        (DAYS, MONTHLY, "c6076d 1e1e0c213100", "2025-02-01T12:30:30"),
        (SECONDS, 30, "c6076d 1e1e0c213100", "2025-01-01T12:31:00"),
    ],
)
def test_the_spacing_leads_from_the_base_time_to_the_time_of_an_element(
    unit: int, spacing: int, base: str, said: str
) -> None:
    quantity = "date_time" if "T" in said else "date"
    found = unfolded(base, profile(NUMBERED, words(1), unit=unit, spacing=spacing))
    assert found == {f"{quantity} storage=16": said, "volume storage=16": "0.001"}


def test_months_go_over_the_turn_of_the_year_and_keep_to_their_last_day() -> None:
    found = unfolded(AUGUST, profile(INVERSE, words(*range(1, 9))))
    times = [value for name, value in found.items() if name.startswith("date")]
    assert times == [
        "2024-07-31", "2024-06-30", "2024-05-31", "2024-04-30", "2024-03-31", "2024-02-29", "2024-01-31", "2023-12-31",
    ]  # fmt: skip
    found = unfolded(NEW_YEAR, profile(INVERSE, words(1, 2, 3), spacing=HALF_MONTHLY))
    times = [value for name, value in found.items() if name.startswith("date")]
    assert times == ["2024-12-16", "2024-12-01", "2024-11-16"]


@pytest.mark.parametrize(
    ("spacing", "unit", "base"),
    [
        (MONTHLY, DAYS, "c2076c 3e24"),  # 2025-04-30: the last of a month, or the 30th
        (MONTHLY, DAYS, "c2076c 3d21"),  # 2025-01-29
        (MONTHLY, DAYS, "c2076c 3c22"),  # 2025-02-28
        (HALF_MONTHLY, DAYS, "c2076c 2f21"),  # 2025-01-15
        (6, HOURS, NEW_YEAR),  # hours from a date
        (250, HOURS, NEW_YEAR),
        (6, HOURS, "c3076d 3b3b17"),  # from a time of day
        (MONTHLY, DAYS, NEW_YEAR + "c4076d 000c2131"),  # two of them
        (MONTHLY, DAYS, "d2076c 2131"),  # that of the maximum
        (MONTHLY, DAYS, "c207ec7e 2131"),  # a future one
    ],
)
def test_a_time_that_is_not_certain_is_left_out_and_the_value_stays(spacing: int, unit: int, base: str) -> None:
    found = unfolded(base, profile(NUMBERED, words(1), unit=unit, spacing=spacing))
    assert found == {"volume storage=16": "0.001"}


@pytest.mark.parametrize(
    "part",
    [
        profile(PLAIN, words(1), spacing=0),  # an array
        *(profile(PLAIN, words(1), spacing=spacing) for spacing in (0xFB, 0xFC, 0xFF)),
        *(profile(PLAIN, words(1), spacing=HALF_MONTHLY, unit=unit) for unit in (SECONDS, MINUTES, HOURS)),
        profile(PLAIN, words(1), spacing=MONTHLY, unit=SECONDS),
        *(profile(PLAIN, words(1), field=field) for field in (0x0, 0x8, 0xD, 0xF, 0x3)),
        profile(PLAIN, []),
        "cd07931f 00",
        "cd07931f 01 32",
        "cd07931f c0",  # digits, not bytes
        "cd07931f c4 32fe0100",
        "cd07ec1f 04 32fe 2131",  # dates
        "cd07ff1f 04 32fe 0100",  # the manufacturer's
        "c207931f 0100",  # no room for a profile
    ],
)
def test_arrays_reserved_spacings_and_what_does_not_fit_give_no_reading(part: str) -> None:
    assert read(NEW_YEAR, BASE, part, "01fd6007") == read(NEW_YEAR, BASE, "01fd6007")


def test_a_profile_repeats_or_contradicts_no_record_of_its_own() -> None:
    own = "840813 f2030000"  # volume storage=16 1.010 m3
    assert unfolded(BASE, own, profile(NUMBERED, words(1010, 1030))) == {"volume storage=17": "1.030"}
    assert unfolded(BASE, own, profile(NUMBERED, words(1011, 1030))) == {}
    assert len(unfolded(BASE, own, profile(PLAIN, words(1011, 1030)))) == 2


def test_two_profiles_of_one_register_must_agree() -> None:
    first, other = profile(NUMBERED, words(1010)), profile(NUMBERED, words(1010, 1011))
    assert len(unfolded(BASE, first, other)) == 2
    assert len(unfolded(BASE, first, profile(NUMBERED, words(1011)))) == 1


@examples(60)
@given(st.integers(0, 2), st.lists(st.integers(0, 0xFFFE), min_size=1, max_size=30))
def test_increments_add_up_whatever_they_are(kind: int, increments: list[int]) -> None:
    code = (INVERSE, NUMBERED, PLAIN)[kind]
    found = unfolded(BASE, profile(code, words(*increments, 1), mode=POSITIVE))
    total = Decimal(sum(increments) + 1) / 1000
    last = f"volume storage={15 + len(increments) + 1}" + ("" if code == NUMBERED else " profile")
    assert Decimal(found[last]) == 1 + (-total if code == INVERSE else total)


@examples(80)
@given(st.binary(max_size=40), st.sampled_from([INVERSE, NUMBERED, PLAIN]))
def test_no_profile_can_crash_it(data: bytes, code: int) -> None:
    part = bytes([0xCD, 0x07, 0x93, code, len(data)]) + data
    found = records(bytes.fromhex(NEW_YEAR + BASE) + part)
    assert all(isinstance(value, str) or value.is_finite() for _, value in found)
    with pytest.raises(PayloadError):
        records(part[:-1] if data else part[:4])
