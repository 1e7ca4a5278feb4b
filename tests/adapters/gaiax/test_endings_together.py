"""Many grounds of one recipient end at once: what waits is dealt with by one look, and nothing is left out."""

import asyncio
from collections.abc import Awaitable, Callable

from adapters.gaiax.endings import Together
from adapters.plugin import Notice


def ended(ground: str, purpose: str = "forecast", recipient: str = "acme") -> Notice:
    return Notice("ground.ended", {"ground": ground, "subject": "s", "recipient": recipient, "purpose": purpose})


class Slow:
    """Deals with a notice when it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = asyncio.Event()
        self.failing = False

    async def __call__(self, notice: Notice) -> None:
        self.begun.append(notice.payload["ground"])
        await self.go.wait()
        if self.failing:
            raise OSError("no")


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def all_of(*calls: Callable[[], Awaitable[None]]) -> list[BaseException | None]:
    return list(await asyncio.gather(*[call() for call in calls], return_exceptions=True))


async def test_those_that_wait_for_one_are_dealt_with_by_the_next() -> None:
    slow = Slow()
    together = Together(slow)
    async with asyncio.TaskGroup() as group:
        for name in "abcd":
            group.create_task(together(ended(name)))
        await turns()
        assert slow.begun == ["a"]
        slow.go.set()
    assert slow.begun == ["a", "b"]
    await together(ended("e"))
    assert slow.begun == ["a", "b", "e"]


async def test_another_purpose_and_another_recipient_have_a_look_of_their_own() -> None:
    slow = Slow()
    together = Together(slow)
    async with asyncio.TaskGroup() as group:
        for notice in (ended("a"), ended("b", purpose="billing"), ended("c", recipient="other")):
            group.create_task(together(notice))
        await turns()
        assert slow.begun == ["a", "b", "c"]
        slow.go.set()


async def test_one_that_fails_is_tried_again_and_takes_nobody_with_it() -> None:
    slow = Slow()
    together = Together(slow)
    slow.failing = True
    slow.go.set()
    failed = await all_of(*[lambda n=name: together(ended(n)) for name in "ab"])
    assert [type(each) for each in failed] == [OSError, OSError]
    slow.failing = False
    await together(ended("a"))
    assert slow.begun == ["a", "b", "a"]
