"""What is kept for a time and no longer: records, evidence and books go when claims are out of time.

``policies.holdings`` says what stays of an erased household and for how long; readings and figures are the retention's
(``gateway.vault.retention``). Households that are there lose what is as old: what was refused, grounds that are over
with their receipts, and what the ledger said.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from adapters.plugin import Logger, PermissionRequest
from gateway.clock import Clock
from gateway.door.chain import forget
from gateway.door.ledger import Ledger
from gateway.errors import SubjectGone
from gateway.grounds import GROUND_KINDS, GroundBook
from gateway.pins.change import of_household
from gateway.pins.pins import Pins
from gateway.registry.tenancies import Tenancies
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import member
from gateway.storage.tables.door import evidence, ground, ground_term, ledger, permission_request
from gateway.storage.tables.identity import one_time_code, session
from gateway.storage.tables.registry import metering_point, point_left, tenancy
from gateway.vault.port import Vault
from policies.decide import ends
from policies.holdings import Lasting
from policies.terms import SubjectId

LOOK_EACH = timedelta(hours=6)
FORGOTTEN_AT_ONCE = 500
"""Rows of one write, so that others get in between."""


class Forgetting:
    """``run`` once before any port opens, then ``watch`` as a supervised loop."""

    def __init__(
        self,
        *,
        store: Store,
        pins: Pins,
        vault: Vault,
        ledger: Ledger,
        tenancies: Tenancies,
        grounds: GroundBook,
        lasting: Lasting,
        clock: Clock,
        log: Logger,
    ) -> None:
        self._store, self._pins, self._vault, self._ledger = store, pins, vault, ledger
        self._tenancies, self._grounds, self._lasting, self._clock, self._log = tenancies, grounds, lasting, clock, log

    async def watch(self) -> None:
        """A few times a day."""
        while True:
            await asyncio.sleep(LOOK_EACH.total_seconds())
            await self.run(self._clock())

    async def run(self, now: datetime) -> None:
        """Everything that is out of time at an instant."""
        before = now - self._lasting.evidence
        households = await self._households(before)
        rows = await self._grounds_of_before(before) + await self._requests(before)
        rows += await self._ledger.forget_before(before)
        past = point_left.c.day < before.timestamp()
        rows += await self._store.write(lambda c: int(c.execute(delete(point_left).where(past)).rowcount))
        self._log.info("forgetting.done", households=households, rows=rows)

    # -- of those who were erased

    async def _households(self, before: datetime) -> int:
        old = [t.id for t in self._tenancies.all() if t.erased is not None and t.erased < before]
        for household in old:
            await self._forget_household(household)
            self._tenancies.drop(household)
            self._grounds.forget(household, law=False)
        return len(old)

    async def _forget_household(self, household: SubjectId) -> None:
        """Its entries of the ledger first, for they name its key; the row that says it was here goes last."""
        mine = ledger.c.subject_tag == self._ledger.tag(household)
        while await self._store.write(lambda c: forget(c, mine, self._vault, most=FORGOTTEN_AT_ONCE)):
            pass
        tag = self._vault.lookup("evidence", household)
        gone = [
            delete(evidence).where(evidence.c.subject_tag == tag),
            delete(permission_request).where(permission_request.c.subject == household),
            delete(member).where(member.c.subject == household),
            delete(metering_point).where(metering_point.c.tenancy == household),
            delete(one_time_code).where(one_time_code.c.subject == household),
            delete(session).where(session.c.subject == household),
        ]

        def work(connection: Connection) -> None:
            mine = select(ground.c.id).where(ground.c.subject == household)
            connection.execute(delete(ground_term).where(ground_term.c.ground.in_(mine)))
            connection.execute(delete(ground).where(ground.c.subject == household))
            for statement in gone:
                connection.execute(statement)

        try:
            await self._pins.write([of_household(household)], work, adds=True)
        except SubjectGone:  # a crash came between this and its row
            await self._store.write(work)
        await self._pins.forget(household)
        await self._store.write(lambda c: c.execute(delete(tenancy).where(tenancy.c.id == household)).rowcount)

    # -- of everybody

    async def _grounds_of_before(self, before: datetime) -> int:
        """Grounds that are over for as long, with receipts, withdrawals and the requests that they answered."""
        count, last = 0, ""
        while rows := await self._store.look(lambda c: c.execute(_some_grounds(last)).fetchall()):  # noqa: B023
            last = rows[-1].id
            old = [row for row in rows if _over_since(row) < before]
            for household in sorted({SubjectId(row.subject) for row in old}):
                mine = [row.id for row in old if row.subject == household]
                await self._forget_grounds(household, mine)
            count += len(old)
        return count

    async def _forget_grounds(self, household: SubjectId, names: Sequence[str]) -> None:
        tag = self._vault.lookup("evidence", household)

        def work(connection: Connection) -> None:
            of_ground = (evidence.c.subject_tag == tag) & evidence.c.ground.in_(names)
            connection.execute(delete(evidence).where(of_ground))
            connection.execute(delete(permission_request).where(permission_request.c.ground.in_(names)))
            connection.execute(delete(ground).where(ground.c.id.in_(names)))

        await self._pins.write([of_household(household)], work, adds=True)

    async def _requests(self, before: datetime) -> int:
        """Those that were refused, or that nobody answered in their time."""
        c = permission_request.c
        asked = select(c.id, c.body, c.answered, c.ground).where(c.asked < before.timestamp())
        rows = await self._store.look(lambda connection: connection.execute(asked).fetchall())
        old = [row.id for row in rows if _request_is_over(row, before)]
        for at in range(0, len(old), FORGOTTEN_AT_ONCE):
            some = c.id.in_(old[at : at + FORGOTTEN_AT_ONCE])
            await self._store.write(lambda k, some=some: k.execute(delete(permission_request).where(some)).rowcount)  # type: ignore[misc]
        return len(old)


def _some_grounds(after: str) -> Any:
    return select(ground).where(ground.c.id > after).order_by(ground.c.id).limit(FORGOTTEN_AT_ONCE)


def _over_since(row: Any) -> datetime:
    """Since when a ground is over, or when it will be."""
    body = msgspec.json.decode(row.body, type=GROUND_KINDS[row.kind])
    end = ends(body)
    return end if row.ended is None else min(end, datetime.fromtimestamp(row.ended, UTC))


def _request_is_over(row: Any, before: datetime) -> bool:
    """A request that was accepted goes with its ground."""
    if row.answered is not None:
        return not row.ground and row.answered < before.timestamp()
    return msgspec.json.decode(row.body, type=PermissionRequest).until < before
