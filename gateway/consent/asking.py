"""Requests before households: one of a recipient's for a purpose at a time, and none for a while after a no."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from adapters.plugin import PermissionRequest
from gateway.clock import Clock
from gateway.consent.records import Asked, asked_of
from gateway.errors import AskedInVain, ConsentError
from gateway.grounds import GroundBook
from gateway.storage.port import Store
from gateway.storage.tables.door import permission_request as requests
from gateway.vault.port import Vault
from meter_driver.intervals import day_edges
from policies.grounds import LegalTask
from policies.terms import Reason, SubjectId


@dataclass(frozen=True, slots=True)
class Pause:
    """After a no, for so many days, of the zone, the same is not asked again. 0: it may be at once."""

    days: int
    zone: tzinfo

    def over(self, no: datetime) -> date:
        """The first day on which it may be asked again."""
        return no.astimezone(self.zone).date() + timedelta(self.days)

    def lasts(self, no: datetime, now: datetime) -> bool:
        return now < day_edges(self.over(no), self.zone)[0]


@dataclass(frozen=True, slots=True)
class HouseholdAnswer:
    """Of a request that was answered. ``ground``: what a yes made; "" is a no."""

    asked: Asked
    ground: str


class Asking:
    """The requests of all households. Whoever writes has the household's turn."""

    def __init__(
        self, store: Store, vault: Vault, book: GroundBook, clock: Clock, ids: Callable[[], str], pause: Pause
    ) -> None:
        self._store, self._vault, self._book = store, vault, book
        self._clock, self._ids, self._pause = clock, ids, pause

    async def put(self, household: SubjectId, request: PermissionRequest) -> str:
        """A new request's id; of one that is there already, to the letter, that of the former.

        One that has its recipient's reference takes the place of what that asked before. Raises ``AskedInVain``.
        """
        there = [asked for asked in await self._unanswered(household) if _same(asked.request, request)]
        known = [asked for asked in there if request.reference and asked.request.reference == request.reference]
        if (again := next((asked for asked in known if asked.request == request), None)) is not None:
            return again.id
        if len(known) < len(there):
            raise AskedInVain(Reason.ASKED_ALREADY)
        await self._look_for_a_no(household, request)
        name = self._ids()
        body = msgspec.json.encode(request).decode()
        row = {"id": name, "subject": household, "body": body, "asked": self._clock().timestamp()}
        row["mark"] = self._mark(name, household, body)

        def write(connection: Connection) -> None:
            connection.execute(delete(requests).where(requests.c.id.in_([asked.id for asked in known])))
            connection.execute(insert(requests).values(row))

        await self._store.write(write)
        return name

    async def waiting(self, household: SubjectId) -> Sequence[Asked]:
        """Without an answer, oldest first, of a recipient and purpose one; without those whose validity is over."""
        first: dict[tuple[str, str], Asked] = {}
        for asked in await self._unanswered(household):
            first.setdefault((asked.request.recipient, asked.request.purpose), asked)
        return list(first.values())

    async def refused(self, household: SubjectId) -> Sequence[tuple[Asked, datetime]]:
        """Those that were answered by no, with when, oldest answer first."""
        query = select(requests).where(requests.c.subject == household, requests.c.ground == "")
        query = query.where(requests.c.answered.is_not(None)).order_by(requests.c.answered)
        rows = await self._rows(query)
        return [(asked_of(row), datetime.fromtimestamp(row.answered, UTC)) for row in rows]

    async def answer(self, household: SubjectId, request: str) -> HouseholdAnswer | None:
        """None for a request that waits, or is not this household's."""
        query = select(requests).where(requests.c.id == request, requests.c.subject == household)
        found = await self._rows(query.where(requests.c.answered.is_not(None)))
        return HouseholdAnswer(asked_of(found[0]), str(found[0].ground)) if found else None

    async def find(self, household: SubjectId, request: str) -> Asked:
        """One that waits. Raises ``ConsentError``."""
        found = await self._rows(select(requests).where(requests.c.id == request, requests.c.subject == household))
        if not found:
            raise ConsentError("no-such-request", "request", "there is no such request for this household")
        if found[0].answered is not None:
            raise ConsentError("answered", "request", "this request has been answered")
        asked = asked_of(found[0])
        if asked.request.until <= self._clock():
            raise ConsentError("over", "request", "the time that was asked for is over")
        return asked

    async def alike(self, asked: Asked) -> Sequence[Asked]:
        """It, and what else the same recipient asks for the same purpose: from before only one could wait."""
        return [each for each in await self._unanswered(asked.subject) if _same(each.request, asked.request)]

    async def of_reference(self, recipient: str, reference: str) -> Sequence[Asked]:
        """What a recipient asked under a reference of its own, before whomever, and was not answered."""
        query = select(requests).where(requests.c.answered.is_(None))
        said = msgspec.json.encode(reference).decode()  # as it stands in a body: a quotation mark is escaped there
        rows = await self._rows(query.where(requests.c.body.contains(said, autoescape=True)))
        found = (asked_of(row) for row in rows)
        return [a for a in found if (a.request.recipient, a.request.reference) == (recipient, reference)]

    async def _look_for_a_no(self, household: SubjectId, request: PermissionRequest) -> None:
        """Of this household to this recipient, for this purpose: a refusal, or an objection."""
        nos = [at for asked, at in await self.refused(household) if _same(asked.request, request)]
        for ground in await self._book.recorded(self._store, household):
            mine = (ground.scope.recipient, ground.scope.purpose) == (request.recipient, request.purpose)
            if mine and isinstance(ground, LegalTask) and ground.objected is not None:
                nos.append(ground.objected)
        if nos and self._pause.lasts(max(nos), self._clock()):
            raise AskedInVain(Reason.SAID_NO, self._pause.over(max(nos)))

    async def _unanswered(self, household: SubjectId) -> Sequence[Asked]:
        query = select(requests).where(requests.c.subject == household, requests.c.answered.is_(None))
        rows = await self._rows(query.order_by(requests.c.asked))
        return [asked for asked in map(asked_of, rows) if asked.request.until > self._clock()]

    async def _rows(self, query: Any) -> Sequence[Any]:
        """What somebody else wrote was asked by nobody: a yes to it would be one to words of his."""
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        return [row for row in rows if row.mark == self._mark(row.id, row.subject, row.body)]

    def _mark(self, name: str, household: str, body: str) -> bytes:
        return self._vault.lookup("permission request", f"{name}\0{household}\0{body}")

    def adopt(self, connection: Connection) -> int:
        """Requests from before they had marks are taken as they lie there; how many."""
        rows = connection.execute(select(requests).where(requests.c.mark.is_(None))).fetchall()
        for row in rows:
            mine, mark = requests.c.id == row.id, self._mark(row.id, row.subject, row.body)
            connection.execute(update(requests).where(mine).values(mark=mark))
        return len(rows)


def drop(connection: Connection, asked: Asked) -> bool:
    """It is before nobody any more. False for one that was answered: it stays so."""
    gone = delete(requests).where(requests.c.id == asked.id, requests.c.answered.is_(None))
    return connection.execute(gone).rowcount > 0


def _same(one: PermissionRequest, other: PermissionRequest) -> bool:
    return (one.recipient, one.purpose) == (other.recipient, other.purpose)
