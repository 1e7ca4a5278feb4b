"""Desk and egress joined: a portfolio that is followed, through the whole product on a real socket."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.gaiax.dsp.catalog import STREAM
from policies.terms import Level, Period, SubjectId
from tests.gateway.books import entries_of
from tests.gateway.door.product import Product, Pulled, product
from tests.gateway.door.readers import Reader, reading, unchunked
from tests.gateway.house import ACME, NOON

QUARTER = timedelta(minutes=15)


class Lines:
    """What a stream has told so far."""

    def __init__(self, scene: Product, reader: Reader) -> None:
        self._scene, self._reader, self.got = scene, reader, b""

    async def until(self, who: SubjectId, count: int) -> None:
        """Until there are so many lines of a household; fails when the stream ends or is silent."""
        while self.count(who) < count:
            more = await asyncio.to_thread(self._reader.sock.recv, 1 << 16)
            assert more, "the stream has ended"
            self.got += more

    def count(self, who: SubjectId) -> int:
        return unchunked(self.got)[0].count(self._scene.gateway.release.pseudonym(ACME, who).encode())


async def more(scene: Product, *subjects: SubjectId) -> None:
    """An hour goes by, with a register for each quarter of it."""
    begin = scene.now
    scene.now += timedelta(hours=1)
    for who in subjects:
        await scene.home.feed(who, [n + 1000 for n in range(5)], step=QUARTER, start=begin)


async def released(scene: Product, who: SubjectId) -> int:
    return sum(entry.kind == "release" for entry in await entries_of(scene.gateway.ledger, who))


async def test_who_leaves_falls_out_who_joins_is_written_down_and_told_and_the_stream_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Pulled] = []
    people: list[SubjectId] = []

    async def prepare(scene: Product) -> None:
        people.extend([await scene.household(60, QUARTER, level=Level.PSEUDONYMOUS) for _ in range(2)])
        found.append(await scene.transfer(Level.PSEUDONYMOUS, form=STREAM))

    async with product(tmp_path, monkeypatch, prepare) as scene:
        stays, leaves = people
        with reading(scene.port, 1 << 18) as reader:
            found[0].ask(reader)
            told = Lines(scene, reader)
            await told.until(stays, 50)
            await told.until(leaves, 50)
            await scene.gateway.consent.withdraw(leaves)
            before = told.count(leaves)
            await more(scene, stays, leaves)
            await told.until(stays, 54)
            joins = await scene.home.household()
            await scene.home.feed(joins, list(range(20)), step=QUARTER, start=NOON - timedelta(hours=12))
            assert await released(scene, joins) == 0
            await scene.home.agree(joins, level=Level.PSEUDONYMOUS)
            await told.until(joins, 10)
            assert await released(scene, joins) == 1
            await more(scene, stays, leaves, joins)
            await told.until(stays, 58)
            assert told.count(leaves) == before
            await scene.profile(did="")
            await reader.reset()
        assert b"\r\n0\r\n" not in told.got


async def test_who_gives_again_what_had_ended_is_told_of_a_time_that_nobody_had_allowed_when_the_stream_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Pulled] = []
    people: list[SubjectId] = []
    hour = timedelta(hours=1)

    async def prepare(scene: Product) -> None:
        words = {"level": Level.PSEUDONYMOUS, "values": Period(NOON - 12 * hour, NOON), "until": NOON + hour / 2}
        people.append(await scene.household(60, QUARTER, **words))
        found.append(await scene.transfer(Level.PSEUDONYMOUS, form=STREAM))

    async with product(tmp_path, monkeypatch, prepare) as scene:
        with reading(scene.port, 1 << 18) as reader:
            found[0].ask(reader)
            told = Lines(scene, reader)
            await told.until(people[0], 27)
            scene.now += hour
            before = told.count(people[0])
            words = {"level": Level.PSEUDONYMOUS, "values": Period(NOON + hour, NOON + 9 * hour)}
            await scene.home.agree(people[0], **words, until=NOON + 9 * hour)
            scene.now += hour
            await scene.home.feed(people[0], [n + 80 for n in range(9)], step=QUARTER, start=NOON)
            await told.until(people[0], before + 4)
            assert told.count(people[0]) == before + 4


async def test_a_portfolio_that_is_not_followed_leaves_through_the_real_door_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Pulled] = []
    people: list[SubjectId] = []

    async def prepare(scene: Product) -> None:
        people.extend([await scene.household(60, QUARTER, level=Level.PSEUDONYMOUS) for _ in range(3)])
        found.append(await scene.transfer(Level.PSEUDONYMOUS))

    async with product(tmp_path, monkeypatch, prepare) as scene:
        with reading(scene.port, 1 << 18) as reader:
            found[0].ask(reader)
            body, complete = unchunked(await reader.rest())
        names = [scene.gateway.release.pseudonym(ACME, who) for who in people]
        assert complete
        assert all(body.count(name.encode()) > 50 for name in names)
        assert [await released(scene, who) for who in people] == [1, 1, 1]
