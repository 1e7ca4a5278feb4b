"""The key states of one household as they lie in the tree: ratchets for the series, plain keys for the rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from struct import Struct

from policies.terms import SERIES_CLASSES, DetailClass
from policies.vault import ratchet
from policies.vault.pins import Pin
from policies.vault.ratchet import Chain
from policies.vault.seal import CLASS_CODES, CLASS_OF_CODE

KEPT_AFTER_ERASURE = frozenset({DetailClass.LEGAL, DetailClass.LEDGER})
SEED_AGE = timedelta(days=365)
PIN_CODE = 255
"""Beside the codes of the classes."""
_ENTRY, _PIN = Struct(">BH"), Struct(">Q32s")

Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, repr=False)
class States:
    """``chains`` by series class, ``keys`` for identity and ledger. A class that is not there is gone for good.

    ``pin``: of the grounds that stand; None when none was ever written.
    """

    chains: Mapping[DetailClass, Chain]
    keys: Mapping[DetailClass, bytes]
    pin: Pin | None = None

    @property
    def erased(self) -> bool:
        """Whether only what a statute or the books need is left."""
        return not (self.chains.keys() | self.keys.keys()) - KEPT_AFTER_ERASURE

    def key(self, detail: DetailClass, day: date) -> bytes | None:
        """The key of a day; None when the class is gone. Raises ``ratchet.DayGone``."""
        chain = self.chains.get(detail)
        return None if chain is None else ratchet.day_key(chain, day)


def fresh(first: Mapping[DetailClass, date], randomness: Randomness) -> States:
    """For a new tenancy: ``first`` is the oldest day of each series class."""
    chains = {detail: ratchet.start(first[detail], randomness(ratchet.KEY_BYTES)) for detail in SERIES_CLASSES}
    keys = {detail: randomness(32) for detail in (DetailClass.IDENTITY, DetailClass.LEDGER)}
    return States(chains, keys)


def without(states: States) -> States:
    """After an erasure."""
    return replace(
        states,
        chains={detail: chain for detail, chain in states.chains.items() if detail in KEPT_AFTER_ERASURE},
        keys={detail: key for detail, key in states.keys.items() if detail in KEPT_AFTER_ERASURE},
    )


def pinned(states: States, pin: Pin) -> States:
    """With a pin of a later change; one that is known, or an earlier one, changes nothing."""
    return states if later(states.pin, pin) is states.pin else replace(states, pin=pin)


def later(pin: Pin | None, other: Pin) -> Pin:
    """Of two pins of one scope that of the later change; the first where the numbers are the same."""
    return other if pin is None or other.number > pin.number else pin


def without_day(states: States, day: date) -> States:
    """One UTC day erased in every series class but ``legal``."""
    return replace(
        states,
        chains={
            detail: chain if detail in KEPT_AFTER_ERASURE else ratchet.erase(chain, day)
            for detail, chain in states.chains.items()
        },
    )


def moved_on(states: States, first: Mapping[DetailClass, date], today: date, randomness: Randomness) -> States:
    """Expired up to ``first`` of each class, and with fresh randomness where the last is older than a year.

    It begins with the month after the next: nothing is sealed there yet, whatever a clock says.
    """
    chains = {}
    for detail, chain in states.chains.items():
        chain = ratchet.expire(chain, first[detail])
        if chain and chain[-1].begin <= today - SEED_AGE:
            begin = ratchet.next_month(ratchet.next_month(today))
            chain = ratchet.reseed(chain, begin, randomness(ratchet.KEY_BYTES))
        chains[detail] = chain
    return replace(states, chains=chains)


def encode(states: States) -> bytes:
    """Of each class: u8 code, u16 length, its chain or its key. Then the pin, if any, in the same way. Big endian."""
    parts = {**{detail: ratchet.encode(chain) for detail, chain in states.chains.items()}, **states.keys}
    coded = {CLASS_CODES[detail]: data for detail, data in parts.items()}
    if states.pin is not None:
        coded[PIN_CODE] = pin_bytes(states.pin)
    return b"".join(_ENTRY.pack(code, len(data)) + data for code, data in coded.items())


def pin_bytes(pin: Pin) -> bytes:
    """u64 number, 32 bytes digest."""
    return _PIN.pack(pin.number, pin.digest.to_bytes(32, "big"))


def pin_of(data: bytes) -> Pin:
    """The reverse. Raises ``struct.error``."""
    number, digest = _PIN.unpack(data)
    return Pin(number, int.from_bytes(digest, "big"))


def decode(data: bytes) -> States:
    """The reverse. Raises ``ValueError`` or ``struct.error``."""
    chains: dict[DetailClass, Chain] = {}
    keys: dict[DetailClass, bytes] = {}
    pin: Pin | None = None
    offset = 0
    while offset < len(data):
        code, length = _ENTRY.unpack_from(data, offset)
        offset += _ENTRY.size
        part = data[offset : offset + length]
        offset += length
        if code == PIN_CODE:
            pin = pin_of(part)
        elif (detail := CLASS_OF_CODE[code]) in SERIES_CLASSES:
            chains[detail] = ratchet.decode(part)
        else:
            keys[detail] = part
    return States(chains, keys, pin)


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What an erasure destroyed: numbers for the certificate, by class."""

    days: dict[DetailClass, int]
    pieces: int
    recovery_until: datetime | None
