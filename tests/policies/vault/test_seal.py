"""What is sealed opens in its place only."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.terms import DetailClass
from policies.vault import seal

KEY, NONCE = AESGCM(bytes(32)), bytes(range(12))
PLACE = ("a" * 32, DetailClass.LIVE, 739000, 7, 0)


def test_what_was_sealed_opens_in_its_place() -> None:
    sealed = seal.seal(KEY, NONCE, seal.place(*PLACE), b"plain")
    assert seal.unseal(KEY, seal.place(*PLACE), sealed) == b"plain"
    assert len(sealed) == len(b"plain") + seal.OVERHEAD


@pytest.mark.gdpr("5(1)(f)")
@pytest.mark.parametrize(
    ("part", "other"),
    [(0, "b" * 32), (1, DetailClass.QUARTER), (2, 739001), (3, 8), (4, 1)],
    ids=["household", "class", "day", "version", "pieces"],
)
def test_another_place_does_not_open_it(part: int, other: object) -> None:
    sealed = seal.seal(KEY, NONCE, seal.place(*PLACE), b"plain")
    moved = [*PLACE]
    moved[part] = other
    with pytest.raises(ValueError, match=r"^the seal does not fit$"):
        seal.unseal(KEY, seal.place(*moved), sealed)  # type: ignore[arg-type]


@pytest.mark.gdpr("32(1)(a)")
@given(st.data())
@settings(max_examples=40)
def test_a_changed_byte_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(seal.seal(KEY, NONCE, seal.place(*PLACE), b"plain"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match=r"^the seal does not fit$"):
        seal.unseal(KEY, seal.place(*PLACE), bytes(sealed))


def test_identity_and_series_never_share_a_place() -> None:
    assert not seal.place(*PLACE).startswith(seal.place_about("", DetailClass.LIVE, "")[:15])


def test_what_is_bound_is_byte_for_byte_what_lies_in_stores_already() -> None:
    """Another byte, and nothing that was sealed before opens any more."""
    assert seal.place("abc", DetailClass.QUARTER, 739000, 7, 2) == (
        b"metergate series 1\0" + b"\x02" + (739000).to_bytes(4, "big") + bytes(7) + b"\x07" + b"\0\0\0\x02" + b"abc"
    )
    assert seal.place_about("abc", DetailClass.LEDGER, "12") == b"metergate about 1\0" + b"\x06" + b"abc\x0012"


def test_every_class_has_a_number_of_its_own_that_never_changes() -> None:
    assert [seal.CLASS_CODES[detail] for detail in DetailClass] == [1, 2, 3, 4, 5, 6]
