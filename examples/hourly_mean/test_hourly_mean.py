"""The processor with the test kit: the function alone, and what it asks the door."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hourly_mean import ENERGY, HOUR, once

from metergate.testing.services import FakeProcessorServices, opening
from policies.terms import Row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_each_hour_of_who_allows_it_is_asked_for_and_written_once() -> None:
    services = FakeProcessorServices(now=NOON + timedelta(minutes=5))
    services.door.openings[services.recipient] = [opening("p1", {ENERGY})]
    for name in ("p1", "p2"):
        begins = [NOON - n * HOUR for n in (1, 2)]
        services.door.rows += [Row(name, ENERGY, at, at + HOUR, Decimal("0.25"), "kWh") for at in begins]
    done: dict[str, datetime] = {}
    for _ in range(2):
        await once(services, done)
    assert {(who, r.end, r.value, r.unit) for who, r in services.results} == {
        ("p1", NOON - n * HOUR, Decimal(250), "W") for n in (0, 1)
    }
    asked = len(services.door.questions)
    await once(services, done)
    assert len(services.door.questions) == asked
    await once(services, {})
    assert len(services.results) == 2


async def test_after_a_withdrawal_nothing_is_asked_for() -> None:
    services = FakeProcessorServices(now=NOON)
    await once(services, {})
    assert services.door.questions == []
