import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.dlms import ciphering
from meter_driver.errors import AuthenticationError, KeyMissing, MeterError, PayloadError, SecurityUnsupported
from meter_driver.framing import Keys
from tests.meter_driver.dlms.make import AUTH_KEY, KEY, LONG_KEY, TITLE, ciphered

PLAIN = b"\x0f" + bytes(range(200))


def unseal(apdu: bytes, key: bytes | None = KEY, auth_key: bytes | None = None) -> tuple[bytes, bool]:
    return ciphering.unseal(ciphering.take_apart(apdu), Keys(key, auth_key))


@pytest.mark.parametrize(("security", "key"), [(0x20, KEY), (0x21, KEY), (0x22, LONG_KEY)])
def test_every_suite_is_opened_without_a_tag(security: int, key: bytes) -> None:
    assert unseal(ciphered(PLAIN, security=security, key=key), key) == (PLAIN, False)


@pytest.mark.rule("IEC 62056-5-3: general-glo-ciphering, suites 0 and 1")
@pytest.mark.rule("IEC 62056-5-3: general-glo-ciphering, suite 2")
@pytest.mark.parametrize(("security", "key"), [(0x30, KEY), (0x31, KEY), (0x32, LONG_KEY), (0x70, KEY)])
def test_every_suite_is_opened_with_its_tag(security: int, key: bytes) -> None:
    assert unseal(ciphered(PLAIN, security=security, key=key), key, AUTH_KEY) == (PLAIN, True)


def test_a_tag_that_cannot_be_checked_is_passed_over() -> None:
    assert unseal(ciphered(PLAIN)) == (PLAIN, False)


@pytest.mark.rule("IEC 62056-5-3: authentication without encryption")
def test_what_is_only_authenticated_is_checked() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    tag = AESGCM(KEY).encrypt(TITLE + b"\x00\x00\x00\x2a", b"", b"\x10" + AUTH_KEY + PLAIN)[:12]
    content = b"\x10\x00\x00\x00\x2a" + PLAIN + tag
    apdu = b"\xdb\x08" + TITLE + b"\x81" + bytes([len(content)]) + content
    assert unseal(apdu, KEY, AUTH_KEY) == (PLAIN, True)
    with pytest.raises(AuthenticationError):
        unseal(apdu.replace(b"\x05\x06", b"\x06\x05"), KEY, AUTH_KEY)
    with pytest.raises(KeyMissing):
        unseal(apdu)


@pytest.mark.parametrize("at", [2, 9, 13, 14, 17, 20, -13, -12, -1])
def test_nothing_altered_passes_the_tag(at: int) -> None:
    apdu = bytearray(ciphered(PLAIN))
    apdu[at] ^= 0x40
    with pytest.raises(MeterError):
        unseal(bytes(apdu), KEY, AUTH_KEY)


def test_a_tag_that_was_taken_off_is_missed() -> None:
    with pytest.raises(AuthenticationError):
        unseal(ciphered(PLAIN, security=0x20), KEY, AUTH_KEY)


def test_the_wrong_keys_do_not_pass() -> None:
    with pytest.raises(AuthenticationError):
        unseal(ciphered(PLAIN), AUTH_KEY, AUTH_KEY)
    with pytest.raises(AuthenticationError):
        unseal(ciphered(PLAIN), KEY, KEY)


@pytest.mark.parametrize("key", [None, b"", KEY[:8], LONG_KEY])
def test_no_key_or_one_of_another_size_opens_nothing(key: bytes | None) -> None:
    with pytest.raises(KeyMissing):
        unseal(ciphered(PLAIN), key)


@pytest.mark.parametrize("security", [0x23, 0x2F, 0xA0, 0x00])
def test_what_is_not_known_is_not_guessed(security: int) -> None:
    with pytest.raises(SecurityUnsupported):
        unseal(ciphered(PLAIN, security=security))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 224))
def test_an_apdu_that_does_not_end_where_it_says_is_refused(size: int) -> None:
    apdu = ciphered(PLAIN)
    with pytest.raises(PayloadError):
        ciphering.take_apart(apdu[:size])
    with pytest.raises(PayloadError):
        ciphering.take_apart(apdu + b"\x00")


def test_keys_do_not_show_in_print() -> None:
    assert KEY.hex() not in repr(Keys(KEY, AUTH_KEY))
    assert "0" not in repr(Keys(KEY, AUTH_KEY))
