"""Around the seam of a stream, between what is there and what comes, each value is told exactly once."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.door import following
from gateway.vault.sealed import SealedVault
from policies.terms import DetailClass, Period, SubjectId
from tests.gateway.house import House, house, streamed, whole

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
Step = Callable[[], Awaitable[Any]]


async def told(
    home: House,
    who: SubjectId,
    steps: Sequence[Step],
    patch: pytest.MonkeyPatch,
    *,
    between: Step | None = None,
) -> list[tuple[int, int]]:
    """Minute and value of all that a stream tells while the steps happen, each as it waits for news.

    ``between`` happens after the stream has taken its position, before its first read.
    """
    remaining, alive = iter(steps), [True]
    hooks = [between] if between is not None else []
    read = SealedVault.read

    async def moment(_: asyncio.Event | None) -> None:
        step = next(remaining, None)
        if step is None:
            alive[0] = False
        else:
            await step()

    async def hooked(*args: Any, **words: Any) -> AsyncIterator[Any]:
        while hooks:
            await hooks.pop()()
        async for values in read(*args, **words):
            yield values

    patch.setattr(following, "_moment", moment)
    patch.setattr(SealedVault, "read", hooked)
    question = home.question(who, period=Period(home.now - DAY, home.now + DAY))
    stream = await home.release.follow(question, home.right(question, lambda: alive[0]), gone=lambda: False)
    rows = [row async for part in stream for row in part.released.rows]
    return [((row.start - home.now + DAY / 2) // MINUTE, whole(row)) for row in rows]


def feeds(home: House, who: SubjectId, minute: int, *values: int) -> Step:
    return lambda: home.feed(who, values, step=MINUTE, start=home.now - DAY / 2 + minute * MINUTE)


async def test_what_comes_before_the_first_read_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await feeds(home, who, 0, 1, 2)()
        between = feeds(home, who, 2, 3)
        assert await told(home, who, [feeds(home, who, 3, 4)], monkeypatch, between=between) == [
            (0, 1), (1, 2), (2, 3), (3, 4),
        ]  # fmt: skip


async def test_a_merge_before_the_first_read_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await feeds(home, who, 0, 1, 2)()

        async def between() -> None:
            await feeds(home, who, 2, 3)()
            await home.compactor.merge(who, DetailClass.LIVE, home.now.toordinal())

        assert await told(home, who, [], monkeypatch, between=between) == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.gdpr("19")
async def test_a_correction_is_told_again_and_an_unchanged_value_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await feeds(home, who, 0, 1, 2, 3)()
        steps = [feeds(home, who, 0, 1, 20), feeds(home, who, 1, 20, 3, 4), feeds(home, who, 0, 1, 2)]
        assert await told(home, who, steps, monkeypatch) == [(0, 1), (1, 2), (2, 3), (1, 20), (3, 4), (1, 2)]


@pytest.mark.parametrize("seed", range(5))
async def test_however_batches_and_merges_fall_each_change_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)
    stands: dict[int, int] = {}
    changes: list[tuple[int, int]] = []

    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)

        async def step() -> None:
            """Some batches, so that one look finds all of them, and perhaps a merge."""
            before = dict(stands)
            for _ in range(rng.randrange(1, 4)):
                minute = max(0, len(stands) - rng.randrange(4))
                values = [rng.randrange(3) for _ in range(rng.randrange(1, 5))]
                await feeds(home, who, minute, *values)()
                stands.update(enumerate(values, minute))
                if rng.random() < 0.3:
                    await home.compactor.merge(who, DetailClass.LIVE, home.now.toordinal())
            changes.extend(each for each in stands.items() if before.get(each[0]) != each[1])

        await step()
        found = await told(home, who, [step] * 8, monkeypatch, between=step)
        assert sorted(found) == sorted(changes)
        assert dict(found) == stands


async def test_a_local_day_is_told_as_soon_as_it_is_over_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        who = await home.household()
        await home.agree(who)
        home.now = home.now.replace(hour=23, minute=30)
        end = home.now.replace(minute=0)
        await home.feed(who, list(range(25)), step=60 * MINUTE, start=end - DAY)
        question = home.question(who, resolution=DAY, period=Period(end - DAY, end + DAY))
        [rows] = await streamed(home, question, monkeypatch)
        assert [(row.start, row.end, whole(row)) for row in rows] == [(end - DAY, end, 24)]
