"""Endings that were begun stand until they are finished, each household's by itself."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from gateway.consent.endings import Begun, Ending, Endings
from policies.terms import SubjectId
from tests.gateway.house import NOON, House, house

ONE, TWO = SubjectId("1" * 32), SubjectId("2" * 32)
ERASED = Begun(ONE, Ending.ERASURE, NOON)
MOVED = Begun(TWO, Ending.MOVE_OUT, NOON - timedelta(hours=1))


async def written(home: House, what: Callable[[Connection], None]) -> None:
    await home.store.write(what)


async def test_who_finishes_one_households_ending_leaves_the_others(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        endings = Endings(home.store, home.vault)
        for begun in (ERASED, MOVED):
            await written(home, lambda connection, begun=begun: endings.begin(connection, begun))  # type: ignore[misc]
        assert await endings.unfinished() == [MOVED, ERASED]
        assert (await endings.begun(ONE), await endings.begun(TWO)) == (ERASED, MOVED)
        await written(home, lambda connection: endings.finish(connection, ONE))
        assert (await endings.begun(ONE), await endings.unfinished()) == (None, [MOVED])


async def test_an_ending_that_is_begun_again_is_the_later_one(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        endings = Endings(home.store, home.vault)
        later = Begun(ONE, Ending.MOVE_OUT, NOON + timedelta(hours=1))
        await written(home, lambda connection: endings.begin(connection, ERASED))
        await written(home, lambda connection: endings.begin(connection, later))
        assert await endings.unfinished() == [later]
