"""The certificate of an erasure against what is there: nothing that stays is left out, nothing else is named."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from adapters.gaiax import MIGRATIONS as GAIAX
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.process import Agreement
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.odrl import Terms
from gateway.keeper.changes import stored
from gateway.recovery.first_key import first_key
from gateway.storage.tables.door import notice
from policies.holdings import HOLDINGS
from policies.retention import KEPT_EVIDENCE
from policies.roles import Role
from policies.terms import AS_RECEIVED, FAR_FUTURE, ONE_DAY, Level, Purpose, SubjectId
from tests.gateway.house import ACME, ENERGY, NOON, House, house
from tests.gateway.test_forgetting import SAID, busy, holding_of

KEYS = {each.what: each.key for each in HOLDINGS}
ALWAYS = {each.key for each in HOLDINGS if each.always}


async def certified(home: House, who: SubjectId, keep: str = "") -> dict[str, str]:
    claims = json.loads(await home.gateway.household_end.erase(who, keep=keep))["claims"]
    return {KEYS[each["what"]]: each["until"] for each in claims["retained"]}


async def there(home: House, who: SubjectId) -> dict[str, int]:
    """Rows of the store, by table: the household's id, its names for each partner, keyed hashes of it."""
    named = (who, home.gateway.release.pseudonym(ACME, who), home.evidence.pseudonym(who))
    hashes = [home.vault.lookup(kind, who) for kind in ("evidence", "receipt")] + [home.ledger.tag(who)]
    found = await home.store.look(lambda connection: holding_of(connection, *named))
    return found | await home.store.look(lambda connection: holding_of_bytes(connection, hashes))


def holding_of_bytes(connection: Any, words: list[bytes]) -> dict[str, int]:
    found = {}
    for name in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all():
        rows = connection.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall()
        if hits := sum(
            any(isinstance(value, bytes) and any(w in value for w in words) for value in row) for row in rows
        ):
            found[name] = hits
    return found


@pytest.mark.gdpr("17(3)")
async def test_a_household_that_did_nothing_is_told_of_nothing_but_what_every_erasure_leaves(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        stays = await certified(home, who)
        assert set(stays) == ALWAYS | {"certificate"} == {"certificate", "tenancy", "ledger", "notices"}
        found = await there(home, who)
        assert {SAID[table] for table in found} - {"receipts"} <= set(stays), "of evidence the certificate alone"
        assert {"tenancy", "ledger", "notice", "evidence"} <= found.keys()
        assert "receipts" not in stays


@pytest.mark.gdpr("17(3)")
async def test_whoever_did_everything_is_told_of_each_table_that_tells_of_it_and_of_no_other(tmp_path: Path) -> None:
    async with house(tmp_path, extensions=[GAIAX]) as home:
        who = await busy(home)
        first_key(home.gateway.settings)
        await home.gateway.backups.make(tmp_path / "elsewhere" / "backup")
        services, cookie = home.gateway.services("gaiax"), await home.gateway.sessions.start(Role.HOUSEHOLD, who)
        await services.write(lambda c: store.save_agreement(c, agreed(home, who)))
        other = await home.gateway.sessions.start(Role.HOUSEHOLD, who)
        stays = await certified(home, who, keep=cookie)
        assert home.gateway.sessions.find(other) is None
        assert set(stays) == ALWAYS | {"receipts", "records", "dataspace", "access", "session", "endings"}
        found = await there(home, who)
        assert {SAID[table] for table in found} <= set(stays)
        assert stays["endings"] == str((NOON + home.gateway.backups.window).date())


def agreed(home: House, who: SubjectId) -> Agreement:
    name = home.gateway.release.pseudonym(ACME, who)
    times = (NOON - ONE_DAY, NOON + ONE_DAY, FAR_FUTURE, timedelta(days=30))
    terms = Terms("d", name, Purpose.FORECAST, (ENERGY,), AS_RECEIVED, Level.INDIVIDUAL, *times)
    words: dict[str, Any] = {"partner": "did:web:a", "recipient": ACME, "dataset": "d", "policy": {}}
    return Agreement(id="a", side=Side.PROVIDER, terms=terms, **words)


async def test_without_a_backup_nothing_is_said_to_lie_beside_one_and_without_a_session_none_stays(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        who = await busy(home)
        assert set(await certified(home, who)) == ALWAYS | {"receipts", "records"}


@pytest.mark.gdpr("17(1)")
async def test_when_claims_are_out_of_time_the_keys_know_nothing_of_it_either(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await busy(home)
        place = (await home.keeper.pinned([who]))[who].keys.place
        await certified(home, who)
        home.now += KEPT_EVIDENCE - ONE_DAY
        await home.gateway.forgetting.run(home.now)
        assert stored(home.gateway.keeper._tree, who) is not None  # type: ignore[attr-defined]
        home.now += 2 * ONE_DAY
        await home.gateway.forgetting.run(home.now)
        assert stored(home.gateway.keeper._tree, who) is None  # type: ignore[attr-defined]
        await home.store.write(lambda c: c.execute(delete(notice)).rowcount)
        assert await home.store.look(lambda c: holding_of(c, who, place)) == {}
    async with house(tmp_path) as home:
        assert home.gateway.registry.tenancies.get(who) is None


async def test_forgetting_goes_on_where_a_crash_came_between_the_keys_and_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await busy(home)
        await certified(home, who)
        home.now += KEPT_EVIDENCE + ONE_DAY
        await home.keeper.forget(who)
        await home.gateway.forgetting.run(home.now)
        assert home.gateway.registry.tenancies.get(who) is None
        assert (await home.store.look(lambda c: holding_of(c, who))).keys() <= {"notice"}
