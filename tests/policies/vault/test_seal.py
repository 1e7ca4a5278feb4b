"""What is sealed opens in its place only, and its padding tells little of its length."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.terms import DetailClass
from policies.vault import padding, seal

KEY, NONCE = AESGCM(bytes(32)), bytes(range(12))
PLACE = ("a" * 32, DetailClass.LIVE, 739000, 7, 0)


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
