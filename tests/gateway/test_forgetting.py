"""What is kept for a time goes when it is over, and nothing of a household lies where nobody says so."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from gateway.door.chain import FORGOTTEN
from policies.grounds import LegalTask, Scope
from policies.holdings import HOLDINGS
from policies.retention import KEPT_EVIDENCE
from policies.terms import AS_RECEIVED, ONE_DAY, Level, Period, Purpose, Recipient, SubjectId
from tests.gateway.books import entries_of
from tests.gateway.house import ACME, ENERGY, House, house
from tests.gateway.people_house import people

SAID = {table: holding.key for holding in reversed(HOLDINGS) for table in holding.tables}


def holding_of(connection: Connection, *words: str) -> dict[str, int]:
    """In how many rows of which table one of the words stands."""
    names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
    found = {}
    for name in names:
        rows = connection.execute(text(f'SELECT * FROM "{name}"')).fetchall()
        if hits := sum(any(mentioned(value, word) for value in row for word in words) for row in rows):
            found[name] = hits
    return found


def mentioned(value: Any, word: str) -> bool:
    return word in value if isinstance(value, str) else isinstance(value, bytes) and word.encode() in value


async def busy(home: House) -> SubjectId:
    """A household that did all that leaves something."""
    who = await home.household()
    await home.feed(who, [1, 2, 3])
    await home.agree(who)
    await home.rows(home.question(who))
    await home.consent.refuse(who, await home.consent.ask(who, home.wish(reference="no")))
    await home.consent.ask(who, home.wish(reference="open", purpose=Purpose.RESEARCH))
    await home.consent.enrol(law(who, home.now + 4 * KEPT_EVIDENCE))
    await home.gateway.codes.issue("login", who, days=3)
    return who


def law(who: SubjectId, until: datetime) -> LegalTask:
    year = Period(until - timedelta(days=9000), until)
    scope = Scope(ACME, Purpose.BILLING, frozenset({ENERGY}), AS_RECEIVED, Level.INDIVIDUAL, year, year, ONE_DAY)
    return LegalTask(f"law{who}"[-32:], who, scope, "MsbG", "60")


@pytest.mark.gdpr("17(1)")
async def test_after_an_erasure_the_id_lies_where_the_certificate_says_and_nowhere_else(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await busy(home)
        await home.gateway.household_end.erase(who)
        found = await home.store.look(lambda connection: holding_of(connection, who))
        assert found.keys() <= SAID.keys()
        assert {"ground", "permission_request", "tenancy"} <= found.keys()


@pytest.mark.gdpr("17(1)")
async def test_names_and_remarks_lie_nowhere_after_an_erasure(tmp_path: Path) -> None:
    async with people(tmp_path) as home:
        texts = {"name": "Qwertz Uiop", "address": "Yxcvbnm 17", "remarks": "Asdfghjkl"}
        made = await home.household(**texts)
        await home.gateway.household_end.erase(made["household"])
        assert await home.gateway.store.look(lambda connection: holding_of(connection, *texts.values())) == {}


@pytest.mark.gdpr("17(3)")
async def test_when_claims_are_out_of_time_nothing_is_left_of_who_was_erased_and_others_keep_theirs(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        who, neighbour = await busy(home), await busy(home)
        await home.ledger.sign_checkpoint()
        await home.gateway.household_end.erase(who)
        before = await home.store.look(lambda connection: holding_of(connection, neighbour))
        entries = await count(home)
        home.now += KEPT_EVIDENCE - ONE_DAY
        await home.gateway.forgetting.run(home.now)
        assert await home.store.look(lambda connection: holding_of(connection, who)) != {}
        home.now += 2 * ONE_DAY
        await home.gateway.forgetting.run(home.now)
        left = await home.store.look(lambda connection: holding_of(connection, who))
        assert left.keys() <= {"notice"}, "what the outbox has not delivered yet"
        assert home.gateway.registry.tenancies.get(who) is None
        assert await home.evidence.find(who, "erasure") is None
        after = await home.store.look(lambda connection: holding_of(connection, neighbour))
        for table in ("tenancy", "ground"):
            assert after[table] == before[table]
        assert await count(home) == entries, "the chain keeps its links"
        assert (await home.ledger.verify()).fault == ""
        assert await home.store.look(lambda c: tags(c).count(FORGOTTEN)) > 0
    async with house(tmp_path) as home:
        assert home.gateway.pins.faults == []
        assert home.gateway.registry.tenancies.get(who) is None


async def count(home: House) -> int:
    return len(await home.store.look(tags))


def tags(connection: Connection) -> list[bytes]:
    return list(connection.execute(text("SELECT subject_tag FROM ledger ORDER BY number")).scalars())


async def test_who_is_there_loses_what_is_as_old_and_keeps_what_stands(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        lapsed = await home.agree(who)
        ended = await home.agree(who, recipient=Recipient("north"))
        await home.consent.withdraw(who, ended.id)
        await home.consent.refuse(who, await home.consent.ask(who, home.wish()))
        await home.consent.ask(who, home.wish(purpose=Purpose.RESEARCH, until=home.now + 5 * KEPT_EVIDENCE))
        await home.consent.ask(who, home.wish(purpose=Purpose.ENERGY_ADVICE, until=home.now + ONE_DAY))
        await home.consent.enrol(law(who, home.now + 5 * KEPT_EVIDENCE))
        home.now += KEPT_EVIDENCE + ONE_DAY
        await home.gateway.forgetting.run(home.now)
        assert {g.id for g in await home.consent.all_grounds(who)} == {lapsed.id, law(who, home.now).id}
        assert await home.evidence.find(who, "receipt", ended.id) is None
        assert await home.evidence.find(who, "withdrawal", ended.id) is None
        assert await home.evidence.find(who, "receipt", lapsed.id) is not None
        assert len(await home.consent.waiting(who)) == 1
        home.now += timedelta(days=300)
        await home.gateway.forgetting.run(home.now)
        assert {g.id for g in await home.consent.all_grounds(who)} == {law(who, home.now).id}
        assert await home.evidence.find(who, "receipt", lapsed.id) is None
    async with house(tmp_path) as home:
        assert home.gateway.pins.faults == []
        assert [g.id for g in home.consent.grounds(who)] == [law(who, home.now).id]


async def test_the_ledger_forgets_what_was_said_before_a_head_that_is_as_old_and_stays_whole(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await home.ledger.sign_checkpoint()
        home.now += timedelta(days=10)
        await home.ledger.note(who, "own")
        await home.ledger.sign_checkpoint()
        home.now += KEPT_EVIDENCE - timedelta(days=5)
        await home.ledger.note(who, "login")
        assert await home.ledger.forget_before(home.now - KEPT_EVIDENCE) == 1
        assert await home.ledger.forget_before(home.now - KEPT_EVIDENCE) == 0
        assert [entry.kind for entry in await entries_of(home.ledger, who)] == ["login", "own"]
        assert (await home.ledger.verify()).fault == ""
        home.now += timedelta(days=6)
        assert await home.ledger.forget_before(home.now - KEPT_EVIDENCE) == 1
        assert [entry.kind for entry in await entries_of(home.ledger, who)] == ["login"]
        assert (await home.ledger.verify()).fault == ""


@pytest.mark.parametrize("forged", ["leaf", "another entry's", "nothing"])
async def test_nobody_without_the_keys_makes_an_entry_a_forgotten_one(tmp_path: Path, forged: str) -> None:
    from policies import ledger as books

    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await home.ledger.sign_checkpoint()
        home.now += KEPT_EVIDENCE + ONE_DAY
        await home.ledger.forget_before(home.now - KEPT_EVIDENCE)
        await home.ledger.note(who, "own")

        def forge(connection: Connection) -> None:
            (first, second) = connection.execute(text("SELECT sealed FROM ledger ORDER BY number")).scalars()
            body = {"leaf": books.leaf(second), "another entry's": first, "nothing": b""}[forged]
            statement = text("UPDATE ledger SET subject_tag = x'', sealed = :body WHERE number = 2")
            connection.execute(statement, {"body": body})

        await home.store.write(forge)
        assert "altered" in (await home.ledger.verify()).fault
