"""Padding comes off again and tells little of the length under it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.vault import padding


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


@pytest.mark.parametrize(
    ("plain", "piece", "block", "note"),
    [
        (0, 512, 1024, 64),
        (60, 512, 1024, 64),
        (61, 512, 1024, 128),
        (508, 512, 1024, 512),
        (509, 544, 1024, 576),
        (540, 544, 1024, 576),
        (541, 576, 1024, 576),
        (1020, 1024, 1024, 1024),
        (1021, 1088, 2048, 1088),
        (2044, 2048, 2048, 2048),
        (2045, 2176, 4096, 2112),
        (100_000, 100_352, 131_072, 100_032),
    ],
)
def test_what_just_fits_takes_its_step_and_a_byte_more_takes_the_next(
    plain: int, piece: int, block: int, note: int
) -> None:
    """Of pieces as in section 4 of the paper, the four bytes of the length counted in."""
    made = padding.pad_piece(bytes(plain)), padding.pad_block(bytes(plain)), padding.pad_note(bytes(plain))
    assert [len(each) for each in made] == [piece, block, note]


def test_the_length_comes_first_and_zeros_last() -> None:
    assert padding.pad_note(b"\xffab") == b"\0\0\0\x03\xffab" + bytes(57)


def test_nothing_and_a_step_that_is_full_come_off_as_well() -> None:
    assert padding.unpad(bytes(4)) == b""
    assert padding.unpad(b"\0\0\0\x02ab") == b"ab"


@pytest.mark.parametrize("damaged", [b"", bytes(3), b"\0\0\0\x01", b"\0\0\0\x03ab", b"\xff\xff\xff\xff123"])
def test_a_length_that_cannot_be_is_an_error(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the padding is damaged$"):
        padding.unpad(damaged)
