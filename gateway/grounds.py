"""All live grounds in memory, loaded before any port opens. Unknown means no.

Rows are the record; this is their image for the door, which must decide without waiting. Rows that the keys do not
know are no grounds (``gateway.pins``).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from gateway.pins.pins import Pins
from gateway.storage.port import Store
from gateway.storage.tables.door import ground as table
from gateway.storage.tables.door import ground_term as term
from policies.grounds import Consent, Contract, Ground, LegalTask
from policies.reminders import next_word
from policies.terms import Recipient, SubjectId

SUBJECTS_AT_ONCE = 200
"""Households whose grounds are read in one question."""
GROUND_KINDS: Final[dict[str, type[Ground]]] = {"consent": Consent, "legal-task": LegalTask, "contract": Contract}


def kind_of(ground: Ground) -> str:
    """``consent``, ``legal-task`` or ``contract``."""
    return next(name for name, kind in GROUND_KINDS.items() if isinstance(ground, kind))


class GroundBook:
    """Grounds by household and by recipient. Ended grounds stay in the table and leave memory at the next start."""

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._by_subject: dict[SubjectId, dict[str, Ground]] = {}
        self._subjects: dict[Recipient, set[SubjectId]] = {}
        self._timed_out: set[str] = set()
        self._kept: Callable[[Ground], None] = _nobody
        self._gone: Callable[[Ground], None] = _nobody

    def tell(self, kept: Callable[[Ground], None], gone: Callable[[Ground], None]) -> None:
        """Of each ground that is new or changed, and of each that leaves memory, from now on. Before ``load``."""
        self._kept, self._gone = kept, gone

    async def load(self, store: Store) -> None:
        """Everything that has not ended, of households whose grounds are believed. Call before ports open."""
        for ground in await _read(store, table.c.ended.is_(None), self._pins.believed):
            self.keep(ground)

    async def recorded(self, store: Store, *subjects: SubjectId) -> Sequence[Ground]:
        """Every ground that these households ever had here, from the record."""
        parts = [subjects[at : at + SUBJECTS_AT_ONCE] for at in range(0, len(subjects), SUBJECTS_AT_ONCE)]
        return [g for some in parts for g in await _read(store, table.c.subject.in_(some), self._pins.believed)]

    def keep(self, ground: Ground) -> None:
        """Put a new or changed ground in place."""
        self._by_subject.setdefault(ground.subject, {})[ground.id] = ground
        self._subjects.setdefault(ground.scope.recipient, set()).add(ground.subject)
        self._kept(ground)

    def of(self, subject: SubjectId) -> Sequence[Ground]:
        """All grounds of a household that this process knows, ended ones too."""
        return tuple(self._by_subject.get(subject, {}).values())

    def unended(self, subject: SubjectId) -> Sequence[Ground]:
        """Those of which no end is recorded, or being recorded; the time of some may be over."""
        return [g for g in self.of(subject) if not over(g) and g.id not in self._timed_out]

    def time_out(self, *grounds: str, undone: bool = False) -> None:
        """That their time is over is recorded, or being recorded; ``undone``: it could not be."""
        (self._timed_out.difference_update if undone else self._timed_out.update)(grounds)

    def find(self, subject: SubjectId, ground: str) -> Ground | None:
        return self._by_subject.get(subject, {}).get(ground)

    def subjects(self, recipient: Recipient) -> Sequence[SubjectId]:
        """Households that have, or had since the start, a ground for this recipient; sorted."""
        return sorted(self._subjects.get(recipient, ()))

    def forget(self, subject: SubjectId, *, law: bool = True) -> None:
        """A household that has ended leaves memory, as at the next start; what a law demands stays, if ``law``."""
        mine = self._by_subject.pop(subject, {}).values()
        self._timed_out.difference_update(ground.id for ground in mine)
        for ground in mine:
            self._subjects[ground.scope.recipient].discard(subject)
            self._gone(ground)
        for ground in mine:
            if law and isinstance(ground, LegalTask) and ground.objected is None:
                self.keep(ground)


def _nobody(_: Ground) -> None:
    """Is told."""


async def unbelieved(store: Store, subject: SubjectId) -> Sequence[Ground]:
    """What stands in the record of a household that has no keys: nothing is decided by it."""
    return await _read(store, (table.c.subject == subject) & table.c.ended.is_(None), lambda _: True)


def over(ground: Ground) -> bool:
    """Whether it was ended, by whomever."""
    match ground:
        case Consent():
            return ground.withdrawn is not None
        case Contract():
            return ground.ended is not None
        case LegalTask():
            return ground.objected is not None


async def _read(
    store: Store, which: ColumnElement[bool], believed: Callable[[SubjectId], bool]
) -> Sequence[Ground]:  # fmt: skip
    """An ended row is pinned by nothing: a ground that was not over by then is none there."""
    query = select(table.c.subject, table.c.kind, table.c.body, table.c.ended).where(which)
    rows = await store.look(lambda connection: connection.execute(query).fetchall())
    read = [
        (msgspec.json.decode(body, type=GROUND_KINDS[kind]), ended)
        for subject, kind, body, ended in rows
        if believed(subject)
    ]
    return [g for g, ended in read if ended is None or over(g) or g.scope.validity.end.timestamp() <= ended]


def add(connection: Connection, ground: Ground) -> None:
    """The rows of a new ground."""
    validity = ground.scope.validity
    connection.execute(
        insert(table).values(
            id=ground.id,
            subject=ground.subject,
            kind=kind_of(ground),
            recipient=ground.scope.recipient,
            body=msgspec.json.encode(ground).decode(),
        )
    )
    connection.execute(insert(term).values(ground=ground.id, due=next_word(validity.end, validity.start).timestamp()))


def end(connection: Connection, grounds: Iterable[Ground], at: datetime) -> None:
    """The rows of grounds that were ended; each is given as it is now."""
    for each in grounds:
        body = msgspec.json.encode(each).decode()
        connection.execute(update(table).where(table.c.id == each.id).values(body=body, ended=at.timestamp()))
        connection.execute(delete(term).where(term.c.ground == each.id))
