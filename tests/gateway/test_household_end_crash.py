"""SIGKILL between any two steps of a household's end: what the first start shows is what the third shows."""

import asyncio
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, select, text

from adapters.plugin import Batch, Notice, PermissionRequest
from gateway.compose import Gateway
from gateway.consent.endings import Ending
from gateway.consent.records import in_force
from gateway.errors import InUse, SubjectGone
from gateway.household_end import STEPS
from gateway.registry.boxes import ANY_METER
from gateway.registry.tenancy_records import Identity, NewTenancy
from gateway.serve.login import LOGIN
from gateway.storage.tables.counters import counter
from meter_driver.reading import Reading
from policies.grounds import LegalTask, Scope
from policies.roles import Role
from policies.terms import (
    AS_RECEIVED,
    DetailClass,
    Level,
    Period,
    Purpose,
    Recipient,
    SubjectId,
)
from tests.gateway.house import ENERGY, NOON, clear_settings, composition

REPO = Path(__file__).resolve().parents[2]
METER = "urn:dev:ops:m1"
KINDS = {"erasure": Ending.ERASURE, "move-out": Ending.MOVE_OUT}
POINT = "AT0010000000000000001000000123456"


@dataclass(frozen=True)
class Lived:
    """What a household had before it ended."""

    household: SubjectId
    box: str
    box_code: str
    login_code: str
    cookie: str
    waiting: str


WISH = PermissionRequest(
    recipient=Recipient("acme"),
    purpose=Purpose.FORECAST,
    quantities=frozenset({ENERGY}),
    resolution=AS_RECEIVED,
    level=Level.INDIVIDUAL,
    values=Period(NOON - timedelta(days=30), NOON + timedelta(days=300)),
    until=NOON + timedelta(days=300),
    keep=timedelta(days=30),
)


def started(home: Path) -> AbstractAsyncContextManager[Gateway]:
    """As far as a start goes before anything answers, is let in or told."""
    return composition(clear_settings(home), lambda: NOON)


