"""The CA is replaced while the gateway runs, with overlap; and what ends soon is said each day.

The certificates that stand when another CA takes over are noted beside it: that is how we know which were issued by the
former one, and are still in use when it shall be dropped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from adapters.plugin import Logger
from gateway.clock import Clock
from gateway.errors import InUse, Unknown
from gateway.identity.box_renewal import ends_soon
from gateway.identity.certs import LIFE, Authority
from gateway.identity.enrol import Enrolment
from gateway.keeper.files import read_secret, write_secret
from gateway.registry.boxes import Boxes, Certificate
from policies.terms import ONE_DAY

NOTED_FILE = "ca.former.json"
NAMED = 5
"""Owners that a refusal names."""


@dataclass(frozen=True, slots=True)
class StandingAuthority:
    """A root that is trusted. ``certificates``: of boxes and VENs, by it and in use."""

    fingerprint: str
    until: datetime
    issues: bool
    certificates: int


class Rotation:
    """One instance for each process."""

    def __init__(
        self, folder: Path, authority: Authority, enrolment: Enrolment, boxes: Boxes, clock: Clock, log: Logger
    ) -> None:
        self._file, self._authority, self._enrolment = folder / NOTED_FILE, authority, enrolment
        self._boxes, self._clock, self._log = boxes, clock, log
        self._listeners: Callable[[], Awaitable[None]] | None = None

    def tell(self, listeners: Callable[[], Awaitable[None]]) -> None:
        """Who is to look at roots and chains at once when they have changed."""
        self._listeners = listeners

    def standing(self) -> Sequence[StandingAuthority]:
        """The oldest first; the last one issues."""
        former, total = len(self._by_former()), len(self._boxes.standing())
        roots = self._authority.roots
        return [
            StandingAuthority(
                self._authority.named(root), root.not_valid_after_utc, last, total - former if last else former
            )
            for root in roots
            for last in [root is roots[-1]]
        ]

    async def replace(self) -> str:
        """Another CA issues from now on, its fingerprint. Raises ``InUse`` while there is a former one."""
        async with self._enrolment.turn:
            await asyncio.to_thread(self._authority.look, self._clock())
            if self._authority.former:
                raise InUse("authority: a former one is trusted still; drop it first")
            await asyncio.to_thread(self._replace)
        made = self._authority.named(self._authority.roots[-1])
        self._log.info("authority.replaced", by=made)
        await self._told()
        return made

    async def drop(self, *, anyway: bool) -> None:
        """The former one is trusted no longer. Raises ``Unknown`` without one, and ``InUse``, unless ``anyway``."""
        async with self._enrolment.turn:
            if not self._authority.former:
                raise Unknown("authority: there is no former one")
            if (used := self._by_former()) and not anyway:
                raise InUse(f"authority: {_in_use(used)}; --anyway shuts them out")
            await asyncio.to_thread(self._authority.drop, self._clock())
        self._log.info("authority.dropped", certificates=len(used))
        await self._told()

    async def watch(self) -> None:
        """A supervised loop: each day a root that has ended goes, and what ends soon is said until it was renewed."""
        while True:
            await asyncio.to_thread(self._authority.look, self._clock())
            self.say_what_ends()
            await asyncio.sleep(ONE_DAY.total_seconds())

    def say_what_ends(self) -> None:
        now = self._clock()
        for each in self._boxes.latest().values():
            if now < each.until and ends_soon(each, now):
                days = (each.until - now).days
                self._log.warning("certificate.ends_soon", kind=each.kind, owner=each.owner, days=days)
        if (end := self._authority.roots[-1].not_valid_after_utc) < now + LIFE:
            self._log.warning("authority.ends_soon", days=(end - now).days)

    def _replace(self) -> None:
        end = self._authority.roots[-1].not_valid_after_utc
        noted = [each.fingerprint for each in self._boxes.standing() if each.until <= end]
        write_secret(self._file, msgspec.json.encode(noted))
        self._authority.replace(self._clock())

    def _by_former(self) -> Sequence[Certificate]:
        """Those in use that are not known to be by the present one."""
        if not self._authority.former:
            return []
        held = read_secret(self._file)
        noted = None if held is None else set(msgspec.json.decode(held, type=list[str]))
        return [each for each in self._boxes.standing() if noted is None or each.fingerprint in noted]

    async def _told(self) -> None:
        if self._listeners is not None:
            await self._listeners()


def _in_use(used: Sequence[Certificate]) -> str:
    named = ", ".join(sorted({each.owner for each in used})[:NAMED])
    more = ", ..." if len({each.owner for each in used}) > NAMED else ""
    return f"{len(used)} certificates by it are in use ({named}{more})"
