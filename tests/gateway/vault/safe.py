"""A vault in a folder, with a clock that the test moves."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import structlog

from adapters.plugin import Batch, IntakeAnswer
from gateway.compose import Gateway
from gateway.intake.desk import Intake
from gateway.keeper.port import Keeper
from gateway.registry.meters import Meters
from gateway.storage.port import Store
from gateway.vault.compactor import Compactor
from gateway.vault.offline import Loot, open_folder
from gateway.vault.port import Value
from gateway.vault.retention import Retention
from gateway.vault.sealed import SealedVault
from meter_driver.reading import Reading
from policies.terms import DetailClass, Period, SubjectId
from tests.gateway.house import clear_settings, composition

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ENERGY, POWER = "1-0:1.8.0*255", "1-0:1.7.0*255"
ANNA, BERT = SubjectId("a" * 32), SubjectId("b" * 32)
ALWAYS = Period(datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


@dataclass
class Safe:
    """All parts of one vault."""

    home: Path
    store: Store
    keeper: Keeper
    vault: SealedVault
    intake: Intake
    retention: Retention
    compactor: Compactor
    meters: Meters
    now: datetime = NOON
    sequence: int = 0

    def clock(self) -> datetime:
        return self.now

    async def take(
        self, subject: SubjectId, values: Iterable[tuple[datetime, str]], quantity: str = ENERGY, unit: str = "kWh"
    ) -> IntakeAnswer:
        """A batch of one household, from a source of the test's own."""
        self.sequence += 1
        return await self.intake.take(
            Batch("test", self.sequence, [(subject, reading(*v, quantity, unit)) for v in values])
        )

    async def values(
        self,
        subject: SubjectId,
        detail: DetailClass = DetailClass.LIVE,
        quantity: str = ENERGY,
        period: Period = ALWAYS,
    ) -> list[Value]:
        days = [day async for day in self.vault.read(subject, detail, frozenset({quantity}), period)]
        return [value for day in days for value in day]


def reading(at: datetime, value: str, quantity: str = ENERGY, unit: str | None = "kWh") -> Reading:
    return Reading("", quantity, at, Decimal(value), unit)


def minutes(count: int, begin: datetime = NOON - timedelta(hours=2)) -> list[tuple[datetime, str]]:
    """A register, minute by minute."""
    return [(begin + timedelta(minutes=i), f"{1000 + i}.{i % 10}") for i in range(count)]


@asynccontextmanager
async def opened(
    home: Path, days: Mapping[DetailClass, int] | None = None, now: datetime = NOON
) -> AsyncIterator[Safe]:
    """Open or make the vault of a folder: the composition without its start-up expiry, which the test does."""
    made: list[Safe] = []

    def clock() -> datetime:
        return made[0].now if made else now

    async def start(gateway: Gateway) -> None:
        await gateway.vault.start()
        await gateway.retention.load()

    kept = {detail.value: count for detail, count in (days or {}).items()}
    settings = clear_settings(home, timezone="Europe/Vienna", retention=kept)
    log = structlog.testing.CapturingLogger()
    async with composition(settings, clock, start=start, log=log) as g:
        made.append(Safe(home, g.store, g.keeper, g.vault, g.intake, g.retention, g.compactor, g.registry.meters, now))
        yield made[0]


def stolen(folder: Path) -> dict[str, set[float]]:
    """What the offline opener gets out of a folder, by household."""
    found: dict[str, set[float]] = {}
    for one in open_folder(folder, Loot()):
        found.setdefault(one.household, set()).update(one.values)
    return found
