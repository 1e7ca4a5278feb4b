"""The ledger: one chain, one entry for each release and day, one signature for each head."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from gateway.door import ledger as module
from gateway.errors import SubjectGone
from gateway.pages import who_saw
from gateway.storage.tables.door import checkpoint, ledger
from policies import ledger as books
from policies import merkle
from policies.grounds import Scope
from policies.ledger import GENESIS, LedgerEntry
from policies.terms import ONE_DAY, Level, Period, Purpose, Recipient, SubjectId
from tests.gateway.books import entries_of
from tests.gateway.house import ENERGY, FEED, House, house

HOUR = timedelta(hours=1)


def entry(home: House, **other: Any) -> LedgerEntry:
    """A release of this hour."""
    words: dict[str, Any] = {
        "kind": "release",
        "at": home.now,
        "recipient": "acme",
        "purpose": "forecast",
        "ground": "g",
        "ground_kind": "consent",
        "quantities": (ENERGY,),
        "resolution": 900.0,
        "level": "individual",
        "start": home.now - ONE_DAY,
        "end": home.now,
        "reference": "r",
    }
    return LedgerEntry(**{**words, **other})


async def rows(home: House) -> Sequence[Any]:
    query = select(ledger).order_by(ledger.c.number)
    return await home.store.look(lambda connection: connection.execute(query).fetchall())


async def signed(home: House) -> list[Any]:
    """Number and token of every checkpoint."""
    query = select(checkpoint).order_by(checkpoint.c.number)
    found = await home.store.look(lambda connection: connection.execute(query).fetchall())
    return [(row.number, json.loads(row.token)) for row in found]


# -- the chain


async def test_entries_are_one_chain_from_the_first_on_also_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, other = await home.household(), await home.household()
        await home.ledger.write([(who, entry(home)), (other, entry(home))])
        await home.ledger.write([(who, entry(home, ground="h"))])
    async with house(tmp_path) as again:
        await again.ledger.write([(other, entry(again, ground="i"))])
        at: books.ChainLink = (0, GENESIS)
        for row in await rows(again):
            at = books.link(at, row.sealed)
            assert (row.number, row.hash) == at
        assert at[0] == 4
        assert len({row.id for row in await rows(again)}) == 4


async def test_an_entry_is_found_by_a_tag_that_stays_and_names_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.ledger.write([(who, entry(home))])
        [row] = await rows(home)
        assert row.subject_tag == home.vault.lookup("ledger", who) == home.ledger.tag(who)


async def test_entries_keep_their_order_and_their_household(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = [await home.household() for _ in range(3)]
        sealed = await home.ledger.seal([(who, entry(home, ground=who[:8])) for who in people])
        assert [each.tag for each in sealed] == [home.ledger.tag(who) for who in people]
        await home.ledger.write([(who, entry(home, ground=who[:8])) for who in people])
        for who in people:
            assert [e.ground for e in await entries_of(home.ledger, who)] == [who[:8]]


async def test_of_entries_that_were_not_all_sealed_none_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        seal = home.vault.seal_all

        async def one_less(words: Any) -> Sequence[bytes]:
            return (await seal(words))[1:]

        monkeypatch.setattr(home.vault, "seal_all", one_less)
        with pytest.raises(ValueError, match="shorter"):
            await home.ledger.write([(who, entry(home)), (who, entry(home, ground="h"))])
        assert await rows(home) == []


# -- once a day


SCOPE = Scope(
    recipient=Recipient("acme"),
    purpose=Purpose.FORECAST,
    quantities=frozenset({ENERGY, FEED}),
    resolution=timedelta(minutes=1),
    level=Level.INDIVIDUAL,
    values=Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    validity=Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    keep=timedelta(0),
)


async def disclose(home: House, some: Sequence[tuple[SubjectId, LedgerEntry]]) -> None:
    await home.ledger.disclose([(who, each, SCOPE) for who, each in some])


async def count(home: House) -> int:
    return len(await rows(home))


async def test_the_same_release_is_written_once_a_day_whatever_the_hour(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        for hours in (0, 1, 11):
            await disclose(home, [(who, entry(home, at=home.now + hours * HOUR))])
        assert await count(home) == 1
        await disclose(home, [(who, entry(home, at=home.now + 12 * HOUR))])
        assert await count(home) == 2


OTHERS: dict[str, Any] = {
    "recipient": "other",
    "purpose": "research",
    "ground": "h",
    "quantities": (ENERGY, FEED),
    "resolution": 60.0,
    "level": "pseudonymous",
    "reference": "s",
}


@pytest.mark.parametrize("name", [*OTHERS, "start", "end", "subject"])
async def test_a_release_that_differs_in_one_thing_has_an_entry_of_its_own(tmp_path: Path, name: str) -> None:
    async with house(tmp_path) as home:
        who, second = await home.household(), await home.household()
        first = entry(home)
        await disclose(home, [(who, first)])
        if name == "subject":
            who, changed = second, first
        elif name in OTHERS:
            changed = msgspec.structs.replace(first, **{name: OTHERS[name]})
        else:
            changed = msgspec.structs.replace(
                first, **{name: getattr(first, name) + (-ONE_DAY if name == "start" else ONE_DAY)}
            )
        await disclose(home, [(who, changed)])
        assert await count(home) == 2


async def test_what_is_no_release_is_written_each_time(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        for _ in range(2):
            await home.ledger.write([(who, entry(home, kind="withdrawn"))])
        assert await count(home) == 2


async def test_of_some_entries_those_that_are_not_there_yet_are_written(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await disclose(home, [(who, entry(home))])
        await disclose(home, [(who, entry(home)), (who, entry(home, ground="h"))])
        assert [e.ground for e in await entries_of(home.ledger, who)] == ["h", "g"]


async def test_an_entry_that_did_not_become_durable_is_written_when_it_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()

        async def full(_: Any) -> None:
            raise OSError("full")

        with monkeypatch.context() as broken:
            broken.setattr(home.store, "write", full)
            with pytest.raises(OSError, match="full"):
                await disclose(home, [(who, entry(home))])
        await disclose(home, [(who, entry(home))])
        assert await count(home) == 1


async def test_a_release_that_is_there_already_asks_nothing_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await disclose(home, [(who, entry(home))])

        async def full(_: Any) -> None:
            raise OSError("full")

        with monkeypatch.context() as broken:
            broken.setattr(home.store, "write", full)
            await disclose(home, [(who, entry(home))])
        assert await count(home) == 1


async def test_the_oldest_release_is_forgotten_first_and_then_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUNDS_REMEMBERED", 2)
    async with house(tmp_path) as home:
        who = await home.household()

        async def write(*grounds: str) -> int:
            for each in grounds:
                await disclose(home, [(who, entry(home, ground=each))])
            return await count(home)

        assert await write("a", "b", "a", "b") == 2
        assert await write("c", "b", "c") == 3
        assert await write("a") == 4


async def test_the_oldest_figures_that_were_shown_are_forgotten_first_and_then_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUNDS_REMEMBERED", 2)
    async with house(tmp_path) as home:

        async def write(*cohorts: str) -> int:
            for each in cohorts:
                await home.ledger.write_shown([entry(home, kind="shown", reference=each)])
            return await count(home)

        assert await write("a", "b", "a", "b") == 2
        assert await write("c", "b", "c") == 3
        assert await write("a") == 4


async def test_what_the_household_did_is_noted_in_the_detail_in_which_it_did_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.ledger.note(who, "own", resolution=timedelta(minutes=15))
        [noted] = await entries_of(home.ledger, who)
        assert (noted.kind, noted.resolution, noted.at) == ("own", 900.0, home.now)


async def test_a_thousand_questions_of_a_day_are_few_entries_and_wash_nothing_off(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await disclose(home, [(who, entry(home, ground="other", recipient="other"))])
        for n in range(1000):
            start = home.now - timedelta(days=n % 50, seconds=n, microseconds=n)
            await disclose(home, [(who, entry(home, start=start, end=start + HOUR, reference=str(n)))])
        found = await entries_of(home.ledger, who)
        assert len(found) == 1 + books.MOST_OF_A_DAY + 1
        assert found[-1].recipient == "other"
        assert [each.whole for each in found] == [True] + [False] * (books.MOST_OF_A_DAY + 1)
        assert (found[0].quantities, found[0].resolution) == ((ENERGY, FEED), 60.0)
        assert (found[0].start, found[0].end) == (SCOPE.values.start, SCOPE.values.end)


async def test_a_question_of_another_second_is_the_same_day(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        for seconds in (0, 1, 3600):
            await disclose(home, [(who, entry(home, start=home.now - timedelta(seconds=seconds)))])
        [found] = await entries_of(home.ledger, who)
        assert (found.start.hour, found.end - found.start) == (0, ONE_DAY)


# -- what a household reads


async def test_a_household_reads_its_own_entries_newest_first_and_at_most_500(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, other = await home.household(), await home.household()
        await home.ledger.write([(who, entry(home, reference=str(n))) for n in range(501)])
        await home.ledger.write([(other, entry(home, reference="other"))])
        found = [e.reference for e in await entries_of(home.ledger, who)]
        assert found == [str(n) for n in range(500, 0, -1)]
        assert [e.reference for e in await entries_of(home.ledger, who, most=2)] == ["500", "499"]


async def test_a_page_goes_on_before_the_last_number_of_the_one_before(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, other = await home.household(), await home.household()
        for n in range(7):
            await home.ledger.write([(who if n % 2 else other, entry(home, reference=str(n)))])
        first = await home.ledger.page(who, most=2)
        assert [each.entry.reference for each in first] == ["5", "3"]
        rest = await home.ledger.page(who, before=first[-1].number, most=2)
        assert [each.entry.reference for each in rest] == ["1"]


async def test_a_page_of_one_recipient_looks_behind_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(who_saw, "ON_A_PAGE", 2)
    monkeypatch.setattr(who_saw, "LOOKED_THROUGH", 4)
    async with house(tmp_path) as home:
        who = await home.household()
        for n in range(9):
            await home.ledger.write(
                [(who, entry(home, reference=str(n), recipient="rare" if n in (1, 8) else "often"))]
            )
        found, older = await who_saw.ledger_page(home.ledger, who, (), None, "rare")
        assert [each.entry.reference for each in found] == ["8"]
        assert older is not None
        found, older = await who_saw.ledger_page(home.ledger, who, (), older, "rare")
        assert ([each.entry.reference for each in found], older) == (["1"], None)
        found, older = await who_saw.ledger_page(home.ledger, who, (), None, "")
        assert ([each.entry.reference for each in found], older) == (["8", "7"], found[-1].number)


async def test_a_page_that_is_just_full_is_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(who_saw, "ON_A_PAGE", 2)
    async with house(tmp_path) as home:
        who = await home.household()
        for count, older in ((1, False), (2, False), (3, True)):
            await home.ledger.write([(who, entry(home, reference=str(count)))])
            found, more = await who_saw.ledger_page(home.ledger, who, (), None, "")
            assert (len(found), more is not None) == (min(count, 2), older)


async def test_without_its_key_a_household_has_no_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.ledger.write([(who, entry(home))])

        async def gone(_: Any) -> Sequence[bytes]:
            raise SubjectGone("gone")

        monkeypatch.setattr(home.vault, "open_all", gone)
        assert await entries_of(home.ledger, who) == []
        assert await entries_of(home.ledger, SubjectId("nobody")) == []


# -- checkpoints


async def test_a_checkpoint_signs_the_head_with_its_number_its_hash_its_root_and_the_time(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.ledger.write([(who, entry(home)), (who, entry(home, ground="h"))])
        await home.ledger.sign_checkpoint()
        first, head = await rows(home)
        root = merkle.node(books.leaf(first.sealed), books.leaf(head.sealed)).hex()
        claims = {"number": 2, "hash": head.hash.hex(), "root": root, "iat": int(home.now.timestamp())}
        assert await signed(home) == [(2, {"typ": "ledger-checkpoint+jwt", "claims": claims})]


async def test_a_head_is_signed_once_and_again_when_it_has_moved(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.ledger.sign_checkpoint()
        assert await signed(home) == []
        for ground in "gh":
            await home.ledger.write([(who, entry(home, ground=ground))])
            for _ in range(2):
                await home.ledger.sign_checkpoint()
        assert [number for number, _ in await signed(home)] == [1, 2]
    async with house(tmp_path) as again:
        await again.ledger.sign_checkpoint()
        assert len(await signed(again)) == 2
