"""One-time codes: a household's login, a box's or a VEN's enrolment. Kept as keyed hashes, used once.

Unknown, wrong, malformed and used codes take the same way through the same code: one keyed hash, one look-up.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import insert, select

from gateway.clock import Clock
from gateway.pins.change import of_keys
from gateway.pins.pins import Pins
from gateway.recovery.ending_log import by_the_way
from gateway.storage.port import Store
from gateway.storage.tables.identity import one_time_code as table
from gateway.vault.port import Vault

ALPHABET = "ACDEFGHJKMNPQRTVWXY34679"
"""What nobody takes for another in print or by hand: not B and 8, I, L and 1, O and 0, S and 5, U and V, Z and 2."""
LENGTH, GROUP = 12, 4
"""55 bits; written in groups."""
LONGEST_CODE = 64
CODE_KINDS: Mapping[str, str] = MappingProxyType({"login": "household", "box": "box", "ven": "VEN"})


@dataclass(frozen=True, slots=True)
class _Code:
    kind: str
    subject: str
    expires: datetime


class Codes:
    """Codes that were not used yet are in memory; each is gone from there before it counts."""

    def __init__(self, store: Store, pins: Pins, vault: Vault, clock: Clock) -> None:
        self._store, self._pins, self._vault, self._clock = store, pins, vault, clock
        self._open: dict[bytes, _Code] = {}

    async def load(self) -> None:
        """Call before ports open. Codes that ran out are swept."""
        await self._pins.delete(table, table.c.expires <= self._clock().timestamp(), adds=True)
        for row in await self._store.look(lambda connection: connection.execute(select(table)).fetchall()):
            self._open[row.lookup] = _Code(row.kind, row.subject, datetime.fromtimestamp(row.expires, UTC))

    async def issue(self, kind: str, subject: str, *, days: int) -> str:
        """A fresh code, as a letter has it: ``ABCD-EFGH-JKMN``. Durable on return."""
        if kind not in CODE_KINDS:
            raise ValueError(f"kind: one of {', '.join(CODE_KINDS)}")
        plain = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        lookup = self._vault.lookup("one-time-code", plain)
        new = _Code(kind, subject, self._clock() + timedelta(days=days))
        row = {"lookup": lookup, "kind": kind, "subject": subject, "expires": new.expires.timestamp()}
        await self._pins.write(
            [of_keys(table, lookup)], lambda c: c.execute(insert(table).values(row)).rowcount, adds=True
        )
        self._open[lookup] = new
        return "-".join(plain[i : i + GROUP] for i in range(0, LENGTH, GROUP))

    async def redeem(self, kinds: frozenset[str], text: str) -> tuple[str, str] | None:
        """(kind, whom) a code stands for; None for any that does not open anything. Durable use on return."""
        lookup = self._vault.lookup("one-time-code", _plain(text))
        found = self._open.get(lookup)
        if found is None or found.kind not in kinds or found.expires <= self._clock():
            return None
        del self._open[lookup]
        try:
            with by_the_way():  # or whoever logs in would lose his code to a backup's disk that is away
                await self._pins.delete(table, table.c.lookup == lookup)
        except Exception:
            self._open[lookup] = found
            raise
        return found.kind, found.subject

    async def drop(self, subject: str, *, boxes: Collection[str] = ()) -> None:
        """No code of this subject opens anything any more, nor one that enrols one of these boxes."""
        idle = {code.subject for code in self._open.values() if code.kind == "box"} & set(boxes)
        gone = {subject, *idle}
        await self._pins.delete(table, table.c.subject.in_(gone))
        self._open = {at: code for at, code in self._open.items() if code.subject not in gone}


def _plain(text: str) -> str:
    """Small letters, blanks and dashes do not matter."""
    return "".join(c for c in text[:LONGEST_CODE].upper() if c.isalnum())
