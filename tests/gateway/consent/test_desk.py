"""A household accepts all, a part, or nothing; takes it back; erases. Durable before it is acknowledged."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from adapters.plugin import Refused
from gateway.errors import ConsentError, StoreFull, SubjectGone
from policies.grounds import Consent
from policies.terms import DetailClass, Level, Purpose, Reason, Recipient
from tests.gateway.books import entries_of
from tests.gateway.house import ACME, ENERGY, FEED, House, house


async def refused(home: House, question: Any) -> set[Reason]:
    with pytest.raises(Refused) as no:
        await home.rows(question)
    return set(no.value.refusal.reasons)


@pytest.mark.gdpr("4(11)")
@pytest.mark.gdpr("25(2)")
async def test_silence_is_no(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2, 3])
        await home.consent.ask(who, home.wish())
        assert await refused(home, home.question(who)) == {Reason.NO_CONSENT}


@pytest.mark.gdpr("4(11)")
async def test_a_part_that_is_accepted_gives_that_part_and_no_more(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, ["12345678.901", "12345679.025"])
        request = await home.consent.ask(who, home.wish())
        await home.consent.accept(who, request, frozenset({ENERGY}))
        rows = await home.rows(home.question(who))
        assert [str(row.value) for row in rows] == ["12345678.901", "12345679.025"]
        both = home.question(who, quantities=frozenset({ENERGY, FEED}))
        assert await refused(home, both) == {Reason.QUANTITY_NOT_COVERED}


async def test_nothing_chosen_or_more_than_asked_is_no_answer(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        request = await home.consent.ask(who, home.wish(quantities=frozenset({ENERGY})))
        for chosen in (frozenset[str](), frozenset({FEED}), frozenset({ENERGY, FEED})):
            with pytest.raises(ConsentError) as error:
                await home.consent.accept(who, request, chosen)
            assert error.value.reason == "nothing-chosen"
        assert len(await home.consent.waiting(who)) == 1


async def test_an_answer_counts_once_also_after_a_withdrawal(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        request = await home.consent.ask(who, home.wish())
        await home.consent.accept(who, request, frozenset({ENERGY}))
        await home.consent.withdraw(who)
        with pytest.raises(ConsentError) as error:
            await home.consent.accept(who, request, frozenset({ENERGY}))
        assert error.value.reason == "answered"
        assert await refused(home, home.question(who)) == {Reason.WITHDRAWN}


async def test_another_households_request_and_consent_are_not_there(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        mine, other = await home.household(), await home.household()
        request = await home.consent.ask(mine, home.wish())
        with pytest.raises(ConsentError, match="no such request"):
            await home.consent.accept(other, request, frozenset({ENERGY}))
        with pytest.raises(ConsentError, match="no such request"):
            await home.consent.refuse(other, request)
        consent = await home.consent.accept(mine, request, frozenset({ENERGY}))
        with pytest.raises(ConsentError, match="no such consent"):
            await home.consent.withdraw(other, consent.id)
        await home.feed(mine, [1])
        assert len(await home.rows(home.question(mine))) == 1


@pytest.mark.gdpr("19")
async def test_a_withdrawal_is_durable_and_in_the_ledger_and_told_to_adapters(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who)
        await home.consent.withdraw(who, consent.id)
        kinds = [entry.kind for entry in await entries_of(home.ledger, who)]
        assert kinds == ["withdrawn", "given"]
        query = "SELECT kind FROM notice ORDER BY number"
        rows = await home.store.look(lambda connection: connection.exec_driver_sql(query).fetchall())
        assert [r[0] for r in rows] == ["permission.answered", "ground.ended"]
    async with house(tmp_path) as again:
        assert await refused(again, again.question(who)) == {Reason.NO_CONSENT}
        [past] = await again.consent.all_grounds(who)
        assert isinstance(past, Consent)
        assert past.withdrawn == home.now


async def test_withdrawing_one_consent_leaves_the_other(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        first = await home.agree(who)
        second = await home.agree(who, recipient=Recipient("other"))
        epoch = home.epochs.current(second.id)
        await home.consent.withdraw(who, first.id)
        assert await refused(home, home.question(who)) == {Reason.WITHDRAWN}
        assert len(await home.rows(home.question(who, recipient=Recipient("other")))) == 2
        assert home.epochs.current(second.id) == epoch


async def test_withdrawing_twice_is_no_error_and_writes_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who)
        first = await home.consent.withdraw(who, consent.id)
        assert await home.consent.withdraw(who, consent.id) == []
        assert first[0].withdrawn == home.now
        assert len(await entries_of(home.ledger, who)) == 2


@pytest.mark.gdpr("5(2)")
async def test_a_release_that_cannot_be_written_down_does_not_happen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1])
        await home.agree(who)

        async def full(work: Any) -> None:
            raise StoreFull("full")

        monkeypatch.setattr(home.store, "write", full)
        with pytest.raises(StoreFull):
            await home.rows(home.question(who))


async def test_a_release_is_in_the_ledger_once_for_grant_recipient_and_period(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        await home.agree(who)
        question = home.question(who)
        await home.rows(question)
        await home.rows(question)
        await home.rows(home.question(who, reference="again"))
        entries = [e for e in await entries_of(home.ledger, who) if e.kind == "release"]
        assert [(e.recipient, e.reference) for e in entries] == [("acme", "again"), ("acme", "")]
        assert entries[0].start <= question.period.start < question.period.end <= entries[0].end
        assert entries[0].start.hour == entries[0].end.hour == 0, "whole days"
        assert entries[0].ground_kind == "consent"


@pytest.mark.gdpr("7(4)")
async def test_refusing_leaves_nothing_to_withdraw_and_no_release(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        request = await home.consent.ask(who, home.wish())
        await home.consent.refuse(who, request)
        assert await home.consent.waiting(who) == []
        assert await refused(home, home.question(who)) == {Reason.NO_CONSENT}
        with pytest.raises(ConsentError, match="answered"):
            await home.consent.accept(who, request, frozenset({ENERGY}))


async def test_an_erased_household_is_gone_and_its_certificate_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, neighbour = await home.household(), await home.household()
        await home.feed(who, [1, 2])
        await home.feed(neighbour, [3])
        consent = await home.agree(who)
        await home.agree(neighbour)
        found = await home.evidence.find(who, "receipt", consent.id)
        assert found is not None
        receipt = json.loads(found)["claims"]
        certificate = json.loads(await home.gateway.household_end.erase(who))["claims"]
        assert certificate["sub"] == receipt["principal_id"]
        assert who not in json.dumps(certificate)
        assert any("class live" in item["what"] for item in certificate["destroyed"])
        assert all(item["until"] and item["ground"] for item in certificate["retained"])
        assert await refused(home, home.question(who)) == {Reason.NO_CONSENT}
        assert len(await home.rows(home.question(neighbour))) == 1
        assert json.loads(await home.gateway.household_end.erase(who))["claims"] == certificate
        with pytest.raises(SubjectGone):
            await home.consent.ask(who, home.wish())
    async with house(tmp_path) as again:
        assert json.loads(await again.gateway.household_end.erase(who))["claims"] == certificate


async def test_an_erasure_that_a_crash_interrupts_is_finished_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)

        async def crash(_: Any) -> None:
            raise RuntimeError("power loss")

        with monkeypatch.context() as broken:
            broken.setattr(home.vault, "erase", crash)
            with pytest.raises(RuntimeError):
                await home.gateway.household_end.erase(who)
        assert await home.evidence.find(who, "erasure") is None
    async with house(tmp_path) as again:
        certificate = await again.evidence.find(who, "erasure")
        assert certificate is not None
        assert await again.gateway.household_end.erase(who) == certificate
        assert again.vault.oldest(who, DetailClass.LIVE) is None


async def test_keys_that_are_gone_without_a_certificate_still_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        with monkeypatch.context() as broken:
            broken.setattr(home.evidence, "put", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await home.gateway.household_end.erase(who)
        assert home.vault.oldest(who, DetailClass.LIVE) is None
        assert b"erasure+jwt" in await home.gateway.household_end.erase(who)


async def test_who_presses_second_is_told_only_when_the_first_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home, asyncio.TaskGroup() as group:
        who = await home.household()
        await home.agree(who)
        write, durable = home.store.write, asyncio.Event()

        async def slow(work: Any, *, ending: bool) -> Any:
            await durable.wait()
            return await write(work, ending=ending)

        monkeypatch.setattr(home.store, "write", slow)
        first = group.create_task(home.consent.withdraw(who))
        await asyncio.sleep(0.01)
        second = group.create_task(home.consent.withdraw(who))
        await asyncio.sleep(0.05)
        assert not first.done()
        assert not second.done()
        durable.set()
        assert len(await first) == 1
        assert await second == []


async def test_an_unknown_household_cannot_be_asked_or_erased(tmp_path: Path) -> None:
    from policies.terms import SubjectId

    async with house(tmp_path) as home:
        with pytest.raises(SubjectGone):
            await home.consent.ask(SubjectId("f" * 32), home.wish())
        with pytest.raises(SubjectGone):
            await home.gateway.household_end.erase(SubjectId("f" * 32))


async def test_a_request_whose_time_is_over_cannot_be_accepted(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        request = await home.consent.ask(who, home.wish(until=home.now + timedelta(days=1)))
        home.now += timedelta(days=2)
        assert await home.consent.waiting(who) == []
        with pytest.raises(ConsentError) as error:
            await home.consent.accept(who, request, frozenset({ENERGY}))
        assert error.value.reason == "over"


async def test_an_organisation_outside_its_profile_is_refused_whatever_was_agreed(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1])
        await home.agree(who)
        home.registry.closed.add(ACME)
        assert await refused(home, home.question(who)) == {Reason.NOT_IN_PROFILE}


async def test_the_ledgers_chain_holds_over_all_households(tmp_path: Path) -> None:
    from policies import ledger

    async with house(tmp_path) as home:
        for _ in range(3):
            who = await home.household()
            await home.agree(who, level=Level.PSEUDONYMOUS, purpose=Purpose.RESEARCH)
            await home.consent.withdraw(who)

        def walk(connection: Connection) -> list[tuple[int, bytes, bytes]]:
            found = connection.exec_driver_sql("SELECT number, sealed, hash FROM ledger ORDER BY number")
            return [(row[0], row[1], row[2]) for row in found]

        at = (0, ledger.GENESIS)
        for number, sealed, chained in await home.store.write(walk):
            at = ledger.link(at, sealed)
            assert at == (number, chained)
        assert at[0] == 6