async def told(gateway: Gateway) -> None:
    """Every notice is handled, also by an adapter that keeps a row of each household."""

    async def erased(notice: Notice) -> None:
        drop = text("DELETE FROM of_an_adapter WHERE subject = :subject")
        await gateway.store.write(lambda c: c.execute(drop, {"subject": notice.payload["subject"]}).rowcount)

    gateway.outbox.handle({"household.erased": erased})
    left = text("SELECT count(*) FROM notice")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(gateway.outbox.run())
        while await gateway.store.look(lambda c: c.execute(left).scalar_one()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        running.cancel()


async def moved_in(gateway: Gateway, point: str) -> Lived:
    made = await gateway.registry.tenancies.create(NewTenancy(Identity("Anna"), "z1", points=(point,), start=NOON))
    box = await gateway.registry.boxes.add_box({ANY_METER: made.id})
    consent = gateway.consent
    await consent.accept(made.id, await consent.ask(made.id, WISH), WISH.quantities)
    task = Scope(
        WISH.recipient, WISH.purpose, WISH.quantities, WISH.resolution, WISH.level,
        WISH.values, Period(NOON, WISH.until), WISH.keep,
    )  # fmt: skip
    await consent.enrol(LegalTask(f"task {point}"[:32], made.id, task, "ElWOG", "84", objectable=False))
    readings = [(made.id, Reading("m1", ENERGY, NOON - timedelta(minutes=n), Decimal(n), "kWh")) for n in range(3)]
    await gateway.intake.take(Batch(f"box:{box}", 1, readings))
    add = text("INSERT INTO of_an_adapter VALUES (:subject)")
    await gateway.store.write(lambda c: c.execute(add, {"subject": made.id}).rowcount)
    return Lived(
        made.id,
        box,
        await gateway.codes.issue("box", box, days=14),
        await gateway.codes.issue("login", made.id, days=14),
        await gateway.sessions.start(Role.HOUSEHOLD, made.id),
        await consent.ask(made.id, WISH),
    )


async def prepared(home: Path) -> Lived:
    """A household as it lives, and its neighbour."""
    async with started(home) as gateway:
        await gateway.store.write(lambda c: c.execute(text("CREATE TABLE of_an_adapter (subject TEXT)")).rowcount)
        await moved_in(gateway, "its neighbour's")
        return await moved_in(gateway, POINT)


def rows(connection: Connection) -> dict[str, list[Any]]:
    """Everything that is stored, but how far numbers are reserved: each start reserves more of them."""
    found = MetaData()
    found.reflect(connection)
    tables = {name: table for name, table in found.tables.items() if name != counter.name}
    return {name: sorted(map(repr, connection.execute(select(t)).fetchall())) for name, t in tables.items()}


def shown(gateway: Gateway, lived: Lived) -> dict[str, Any]:
    """What whoever asks is shown."""
    who = lived.household
    return {
        "tenancies": [(t.zone, t.start, t.end, t.erased) for t in gateway.registry.tenancies.all()],
        "boxes": [(box, revoked, households) for box, revoked, households in gateway.registry.boxes.boxes()],
        "sends for": gateway.registry.boxes.subject_of(lived.box, METER),
        "session": gateway.sessions.find(lived.cookie),
        "in force": sorted(repr(g) for g in gateway.grounds.of(who)),
        "asks it": gateway.grounds.subjects(WISH.recipient),
        "keys": {detail: gateway.vault.oldest(who, detail) for detail in DetailClass},
    }


async def ended_well(gateway: Gateway, lived: Lived, *, erased: bool) -> None:
    """Nothing of it is open, and the next tenant may come."""
    who, certificate = lived.household, await gateway.evidence.find(lived.household, "erasure")
    tenancy = gateway.registry.tenancies.get(who)
    assert tenancy is not None
    assert tenancy.end == NOON
    assert (tenancy.erased is not None) == erased == (certificate is not None)
    assert gateway.registry.boxes.subject_of(lived.box, METER) is None
    assert (gateway.sessions.find(lived.cookie) is None) == erased  # who moved out may look at his own time
    assert await gateway.codes.redeem(LOGIN, lived.login_code) is None
    assert await gateway.codes.redeem(frozenset({"box"}), lived.box_code) is None
    assert (gateway.vault.oldest(who, DetailClass.LIVE) is None) == erased
    grounds = await gateway.consent.all_grounds(who)
    assert [type(g) for g in grounds if isinstance(g, LegalTask) or in_force(g)] == [LegalTask]
    kinds = [row for row in (await gateway.store.look(rows))["evidence"] if who in row or "begun" in row]
    assert kinds == []
    with pytest.raises(SubjectGone):
        await gateway.consent.accept(who, lived.waiting, WISH.quantities)
    if erased:
        assert await gateway.household_end.erase(who) == certificate
    next_one = await gateway.registry.tenancies.create(NewTenancy(points=(POINT,), start=NOON))
    assert next_one.live


def lay(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {name: len(some) for name, some in rows(connection).items()}


@pytest.mark.slow
@pytest.mark.parametrize("ending", sorted(KINDS))
async def test_cut_between_any_two_steps_the_first_start_shows_what_the_third_shows(
    tmp_path: Path, ending: str
) -> None:
    lived = await prepared(tmp_path / "home")
    command = [sys.executable, "-m", "tests.gateway.ender", str(tmp_path), ending, lived.household]
    ran = await asyncio.to_thread(subprocess.run, command, cwd=REPO, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    said = [line.split() for line in ran.stdout.splitlines() if line.startswith(("killed ", "whole "))]
    assert len(said) > len(STEPS[KINDS[ending]])
    async with started(tmp_path / said[-1][1]) as gateway:
        await told(gateway)
        whole = await gateway.store.look(lay)
    before = 0
    for _, moment in said:
        home = tmp_path / moment
        async with started(home) as gateway:
            first = shown(gateway, lived)
            await told(gateway)
            kept = await gateway.store.look(rows)
        async with started(home):
            pass
        async with started(home) as gateway:
            assert shown(gateway, lived) == first, f"moment {moment}"
            assert await gateway.store.look(rows) == kept, f"moment {moment}"
            if first["sends for"] == lived.household:  # the intent was not durable: nothing has happened
                before += 1
                assert first["session"] is not None
                with pytest.raises(InUse):
                    await gateway.registry.tenancies.create(NewTenancy(points=(POINT,), start=NOON))
                continue
            assert await gateway.store.look(lay) == whole, f"moment {moment}"
            await ended_well(gateway, lived, erased=ending == "erasure")
    assert before == 1
