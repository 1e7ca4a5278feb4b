"""Organisations: who may ask, and for what at most (their profile)."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select

from adapters.plugin import Organisation
from gateway import rights
from gateway.errors import InUse, NotAllowed
from gateway.pins.pins import Pins
from gateway.rights import Recall
from gateway.storage.port import Store
from gateway.storage.tables.registry import organisation as table
from policies.shown import SHOWN_RULE, shown_right
from policies.terms import Recipient

RESERVED = frozenset({"self", "neighbourhood"})
"""Recipients that are no organisation."""
MOST_NAME = 300


@dataclass(frozen=True, slots=True)
class ListedOrganisation:
    """An organisation and the zones for whose cohort figures it may ask."""

    organisation: Organisation
    zones: tuple[str, ...] = ()


class Organisations:
    """All of them, in memory."""

    def __init__(self, store: Store, pins: Pins, ended: Recall) -> None:
        self._store, self._pins, self._ended = store, pins, ended
        self._all: dict[Recipient, ListedOrganisation] = {}
        self._by_did: dict[str, Recipient] = {}

    async def load(self) -> None:
        """Call before ports open."""
        for (body,) in await self._store.look(lambda connection: connection.execute(select(table.c.body)).fetchall()):
            self._keep(msgspec.json.decode(body, type=ListedOrganisation))

    def organisation_now(self, recipient: Recipient) -> Organisation | None:
        """Without waiting, for the door."""
        found = self._all.get(recipient)
        return found.organisation if found else None

    def participant_now(self, did: str) -> Organisation | None:
        """By data-space identity; "" is nobody."""
        return self.organisation_now(self._by_did[did]) if did and did in self._by_did else None

    def zones(self, recipient: Recipient) -> Sequence[str]:
        """Zones and communities for which it may ask for cohort figures; empty means none."""
        found = self._all.get(recipient)
        return found.zones if found else ()

    def all(self) -> Sequence[ListedOrganisation]:
        return [entry for _, entry in sorted(self._all.items())]

    async def put(self, entry: ListedOrganisation) -> None:
        """Add or replace; durable on return. Answers that a narrower profile does not allow are cut by then.

        Raises ``InUse`` for a did of another, ``NotAllowed``.
        """
        self.check(entry)
        new = entry.organisation
        row = {"id": new.id, "did": new.did, "body": msgspec.json.encode(entry).decode()}
        old = self._all.get(new.id)
        await self._pins.put(table, row, adds=old is None)
        if old is not None and old.organisation.did:
            self._by_did.pop(old.organisation.did, None)
        self._keep(entry)
        await self._ended([rights.organisation(new.id)])

    def check(self, entry: ListedOrganisation) -> None:
        """Whether ``put`` would take it. Raises what it raises."""
        new = entry.organisation
        if not new.id or len(new.id) > 64 or new.id in RESERVED or not shown_right(new.id):
            raise NotAllowed(f"id: at most 64 characters, and not a reserved word; {SHOWN_RULE}")
        if len(new.name) > MOST_NAME or not shown_right(new.name):
            raise NotAllowed(f"name: at most {MOST_NAME} characters; {SHOWN_RULE}")
        if new.did and not (new.did.isascii() and shown_right(new.did) and " " not in new.did):
            raise NotAllowed("did: printable ASCII without blanks")
        if new.did and self._by_did.get(new.did, new.id) != new.id:
            raise InUse("did: it belongs to another organisation")

    def _keep(self, entry: ListedOrganisation) -> None:
        self._all[entry.organisation.id] = entry
        if entry.organisation.did:
            self._by_did[entry.organisation.did] = entry.organisation.id
