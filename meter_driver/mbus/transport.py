"""Transport layer of M-Bus telegrams, wired and wireless: from a CI field to plain records (EN 13757-7, clause 7).

A short header is access number, status and configuration field; a long one has the address of the meter in front.
Where radio or bus adapters send for a meter, the address of the long header is the meter's, that of the link is not.
"""

from collections.abc import Sequence

from msgspec import Struct, structs

from meter_driver.errors import PayloadError
from meter_driver.families import Families
from meter_driver.framing import Keyring
from meter_driver.mbus.address import link_address, meter_id
from meter_driver.mbus.application import (
    FIXED_SIZE,
    Application,
    HeaderLength,
    PayloadKind,
    application,
    fixed_structure,
)
from meter_driver.mbus.formats import Formats
from meter_driver.mbus.layout import Layout
from meter_driver.mbus.records import records
from meter_driver.mbus.scrambling import descrambled, in_order, is_scrambled
from meter_driver.mbus.security import SecuredPayload, mode_of, unseal
from meter_driver.mbus.values import RecordValue
from meter_driver.profiles import Family, Said, Sent
from meter_driver.reading import Quality, Reading, Telegram

FIXED_OR_COMPACT = 0x73
_VOID = Quality.NO_VALUE
_INFERRED = Quality.SCALER_ASSUMED | Quality.LAYOUT_INFERRED
_SHORT, _LONG = 4, 12
_NO_CONFIG = 0
_SIGNATURES = frozenset((6, 11, 12, 14, *range(16, 32)))
"""Modes that no edition defines: on a wire the field is the free "signature" of EN 1434-3, and nothing is sealed."""


class TransportMessage(Struct, frozen=True):
    """A transport message as a lower layer hands it over.

    Attributes:
        protocol: ``mbus`` or ``wmbus``.
        ci: CI field.
        data: what follows CI.
        address: manufacturer, identification, version, device type of the sender on the link; b"" on a wire.
        quality: what the layers below vouch for.
        counter: message counter of the authentication layer.
    """

    protocol: str
    ci: int
    data: bytes
    address: bytes
    quality: Quality
    counter: int | None = None


class Header(Struct, frozen=True):
    """A transport header, its length already taken off ``rest``. ``config`` is 0 where there is no header."""

    address: bytes
    access: int
    config: int
    raw: bytes
    rest: bytes


def header_of(message: TransportMessage) -> tuple[Application, Header]:
    """PayloadError when CI is no answer of a meter, or the telegram is shorter than the header."""
    app = application(message.ci)
    data = message.data
    if app.header is HeaderLength.NONE:
        return app, Header(message.address, 0, _NO_CONFIG, b"", data)
    size = _LONG if app.header is HeaderLength.LONG else _SHORT
    if len(data) < size:
        raise PayloadError("the telegram ends inside its transport header")
    address = message.address
    if size == _LONG:
        address = link_address(data[:8])
    raw = bytes([message.ci]) + data[:size]
    return app, Header(address, data[size - 4], int.from_bytes(data[size - 2 : size], "little"), raw, data[size:])


def telegram(message: TransportMessage, keys: Keyring, formats: Formats, families: Families) -> Telegram | None:
    """The readings of a message; None when it carries no application data.

    Raises PayloadError and the SecurityErrors of ``mbus.security.unseal``.
    """
    if message.ci == FIXED_OR_COMPACT and len(message.data) == FIXED_SIZE:
        number, counters = fixed_structure(message.data)
        return _telegram(message, number, counters, message.quality)
    app, header = header_of(message)
    if app.kind is PayloadKind.NOTHING:
        return None
    if not message.address and mode_of(header.config) in _SIGNATURES:
        header = structs.replace(header, config=_NO_CONFIG)
    if app.kind is PayloadKind.OWN:
        return _own(message, keys, families)
    if message.address and is_scrambled(header.address, message.ci, header.config):
        address = in_order(header.address)
        found = records(descrambled(header.address, header.raw, header.rest))
        return _telegram(message, meter_id(address), found, message.quality, None, address.hex().upper())
    title = header.address.hex().upper()
    sealed = SecuredPayload(header.address, header.access, header.config, header.raw, header.rest, message.counter)
    opened = unseal(sealed, keys(title).key if mode_of(header.config) else None, message.quality)
    payload = opened.payload
    if app.kind is PayloadKind.FORMAT:
        formats.learn(payload)
        return None
    if app.kind is PayloadKind.COMPACT:
        payload = formats.expand(payload)
    family = families.radio(message.ci, header.address) if message.address else None
    found, own = _contents(family, Sent(header.address, message.ci, payload)) if family else (records(payload), ())
    if app.kind is PayloadKind.RECORDS and (found or not own):
        (formats.keep if message.address else formats.note)(payload)
    meter = meter_id(header.address) if header.address else ""
    quality, counter = opened.quality, opened.counter
    if message.quality is Quality.AUTHENTICATED:  # by the layer below, over all of this message
        quality, counter = message.quality, message.counter if counter is None else counter
    read = _telegram(message, meter, found, quality, counter, title)
    return _with(read, own, quality) if own else read


def _contents(family: Family, sent: Sent) -> tuple[list[tuple[Layout, RecordValue]], Sequence[Said]]:
    """What the records of a payload say, and what a family of radio meters says beside them or instead of them."""
    if family.beside_records:
        return records(sent.data), family.read(sent) or ()
    own = family.read(sent)
    return (records(sent.data), ()) if own is None else ([], own)


def _own(message: TransportMessage, keys: Keyring, families: Families) -> Telegram:
    """An own application of a manufacturer; it has no transport header.

    Raises:
        PayloadError: an application of a family, or a layout, that is not known.
        AuthenticationError: the key does not open it.
    """
    family = families.radio(message.ci, message.address) if message.address else None
    address = family.in_order(message.address) if family else b""
    key = keys(address.hex().upper()).key if family and family.ciphered else None
    values = family.read(Sent(message.address, message.ci, message.data, key)) if family else None
    if values is None:
        raise PayloadError(f"CI {message.ci:02X}: a manufacturer's own application")
    quality = message.quality if key is None else Quality.ENCRYPTED_ONLY
    empty = _telegram(message, meter_id(address), [], quality, None, address.hex().upper())
    return _with(empty, values, quality)


def _with(read: Telegram, own: Sequence[Said], quality: Quality) -> Telegram:
    """The values of a family behind those of the records, which they do not repeat."""
    there = {reading.quantity for reading in read.readings}
    quality |= _INFERRED
    more = [
        Reading(read.meter, said.quantity, None, said.value, said.unit, None, quality)
        for said in own
        if said.quantity not in there
    ]
    return structs.replace(read, readings=(*read.readings, *more))


def _telegram(
    message: TransportMessage,
    meter: str,
    found: list[tuple[Layout, RecordValue]],
    quality: Quality,
    counter: int | None = None,
    title: str = "",
) -> Telegram:
    readings = tuple(
        [
            Reading(meter, said.name, None, value, said.unit, None, quality if value != said.void else quality | _VOID)
            for said, value in found
        ]
    )
    return Telegram(meter, None, readings, counter, title, message.protocol)
