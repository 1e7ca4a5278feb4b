"""A ground that ends by its time ends like one that was taken back, is told once, and reminded of before."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from adapters.plugin import Refused
from gateway.app import time_ends
from gateway.consent import time_ends as module
from gateway.errors import BeingRecorded, StoreFull, SubjectGone
from gateway.storage.tables.door import ground, ground_term
from policies.grounds import Contract, LegalTask, Scope
from policies.terms import Level, Period, Purpose, Reason, Recipient, SubjectId
from tests.gateway.books import entries_of
from tests.gateway.house import ACME, ENERGY, House, house

DAY = timedelta(days=1)
TOLD = text("SELECT kind, payload FROM notice WHERE kind LIKE 'ground.%' ORDER BY number")


async def looked(home: House) -> None:
    """As the loop does, until nothing is due."""
    ends = time_ends(home.gateway)
    while await ends.look():
        pass


async def told(home: House) -> list[tuple[str, dict[str, Any]]]:
    rows = await home.store.look(lambda connection: connection.execute(TOLD).fetchall())
    return [(row.kind, json.loads(row.payload)) for row in rows]


async def kinds(home: House) -> list[tuple[str, int]]:
    """With the days of a reminder."""
    return [(kind, payload.get("days", 0)) for kind, payload in await told(home)]


async def waiting(home: House) -> int:
    count = select(func.count()).select_from(ground_term)
    return int(await home.store.look(lambda connection: connection.execute(count).scalar_one()))


def scope(home: House, until: datetime) -> Scope:
    values = Period(home.now - DAY, until)
    words = frozenset({ENERGY}), timedelta(0), Level.INDIVIDUAL, values, Period(home.now, until), DAY
    return Scope(ACME, Purpose.FORECAST, *words)


async def test_a_consent_that_ended_by_its_time_is_recorded_told_and_signed_like_one_that_was_taken_back(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who, until=home.now + 3 * DAY)
        home.now += 3 * DAY - timedelta(microseconds=1)
        await looked(home)
        assert await told(home) == []
        home.now += timedelta(hours=5)
        await looked(home)
        await looked(home)
        assert await told(home) == [
            ("ground.ended", {"ground": consent.id, "subject": who, "recipient": "acme", "purpose": "forecast",
                              "by_time": True}),
        ]  # fmt: skip
        entries = await entries_of(home.ledger, who)
        end = consent.scope.validity.end
        assert [(entry.kind, entry.ground) for entry in entries] == [("ended", consent.id), ("given", consent.id)]
        assert entries[0].at == end
        record = json.loads(await home.evidence.find(who, "expiry", consent.id) or b"")["claims"]
        assert (record["event"], record["record_id"], record["iat"]) == ("expired", consent.id, int(end.timestamp()))
        assert await home.evidence.find(who, "withdrawal", consent.id) is None
        assert await waiting(home) == 0


async def test_its_household_and_its_recipient_still_find_it_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who, until=home.now + DAY)
        home.now += 2 * DAY
        await looked(home)
        with pytest.raises(Refused) as no:
            await home.rows(home.question(who))
        assert set(no.value.refusal.reasons) == {Reason.CONSENT_INACTIVE}
        assert list(await home.consent.all_grounds(who)) == [consent]
    async with house(tmp_path) as again:
        again.now += 2 * DAY
        assert again.grounds.of(who) == ()
        assert list(await again.consent.all_grounds(who)) == [consent]
        await looked(again)
        assert len(await told(again)) == 1


async def test_a_kill_between_the_end_and_the_telling_is_told_after_the_restart_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who, until=home.now + DAY)
        home.now += DAY  # its time is over, and nobody looks any more
    async with house(tmp_path) as again:
        again.now += 9 * DAY
        await looked(again)
    async with house(tmp_path) as third:
        third.now += 10 * DAY
        await looked(third)
        assert [payload["ground"] for _, payload in await told(third)] == [consent.id]
        assert [entry.kind for entry in await entries_of(third.ledger, who)] == ["ended", "given"]


async def test_contracts_and_legal_tasks_end_by_their_time_too(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.consent.enrol(Contract("contract", who, scope(home, home.now + DAY)))
        await home.consent.enrol(LegalTask("task", who, scope(home, home.now + 2 * DAY), "MsbG", "60"))
        home.now += 3 * DAY
        await looked(home)
        assert {(payload["ground"], payload["by_time"]) for _, payload in await told(home)} == {
            ("contract", True),
            ("task", True),
        }
        assert [entry.kind for entry in await entries_of(home.ledger, who)].count("ended") == 2


async def test_a_legal_task_of_a_household_that_was_erased_ends_by_its_time(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.consent.enrol(LegalTask("task", who, scope(home, home.now + 2 * DAY), "MsbG", "60"))
        await home.gateway.household_end.erase(who)
        home.now += 3 * DAY
        await looked(home)
        assert [payload["ground"] for _, payload in await told(home)] == ["task"]
        ended = await home.store.look(lambda c: c.execute(select(ground.c.ended)).scalar_one())
        assert ended == (home.now - DAY).timestamp()


async def test_what_was_taken_back_is_neither_reminded_of_nor_ended_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who, until=home.now + 40 * DAY)
        await home.consent.withdraw(who)
        home.now += 35 * DAY
        await looked(home)
        home.now += 35 * DAY
        await looked(home)
        assert [(kind, payload["by_time"]) for kind, payload in await told(home)] == [("ground.ended", False)]


async def test_taking_back_what_ended_by_its_time_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who, until=home.now + DAY)
        await home.consent.enrol(Contract("contract", who, scope(home, home.now + DAY)))
        home.now += 2 * DAY
        await looked(home)
        assert await home.consent.withdraw(who, consent.id) == []
        await home.consent.end(who, "contract")
        await home.gateway.household_end.erase(who)
        assert [payload["by_time"] for _, payload in await told(home)] == [True, True]


async def test_what_is_taken_back_between_its_end_and_the_look_is_told_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who, until=home.now + DAY)
        home.now += 2 * DAY
        await asyncio.gather(looked(home), home.consent.withdraw(who))
        assert len(await told(home)) == 1
        assert [entry.kind for entry in await entries_of(home.ledger, who)][1:] == ["given"]


async def test_reminders_are_given_once_thirty_and_seven_days_before(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent, seen = await home.agree(who, until=home.now + 100 * DAY), []
        for _ in range(101):
            home.now += DAY
            await looked(home)
            seen += [each.ends_soon for each in home.release.openings(ACME)]
        assert seen == 69 * [False] + 30 * [True]
        assert await kinds(home) == [("ground.ending", 30), ("ground.ending", 7), ("ground.ended", 0)]
        _, payload = (await told(home))[0]
        assert payload == {
            "ground": consent.id, "subject": who, "recipient": "acme", "purpose": "forecast",
            "end": "2026-06-12T12:00:00Z", "days": 30,
        }  # fmt: skip


async def test_a_gateway_that_slept_over_a_reminder_gives_the_last_one_alone_and_not_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.agree(await home.household(), until=home.now + 100 * DAY)
    for late in (95, 96, 97):
        async with house(tmp_path) as again:
            again.now += late * DAY
            await looked(again)
            assert await kinds(again) == [("ground.ending", 7)]


async def test_a_short_consent_ends_without_a_reminder(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.agree(await home.household(), until=home.now + 6 * DAY)
        for _ in range(7):
            home.now += DAY
            await looked(home)
        assert await kinds(home) == [("ground.ended", 0)]


async def test_a_midnight_at_which_many_end_is_done_in_portions_and_each_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DUE_AT_ONCE", 4)
    async with house(tmp_path) as home:
        names = [(await home.agree(await home.household(), until=home.now + DAY)).id for _ in range(9)]
        who = await home.household()  # two of one household, at two instants
        names += [(await home.agree(who, until=home.now + hours * timedelta(hours=1))).id for hours in (1, 2)]
        home.now += 2 * DAY
        ends, portions = time_ends(home.gateway), 1
        while await ends.look():
            portions += 1
        await looked(home)
        assert portions == 3
        assert sorted(payload["ground"] for _, payload in await told(home)) == sorted(names)


async def test_a_household_that_cannot_be_ended_now_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        broken, other = await home.household(), await home.household()
        for each in (broken, other):
            await home.agree(each, until=home.now + DAY)
        home.now += 2 * DAY
        seal = home.ledger.seal

        async def failing(entries: Sequence[tuple[SubjectId, Any]]) -> Any:
            if any(who == broken for who, _ in entries):
                raise OSError("broken")
            return await seal(entries)

        monkeypatch.setattr(home.ledger, "seal", failing)
        await looked(home)
        assert [payload["subject"] for _, payload in await told(home)] == [other]
        assert [ground.subject for ground in home.grounds.unended(broken)] == [broken]
        monkeypatch.setattr(home.ledger, "seal", seal)
        await looked(home)
        assert len(await told(home)) == 1  # not before a minute is over
        home.now += module.ENDED_AGAIN
        await looked(home)
        assert [payload["subject"] for _, payload in await told(home)] == [other, broken]


async def test_a_household_whose_keys_are_gone_ends_in_its_record_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who, until=home.now + DAY)
        home.now += 2 * DAY

        async def gone(_: object) -> None:
            raise SubjectGone("no such household")

        monkeypatch.setattr(home.ledger, "seal", gone)
        await looked(home)
        assert ([payload["by_time"] for _, payload in await told(home)], await waiting(home)) == ([True], 0)
        assert home.grounds.unended(who) == []


async def test_what_was_pressed_and_is_not_recorded_yet_is_in_nobodys_way_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who, until=home.now + DAY)

        async def full(*_: Any, **__: Any) -> None:
            raise StoreFull("full")

        with monkeypatch.context() as patch:
            patch.setattr(home.store, "write", full)
            with pytest.raises(BeingRecorded):
                await home.consent.withdraw(who)
        home.now += 2 * DAY
        await looked(home)
        due = await home.store.look(lambda c: c.execute(select(ground_term.c.due)).scalar_one())
        assert due == (home.now + module.ENDED_AGAIN).timestamp()
        await home.consent.ends.record_owed()
        home.now += DAY
        await looked(home)
        assert [(payload["ground"], payload["by_time"]) for _, payload in await told(home)] == [(consent.id, False)]


async def test_what_is_taken_back_while_it_is_looked_at_is_not_reminded_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who, until=home.now + 40 * DAY)
        home.now += 20 * DAY
        write = home.store.write

        async def first_withdrawn(work: Any, **more: Any) -> Any:
            monkeypatch.setattr(home.store, "write", write)
            await home.consent.withdraw(who)
            return await write(work, **more)

        monkeypatch.setattr(home.store, "write", first_withdrawn)
        await looked(home)
        assert [kind for kind, _ in await told(home)] == ["ground.ended"]


async def test_a_full_disk_ends_nothing_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who, until=home.now + DAY)
        home.now += 2 * DAY

        async def full(*_: Any, **__: Any) -> None:
            raise StoreFull("full")

        with monkeypatch.context() as patch:
            patch.setattr(home.store, "write", full)
            with pytest.raises(StoreFull):
                await looked(home)
        await looked(home)
        assert len(await told(home)) == 1


async def test_a_word_about_a_ground_that_is_not_there_goes(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who, until=home.now + DAY)
        renamed = update(ground_term).where(ground_term.c.ground == consent.id).values(ground="nobody")
        await home.store.write(lambda connection: connection.execute(renamed).rowcount)
        home.now += 2 * DAY
        await looked(home)
        assert (await told(home), await waiting(home)) == ([], 0)


async def test_the_loop_ends_what_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(Exception):
        pass

    async def sleep(_: float) -> None:
        raise Enough

    async with house(tmp_path) as home:
        await home.agree(await home.household(), until=home.now + DAY)
        home.now += 2 * DAY
        with monkeypatch.context() as patch:
            patch.setattr("gateway.consent.time_ends.asyncio.sleep", sleep)
            with pytest.raises(Enough):
                await time_ends(home.gateway).run()
        assert len(await told(home)) == 1


async def test_only_what_is_due_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many grounds there are: the index finds what is due."""
    async with house(tmp_path) as home:
        for recipient in ("a", "b", "c"):
            await home.agree(await home.household(), recipient=Recipient(recipient))
        plan = "EXPLAIN QUERY PLAN SELECT ground FROM ground_term WHERE due <= 1 ORDER BY due, ground LIMIT 1"
        rows = await home.store.look(lambda connection: connection.exec_driver_sql(plan).fetchall())
        assert "ground_term_due" in str(rows)
        seen: list[str] = []
        monkeypatch.setattr(home.grounds, "find", lambda _, name: seen.append(name))
        await looked(home)
        assert seen == []
