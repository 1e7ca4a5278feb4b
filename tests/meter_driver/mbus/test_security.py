"""Security modes of EN 13757-7 on vectors of our own: each opens with its key and with nothing else."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.errors import SegmentError
from meter_driver.mbus.authentication import LONGEST_MESSAGE, MOST_SENDERS, Fragment, Reassembly
from meter_driver.reading import FrameRejected, Quality
from tests.meter_driver.mbus.make import (
    ADDRESS,
    KEY,
    LONG_HEADER,
    OTHER_KEY,
    RECORDS,
    authenticated,
    cmac,
    events,
    examples,
    filled,
    in_fragments,
    kinds,
    link_ctr,
    long_frame,
    mode_5,
    mode_7,
    mode_9,
    mode_10,
    radio,
    short_header,
    telegrams,
    values,
)
from tests.meter_driver.mbus.test_frames import READINGS

SEALED: dict[str, tuple[bytes, Quality, int | None]] = {
    "mode 5": (mode_5(RECORDS), Quality.ENCRYPTED_ONLY, None),
    "mode 5 with a code": (authenticated(mode_5(RECORDS)), Quality.AUTHENTICATED, 7),
    "mode 7": (authenticated(mode_7(RECORDS)), Quality.AUTHENTICATED, 7),
    "mode 7, code of 16": (authenticated(mode_7(RECORDS), size=16), Quality.AUTHENTICATED, 7),
    "mode 9": (mode_9(RECORDS), Quality.AUTHENTICATED, 7),
    "mode 10": (mode_10(RECORDS), Quality.AUTHENTICATED, 7),
    "mode 10, tag of 16": (mode_10(RECORDS, tag=16), Quality.AUTHENTICATED, 7),
    "mode 10, key as it is": (mode_10(RECORDS, derive=False), Quality.AUTHENTICATED, 7),
    "link": (link_ctr(b"\x78" + RECORDS), Quality.ENCRYPTED_ONLY, None),
    "link around mode 5": (link_ctr(mode_5(RECORDS)), Quality.ENCRYPTED_ONLY, None),
}
TAGGED = [name for name, (_, quality, _) in SEALED.items() if quality is Quality.AUTHENTICATED]


def test_the_code_is_that_of_rfc_4493() -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert cmac(key, bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")).hex() == "070a16b46b4d4144f79bdd9dd04a287c"


@pytest.mark.rule("EN 13757-4 extended link layer, AES-CTR")
@pytest.mark.rule("EN 13757-7 security mode 5")
@pytest.mark.rule("EN 13757-7 security mode 9")
@pytest.mark.rule("EN 13757-7 security mode 10")
@pytest.mark.parametrize("name", SEALED)
def test_the_key_opens_it_and_the_quality_says_how_much_is_proven(name: str) -> None:
    message, quality, counter = SEALED[name]
    (telegram,) = telegrams(radio(message), key=KEY)
    assert values(telegram) == READINGS
    assert {reading.quality for reading in telegram.readings} == {quality}
    assert telegram.counter == counter


@pytest.mark.parametrize("name", SEALED)
def test_another_key_gives_no_reading(name: str) -> None:
    assert telegrams(radio(SEALED[name][0]), key=OTHER_KEY) == []
    assert kinds(radio(SEALED[name][0]), key=OTHER_KEY) == ["not-authentic"]


@pytest.mark.parametrize("name", SEALED)
def test_no_key_gives_no_reading(name: str) -> None:
    assert kinds(radio(SEALED[name][0])) == ["no-key"]


@pytest.mark.parametrize("name", SEALED)
@pytest.mark.parametrize("key", [b"", KEY[:8], KEY * 2])
def test_a_key_of_another_size_is_named(name: str, key: bytes) -> None:
    assert kinds(radio(SEALED[name][0]), key=key) == ["security-unsupported"]


@examples(80)
@given(st.sampled_from(TAGGED), st.data())
def test_one_flipped_bit_behind_a_tag_gives_no_reading(name: str, data: st.DataObject) -> None:
    message = bytearray(SEALED[name][0])
    at = data.draw(st.integers(1, len(message) - 1))
    message[at] ^= 1 << data.draw(st.integers(0, 7))
    found = telegrams(radio(bytes(message)), key=KEY)
    # the key information byte of mode 7, the access number and the status are not all behind the tag
    assert found == [] or [values(telegram) for telegram in found] == [READINGS]


@pytest.mark.parametrize("seal", [mode_5, mode_9, mode_10])
def test_a_short_header_on_a_wire_has_no_address_to_open_it_by(seal: Callable[[bytes], bytes]) -> None:
    message = seal(RECORDS)
    assert kinds(long_frame(message[0], message[1:]), key=KEY) == ["security-unsupported"]


def test_the_authentication_layer_works_on_a_wire_too() -> None:
    message = mode_7(RECORDS)
    layer = authenticated(b"\x72" + LONG_HEADER + message[1:])
    (telegram,) = telegrams(long_frame(layer[0], layer[1:]), key=KEY)
    assert values(telegram) == READINGS
    assert telegram.readings[0].quality == Quality.AUTHENTICATED
    assert kinds(long_frame(layer[0], layer[1:]), key=OTHER_KEY) == ["not-authentic"]
    assert kinds(long_frame(0x90, layer[1:-1] + b"\x00"), key=KEY) == ["not-authentic"]


@pytest.mark.rule("EN 13757-7 security mode 7, key derivation function A")
def test_the_counter_decides_the_key_of_modes_7_and_10() -> None:
    wrong = authenticated(mode_7(RECORDS, counter=8), counter=7)
    assert kinds(radio(wrong), key=KEY) == ["not-authentic"]
    moved = bytearray(mode_10(RECORDS))
    moved[7] ^= 1
    assert kinds(radio(bytes(moved)), key=KEY) == ["not-authentic"]


@pytest.mark.parametrize(
    ("config", "body"),
    [
        *((mode << 8, b"\x00" + RECORDS) for mode in (1, 2, 3, 4, 15)),
        (0x0D00, b"\x00" + RECORDS),
        (0x0800, b"\x00" + RECORDS),
        (0x1000, RECORDS),
        (0x0100, RECORDS),
        (0x05F0, filled(RECORDS)),
        (0x0720, b"\x10" + filled(RECORDS)),
        (0x0720, b"\x00" + filled(RECORDS)),
        (0x0720, b""),
        (0x2901, b"\x05\x00" + bytes(20)),
        (0x2901, b"\x00"),
        (0x0AFF, b"\x10\x01"),
        (0x0AFF, b"\x30\x01" + bytes(40)),
        (0x0A01, b"\x10\x01" + bytes(40)),
    ],
)
def test_what_is_not_known_or_does_not_fit_is_unsupported(config: int, body: bytes) -> None:
    assert kinds(radio(short_header(body, config=config)), key=KEY) == ["security-unsupported"]


def test_mode_13_is_reported_as_needing_a_session() -> None:
    (event,) = events(radio(short_header(b"\x00" + RECORDS, config=0x0D00)), key=KEY)
    assert isinstance(event, FrameRejected)
    assert "TLS session" in event.detail


@pytest.mark.parametrize(("config", "body"), [(0x0520, filled(RECORDS)), (0x0720, b"\x10" + filled(RECORDS))])
def test_a_payload_recorded_after_deciphering_is_read_without_a_key_but_proves_nothing(
    config: int, body: bytes
) -> None:
    (telegram,) = telegrams(radio(short_header(body, config=config)))
    assert values(telegram) == READINGS
    assert telegram.readings[0].quality == Quality.UNCHECKED
    assert telegrams(radio(short_header(body, config=config)), key=KEY) == []


def test_records_in_clear_behind_enciphered_ones_are_marked() -> None:
    (telegram,) = telegrams(radio(mode_5(RECORDS) + bytes.fromhex("01fd1700")), key=KEY)
    assert telegram.readings[0].quality == Quality.ENCRYPTED_ONLY | Quality.UNCHECKED


@pytest.mark.rule("EN 13757-7 clause 6 authentication and fragmentation")
def test_fragments_give_one_message_and_their_code_covers_all_of_it() -> None:
    frames = in_fragments(mode_7(RECORDS), 3)
    (telegram,) = telegrams(*frames, key=KEY)
    assert values(telegram) == READINGS
    assert telegram.readings[0].quality == Quality.AUTHENTICATED
    damaged = frames[1][:-1] + bytes([frames[1][-1] ^ 1])
    assert kinds(frames[0], damaged, frames[2], key=KEY) == ["not-authentic"]


def test_fragments_on_a_wire_give_one_message_too() -> None:
    message = mode_7(RECORDS)
    frames = in_fragments(b"\x72" + LONG_HEADER + message[1:], 3)
    (telegram,) = telegrams(*(long_frame(frame[10], frame[11:]) for frame in frames), key=KEY)
    assert values(telegram) == READINGS
    assert telegram.readings[0].quality == Quality.AUTHENTICATED


def test_an_authentication_layer_without_a_code_proves_nothing_and_its_counter_does_not_count() -> None:
    layer = b"\x90\x07\x00\x28\x20\x07\x00\x00\x00"
    (telegram,) = telegrams(radio(layer + mode_5(RECORDS)), key=KEY)
    assert values(telegram) == READINGS
    assert (telegram.readings[0].quality, telegram.counter) == (Quality.ENCRYPTED_ONLY, None)
    (telegram,) = telegrams(radio(layer + mode_7(RECORDS)), key=KEY)
    assert telegram.readings[0].quality == Quality.ENCRYPTED_ONLY


def test_mode_5_with_no_block_enciphered_proves_nothing_even_behind_a_key() -> None:
    (telegram,) = telegrams(radio(short_header(RECORDS, config=0x0500)), key=KEY)
    assert values(telegram) == READINGS
    assert telegram.readings[0].quality == Quality.UNCHECKED
    assert kinds(radio(short_header(RECORDS, config=0x0500))) == ["no-key"]


def test_the_configuration_field_says_how_many_blocks_are_enciphered() -> None:
    sealed = mode_5(b"\x0c\x13\x78\x56\x34\x12")  # one block
    (telegram,) = telegrams(radio(sealed + RECORDS[6:]), key=KEY)
    assert values(telegram) == READINGS
    assert telegram.readings[0].quality == Quality.ENCRYPTED_ONLY | Quality.UNCHECKED


def _without(index: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda frames: frames[:index] + frames[index + 1 :]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (_without(0), ["segment", "segment"]),
        (_without(1), ["segment"]),
        (_without(2), ["segment"]),
        (lambda frames: [frames[0], frames[1], frames[1], frames[2]], ["segment", "segment"]),
        (lambda frames: frames[::-1], ["segment", "segment", "segment"]),
    ],
)
def test_a_fragment_that_is_missing_doubled_or_out_of_order_gives_no_reading(
    change: Callable[[list[bytes]], list[bytes]], kind: list[str]
) -> None:
    frames = change(in_fragments(mode_7(RECORDS), 3))
    assert telegrams(*frames, key=KEY) == []
    assert kinds(*frames, key=KEY) == kind


def test_the_fragments_that_wait_are_bounded() -> None:
    senders = [bytes.fromhex("932c") + n.to_bytes(4, "little") + b"\x1b\x16" for n in range(20)]
    first, _ = in_fragments(mode_7(RECORDS), 2)
    begun = [first[:2] + sender + first[10:] for sender in senders]
    assert kinds(*begun, key=KEY) == ["segment"] * MOST_SENDERS


def test_a_message_in_fragments_is_bounded() -> None:
    waiting, piece = Reassembly(), LONGEST_MESSAGE // 4
    for number in range(1, 5):
        assert waiting.add(ADDRESS, Fragment(number, True, None, b"", b"", b"", bytes(piece))) is None
    with pytest.raises(SegmentError, match="more than"):
        waiting.add(ADDRESS, Fragment(5, False, None, b"", b"", b"", b"\x00"))
    assert waiting.give_up() == []
