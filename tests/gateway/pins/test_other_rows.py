"""Rows that are pinned by nothing: a forged question, a forged record and a counter that was set back give nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConsentError
from policies.terms import Purpose, Recipient
from tests.gateway.house import ENERGY, NOON, House, house
from tests.gateway.pins.thief import replace_rows, rows_of, store_of


@pytest.mark.parametrize("note", [0, -5, 1, 2**63 - 1, None])
async def test_whatever_the_stores_note_of_numbers_says_no_piece_is_lost_and_none_hides_behind_a_block(
    tmp_path: Path, note: int | None
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2, 3])
        newest = home.vault._numbers.newest
        replace_rows(tmp_path, "piece", [], where="class = 1")  # as merged and expired
    replace_rows(tmp_path, "counter", [] if note is None else [{"name": "piece", "upto": note}])
    async with house(tmp_path) as home:
        assert home.vault._numbers.newest >= newest
        await home.feed(who, [4], start=NOON - timedelta(hours=1))
        assert max(row["number"] for row in rows_of(store_of(tmp_path), "piece")) > newest


async def test_a_note_below_what_is_there_is_passed_over_also_where_the_tree_knows_of_none(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2, 3])
        home.vault._noted = 0
        newest = await home.store.numbers("other", 77)
        assert newest.next() == 78


def altered(folder: Path, how: str) -> None:
    rows = rows_of(store_of(folder), "permission_request")
    match how:
        case "changed":
            rows = [{**row, "body": row["body"].replace('"individual"', '"pseudonymous"')} for row in rows]
        case "put before another":
            rows = [{**row, "subject": "somebody else"} for row in rows]
        case "cloned":
            rows = [*rows, *[{**row, "id": "f" * 32} for row in rows]]
        case "without a mark":
            rows = [{**row, "mark": None} for row in rows]
    replace_rows(folder, "permission_request", rows)


@pytest.mark.parametrize("how", ["changed", "put before another", "cloned", "without a mark"])
async def test_a_question_that_nobody_asked_is_before_nobody_and_no_yes_can_be_given_to_it(
    tmp_path: Path, how: str
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        name = await home.consent.ask(who, home.wish())
        altered(tmp_path, how)
        asked = [each.id for each in await home.consent.waiting(who)]
        assert asked == ([name] if how == "cloned" else [])
        for forged in {"f" * 32, *({name} - set(asked))}:
            with pytest.raises(ConsentError):
                await home.consent.accept(who, forged, frozenset({ENERGY}))
        assert home.consent.grounds(who) == ()
        assert len(await home.consent.refused(who)) == 0


async def test_what_waited_before_requests_had_marks_is_taken_once_and_never_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.consent.ask(who, home.wish())
        await home.consent.ask(who, home.wish(recipient=Recipient("other"), purpose=Purpose.RESEARCH))
    async with house(tmp_path) as home:
        assert len(await home.consent.waiting(who)) == 2
    altered(tmp_path, "without a mark")
    async with house(tmp_path) as home:
        assert await home.consent.waiting(who) == []


async def test_the_first_start_that_knows_marks_gives_them_to_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None: ...

    with monkeypatch.context() as before:
        before.setattr("gateway.pins.pins.Pins.once", nothing)
        async with house(tmp_path) as home:
            who = await home.household()
            await home.consent.ask(who, home.wish())
    altered(tmp_path, "without a mark")
    async with house(tmp_path) as home:
        assert len(await home.consent.waiting(who)) == 1


async def records(home: House) -> tuple[Any, Any, Any]:
    one, other = await home.household(), await home.household()
    consent = await home.agree(one)
    await home.agree(other)
    await home.consent.withdraw(one)
    return one, other, consent


async def test_a_record_of_another_household_or_consent_is_no_record_and_hides_none(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        one, _, consent = await records(home)
        mine = home.evidence._tag(one)
        rows = rows_of(store_of(tmp_path), "evidence")
        receipt = await home.evidence.find(one, "receipt", consent.id)
        foreign = next(r for r in rows if r["kind"] == "receipt" and r["subject_tag"] != mine)
        later = {"id": "f" * 32, "subject_tag": mine, "ground": consent.id, "at": foreign["at"] + 9}
        replace_rows(tmp_path, "evidence", [*rows, {**foreign, **later}])
        assert await home.evidence.find(one, "receipt", consent.id) == receipt
        assert await home.evidence.notice(one, consent.id) is not None
        own = next(r for r in rows if r["kind"] == "receipt" and r["subject_tag"] == mine)
        replace_rows(tmp_path, "evidence", [{**own, "kind": kind} for kind in ("expiry",)], where="kind = 'withdrawal'")
        assert await home.evidence.find(one, "expiry", consent.id) is None
        record = await home.evidence.record(one, "expiry", consent.id)
        assert record is not None
        assert record.claims is None


@pytest.mark.parametrize("whose", ["of nobody", "of another"])
async def test_a_certificate_that_somebody_laid_there_saves_no_key_from_an_erasure(tmp_path: Path, whose: str) -> None:
    async with house(tmp_path) as home:
        one, other, _ = await records(home)
        token = (await home.gateway.household_end.erase(other)).decode() if whose == "of another" else '{"typ": ""}'
        rows = rows_of(store_of(tmp_path), "evidence")
        forged = {"id": "f" * 32, "subject_tag": home.evidence._tag(one), "kind": "erasure", "ground": ""}
        if whose == "of nobody":
            token = '{"typ": "erasure+jwt", "claims": {"sub": "nobody"}}'
        replace_rows(tmp_path, "evidence", [*rows, {**forged, "at": NOON.timestamp() + 99, "token": token}])
        certificate = await home.gateway.household_end.erase(one)
        assert home.evidence.pseudonym(one).encode() in certificate
        assert await home.vault.living([one]) == frozenset()
