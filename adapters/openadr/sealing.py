"""How records lie in the tables. Opts of a household's VEN are behaviour: sealed under the household's own key.

What is sealed names no opt in its key columns either: a schedule lies under a random place. Other records, opts of an
organisation's VEN among them, lie in clear.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from adapters.openadr.model import Change, Drop, EventResponse, OptSchedule, Put, Record, Registration, Ven
from adapters.openadr.store import Written
from adapters.plugin import Gone, Services
from adapters.slices import sliced
from policies.terms import SubjectId

BODIES_A_TURN = 200
"""Records that are written as JSON in one turn of the loop."""


class SealedBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A body that was sealed; ``household`` is whose key it was."""

    household: str
    sealed: bytes


class Safe:
    """Between records and rows; for one VEN's records at a time. ``household_of``: of a VEN, "" for none."""

    def __init__(self, services: Services, household_of: Callable[[str], str]) -> None:
        self._services, self._household_of = services, household_of
        self._places: dict[tuple[str, ...], str] = {}
        """Of sealed schedules: key of the record -> place in the table."""

    async def rows(self, changes: Sequence[Change]) -> tuple[Sequence[Change], Sequence[Written]]:
        """The changes that can be made, and their rows: nothing is kept of a household that was erased meanwhile."""
        joining = {c.record.id: c.record.household for c in changes if isinstance(c, Put) and isinstance(c.record, Ven)}
        made: list[Change] = []
        rows: list[Written] = []
        async for change in sliced(changes, BODIES_A_TURN):
            record = change.record
            if not isinstance(change, Put):
                rows.append(Written(type(record), self._place(record), None))
            elif not isinstance(record, EventResponse | OptSchedule):
                rows.append(Written(type(record), record.key, _text(record)))
            elif household := joining.get(record.ven, self._household_of(record.ven)):
                try:
                    rows.append(await self._sealed(record, household))
                except Gone:
                    continue
            else:
                rows.append(Written(type(record), record.key, _text(record)))
            made.append(change)
        return made, rows

    def forget(self, changes: Sequence[Change]) -> None:
        """These were made: what went leaves memory too."""
        for change in changes:
            match change:
                case Drop(record=OptSchedule() as record):
                    self._places.pop(record.key, None)
                case Drop(record=Registration(ven=ven)):
                    self._places = {key: place for key, place in self._places.items() if key[0] != ven}

    async def record(self, row: Written) -> Record | None:
        """The record of a row; None where its household is gone."""
        assert row.body is not None
        if not issubclass(row.kind, EventResponse | OptSchedule):
            return msgspec.json.decode(row.body, type=row.kind)
        body: Any = msgspec.json.decode(row.body)
        if "sealed" not in body:
            return msgspec.convert(body, row.kind)
        found = msgspec.convert(body, SealedBody)
        household = SubjectId(found.household)
        try:
            plain = await self._services.unseal(household, found.sealed, about=_about(row.kind, row.key))
        except Gone:
            return None
        record = msgspec.json.decode(plain, type=row.kind)
        if isinstance(record, OptSchedule):
            self._places[record.key] = row.key[1]
        return record

    async def _sealed(self, record: EventResponse | OptSchedule, household: str) -> Written:
        key = record.key
        if isinstance(record, OptSchedule):
            place = self._places.get(record.key) or self._services.ids()
            key = (record.ven, place, "")
        plain = msgspec.json.encode(record)
        sealed = await self._services.seal(SubjectId(household), plain, about=_about(type(record), key))
        if isinstance(record, OptSchedule):
            self._places[record.key] = key[1]
        return Written(type(record), key, _text(SealedBody(household, sealed)))

    def _place(self, record: Record) -> tuple[str, ...]:
        """The key columns of a record that goes."""
        if isinstance(record, OptSchedule) and (place := self._places.get(record.key)) is not None:
            return (record.ven, place, "")
        return record.key


def _about(kind: type[Record], key: tuple[str, ...]) -> str:
    return f"openadr {kind.kind} {' '.join(key)}"


def _text(record: Struct) -> str:
    return msgspec.json.encode(record).decode()
