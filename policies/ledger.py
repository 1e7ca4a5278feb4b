"""The disclosure ledger's arithmetic: what an entry says, what binds its words to its leaf, and the hash chain.

Leaves are those of RFC 9162, ``SHA-256(0x00 || sealed[n])``. Two things are made of them: a plain chain, which costs a
hash an entry and is walked, ``hash[n] = SHA-256(0x01 || hash[n-1] || n || leaf[n])``; and the Merkle tree of that RFC,
by which a household proves its entry (``policies.merkle``). Checkpoints sign ``n``, ``hash[n]`` and the tree's root.

What is ``sealed`` begins with a commitment, ``SHA-256`` of the plain words, which hold a salt: so whoever is shown them
can tell that they are those of the leaf, without any key. Entries of before have none; their length tells.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import msgspec

from policies.cohorts import CohortDay
from policies.grounds import Scope
from policies.terms import AS_RECEIVED, Grant, ReleaseRequest, SubjectId
from policies.vault.seal import OVERHEAD

GENESIS = bytes(32)
"""``hash[0]``: before the first entry."""

ChainLink = tuple[int, bytes]
"""An entry's number (from 1) and the chain's hash there."""


class LedgerEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the household reads under "Who saw it". Sealed under its own ledger key; holds no value of a meter.

    ``kind`` is ``release``, ``given``, ``withdrawn``, ``ended`` (by its time), ``erased``, or ``shown`` (figures of a
    cohort, for all of its members, not sealed); and what was done by the household and the operator: ``own`` (the
    household fetched its own values), ``code`` (the operator had a login code made), ``login``. Instants are UTC.
    ``start`` and ``end`` are the period of the values (release, own; in whole days; shown), or of the ground's validity
    (given). ``whole``: a release that may have been about all that its ground covers, of a day with many questions.
    """

    kind: str
    at: datetime
    recipient: str
    purpose: str
    ground: str
    ground_kind: str
    quantities: tuple[str, ...]
    resolution: float
    level: str
    start: datetime
    end: datetime
    reference: str = ""
    whole: bool = False


_STEP = 256
_COMMITMENT = 32


def encode(entry: LedgerEntry, *, salt: str = "") -> bytes:
    """JSON, padded with blanks to a multiple of 256 so that the length says little.

    ``salt``: random, for what is committed to; nobody guesses the words by their hash.
    """
    plain = msgspec.json.encode(entry)
    if salt:
        plain = plain[:-1] + b',"salt":"%s"}' % salt.encode()
    return plain + b" " * (-len(plain) % _STEP)


def bound(plain: bytes, cipher: bytes) -> bytes:
    """What the ledger holds of an entry: the commitment to its words, and these sealed."""
    return sha256(plain).digest() + cipher


def unbound(sealed: bytes) -> bytes:
    """The sealed words alone."""
    return sealed[_COMMITMENT:] if len(sealed) % _STEP == _COMMITMENT + OVERHEAD else sealed


def binds(sealed: bytes, plain: bytes) -> bool:
    """Whether what the ledger holds says that these are its words; of figures of a cohort it is the words."""
    return sealed in (plain, bound(plain, unbound(sealed)))


def decode(plain: bytes) -> LedgerEntry:
    """Raises ``msgspec.DecodeError`` when it is none."""
    return msgspec.json.decode(plain, type=LedgerEntry)


def released(grant: Grant, at: datetime, *, ground_kind: str) -> LedgerEntry:
    """The entry for a grant, before the first byte."""
    return LedgerEntry(
        kind="release",
        at=at,
        recipient=grant.recipient,
        purpose=grant.purpose.value,
        ground=grant.ground,
        ground_kind=ground_kind,
        quantities=tuple(sorted(grant.quantities)),
        resolution=grant.resolution.total_seconds(),
        level=grant.level.value,
        start=grant.period.start,
        end=grant.period.end,
        reference=grant.reference,
    )


def shown(question: ReleaseRequest, cohorts: Iterable[CohortDay], at: datetime) -> list[LedgerEntry]:
    """The entries for figures of a neighbourhood: that a day of a cohort is open to a recipient.

    They name no household. All of the day and all quantities: what is asked for first says little about what is asked
    for later.
    """
    return [
        LedgerEntry(
            kind="shown",
            at=at,
            recipient=question.recipient,
            purpose=question.purpose.value,
            ground="",
            ground_kind="consent",
            quantities=tuple(sorted(each.quantities)),
            resolution=each.interval.total_seconds(),
            level=question.level.value,
            start=each.day.start,
            end=each.day.end,
            reference=each.name,
        )
        for each in cohorts
    ]


MOST_OF_A_DAY = 8
"""Releases by one ground of which a day has entries of their own. One more is about all that the ground covers, and
stands for every question of the rest of the day: whoever asks a thousand times fills no ledger, and washes nothing off.
"""


def needed(today: Sequence[LedgerEntry], asked: LedgerEntry, scope: Scope | None) -> LedgerEntry | None:
    """The entry that a release needs beside those of today by the same ground, oldest first; None where one says it.

    ``scope``: the ground's; None for one that is not known any more.
    """
    if any(_says(entry, asked) for entry in today):
        return None
    if scope is None or len(today) < MOST_OF_A_DAY:
        return msgspec.structs.replace(asked, start=_day(asked.start), end=_day_after(asked.end))
    return msgspec.structs.replace(
        asked,
        quantities=tuple(sorted(scope.quantities)),
        resolution=scope.resolution.total_seconds(),
        level=scope.level.value,
        start=min(scope.values.start, _day(asked.start)),
        end=max(scope.values.end, _day_after(asked.end)),
        reference="",
        whole=True,
    )


def _says(entry: LedgerEntry, asked: LedgerEntry) -> bool:
    """Whether an entry says at least as much as a release that is asked for, of the same ground and day."""
    words = entry.recipient, entry.purpose, entry.ground, entry.ground_kind
    if words != (asked.recipient, asked.purpose, asked.ground, asked.ground_kind):
        return False
    if not (entry.start <= asked.start and asked.end <= entry.end and {*asked.quantities} <= {*entry.quantities}):
        return False
    if entry.whole:
        return True
    same = entry.level, entry.reference, entry.resolution
    return same == (asked.level, asked.reference, asked.resolution)


def _day(at: datetime) -> datetime:
    """The begin of a day in UTC."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _day_after(at: datetime) -> datetime:
    """The first midnight in UTC that is not before an instant; where the calendar ends, that."""
    begin = _day(at)
    return begin if begin == at or begin.date() == date.max else begin + timedelta(days=1)


def acted(kind: str, subject: SubjectId, at: datetime, *, resolution: timedelta = AS_RECEIVED) -> LedgerEntry:
    """What the household or the operator did; ``kind`` is ``own``, ``code`` or ``login``."""
    seconds = resolution.total_seconds()
    return LedgerEntry(kind, at, "", "", f"own:{subject}", "", (), seconds, "", _day(at), _day_after(at))


def leaf(sealed: bytes) -> bytes:
    """The hash that stands for an entry."""
    return sha256(b"\x00" + sealed).digest()


def link(before: ChainLink, sealed: bytes) -> ChainLink:
    """The chain, one entry on."""
    return follow(before, leaf(sealed))


def follow(before: ChainLink, of: bytes) -> ChainLink:
    """The chain, one entry on, by the entry's leaf."""
    number = before[0] + 1
    return number, sha256(b"\x01" + before[1] + number.to_bytes(8, "big") + of).digest()
