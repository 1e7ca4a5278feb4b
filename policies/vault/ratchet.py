"""The two-level forward ratchet: one key for each day of a class, of which the oldest can be thrown away.

``month[m+1] = H("month", month[m])``, ``day[m,1] = H("first day", month[m])``, ``day[m,d+1] = H("day", day[m,d])``,
and the key that seals a day is ``use[m,d] = H("use", day[m,d])``. Held are the oldest ``day[m,d]`` and ``month[m+1]``:
all later days follow from them, no earlier one does. Expiring a day is one hash; a day in the middle is erased by
expanding its month into the ``use`` keys of its other days. Fresh randomness starts another chain at the first of
a month, so that a stolen chain ends there.

``H(label, key)`` is HKDF-Expand of RFC 5869 section 2.3 with SHA-256, L = 32, PRK = key and info = label, that is
HMAC-SHA-256(key, label || 0x01). Chains of one-way steps as in Signal's double ratchet, section 2.2 (symmetric-key
ratchet), without the Diffie-Hellman part. Days are UTC. Randomness is an argument.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from struct import Struct

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEY_BYTES = 32
_LABEL = "metergate ratchet 1 "
_NEXT_MONTH, _FIRST_DAY, _NEXT_DAY, _USE = ((_LABEL + step).encode() for step in ("month", "first day", "day", "use"))
_ONE_DAY = timedelta(days=1)
_LAYOUT = Struct(">BII32s")
_OPEN = 0
"""An end that is open, in the layout."""


class DayGone(Exception):
    """The day lies before the oldest that is held, or was erased: its key is not there and cannot be made."""


class Grain(IntEnum):
    """What a link holds."""

    MONTHS = 1
    """``month[m]`` of its first month; later months follow."""
    DAYS = 2
    """``day[m,d]`` of its first day; later days of the same month follow."""
    DAY = 3
    """``use[m,d]`` of one day; nothing follows."""


@dataclass(frozen=True, slots=True)
class KeyLink:
    """Key material for the days in [begin, end); ``end`` None is open (``MONTHS`` only)."""

    kind: Grain
    begin: date
    end: date | None
    key: bytes

    def holds(self, day: date) -> bool:
        return self.begin <= day and (self.end is None or day < self.end)


Chain = tuple[KeyLink, ...]
"""Links in the order of days, without overlap; a gap was erased. Empty: nothing can be opened, ever again."""


def start(day: date, randomness: bytes) -> Chain:
    """A fresh chain whose oldest day is ``day``. ``randomness``: 32 bytes from the system."""
    _check(randomness)
    return expire((KeyLink(Grain.MONTHS, day.replace(day=1), None, randomness),), day)


def oldest(chain: Chain) -> date | None:
    """The oldest day whose key can be made; None of an empty chain."""
    return chain[0].begin if chain else None


def day_key(chain: Chain, day: date) -> bytes:
    """The 32 bytes that seal this day. Raises ``DayGone``."""
    for link in chain:
        if link.holds(day):
            if link.kind is Grain.DAY:
                return link.key
            days = link if link.kind is Grain.DAYS else _open_month(link, day)[0]
            return _expand(_walk(days, day).key, _USE)
    raise DayGone("the day is not held")


def expire(chain: Chain, day: date) -> Chain:
    """The chain without any day before ``day``. Never gives anything back: an earlier ``day`` changes nothing."""
    kept: list[KeyLink] = []
    for link in chain:
        if link.end is not None and link.end <= day:
            continue
        if day <= link.begin:
            kept.append(link)
        elif link.kind is Grain.MONTHS:
            days, months = _open_month(link, day)
            kept += [_walk(days, day), *months]
        else:
            kept.append(_walk(link, day))
    return tuple(kept)


def erase(chain: Chain, day: date) -> Chain:
    """The chain without this one day: its month is expanded into the keys of its other days."""
    kept: list[KeyLink] = []
    for link in chain:
        if not link.holds(day):
            kept.append(link)
        elif link.kind is Grain.DAYS:
            kept += [leaf for leaf in _leaves(link) if leaf.begin != day]
        elif link.kind is Grain.MONTHS:
            earlier = _months_before(link, day)
            days, months = _open_month(link, day)
            kept += [*earlier, *(leaf for leaf in _leaves(days) if leaf.begin != day), *months]
    return tuple(kept)


def reseed(chain: Chain, month: date, randomness: bytes) -> Chain:
    """Fresh randomness from the first of ``month`` on. ``month`` must be one in which nothing was sealed yet.

    Raises ``ValueError`` when the chain's newest link begins in that month or later: it would be lost.
    """
    _check(randomness)
    begin = month.replace(day=1)
    if not chain:
        return chain
    last = chain[-1]
    if last.kind is not Grain.MONTHS or last.begin >= begin:
        raise ValueError("fresh randomness comes after the newest month")
    ended = KeyLink(Grain.MONTHS, last.begin, begin, last.key)
    return (*chain[:-1], ended, KeyLink(Grain.MONTHS, begin, None, randomness))


def encode(chain: Chain) -> bytes:
    """41 bytes a link: kind, first day, end (0 is open; both as proleptic ordinals, big endian), key."""
    return b"".join(
        _LAYOUT.pack(link.kind, link.begin.toordinal(), link.end.toordinal() if link.end else _OPEN, link.key)
        for link in chain
    )


def decode(data: bytes) -> Chain:
    """The reverse. Raises ``ValueError``."""
    if len(data) % _LAYOUT.size:
        raise ValueError("a chain is a whole number of links")
    return tuple(
        KeyLink(Grain(kind), date.fromordinal(begin), date.fromordinal(end) if end else None, key)
        for kind, begin, end, key in _LAYOUT.iter_unpack(data)
    )


def next_month(day: date) -> date:
    """The first of the month after this day's."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _expand(key: bytes, label: bytes) -> bytes:
    return HKDFExpand(SHA256(), KEY_BYTES, label).derive(key)


def _months_before(link: KeyLink, day: date) -> list[KeyLink]:
    """The months of a link before ``day``'s month, one ``DAYS`` each; they cannot share a key that leads to it."""
    found: list[KeyLink] = []
    while next_month(link.begin) <= day:
        days, rest = _open_month(link, link.begin)
        found.append(days)
        link = rest[0]
    return found


def _open_month(link: KeyLink, day: date) -> tuple[KeyLink, list[KeyLink]]:
    """``day``'s month of a ``MONTHS`` link as ``DAYS``, and what comes after it (none when the link ends there)."""
    begin, key = link.begin, link.key
    while (after := next_month(begin)) <= day:
        begin, key = after, _expand(key, _NEXT_MONTH)
    days = KeyLink(Grain.DAYS, begin, after, _expand(key, _FIRST_DAY))
    if link.end is not None and after >= link.end:
        return days, []
    return days, [KeyLink(Grain.MONTHS, after, link.end, _expand(key, _NEXT_MONTH))]


def _walk(link: KeyLink, day: date) -> KeyLink:
    key = link.key
    for _ in range((day - link.begin).days):
        key = _expand(key, _NEXT_DAY)
    return KeyLink(link.kind, day, link.end, key)


def _leaves(link: KeyLink) -> Iterator[KeyLink]:
    assert link.end is not None
    while link.begin < link.end:
        yield KeyLink(Grain.DAY, link.begin, link.begin + _ONE_DAY, _expand(link.key, _USE))
        link = _walk(link, link.begin + _ONE_DAY)


def _check(randomness: bytes) -> None:
    if len(randomness) != KEY_BYTES:
        raise ValueError(f"a chain starts from {KEY_BYTES} random bytes")
