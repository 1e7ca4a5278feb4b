"""After a yes has ended nothing of it leaves: open answers, finished answers, slow readers, shared answers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
import structlog
from aiohttp import web

from adapters.plugin import Refused, Route
from gateway.clock import Clock
from gateway.door import egress, lines
from gateway.door.egress import Cut, Part
from gateway.door.response import HttpSink
from gateway.serve.callers import NOBODY
from gateway.serve.listeners import application
from policies.roles import Listener, Role
from policies.terms import DetailClass, Reason, Refusal
from tests.gateway.door.readers import Reader, reading, unchunked
from tests.gateway.door.stands import CLIENT, NOON, RENDERER, Stand
from tests.gateway.door.test_sinks import contexts

SECOND = timedelta(seconds=1)


class Door(Stand):
    """A server with one route that sends the parts a test names, behind the wrapper of all routes."""

    def __init__(self, *parts: tuple[str, int], shared: bool = False, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.shared, self.renderer = shared, RENDERER
        self.parts: Callable[[], AsyncIterator[Part]] = lambda: self._made(parts)
        self.cut = asyncio.Event()
        self.done = asyncio.Event()
        self.over = asyncio.Event()

    async def _made(self, named: tuple[tuple[str, int], ...]) -> AsyncIterator[Part]:
        for name, rows in named:
            yield self.part(name, rows)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        sink = HttpSink(request, response)
        try:
            await self.egress.send(self.parts(), self.renderer, sink, right=self.right, shared=self.shared)
        except Cut:
            self.cut.set()
            raise
        finally:
            self.over.set()
        self.done.set()
        return response


@asynccontextmanager
async def serving(door: Door, *, secure: bool = False) -> AsyncIterator[int]:
    async def nobody(_: web.Request) -> object:
        return NOBODY

    route = Route(Listener.PEOPLE, "GET", "/", "health", door.handle, frozenset(Role))
    app = application(
        Listener.PEOPLE,
        [route],
        nobody,  # type: ignore[arg-type]
        lambda *_: None,
        structlog.get_logger(),
        most=1024,
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=contexts()[0] if secure else None)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asked(door: Door, buffer: int = 4096, tls: ssl.SSLContext | None = None) -> AsyncIterator[Reader]:
    """A recipient that has asked and reads nothing by itself."""
    async with serving(door, secure=tls is not None) as port:
        with reading(port, buffer) as reader:
            await reader.shake(tls)
            reader.ask()
            yield reader


async def test_an_answer_is_head_parts_with_something_between_and_tail() -> None:
    async with asked(Door(("a", 1), ("b", 2), shared=True)) as reader:
        body, complete = unchunked(await reader.rest())
    assert body.startswith(b"head\na 0")
    assert body.count(b"--\n") == 1
    assert body.endswith(b"tail\n")
    assert complete


async def test_an_answer_whose_ground_ends_before_its_last_part_does_not_look_complete() -> None:
    """As an opener does it: it sees that the ground has ended and has no more parts."""
    door = Door()

    async def one_then_over() -> AsyncIterator[Part]:
        yield door.part("a", 1)
        door.epochs.flip("a")

    door.parts = one_then_over
    async with asked(door) as reader:
        body, complete = unchunked(await reader.rest())
        await asyncio.wait_for(door.cut.wait(), 5)
    assert b"tail\n" not in body
    assert not complete


def summing(door: Door, size: int = 0) -> None:
    """The answer ends with sums over all of its parts."""
    door.renderer = replace(RENDERER, closing=lambda: iter([b"sums" + b"x" * size + b"\n"]))


def of_days(door: Door, *days: int, then: Callable[[int], None] = lambda _: None) -> None:
    """A part for each day of March; after one has been written, something happens."""

    async def parts() -> AsyncIterator[Part]:
        for day in days:
            yield door.part("a", 1, first=date(2026, 3, day))
            then(day)

    door.parts = parts


async def test_an_answer_with_sums_has_them_after_the_last_part_and_before_the_tail() -> None:
    door = Door(("a", 1))
    summing(door)
    async with asked(door, 1 << 16) as reader:
        body, complete = unchunked(await reader.rest())
    assert body.endswith(b"x\nsums\ntail\n")
    assert complete


@pytest.mark.parametrize("after", [1, 2])
async def test_sums_are_not_told_when_any_day_that_is_in_them_is_held_no_longer(after: int) -> None:
    door = Door()
    summing(door)

    def expire(day: int) -> None:
        if day == after:
            door.oldest = date(2026, 3, 2)

    of_days(door, 1, 2, then=expire)
    async with asked(door, 1 << 16) as reader:
        body, complete = unchunked(await reader.rest())
        await asyncio.wait_for(door.cut.wait(), 2)
    assert body.count(b"a 0") == after
    assert b"sums" not in body
    assert not complete


async def test_an_answer_without_sums_goes_on_with_days_that_are_held() -> None:
    door = Door()
    of_days(door, 1, 2, then=lambda _: setattr(door, "oldest", date(2026, 3, 2)))
    async with asked(door, 1 << 16) as reader:
        body, complete = unchunked(await reader.rest())
    assert body.count(b"a 0") == 2
    assert complete


async def test_a_shared_answer_with_sums_ends_with_the_first_who_left_and_opens_nobody_else() -> None:
    door = Door(shared=True)
    summing(door)
    opened: list[str] = []

    async def parts() -> AsyncIterator[Part]:
        for name in "abc":
            opened.append(name)
            yield door.part(name, 1)
            door.epochs.flip("a")

    door.parts = parts
    async with asked(door, 1 << 16) as reader:
        body, complete = unchunked(await reader.rest())
    assert b"b 0" not in body
    assert opened == ["a", "b"]
    assert not complete


async def test_sums_that_wait_in_the_queue_are_called_back_with_the_oldest_day_that_is_in_them() -> None:
    door = Door()
    summing(door, 2_000_000)
    of_days(door, 1, 2)
    async with asked(door) as reader:
        await reader.stalled()
        door.oldest = date(2026, 3, 2)
        assert await door.lines.expired({DetailClass.LIVE: date(2026, 3, 2)}) == 1
        already = reader.here()
        assert await reader.raw_rest() <= already


@pytest.mark.gdpr("7(3)")
@pytest.mark.parametrize("secure", [False, True])
async def test_a_slow_reader_gets_nothing_more_after_the_ground_has_ended(secure: bool) -> None:
    door = Door(("a", 2000))
    async with asked(door, tls=contexts()[1] if secure else None) as reader:
        await reader.stalled()
        assert await door.end("a") == 1
        already = reader.here()
        assert await reader.raw_rest() <= already
        await asyncio.wait_for(door.cut.wait(), 2)


async def test_an_answer_that_is_written_but_not_sent_is_called_back() -> None:
    door = Door(("a", 8))  # fits into the kernel's send buffer: the handler is done, the reader has not read
    async with asked(door, 2048) as reader:
        await asyncio.wait_for(door.done.wait(), 2)
        assert await door.end("a") == 1
        already = reader.here()
        assert await reader.raw_rest() <= already


async def test_a_connection_whose_answer_has_left_is_not_reset() -> None:
    door = Door(("a", 2))
    async with asked(door, 1 << 16) as reader:
        await reader.rest()
        await asyncio.sleep(0.05)
        assert await door.end("a") == 0


async def test_a_shared_answer_goes_on_without_the_one_who_left() -> None:
    door = Door(shared=True)

    async def parts() -> AsyncIterator[Part]:
        yield door.part("a", 1)
        opened = door.part("b", 1)
        door.epochs.flip("b")  # leaves between opening and writing
        yield opened
        over = door.part("c", 1, ends=NOON + SECOND)
        door.now += SECOND
        yield over
        yield door.part("d", 1)

    door.parts = parts
    async with asked(door, 1 << 16) as reader:
        body, complete = unchunked(await reader.rest())
    assert [line[:3] for line in body.splitlines() if line[1:2] == b" "] == [b"a 0", b"d 0"]
    assert body.endswith(b"tail\n")
    assert complete


@pytest.mark.parametrize("shared", [False, True])
async def test_an_answer_ends_whole_when_its_recipients_right_ends(shared: bool) -> None:
    door = Door(("a", 50), shared=shared)
    left = iter([True] * 10)
    door.alive = lambda: next(left, False)
    async with asked(door, 1 << 20) as reader:
        body, complete = unchunked(await reader.rest())
        await asyncio.wait_for(door.cut.wait(), 2)
    assert b"tail\n" not in body
    assert not complete
    assert body.count(b"a ") <= 10


@pytest.mark.parametrize("shared", [False, True])
async def test_when_a_right_is_told_to_have_ended_lines_are_found_by_it(shared: bool) -> None:
    door = Door(("a", 2000), shared=shared)
    async with asked(door) as reader:
        await reader.stalled()
        assert await door.tell(CLIENT) == 0  # something was told, but it still stands
        door.alive = lambda: False
        assert await door.tell(CLIENT) == 1
        already = reader.here()
        assert await reader.raw_rest() <= already


async def test_days_that_are_held_no_longer_are_called_back_and_younger_ones_are_not() -> None:
    door = Door()

    async def parts() -> AsyncIterator[Part]:
        yield door.part("a", 2000, first=date(2026, 3, 1))

    door.parts = parts
    async with asked(door) as reader:
        await reader.stalled()
        assert await door.lines.expired({DetailClass.LIVE: date(2026, 3, 1)}) == 0
        door.oldest = date(2026, 3, 2)
        assert await door.lines.expired({DetailClass.QUARTER: date(2026, 3, 2)}) == 0
        assert await door.lines.expired({DetailClass.LIVE: date(2026, 3, 2)}) == 1
        already = reader.here()
        assert await reader.raw_rest() <= already


async def test_the_timer_resets_a_line_when_the_clock_reaches_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test moves the clock; the timer looks again after ``CLOCK_LOOK``."""
    monkeypatch.setattr(lines, "CLOCK_LOOK", 0.02)
    door = Door()

    async def parts() -> AsyncIterator[Part]:
        yield door.part("a", 2000, ends=NOON + SECOND)

    door.parts = parts
    async with asked(door) as reader, asyncio.TaskGroup() as group:
        timer = group.create_task(door.lines.watch())
        await reader.stalled()
        door.now += SECOND - timedelta(microseconds=1)
        await asyncio.sleep(0.1)
        assert not door.cut.is_set()
        door.now += timedelta(microseconds=1)
        await asyncio.wait_for(door.cut.wait(), 2)
        already = reader.here()
        assert await reader.raw_rest() <= already
        timer.cancel()


