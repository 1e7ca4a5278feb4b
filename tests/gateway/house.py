"""A small house for tests of the desks: a real store, real keys, real desks; clock and signer are the test's."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog

from adapters.plugin import Batch, Migrations, Organisation, PermissionRequest, always
from gateway.compose import NO_OVERRIDES, Gateway, Overrides, load, opened
from gateway.door import following
from gateway.door.egress import Part
from gateway.door.standing import Right, own_right
from gateway.pins.change import GUARDED
from gateway.pins.start import compare_households, compare_tables
from gateway.registry.tenancy_records import NewTenancy
from gateway.rights import Credential, session
from gateway.settings import Settings, parse
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import url_of
from meter_driver.reading import Reading
from policies.cohorts import SafetyRule
from policies.grounds import Consent
from policies.roles import Listener
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    DetailClass,
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

    def former(self) -> Sequence[Mapping[str, str]]:
        return ()

    def sign(self, claims: Mapping[str, Any], *, typ: str, headers: Mapping[str, Any] | None = None) -> str:
        return json.dumps({"typ": typ, "claims": claims})

    def verify(self, token: str, *, typ: str, former: bool = False) -> Mapping[str, Any] | None:
        """Also what a restore signed, which is a gateway as it is."""
        said = json.loads(token) if token.startswith("{") else _of_jws(token)
        claims: Mapping[str, Any] = said["claims"]
        return claims if said["typ"] == typ else None


def _of_jws(token: str) -> Mapping[str, Any]:
    header, claims = (json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return {"typ": header["typ"], "claims": claims}


class Registry:
    """Organisations that may ask for all of some quantities, and places."""

    def __init__(self) -> None:
        self.where: dict[SubjectId, str] = {}
        self.whose: dict[SubjectId, bytes] = {}
        self.closed: set[Recipient] = set()
        self.quantities = frozenset({ENERGY, FEED})

    def organisation_now(self, recipient: Recipient) -> Organisation | None:
        if recipient in self.closed:
            return None
        return Organisation(
            recipient,
            str(recipient),
            levels=frozenset(Level),
            quantities=self.quantities,
            finest=timedelta(0),
            purposes=frozenset(Purpose),
        )

    def zones(self, recipient: Recipient) -> Sequence[str]:
        return self.places()

    def residents(self, place: str) -> Sequence[SubjectId]:
        return [subject for subject, where in self.where.items() if where == place]

    def places(self) -> Sequence[str]:
        return sorted(set(self.where.values()))

    def place_of(self, subject: SubjectId) -> str:
        return self.where.get(subject, "")

    async def holders(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, bytes]:
        return {subject: self.whose.get(subject, subject.encode()) for subject in subjects}


@dataclass
class House:
    """The composition, and short words for what tests do with it."""

    gateway: Gateway
    registry: Registry
    now: datetime = NOON

    def __post_init__(self) -> None:
        g = self.gateway
        self.store, self.vault, self.keeper, self.compactor = g.store, g.vault, g.keeper, g.compactor
        self.intake, self.consent, self.release, self.cohorts = g.intake, g.consent, g.release, g.cohorts
        self.epochs, self.lines, self.grounds, self.egress = g.epochs, g.lines, g.grounds, g.egress
        self.ledger, self.evidence, self.outbox, self.log = g.ledger, g.evidence, g.outbox, g.log

    async def household(self, place: str = "") -> SubjectId:
        made = await self.gateway.registry.tenancies.create(NewTenancy(start=self.now - timedelta(days=30)))
        self.registry.where[made.id] = place
        return made.id

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
        await self.take(readings)

    async def take(self, readings: Sequence[tuple[SubjectId, Reading]]) -> None:
        """Of one box; none may be refused."""
        answer = await self.intake.take(Batch("box", next(_sequences), readings))
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

    def own_right(self) -> Right:
        """Of somebody who is logged in and stays so."""
        return own_right(Credential(session(b"s"), FAR_FUTURE, always), self.gateway.clock)

    async def parts(self, question: ReleaseRequest) -> list[Part]:
        return [part async for part in await self.release.release(question, self.right(question))]

    def right(self, question: ReleaseRequest, alive: Callable[[], bool] = always) -> Right:
        """Of somebody who came by nothing that can end."""
        return self.gateway.profiles.right(question, None, alive)


def told(row: Row) -> Decimal:
    """The value of a row that has one."""
    assert row.value is not None
    return row.value


def whole(row: Row) -> int:
    """The same where tests count in whole numbers."""
    return int(told(row))


async def streamed(
    home: House, question: ReleaseRequest, patch: pytest.MonkeyPatch, *acts: Callable[[], Awaitable[object]]
) -> list[list[Row]]:
    """By turn: before the first act, and after each."""
    left, found, over = list(acts), [list[Row]()], list[bool]()

    async def moment(_: object) -> None:
        found.append([])
        if left:
            await left.pop(0)()
        else:
            over.append(True)

    patch.setattr(following, "_moment", moment)
    stream = await home.release.follow(question, home.right(question), gone=lambda: bool(over))
    async for part in stream:
        found[-1] += part.released.rows
    return found[:-1]


_sequences = count(1)
"""Of all houses of a test: one that is opened again goes on."""
_made: list[bytes] = []
_openings = count(1)
"""A house that is opened again makes other ids."""


def tables(file: Path) -> None:
    """An empty database with all tables, unless one is there. Migrated once, copied afterwards."""
    if not _made:
        migrate(url_of(file))
        _made.append(file.read_bytes())
    elif not file.exists():
        file.parent.mkdir(parents=True, mode=0o700)
        file.write_bytes(_made[0])


def clear_settings(folder: Path, **tables: Any) -> Settings:
    """Every listener in clear on a free port; the rest as a user gets it, or as ``tables`` say."""
    doors = {which.value: {"port": 0, "clear": True} for which in Listener}
    return parse({**doors, **tables}, folder)


async def all_is_pinned(gateway: Gateway) -> None:
    """Whatever a test did: nothing wrote a guarded table beside ``gateway.pins``, and the next start believes them."""
    tables = await compare_tables(gateway.store, gateway.keeper, gateway.pins.tables[len(GUARDED) :])
    for found in (tables, await compare_households(gateway.store, gateway.keeper)):
        assert [name for name in found.doubted if gateway.pins.believed(SubjectId(name))] == []


@asynccontextmanager
async def composition(
    settings: Settings,
    clock: Callable[[], datetime],
    overrides: Overrides = NO_OVERRIDES,
    *,
    start: Callable[[Gateway], Awaitable[None]] = load,
    log: Any = None,
    extensions: Sequence[Migrations] = (),
) -> AsyncIterator[Gateway]:
    """The composition as the product runs it, loaded, its loops not started but for the store's writer."""
    log = log or structlog.get_logger()
    await asyncio.to_thread(tables, settings.data / "store.db")
    stop = asyncio.Event()
    guarded = [table for each in extensions for table in each.guarded()]
    if extensions:
        await asyncio.to_thread(migrate, settings.store_url, extensions)
    opening = opened(settings, log, clock, overrides, guarded=guarded)
    async with opening as (gateway, supervisor), asyncio.TaskGroup() as group:
        group.create_task(supervisor.run(stop))
        try:
            await start(gateway)
            yield gateway
            await all_is_pinned(gateway)
        finally:
            stop.set()


@asynccontextmanager
async def house(
    folder: Path,
    *,
    profile: SafetyRule | None = None,
    zone: str = "UTC",
    kept: Mapping[DetailClass, int] = {},
    looks: bool = True,
    retention: Mapping[str, Any] = {},
    extensions: Sequence[Migrations] = (),
    cell: int = 60,
) -> AsyncIterator[House]:
    """Opened on a folder; opening it again finds what was durable. ``extensions``: whose tables are there too.
    ``cell``: its length in minutes."""
    made: list[House] = []
    numbers, registry = count(next(_openings) << 64), Registry()

    def clock() -> datetime:
        return made[0].now if made else NOON

    def ids() -> str:
        return f"{next(numbers):032x}"

    days = {**{detail.value: count for detail, count in kept.items()}, **retention}
    cells = {"interval_minutes": cell, "grace_minutes": 0}
    settings = clear_settings(folder, timezone=zone, cohorts=cells, retention=days, vee={"enabled": looks})
    mine = Overrides(ids, PlainSigner(), registry, registry, profile or SafetyRule(3, Decimal(1)))
    async with composition(settings, clock, mine, extensions=extensions) as gateway:
        made.append(House(gateway, registry))
        yield made[0]
