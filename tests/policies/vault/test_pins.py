"""Pins: the digest by HMAC's own definition, one form for each row, and what the start makes of store and tree."""

import hashlib
import hmac
from struct import pack
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from policies.vault.pins import (
    NO_ROWS,
    Finding,
    KeptPin,
    Pin,
    PinKeys,
    canonical,
    found,
    moved,
)

SECRET, THIS, EARLIER = bytes(range(32)), b"r" * 16, b"e" * 16
NONCE = bytes(12)
cells = st.none() | st.binary(max_size=9) | st.text(max_size=9) | st.integers() | st.floats(allow_nan=False)
rows = st.dictionaries(st.text(max_size=3), cells, max_size=4)


def derived(scope: str) -> tuple[bytes, bytes, bytes]:
    """RFC 5869 by hand: extract with a salt of zeros, three blocks expanded."""
    info = b"metergate pins 1\0" + scope.encode()
    extracted = hmac.digest(bytes(32), SECRET, "sha256")
    first = hmac.digest(extracted, info + b"\x01", "sha256")
    second = hmac.digest(extracted, first + info + b"\x02", "sha256")
    return first, second, hmac.digest(extracted, second + info + b"\x03", "sha256")


def test_a_digest_is_the_sum_of_the_rows_hmacs() -> None:
    key, _, place = derived("*client")
    assert PinKeys(SECRET, "*client").place == place[:16].hex()
    some: list[dict[str, Any]] = [{"id": "a", "secret": b"\x00\xff", "turn": None}, {"id": "b", "until": 1.5, "n": -2}]
    forms = [canonical("client", row) for row in some]
    by_hand = sum(int.from_bytes(hmac.new(key, form, hashlib.sha256).digest(), "big") for form in forms) % 2**256
    assert PinKeys(SECRET, "*client").digest("client", some) == by_hand


def test_the_form_of_a_row_is_its_table_and_its_columns_by_name() -> None:
    form = canonical("t", {"b": b"\x01", "a": "x", "n": 7, "f": 0.5, "nothing": None})
    parts = [(b"s", b"t"), (b"s", b"a"), (b"s", b"x"), (b"s", b"b"), (b"b", b"\x01"), (b"s", b"f"), (b"f", b"0.5")]
    parts += [(b"s", b"n"), (b"i", b"7")]
    assert form == b"".join(kind + pack(">I", len(data)) + data for kind, data in parts)


def test_half_of_a_pair_of_surrogates_has_a_form_too() -> None:
    """A store gives it back as it was written."""
    assert canonical("t", {"a": "\ud800"}).endswith(b"s" + pack(">I", 3) + b"\xed\xa0\x80")


@given(rows, rows, st.text(max_size=2), st.text(max_size=2))
def test_two_rows_have_one_form_only_if_they_are_one_row(one: Any, two: Any, here: str, there: str) -> None:
    def shape(row: dict[str, Any]) -> Any:
        return {name: (type(value), repr(value)) for name, value in row.items() if value is not None}

    assert (canonical(here, one) == canonical(there, two)) == ((here, shape(one)) == (there, shape(two)))


@given(st.lists(rows), st.lists(rows), st.randoms())
def test_a_digest_moves_with_what_was_touched_and_knows_no_order(stay: Any, come: Any, random: Any) -> None:
    keys = PinKeys(SECRET, "s")
    every = [*stay, *come]
    random.shuffle(every)
    after = moved(Pin(4, keys.digest("t", stay)), 0, keys.digest("t", come))
    assert after == (5, keys.digest("t", every))
    assert moved(after, keys.digest("t", come), 0) == (6, keys.digest("t", stay))


def test_a_kept_pin_is_number_digest_and_run_under_its_scopes_own_key() -> None:
    sealed = PinKeys(SECRET, "a").seal(NONCE, KeptPin(Pin(3, 2**255 + 1), THIS))
    plain = pack(">Q", 3) + (2**255 + 1).to_bytes(32, "big") + THIS
    assert sealed == NONCE + AESGCM(derived("a")[1]).encrypt(NONCE, plain, b"metergate kept pin 1\0a")


def test_a_sum_of_rows_is_sealed_under_its_scopes_own_key_and_bound_to_what_it_is_about() -> None:
    keys, digest = PinKeys(SECRET, "a"), 2**255 + 1
    sealed = keys.seal_sum(NONCE, "h1", digest)
    assert sealed == NONCE + AESGCM(derived("a")[1]).encrypt(
        NONCE, digest.to_bytes(32, "big"), b"metergate sum 1\0a\0h1"
    )
    assert keys.open_sum("h1", sealed) == digest
    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for other, about, box in ((keys, "h2", sealed), (PinKeys(SECRET, "b"), "h1", sealed), (keys, "h1", damaged)):
        with pytest.raises(ValueError, match=r"^not sealed with this key for this place$"):
            other.open_sum(about, box)


def test_another_scope_or_secret_gives_another_digest_and_opens_nothing() -> None:
    keys, row = PinKeys(SECRET, "a"), {"id": "x"}
    sealed = keys.seal(NONCE, KeptPin(Pin(3, 2**255), THIS))
    assert keys.open(sealed) == ((3, 2**255), THIS)
    for other in (PinKeys(SECRET, "b"), PinKeys(bytes(32), "a")):
        assert other.digest("t", [row]) != keys.digest("t", [row])
        with pytest.raises(ValueError, match=r"^not sealed with this key for this place$"):
            other.open(sealed)
    with pytest.raises(ValueError, match=r"^not sealed with this key for this place$"):
        keys.open(sealed[:-1] + bytes([sealed[-1] ^ 1]))


@pytest.mark.parametrize(
    ("pinned", "kept", "digest", "says"),
    [
        (Pin(5, 7), KeptPin(Pin(5, 7), EARLIER), 7, Finding.CURRENT),
        (Pin(5, 7), KeptPin(Pin(5, 7), THIS), 8, Finding.ALTERED),
        (Pin(5, 7), KeptPin(Pin(5, 8), THIS), 8, Finding.ALTERED),
        (Pin(5, 7), KeptPin(Pin(5, 8), THIS), 7, Finding.ALTERED),
        (Pin(5, 7), KeptPin(Pin(4, 7), THIS), 7, Finding.OLDER),
        (Pin(5, 7), KeptPin(Pin(6, 8), THIS), 8, Finding.AHEAD),
        (Pin(5, 7), KeptPin(Pin(9, 8), THIS), 8, Finding.AHEAD),
        (Pin(5, 7), KeptPin(Pin(6, 8), EARLIER), 8, Finding.ALTERED),
        (Pin(5, 7), KeptPin(Pin(6, 8), THIS), 7, Finding.ALTERED),
        (Pin(5, 7), None, 7, Finding.OLDER),
        (Pin(0, 7), None, 7, Finding.CURRENT),
        (Pin(0, 7), None, 8, Finding.ALTERED),
        (NO_ROWS, None, 0, Finding.CURRENT),
        (NO_ROWS, None, 1, Finding.ALTERED),
    ],
)
def test_a_store_counts_where_it_is_current_or_one_crash_ahead(
    pinned: Pin, kept: KeptPin | None, digest: int, says: Finding
) -> None:
    assert found(pinned, THIS, kept, digest) is says
