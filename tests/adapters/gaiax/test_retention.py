"""What is over is forgotten after its time, in portions; what stands, stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.gaiax import retention
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.process import Agreement, Negotiation, Token, Transfer
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.settings import Settings
from tests.adapters.gaiax.harness import ACME, ACME_DID, House, gateway

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
EARLY = NOW - timedelta(days=1)
SETTINGS = Settings(processes_kept_days=10, agreements_kept_days=100)


def common(pid: str, days: float) -> dict[str, Any]:
    at = NOW - timedelta(days=days)
    words = {"side": Side.PROVIDER, "partner": ACME_DID, "recipient": ACME, "callback": "https://acme.example"}
    return {"pid": pid, "partner_pid": f"c-{pid}", "begun": at, "changed": at, **words}


def negotiated(pid: str, days: float, state: n.State, agreement: str = "") -> Negotiation:
    more: dict[str, Any] = {"dataset": "d", "offer_id": "o", "policy": {}, "agreement": agreement}
    return Negotiation(state=state, **more, **common(pid, days))


def transferred(pid: str, days: float, state: t.State, agreement: str = "a") -> Transfer:
    return Transfer(state=state, agreement=agreement, format="HttpData-PULL", **common(pid, days))


def agreed(name: str, days: float | None) -> Agreement:
    ended = None if days is None else NOW - timedelta(days=days)
    return Agreement(id=name, side=Side.PROVIDER, partner=ACME_DID, recipient=ACME, dataset="d", policy={}, ended=ended)


async def keep(house: House, *kept: Negotiation | Transfer | Agreement) -> None:
    for one in kept:
        if isinstance(one, Agreement):
            await house.write(lambda c, one=one: store.save_agreement(c, one))  # type: ignore[misc]
        else:
            await house.write(lambda c, one=one: store.save(c, one))  # type: ignore[misc]


async def give(house: House, digest: str, transfer: str, round_: int) -> None:
    one = Token(hash=digest, transfer=transfer, round=round_)
    await house.write(lambda connection: store.save_token(connection, one))


async def names(house: House, column: Any) -> set[str]:
    return await house.look(lambda connection: {row[0] for row in connection.execute(select(column))})


async def test_processes_that_are_over_go_with_their_tokens_and_open_ones_stay(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house:
        house.now = NOW
        await keep(
            house,
            negotiated("old", 11, n.State.FINALIZED),
            negotiated("young", 9, n.State.TERMINATED),
            negotiated("waiting", 300, n.State.REQUESTED),
            transferred("told", 11, t.State.COMPLETED),
            transferred("runs", 300, t.State.STARTED),
        )
        for pid in ("told", "runs"):
            await give(house, f"hash of {pid}", pid, 1)
        assert await retention.purge(house, SETTINGS) == 2
        assert await names(house, store.process.c.pid) == {"young", "waiting", "runs"}
        assert await names(house, store.token.c.transfer) == {"runs"}
        assert await retention.purge(house, SETTINGS) == 0


async def test_an_agreement_outlives_its_end_by_its_own_time_and_every_process_that_names_it(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house:
        house.now = NOW
        await keep(
            house, agreed("stands", None), agreed("disputed", 99), agreed("used", 101), agreed("gone", 101),
            transferred("young", 9, t.State.TERMINATED, "used"), negotiated("old", 500, n.State.FINALIZED, "gone"),
        )  # fmt: skip
        await retention.purge(house, SETTINGS)
        assert await names(house, store.agreement.c.id) == {"stands", "disputed", "used"}


async def test_a_round_goes_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PURGED_AT_ONCE", 2)
    async with gateway(tmp_path) as house:
        house.now = NOW
        await keep(house, *[negotiated(f"n{i}", 20 + i, n.State.FINALIZED) for i in range(5)])
        writes = []
        write = house.tables.write

        async def counted(work: Any) -> Any:
            writes.append(work)
            return await write(work)

        monkeypatch.setattr(house.tables, "write", counted)
        assert await retention.purge(house, SETTINGS) == 5
        assert len(writes) == 1 + 4


async def test_a_transfer_that_is_started_again_and_again_keeps_the_tokens_of_two_rounds(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house:
        for round_ in range(1, 6):
            await give(house, f"token {round_}", "x", round_)
        assert await names(house, store.token.c.hash) == {"token 4", "token 5"}


async def test_identifiers_of_tokens_go_when_these_have_expired(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house:
        house.now = NOW
        for name, minutes in (("old", -1), ("new", 1)):
            until = NOW + timedelta(minutes=minutes)
            await house.write(lambda c, name=name, until=until: store.first_use(c, ACME_DID, name, until, EARLY))  # type: ignore[misc]
        await retention.purge(house, SETTINGS)
        seen = select(func.count()).select_from(store.seen)
        assert await house.look(lambda connection: connection.execute(seen).scalar()) == 1
