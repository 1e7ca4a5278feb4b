"""Who waits for a process is woken by what happens to it, never waits for ever, and leaves nothing behind."""

import asyncio

from adapters.gaiax.dsp.bells import Bells


async def test_a_wait_ends_when_the_bell_rings_and_what_is_waited_for_is_there() -> None:
    bells, looks = Bells(), 0
    found: list[str] = []

    async def look() -> str | None:
        nonlocal looks
        looks += 1
        return found[0] if found else None

    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(bells.until("a", look, 10)) for _ in range(2)]
        while looks < 2:  # noqa: ASYNC110 - both are waiting now
            await asyncio.sleep(0)
        bells.ring("a")  # something else has happened
        bells.ring("b")
        while looks < 4:  # noqa: ASYNC110 - both have looked again
            await asyncio.sleep(0)
        found.append("there")
        bells.ring("a")
    assert [wait.result() for wait in waits] == ["there", "there"]
    assert looks == 6
    assert len(bells) == 0


async def test_what_is_there_already_is_not_waited_for() -> None:
    bells = Bells()

    async def look() -> bool:
        return True

    assert await bells.until("a", look, 10) is True
    assert len(bells) == 0


async def test_a_wait_has_a_bound_and_a_bell_that_nobody_hears_is_not_kept() -> None:
    bells = Bells()

    async def look() -> bool:
        return False

    bells.ring("a")
    assert await bells.until("a", look, 0.01) is None
    assert len(bells) == 0


async def test_a_ring_while_somebody_looks_is_not_missed() -> None:
    bells, answers = Bells(), iter([False, True])

    async def look() -> bool:
        found = next(answers)
        if not found:
            bells.ring("a")
            await asyncio.sleep(0)
        return found

    assert await bells.until("a", look, 10) is True
