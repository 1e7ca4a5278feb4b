"""A small house for tests of the desks: a real store, real keys, real desks; clock and signer are the test's."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from adapters.plugin import Batch, Organisation, PermissionRequest
from gateway.cohorts.desk import CohortDesk
from gateway.consent.desk import ConsentDesk, Desk
from gateway.consent.evidence import Controller, Evidence
from gateway.door.egress import Part
from gateway.door.epochs import Epochs
from gateway.door.ledger import Ledger
from gateway.door.lines import Lines
from gateway.door.release import ReleaseDesk
from gateway.grounds import GroundBook
from gateway.intake.desk import Intake
from gateway.keeper.keeper import Keeper, open_keeper
from gateway.serve.outbox import Outbox
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import Store
from gateway.vault.compactor import Compactor
from gateway.vault.sealed import SealedVault
from meter_driver.reading import Reading
from policies.cohorts import Profile
from policies.grounds import Consent
from policies.retention import DEFAULT_DAYS
from policies.terms import (
    AS_RECEIVED,
    Household,
    Level,
    Period,
    Purpose,
    Recipient,
    ReleaseRequest,
    Row,
    SubjectId,
)

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ENERGY = "1-0:1.8.0*255"
FEED = "1-0:2.8.0*255"
ACME = Recipient("acme")


class PlainSigner:
    """Signs by wrapping; says what was signed. No test of a signature uses it."""

    did = "did:web:gateway.example"
    kid = "did:web:gateway.example#key"

    def jwk(self) -> Mapping[str, str]:
        return {}

    def sign(self, claims: Mapping[str, Any], *, typ: str, headers: Mapping[str, Any] | None = None) -> str:
        return json.dumps({"typ": typ, "claims": claims})

    def verify(self, token: str, *, typ: str) -> Mapping[str, Any] | None:
        return None


class Registry:
    """Organisations that may ask for everything, and places."""

    def __init__(self) -> None:
        self.where: dict[SubjectId, str] = {}
        self.closed: set[Recipient] = set()

    def organisation_now(self, recipient: Recipient) -> Organisation | None:
        if recipient in self.closed:
            return None
        return Organisation(
            recipient,
            str(recipient),
            levels=frozenset(Level),
            quantities=frozenset({ENERGY, FEED}),
            finest=timedelta(0),
            purposes=frozenset(Purpose),
        )

    def zones(self, recipient: Recipient) -> Sequence[str]:
        return self.places()

    def residents(self, place: str) -> Sequence[SubjectId]:
        return [subject for subject, where in self.where.items() if where == place]

    def places(self) -> Sequence[str]:
        return sorted(set(self.where.values()))


@dataclass
class House:
    """The desks, and short words for what tests do with them."""

    store: Store
    vault: SealedVault
    intake: Intake
    desk: Desk
    consent: ConsentDesk
    release: ReleaseDesk
    cohorts: CohortDesk
    registry: Registry
    keeper: Keeper
    now: datetime = NOON
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def household(self, place: str = "") -> SubjectId:
        subject = SubjectId(f"{next(self.numbers):032x}")
        await self.vault.admit(subject, self.now)
        self.registry.where[subject] = place
        return subject

    async def feed(
        self,
        subject: SubjectId,
        values: Sequence[float | str],
        *,
        step: timedelta = timedelta(minutes=15),
        start: datetime | None = None,
        quantity: str = ENERGY,
    ) -> None:
        begin = start or self.now - timedelta(hours=12)
        readings = [
            (subject, Reading("m", quantity, begin + n * step, Decimal(str(v)), "kWh")) for n, v in enumerate(values)
        ]
        answer = await self.intake.take(Batch("box", next(self.numbers), readings))
        assert not answer.refused, answer

    def wish(self, **other: Any) -> PermissionRequest:
        words: dict[str, Any] = {
            "recipient": ACME,
            "purpose": Purpose.FORECAST,
            "quantities": frozenset({ENERGY, FEED}),
            "resolution": AS_RECEIVED,
            "level": Level.INDIVIDUAL,
            "values": Period(self.now - timedelta(days=30), self.now + timedelta(days=300)),
            "until": self.now + timedelta(days=300),
            "keep": timedelta(days=30),
        }
        return PermissionRequest(**{**words, **other})

    async def agree(self, subject: SubjectId, **other: Any) -> Consent:
        wish = self.wish(**other)
        return await self.consent.accept(subject, await self.consent.ask(subject, wish), wish.quantities)

    def question(self, who: SubjectId, /, **other: Any) -> ReleaseRequest:
        words: dict[str, Any] = {
            "recipient": ACME,
            "purpose": Purpose.FORECAST,
            "subject": Household(who),
            "quantities": frozenset({ENERGY}),
            "resolution": AS_RECEIVED,
            "level": Level.INDIVIDUAL,
            "period": Period(self.now - timedelta(days=1), self.now),
        }
        return ReleaseRequest(**{**words, **other})

    async def rows(self, question: ReleaseRequest) -> list[Row]:
        return [row for part in await self.parts(question) for row in part.released.rows]

    async def parts(self, question: ReleaseRequest) -> list[Part]:
        return [part async for part in await self.release.release(question)]


def merging(home: House) -> Compactor:
    """A compactor over the house's store; it merges when it is told to."""
    log = structlog.get_logger()
    return Compactor(
        home.store, home.keeper, clock=lambda: home.now, randomness=os.urandom, log=log, settled=home.vault.settled
    )


@asynccontextmanager
async def house(folder: Path, *, profile: Profile | None = None) -> AsyncIterator[House]:
    """Opened on a folder; opening it again finds what was durable."""
    file = folder / "data" / "store.db"
    migrate(file)
    keeper = open_keeper(folder / "data" / "tree", folder / "keys" / "root")
    made: list[House] = []

    def clock() -> datetime:
        return made[0].now if made else NOON

    async with Store(file) as store, asyncio.TaskGroup() as group:
        vault = SealedVault(store, keeper, DEFAULT_DAYS, clock=clock)
        await vault.start()
        writer = group.create_task(store.run())
        numbers = count(1 << 64)
        log = structlog.get_logger()
        registry, book, epochs, lines, signer = Registry(), GroundBook(), Epochs(), Lines(), PlainSigner()

        def ids() -> str:
            return f"{next(numbers):032x}"

        evidence = Evidence(store, vault, signer, Controller("Operator", "mail@example.org"), ids)
        ledger = Ledger(store, vault, signer, clock, ids)
        outbox = Outbox(store, clock, log)
        desk = Desk(store, vault, book, ledger, epochs, lines, outbox, evidence, clock, ids, log)
        await book.load(store)
        cohorts = CohortDesk(
            store,
            vault,
            book,
            registry,
            clock,
            profile=profile or Profile(3, Decimal(1)),
            interval=timedelta(hours=1),
            grace=timedelta(0),
        )
        release = ReleaseDesk(vault, book, ledger, epochs, registry, cohorts, clock)
        intake = Intake(vault, store, clock=clock, zone=UTC)
        made.append(House(store, vault, intake, desk, ConsentDesk(desk), release, cohorts, registry, keeper))
        try:
            yield made[0]
        finally:
            writer.cancel()
    keeper.close()
