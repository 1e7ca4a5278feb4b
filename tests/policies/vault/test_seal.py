"""What is sealed opens in its place only, and its length tells counts, not consumption."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.terms import DetailClass
from policies.vault import columns, padding, seal
from policies.vault.columns import PARTIALS, READINGS, Series

KEY, NONCE = AESGCM(bytes(32)), bytes(range(12))
PLACE = ("a" * 32, DetailClass.LIVE, 739000, 7, 0)
i64 = st.integers(-(2**63) + 1, 2**63 - 1)


def test_what_was_sealed_opens_in_its_place() -> None:
    sealed = seal.seal(KEY, NONCE, seal.place(*PLACE), b"plain")
    assert seal.unseal(KEY, seal.place(*PLACE), sealed) == b"plain"
    assert len(sealed) == len(b"plain") + seal.OVERHEAD


@pytest.mark.parametrize(
    ("part", "other"),
    [(0, "b" * 32), (1, DetailClass.QUARTER), (2, 739001), (3, 8), (4, 1)],
    ids=["household", "class", "day", "version", "pieces"],
)
def test_another_place_does_not_open_it(part: int, other: object) -> None:
    sealed = seal.seal(KEY, NONCE, seal.place(*PLACE), b"plain")
    moved = [*PLACE]
    moved[part] = other
    with pytest.raises(ValueError, match="does not fit"):
        seal.unseal(KEY, seal.place(*moved), sealed)  # type: ignore[arg-type]


@given(st.data())
@settings(max_examples=40)
def test_a_changed_byte_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(seal.seal(KEY, NONCE, seal.place(*PLACE), b"plain"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="does not fit"):
        seal.unseal(KEY, seal.place(*PLACE), bytes(sealed))


def test_identity_and_series_never_share_a_place() -> None:
    assert not seal.place(*PLACE).startswith(seal.place_about("", DetailClass.LIVE, "")[:15])


@st.composite
def batches(draw: st.DrawFn) -> tuple[int, list[Series]]:
    layout = draw(st.sampled_from([READINGS, PARTIALS]))
    series = []
    for _ in range(draw(st.integers(0, 3))):
        rows = draw(st.integers(0, 4))
        column = st.lists(i64, min_size=rows, max_size=rows).map(tuple)
        axis = tuple(draw(column) for _ in range(columns.AXIS_COLUMNS[layout]))
        for _ in range(draw(st.integers(1, 2))):
            values = tuple(draw(column) for _ in range(columns.VALUE_COLUMNS[layout]))
            exponents = draw(st.integers(-9, 9)), draw(st.integers(-9, 9))
            unit = draw(st.sampled_from([None, "", "kWh"]))
            series.append(Series(draw(st.text(max_size=12)), unit, "estimated", axis, *exponents, values))
    return layout, series


@given(batches())
@settings(max_examples=60)
def test_series_survive_their_encoding(batch: tuple[int, list[Series]]) -> None:
    layout, series = batch
    assert list(columns.decode(columns.encode(layout, series))) == series


@given(batches(), st.data())
@settings(max_examples=60)
def test_damaged_columns_give_an_error_of_ours_or_other_series(
    batch: tuple[int, list[Series]], data: st.DataObject
) -> None:
    plain = columns.encode(*batch)
    cut = plain[: data.draw(st.integers(0, len(plain)))]
    with suppress(ValueError):
        list(columns.decode(cut + data.draw(st.binary(max_size=6))))


def test_only_the_series_asked_for_are_decoded() -> None:
    axis = ((1, 2), (1, 2))
    series = [Series(name, "W", "measured", axis, 0, 0, ((3, 4),)) for name in ("a", "b", "c")]
    plain = columns.encode(READINGS, series)
    assert [one.quantity for one in columns.decode(plain, frozenset({"b"}))] == ["b"]


@given(st.lists(i64, min_size=48, max_size=48), st.lists(i64, min_size=48, max_size=48), st.integers(-9, 9))
@settings(max_examples=30)
def test_the_length_does_not_depend_on_the_values(some: list[int], others: list[int], exponent: int) -> None:
    axis = (tuple(range(48)), tuple(range(48)))
    one = columns.encode(READINGS, [Series("1-0:1.8.0*255", "kWh", "measured", axis, exponent, 0, (some,))])
    two = columns.encode(READINGS, [Series("1-0:1.8.0*255", "kWh", "measured", axis, 0, 0, (others,))])
    assert len(one) == len(two)


def test_a_mantissa_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="out of bounds"):
        columns.encode(READINGS, [Series("a", None, "measured", ((1,), (1,)), 0, 0, ([2**63],))])


@given(st.binary(max_size=3000))
@settings(max_examples=60)
def test_padding_comes_off_again_and_stays_on_its_steps(plain: bytes) -> None:
    piece, block, note = padding.pad_piece(plain), padding.pad_block(plain), padding.pad_note(plain)
    assert padding.unpad(piece) == padding.unpad(block) == padding.unpad(note) == plain
    assert len(note) % padding.NOTE_STEP == 0
    assert len(block) & (len(block) - 1) == 0
    assert len(piece) <= max(padding.PIECE_FLOOR, (len(plain) + 4) * 1.12)


def test_pieces_have_few_lengths() -> None:
    assert len({len(padding.pad_piece(bytes(n))) for n in range(100_000)}) < 150


def test_damaged_padding_is_an_error() -> None:
    with pytest.raises(ValueError, match="padding"):
        padding.unpad(b"\xff\xff\xff\xff123")
