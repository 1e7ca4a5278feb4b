"""What every keeper must do (``gateway.keeper.port.Keeper``), whoever implements it. ``test_contract`` runs it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Protocol

import pytest

from gateway.errors import StoreFull, SubjectGone, TreeBroken
from gateway.keeper.port import HOUSE, MOST_DAYS, MOST_SUBJECTS, MOST_WORDS, Keeper, Words
from policies.terms import SERIES_CLASSES, DetailClass, SubjectId
from policies.vault.pins import NO_RUN, Pin

LIVE, DAY, LEGAL = DetailClass.LIVE, DetailClass.DAY, DetailClass.LEGAL
IDENTITY, LEDGER = DetailClass.IDENTITY, DetailClass.LEDGER
ANNA, BERT = SubjectId("a" * 32), SubjectId("b" * 32)
TODAY = date(2026, 3, 10)
ONE = timedelta(days=1)
NONCE = bytes(12)


class House(Protocol):
    """Where keepers are opened from; one at a time."""

    def opened(self, *, load: bool = True) -> AbstractAsyncContextManager[Keeper]:
        """What was durable is there. ``load``: whether its oldest days were loaded."""

    def stolen(self) -> "House":
        """A copy of what is durable now; the keeper may be open."""

    def broken(self) -> AbstractContextManager[None]:
        """Meanwhile a change cannot be finished: the root is not replaced."""

    def full(self) -> AbstractContextManager[None]:
        """Meanwhile no change can be begun: the disk is full."""


def from_day(day: date) -> Mapping[DetailClass, date]:
    return dict.fromkeys(SERIES_CLASSES, day)


def ordinals(first: date, count: int, detail: DetailClass = LIVE) -> list[tuple[DetailClass, int]]:
    return [(detail, first.toordinal() + n) for n in range(count)]


async def mark(keeper: Keeper, subject: SubjectId, detail: DetailClass, day: date) -> bytes:
    """Something sealed with the key of a day."""
    key = (detail, day.toordinal())
    return (await keeper.ciphers(subject, [key]))[key].encrypt(NONCE, b"mark", b"")


class KeeperContract:
    """A subclass has the fixture ``house``."""

    @pytest.fixture
    def house(self, tmp_path: Path) -> House:
        raise NotImplementedError

    @pytest.fixture
    async def keeper(self, house: House) -> AsyncIterator[Keeper]:
        async with house.opened() as keeper:
            yield keeper

    # -- pins

    async def test_a_pin_outlives_stop_erasure_and_expiry_and_never_moves_back(self, house: House) -> None:
        async with house.opened() as keeper:
            await keeper.admit(ANNA, from_day(TODAY))
            assert (await keeper.pinned([ANNA]))[ANNA].pin is None
            for number in (3, 2, 3):
                for scope in (ANNA, f"{HOUSE}client"):
                    await keeper.pin(scope, Pin(number, number * 10))
            await keeper.pin(f"{HOUSE}session", Pin(1, 2**256 - 1))
            await keeper.pin(ANNA, Pin(3, 31))
            await keeper.erase_day(ANNA, TODAY)
            await keeper.erase(ANNA)
            await keeper.move_on(from_day(TODAY + ONE), TODAY)
        async with house.opened() as keeper:
            scopes = [ANNA, f"{HOUSE}client", f"{HOUSE}session", f"{HOUSE}box"]
            found = [known.pin for known in (await keeper.pinned(scopes)).values()]
            assert found == [(3, 30), (3, 30), (1, 2**256 - 1), None]

    async def test_who_was_never_admitted_has_no_pin_and_gets_none(self, keeper: Keeper) -> None:
        assert await keeper.pinned([ANNA]) == {}
        with pytest.raises(SubjectGone):
            await keeper.pin(ANNA, Pin(1, 1))
        assert await keeper.living([ANNA]) == frozenset()

    async def test_pins_of_many_scopes_are_made_at_once(self, keeper: Keeper) -> None:
        scopes = [f"{HOUSE}{n}" for n in range(20)]
        await asyncio.gather(*[keeper.pin(scope, Pin(n, n)) for n, scope in enumerate(scopes)])
        assert [known.pin for known in (await keeper.pinned(scopes)).values()] == [(n, n) for n in range(20)]

    async def test_each_run_has_a_word_of_its_own_and_each_scope_its_keys(self, house: House) -> None:
        async with house.opened() as keeper:
            assert await keeper.run() == NO_RUN
            await keeper.new_run()
            first, lookup = await keeper.run(), keeper.lookup_key
            await keeper.admit(ANNA, from_day(TODAY))
            digests = {k.keys.digest("t", [{}]) for k in (await keeper.pinned([ANNA, "*a", "*b"])).values()}
        async with house.opened() as keeper:
            assert await keeper.run() == first
            await keeper.new_run()
            assert await keeper.run() not in (first, NO_RUN)
            assert keeper.lookup_key == lookup
            again = {k.keys.digest("t", [{}]) for k in (await keeper.pinned([ANNA, "*a", "*b"])).values()}
        assert digests == again
        assert len(again) == 3

    # -- who is there

    async def test_nobody_is_there_who_was_not_admitted(self, keeper: Keeper) -> None:
        await keeper.admit(BERT, from_day(TODAY))
        assert [keeper.oldest(ANNA, detail) for detail in SERIES_CLASSES] == [None] * 4
        assert await keeper.living([ANNA, BERT, SubjectId("*"), SubjectId("")]) == {BERT}
        for asked in (
            keeper.ciphers(ANNA, ordinals(TODAY, 1)),
            keeper.seal([Words(ANNA, IDENTITY, "name", b"Anna")]),
            keeper.open([Words(ANNA, IDENTITY, "name", bytes(40))]),
            keeper.erase(ANNA),
            keeper.erase_day(ANNA, TODAY),
        ):
            with pytest.raises(SubjectGone):
                await asked
        assert keeper.oldest(ANNA, LIVE) is None

    async def test_what_was_not_loaded_is_a_no_or_the_truth(self, house: House) -> None:
        async with house.opened() as keeper:
            await keeper.admit(ANNA, from_day(TODAY))
        async with house.opened(load=False) as keeper:
            assert keeper.oldest(ANNA, LIVE) in (None, TODAY)
            assert await keeper.living([ANNA]) == {ANNA}, "who deletes asks the tree, and the tree knows"
            await keeper.load()
            assert keeper.oldest(ANNA, LIVE) == TODAY

    async def test_an_admitted_household_has_every_day_from_the_first_on(self, keeper: Keeper) -> None:
        first = {**from_day(TODAY), DAY: TODAY - 9 * ONE}
        await keeper.admit(ANNA, first)
        assert {detail: keeper.oldest(ANNA, detail) for detail in SERIES_CLASSES} == first
        asked = [*ordinals(TODAY - ONE, 40), *ordinals(TODAY - 10 * ONE, 3, DAY)]
        found = await keeper.ciphers(ANNA, asked)
        assert found.keys() == set(asked) - {(LIVE, (TODAY - ONE).toordinal()), (DAY, (TODAY - 10 * ONE).toordinal())}

    async def test_every_household_class_and_day_has_a_key_of_its_own(self, keeper: Keeper) -> None:
        for subject in (ANNA, BERT):
            await keeper.admit(subject, from_day(TODAY))
        places = [(s, d, TODAY + n * ONE) for s in (ANNA, BERT) for d in (LIVE, DAY, LEGAL) for n in (0, 1, 40)]
        assert len({await mark(keeper, *place) for place in places}) == len(places)

    async def test_admitting_again_changes_no_key_and_no_day(self, keeper: Keeper) -> None:
        await keeper.admit(ANNA, from_day(TODAY))
        before = await mark(keeper, ANNA, LIVE, TODAY)
        await keeper.admit(ANNA, from_day(TODAY - 5 * ONE))
        assert keeper.oldest(ANNA, LIVE) == TODAY
        assert await mark(keeper, ANNA, LIVE, TODAY) == before

    # -- erased and expired

    async def test_of_an_erased_household_legal_and_ledger_stay(self, keeper: Keeper) -> None:
        await keeper.admit(ANNA, from_day(TODAY))
        name, entry = [Words(ANNA, IDENTITY, "name", b"Anna"), Words(ANNA, LEDGER, "1", b"entry")]
        sealed = await keeper.seal([name, entry])
        before = await mark(keeper, ANNA, LEGAL, TODAY)
        await keeper.erase(ANNA)
        assert [keeper.oldest(ANNA, detail) for detail in (LIVE, DAY, LEGAL)] == [None, None, TODAY]
        assert await keeper.living([ANNA]) == frozenset()
        assert await mark(keeper, ANNA, LEGAL, TODAY) == before
        assert await keeper.open([entry._replace(body=sealed[1])]) == [b"entry"]
        for asked in (
            keeper.ciphers(ANNA, [(LEGAL, TODAY.toordinal()), (LIVE, TODAY.toordinal())]),
            keeper.open([name._replace(body=sealed[0])]),
            keeper.seal([entry, name]),
            keeper.admit(ANNA, from_day(TODAY)),
        ):
            with pytest.raises(SubjectGone):
                await asked
        await keeper.erase(ANNA)
        assert keeper.oldest(ANNA, LIVE) is None

    async def test_without_a_second_keeper_there_is_nothing_that_one_lacks(self, keeper: Keeper) -> None:
        await keeper.admit(ANNA, from_day(TODAY))
        assert keeper.second == ""
        assert await keeper.ship(1.0)

    async def test_one_day_in_the_middle_is_erased_in_all_classes_but_legal(self, keeper: Keeper) -> None:
        await keeper.admit(ANNA, from_day(TODAY))
        after = await mark(keeper, ANNA, LIVE, TODAY + 2 * ONE)
        await keeper.erase_day(ANNA, TODAY + ONE)
        for detail, held in ((LIVE, 2), (DAY, 2), (LEGAL, 3)):
            assert len(await keeper.ciphers(ANNA, ordinals(TODAY, 3, detail))) == held
        assert await mark(keeper, ANNA, LIVE, TODAY + 2 * ONE) == after

    async def test_what_expired_is_left_out_and_the_rest_opens_on(self, keeper: Keeper) -> None:
        for subject in (ANNA, BERT):
            await keeper.admit(subject, from_day(TODAY))
        later = await mark(keeper, ANNA, LIVE, TODAY + 3 * ONE)
        first = {**from_day(TODAY), LIVE: TODAY + 2 * ONE}
        assert await keeper.move_on(first, TODAY) == 2
        assert await keeper.move_on(first, TODAY) == 0
        assert {keeper.oldest(s, LIVE) for s in (ANNA, BERT)} == {TODAY + 2 * ONE}
        assert keeper.oldest(ANNA, DAY) == TODAY
        assert (await keeper.ciphers(ANNA, ordinals(TODAY, 4))).keys() == set(ordinals(TODAY + 2 * ONE, 2))
        assert await mark(keeper, ANNA, LIVE, TODAY + 3 * ONE) == later

    async def test_old_chains_are_seeded_anew_after_the_month_that_comes(self, keeper: Keeper) -> None:
        await keeper.admit(ANNA, from_day(TODAY))
        year = TODAY + 400 * ONE
        near, far = year + 10 * ONE, year + 100 * ONE
        before = [await mark(keeper, ANNA, DAY, day) for day in (near, far)]
        assert await keeper.move_on(from_day(TODAY), year) == 1
        after = [await mark(keeper, ANNA, DAY, day) for day in (near, far)]
        assert [a == b for a, b in zip(before, after, strict=True)] == [True, False]

    @pytest.mark.parametrize("seed", range(5))
    async def test_the_oldest_day_never_moves_back_and_nobody_comes_back(self, house: House, seed: int) -> None:
        rng, seen = Random(seed), dict[tuple[SubjectId, DetailClass], date]()
        gone = set[SubjectId]()
        for _ in range(3):
            async with house.opened() as keeper:
                for _ in range(8):
                    who, day = rng.choice((ANNA, BERT)), TODAY + rng.randrange(60) * ONE
                    match rng.randrange(6):
                        case 0 if who not in gone:
                            await keeper.admit(who, from_day(day))
                        case 1 if rng.random() < 0.3 and await keeper.living([who]):
                            await keeper.erase(who)
                            gone.add(who)
                        case 2 if await keeper.living([who]):
                            await keeper.erase_day(who, day)
                        case _:
                            await keeper.move_on(from_day(day), TODAY)
                    for subject, detail in ((s, d) for s in (ANNA, BERT) for d in (LIVE, DAY)):
                        now, before = keeper.oldest(subject, detail), seen.get((subject, detail))
                        assert (now is None) == (subject in gone or (before is None and now is None))
                        if now is not None:
                            assert before is None or now >= before
                            seen[subject, detail] = now

    # -- changes

    async def test_a_change_is_durable_on_return(self, house: House) -> None:
        async with house.opened() as keeper:
            await keeper.admit(ANNA, from_day(TODAY))
            await keeper.admit(BERT, from_day(TODAY))
            admitted, expected = house.stolen(), await mark(keeper, ANNA, LIVE, TODAY + ONE)
            await keeper.erase(BERT)
            erased = house.stolen()
            await keeper.move_on(from_day(TODAY + ONE), TODAY)
            expired = house.stolen()
        for copy, oldest in ((admitted, [TODAY, TODAY]), (erased, [TODAY, None]), (expired, [TODAY + ONE, None])):
            async with copy.opened() as again:
                assert [again.oldest(subject, LIVE) for subject in (ANNA, BERT)] == oldest
                assert await mark(again, ANNA, LIVE, TODAY + ONE) == expected

    async def test_changes_at_the_same_time_harm_none_of_their_neighbours(self, house: House) -> None:
        many = [SubjectId(f"{n:032x}") for n in range(120)]
        async with house.opened() as keeper:
            await asyncio.gather(*(keeper.admit(subject, from_day(TODAY)) for subject in many[:80]))
            changes = [
                *(keeper.erase(subject) for subject in many[:40]),
                *(keeper.admit(subject, from_day(TODAY + ONE)) for subject in many[80:]),
                keeper.erase(ANNA),
                keeper.move_on(from_day(TODAY), TODAY),
            ]
            outcome = await asyncio.gather(*changes, return_exceptions=True)
            assert [type(one) for one in outcome if isinstance(one, BaseException)] == [SubjectGone]
            assert await keeper.living(many) == set(many[40:])
        async with house.opened() as keeper:
            assert await keeper.living(many) == set(many[40:])
            assert {keeper.oldest(s, LIVE) for s in many[80:]} == {TODAY + ONE}

    async def test_a_household_that_is_admitted_and_erased_at_once_is_one_or_the_other(self, keeper: Keeper) -> None:
        await asyncio.gather(keeper.admit(ANNA, from_day(TODAY)), keeper.erase(ANNA), return_exceptions=True)
        there = bool(await keeper.living([ANNA]))
        assert (keeper.oldest(ANNA, LIVE) is not None) is there

    # -- identity and ledger

    async def test_words_open_for_the_same_household_class_and_place_alone(self, keeper: Keeper) -> None:
        for subject in (ANNA, BERT):
            await keeper.admit(subject, from_day(TODAY))
        words = [Words(s, d, about, b"plain") for s in (ANNA, BERT) for d in (IDENTITY, LEDGER) for about in ("1", "2")]
        sealed = [w._replace(body=b) for w, b in zip(words, await keeper.seal(words), strict=True)]
        assert await keeper.open(sealed) == [b"plain"] * len(words)
        again = await keeper.seal(words)
        assert len({*again, *(w.body for w in sealed)}) == 2 * len(words), "no two seals are alike"
        for wrong in words[1:]:
            with pytest.raises(ValueError, match=r".+"):
                await keeper.open([sealed[0], wrong._replace(body=sealed[0].body)])

    async def test_many_words_come_back_in_their_order(self, keeper: Keeper) -> None:
        await keeper.admit(ANNA, from_day(TODAY))
        words = [Words(ANNA, LEDGER, str(n), b"%d" % n) for n in range(MOST_WORDS)]
        sealed = await keeper.seal(words)
        opened = await keeper.open([w._replace(body=body) for w, body in zip(words, sealed, strict=True)])
        assert opened == [w.body for w in words]

    async def test_too_much_for_one_question_is_refused(self, keeper: Keeper) -> None:
        await keeper.admit(ANNA, from_day(TODAY))
        words = [Words(ANNA, LEDGER, "", b"")] * (MOST_WORDS + 1)
        for asked in (
            keeper.ciphers(ANNA, ordinals(TODAY, MOST_DAYS + 1)),
            keeper.seal(words),
            keeper.open(words),
            keeper.living([ANNA] * (MOST_SUBJECTS + 1)),
        ):
            with pytest.raises(ValueError, match="at most"):
                await asked

    async def test_the_key_for_look_ups_stays_and_is_no_other_houses(self, house: House) -> None:
        async with house.opened() as keeper:
            key = keeper.lookup_key
        async with house.opened() as keeper:
            assert keeper.lookup_key == key
            assert len(key) == 32

    # -- trouble

    async def test_a_full_disk_changes_nothing_and_is_over_when_it_is_over(self, house: House) -> None:
        async with house.opened() as keeper:
            await keeper.admit(ANNA, from_day(TODAY))
            with house.full():
                for change in (keeper.admit(BERT, from_day(TODAY)), keeper.erase(ANNA)):
                    with pytest.raises(StoreFull):
                        await change
            assert [keeper.oldest(subject, LIVE) for subject in (ANNA, BERT)] == [TODAY, None]
            await keeper.erase(ANNA)
            assert keeper.oldest(ANNA, LIVE) is None

    async def test_a_broken_tree_takes_no_change_until_it_is_opened_again(self, house: House) -> None:
        async with house.opened() as keeper:
            await keeper.admit(ANNA, from_day(TODAY))
            before = await mark(keeper, ANNA, LIVE, TODAY)
            assert keeper.sound
            with house.broken(), pytest.raises(TreeBroken):
                await keeper.admit(BERT, from_day(TODAY))
            assert not keeper.sound
            for change in (keeper.erase(ANNA), keeper.admit(BERT, from_day(TODAY)), keeper.erase_day(ANNA, TODAY)):
                with pytest.raises(TreeBroken):
                    await change
            with pytest.raises(TreeBroken):
                await keeper.move_on(from_day(TODAY + ONE), TODAY)
            assert [keeper.oldest(subject, LIVE) for subject in (ANNA, BERT)] == [TODAY, None]
            assert await mark(keeper, ANNA, LIVE, TODAY) == before
        async with house.opened() as keeper:
            assert keeper.sound
            await keeper.erase(ANNA)
            with pytest.raises(SubjectGone):
                await mark(keeper, ANNA, LIVE, TODAY)
