"""What a crash, a full disk and an upgrade do to pins; and whatever happened, old rows open nothing that was ended."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.errors import StoreFull, SubjectGone
from gateway.keeper import house as own_entry
from gateway.keeper import states as key_states
from gateway.keeper.changes import stored
from gateway.keeper.opening import open_keeper
from gateway.keeper.port import HOUSE
from gateway.pins.change import of_household
from policies.terms import SubjectId
from policies.vault.pins import NO_RUN
from tests.gateway.pins.small import ANNA, BERT, CARO, Small, small
from tests.gateway.pins.thief import Row, copy_to, put_back, replace_rows, rows_of, store_of


async def test_what_was_written_before_a_crash_and_not_pinned_is_pinned_by_the_next_start(tmp_path: Path) -> None:
    async with small(tmp_path, dies=True) as it:
        await it.grant("one", ANNA)
        await it.grant("two", ANNA)
    async with small(tmp_path, dies=True) as it:
        assert it.standing(ANNA) == {"one", "two"}
        with it.keys_full(), pytest.raises(StoreFull):
            await it.withdraw("one", ANNA)
    async with small(tmp_path) as it:
        assert it.standing(ANNA) == {"two"}
    before = copy_to(tmp_path, tmp_path / "copy")
    async with small(tmp_path) as it:
        await it.withdraw("two", ANNA)
    put_back(before, tmp_path)
    async with small(tmp_path) as it:
        assert it.standing(ANNA) == set()


async def test_an_ending_is_acknowledged_when_its_pin_is_there_and_not_before(tmp_path: Path) -> None:
    async with small(tmp_path) as it:
        await it.grant("one", ANNA)
        with it.keys_full():
            with pytest.raises(StoreFull):
                await it.withdraw("one", ANNA)
            with pytest.raises(StoreFull):
                await it.pins.settle(ANNA)
        old = (await it.keeper.pinned([ANNA]))[ANNA].pin
        await it.pins.settle(ANNA)
        new = (await it.keeper.pinned([ANNA]))[ANNA].pin
        assert old is None
        assert new is not None
        assert new.number == 2


async def test_a_step_that_was_given_up_is_not_taken_for_a_newer_one_later(tmp_path: Path) -> None:
    """Several steps that the keys never heard of, then the store of before them, then a withdrawal; then the steps."""
    async with small(tmp_path) as it:
        await it.grant("one", ANNA)
    before = copy_to(tmp_path, tmp_path / "before")
    async with small(tmp_path, dies=True) as it:
        for name in ("two", "three", "four"):
            await it.grant(name, ANNA)
    ahead = copy_to(tmp_path, tmp_path / "ahead")
    put_back(before, tmp_path)
    async with small(tmp_path) as it:
        await it.withdraw("one", ANNA)
    put_back(ahead, tmp_path)
    async with small(tmp_path) as it:
        assert it.standing(ANNA) == set()


async def test_a_caller_that_is_cancelled_leaves_nothing_half_pinned(tmp_path: Path) -> None:
    async with small(tmp_path) as it:
        await it.grant("one", ANNA)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(it.withdraw("one", ANNA))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            work.cancel()
        await it.grant("two", ANNA)
        await it.pins.settle(ANNA)
        pinned = (await it.keeper.pinned([ANNA]))[ANNA].pin
        assert pinned is not None
        assert pinned.number == 3


async def test_a_write_that_fails_moves_nothing_and_harms_no_neighbour(tmp_path: Path) -> None:
    async with small(tmp_path) as it:
        await it.grant("one", ANNA)
        again, other = await asyncio.gather(it.grant("one", ANNA), it.grant("two", ANNA), return_exceptions=True)
        assert isinstance(again, Exception)
        assert other is None
        await it.withdraw("two", ANNA)
    async with small(tmp_path) as it:
        assert it.standing(ANNA) == {"one"}


async def test_many_changes_at_once_are_all_there_at_the_next_start(tmp_path: Path) -> None:
    async with small(tmp_path) as it:
        await asyncio.gather(*[it.grant(f"{who[0]}{n}", who) for n in range(20) for who in (ANNA, BERT)])
        await asyncio.gather(*[it.withdraw(f"{who[0]}{n}", who) for n in range(0, 20, 2) for who in (ANNA, BERT)])
    async with small(tmp_path) as it:
        assert it.standing(ANNA) == {f"a{n}" for n in range(1, 20, 2)}
        assert it.standing(BERT) == {f"b{n}" for n in range(1, 20, 2)}


async def test_nobody_who_was_never_admitted_has_a_ground(tmp_path: Path) -> None:
    nobody = SubjectId("f" * 32)
    async with small(tmp_path) as it:
        with pytest.raises(SubjectGone):
            await it.pins.write([of_household(nobody)], lambda c: None)


async def test_an_upgraded_gateway_takes_its_grounds_as_they_are_once_and_never_again(tmp_path: Path) -> None:
    async with small(tmp_path) as it:
        await it.grant("one", ANNA)
    forget_pins(tmp_path, ANNA)
    with capture_logs() as said:
        async with small(tmp_path) as it:
            assert it.standing(ANNA) == {"one"}
    assert [line["households"] for line in said if line["event"] == "pins.adopted"] == [1]
    (row,) = rows_of(store_of(tmp_path), "ground")
    cloned = {**row, "id": "other", "subject": BERT, "body": row["body"].replace(ANNA, BERT)}
    replace_rows(tmp_path, "ground", [row, cloned])
    async with small(tmp_path) as it:
        assert it.standing(ANNA) == {"one"}
        assert it.standing(BERT) == set()
        await it.withdraw("one", ANNA)
    replace_rows(tmp_path, "ground", [row])
    async with small(tmp_path) as it:
        assert it.standing(ANNA) == set()


def forget_pins(folder: Path, *households: SubjectId) -> None:
    """As a gateway left store and tree that knew no pins."""
    replace_rows(folder, "pinned", [])
    keeper = open_keeper(folder / "tree", folder / "keys" / "root")
    own, changed = keeper._house(), dict[str, bytes | None]()
    for who in households:
        states = stored(keeper._tree, who)
        assert states is not None
        changed[who] = key_states.encode(replace(states, pin=None))
    changed[HOUSE] = own_entry.encode(own_entry.OwnEntry(own.lookup, own.moved)).removesuffix(NO_RUN)
    keeper._tree.commit(changed)
    keeper.close()


@dataclass
class Told:
    """What was acknowledged of one folder, and every state that its store ever had at a stop."""

    given: dict[str, SubjectId] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    was: list[tuple[list[Row], list[Row]]] = field(default_factory=list)

    def standing(self, who: SubjectId) -> set[str]:
        return {name for name, whose in self.given.items() if whose == who} - self.ended


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_whatever_happened_no_old_rows_open_what_was_ended_and_without_an_attack_nothing_is_lost(seed: int) -> None:
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(lived_and_attacked(Path(folder), random))


async def lived_and_attacked(folder: Path, random: Random) -> None:
    told = Told()
    for _ in range(random.randint(1, 4)):
        async with small(folder, dies=random.random() < 0.5) as it:
            for who in (ANNA, BERT):
                assert told.standing(who) - told.unsure <= it.standing(who) <= told.standing(who)
            settle(told, it)
            for _ in range(random.randint(0, 4)):
                await act(it, told, random)
        told.was.append((rows_of(store_of(folder), "ground"), rows_of(store_of(folder), "pinned")))
    attack(folder, told, random)
    with capture_logs():
        async with small(folder) as it:
            for who in (ANNA, BERT, CARO):
                assert it.standing(who) <= told.standing(who)


def settle(told: Told, it: Small) -> None:
    """What nobody was told of is as the start has found it."""
    here = {name for who in (ANNA, BERT) for name in it.standing(who)}
    told.ended |= told.unsure - here
    told.unsure.clear()


async def act(it: Small, told: Told, random: Random) -> None:
    who = random.choice([ANNA, BERT])
    mine = sorted(it.standing(who))
    if mine and random.random() < 0.5:
        name = random.choice(mine)
        if random.random() < 0.3:
            with it.keys_full(), pytest.raises(StoreFull):
                await it.withdraw(name, who)
            told.unsure.add(name)
        else:
            await it.withdraw(name, who)
            told.ended.add(name)
    else:
        name = f"{len(told.given):032x}"
        await it.grant(name, who)
        told.given[name] = who


def attack(folder: Path, told: Told, random: Random) -> None:
    """Some rows of any time, some of them cloned for somebody else, each table by itself."""
    grounds, kept = random.choice(told.was)
    more = [row for state, _ in told.was for row in state if random.random() < 0.3]
    cloned = [
        {**row, "id": "f" * 32, "subject": CARO, "body": row["body"].replace(row["subject"], CARO)} for row in more
    ]
    if random.random() < 0.8:
        replace_rows(folder, "ground", distinct([*grounds, *more, *cloned[:1]]))
    if random.random() < 0.5:
        replace_rows(folder, "pinned", [row for row in kept if random.random() < 0.9])


def distinct(rows: Sequence[Row]) -> list[Row]:
    """The last of each id."""
    return list({row["id"]: row for row in rows}.values())


async def test_a_loop_pins_what_only_adds_before_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pins.pins.PINNED_EACH", 0)
    async with small(tmp_path, dies=True) as it, asyncio.TaskGroup() as group:
        loop = group.create_task(it.pins.run())
        await it.grant("one", ANNA)
        while (await it.keeper.pinned([ANNA]))[ANNA].pin is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        loop.cancel()


async def test_tables_that_stop_a_start_are_taken_by_order_and_keep_their_pin_then(tmp_path: Path) -> None:
    row = {"id": "c", "organisation": None, "scopes": "[]", "secret": b"s", "turn": ""}
    async with small(tmp_path) as it:
        await it.grant("one", ANNA)
    replace_rows(tmp_path, "client", [row])
    async with small(tmp_path, loads=False) as it:
        assert await it.pins.accept() == {"client": 1}
    async with small(tmp_path) as it:
        assert it.standing(ANNA) == {"one"}
    replace_rows(tmp_path, "client", [{**row, "scopes": '["read"]'}])
    with pytest.raises(ExceptionGroup):
        async with small(tmp_path):
            pass
