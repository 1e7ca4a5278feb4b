"""Rows of VEE under the key of their day: what is past its retention, or erased, opens no more than its values do."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Expired
from gateway.keeper.port import Day
from gateway.keeper.states import Randomness
from gateway.vault.sealed import SealedVault
from policies.terms import DetailClass, SubjectId
from policies.vault.padding import pad_note, unpad
from policies.vault.seal import NONCE_BYTES, place_about, seal, unseal

T = TypeVar("T")
_FEW = 64


class SealedRow(NamedTuple):
    """Something sealed: under which day's key, and what it is about."""

    day: Day
    about: str
    sealed: bytes


class Seals:
    """``randomness``: for nonces."""

    def __init__(self, vault: SealedVault, randomness: Randomness) -> None:
        self._vault, self._randomness = vault, randomness

    async def sealing(self, household: SubjectId, days: Collection[Day]) -> Callable[[Day, str, bytes], bytes]:
        """What seals things of these days. Raises ``Expired`` when one of them is not held, ``SubjectGone``."""
        ciphers = await self._vault.ciphers(household, days)
        if any(day not in ciphers for day in days):
            raise Expired("a day that is held no longer")

        def sealed(day: Day, about: str, plain: bytes) -> bytes:
            nonce = self._randomness(NONCE_BYTES)
            return seal(ciphers[day], nonce, _place(household, day[0], about), pad_note(plain))

        return sealed

    async def held(self, household: SubjectId, days: Sequence[int]) -> frozenset[int]:
        """Those of the days (ordinals) that are held in quarters and as days. Raises ``SubjectGone``."""
        both = DetailClass.QUARTER, DetailClass.DAY
        ciphers = await self._vault.ciphers(household, [(detail, day) for day in days for detail in both])
        return frozenset(day for day in days if all((detail, day) in ciphers for detail in both))

    async def opened(
        self, household: SubjectId, rows: Sequence[SealedRow], decode: Callable[[bytes], T]
    ) -> list[T | None]:
        """In their order; None for what is held no longer. What is much leaves the loop. Raises ``SubjectGone``."""
        if not rows:
            return []
        ciphers = await self._vault.ciphers(household, [row.day for row in rows])

        def work() -> list[T | None]:
            plain = [_opened(household, row, ciphers) for row in rows]
            return [None if each is None else decode(each) for each in plain]

        return work() if len(rows) <= _FEW else await asyncio.to_thread(work)


def _opened(household: SubjectId, row: SealedRow, ciphers: Mapping[Day, AESGCM]) -> bytes | None:
    if (cipher := ciphers.get(row.day)) is None:
        return None
    return unpad(unseal(cipher, _place(household, row.day[0], row.about), row.sealed))


def _place(household: SubjectId, detail: DetailClass, about: str) -> bytes:
    return place_about(household, detail, f"vee {about}")