async def test_the_timer_wakes_for_an_end_that_is_nearer_than_its_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "CLOCK_LOOK", 3600.0)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    door = Door(clock=lambda: NOON + timedelta(seconds=loop.time() - begun))

    async def parts() -> AsyncIterator[Part]:
        yield door.part("a", 2000, ends=NOON + SECOND / 2)

    door.parts = parts
    async with asked(door) as reader, asyncio.TaskGroup() as group:
        timer = group.create_task(door.lines.watch())
        await asyncio.sleep(0)  # it sleeps before the answer begins
        await reader.stalled()
        await asyncio.wait_for(door.over.wait(), 5)
        timer.cancel()


BROKEN: dict[str, Callable[[], Exception]] = {
    "a fault": lambda: RuntimeError("planted"),
    "a refusal that comes late": lambda: Refused(Refusal((Reason.NO_CONSENT,))),
}


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("what", BROKEN)
async def test_no_error_stands_where_a_chunk_belongs(what: str, secure: bool) -> None:
    door = Door()

    async def parts() -> AsyncIterator[Part]:
        yield door.part("a", 3)
        raise BROKEN[what]()

    door.parts = parts
    async with asked(door, 1 << 16, contexts()[1] if secure else None) as reader:
        answer = await reader.rest()
    body, complete = unchunked(answer)
    assert b"HTTP/1.1 500" not in answer
    assert b"tail" not in body
    assert not complete


async def test_a_reader_that_is_too_slow_is_cut_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "SLOWEST", 0.05)
    door = Door(("a", 2000))
    async with asked(door) as reader:
        await asyncio.wait_for(door.over.wait(), 5)
        _, complete = unchunked(await reader.rest())
    assert not complete


@pytest.mark.parametrize("secure", [False, True])
async def test_after_a_reset_in_the_middle_of_a_chunk_nothing_stands_in_its_place(secure: bool) -> None:
    door = Door(("a", 2000))
    async with asked(door, tls=contexts()[1] if secure else None) as reader:
        await reader.stalled()
        await door.end("a")
        answer = await reader.rest()
    _, complete = unchunked(answer)
    assert answer.count(b"HTTP/1.1") == 1
    assert not complete
