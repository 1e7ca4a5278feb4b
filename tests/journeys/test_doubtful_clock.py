"""From a meter whose clock is wrong to the operator's work list: driver, box, wire, intake, the look after midnight."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.box import NamedLink
from edge.links import Opened
from edge.links.replay import ReplayLink
from gateway.vee.records import Listed
from policies.terms import ONE_DAY
from policies.vee.terms import Severity
from tests.journeys.test_box_to_store import Home, home
from tests.meter_driver.dlms.make import LLC, SUMMER, hdlc, notification
from tests.meter_driver.p1.make import telegram

P1_AT, DLMS_AT = datetime(2024, 5, 1, 10, tzinfo=UTC), datetime(2026, 7, 21, 12, 30, 5, tzinfo=UTC)
"""Of the telegrams that are made."""


class Line(ReplayLink):
    """Bytes that come as the meter sends them; then it ends."""

    live = True

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        async for data in super().bytes(opened):
            yield data
        self.live = False


async def found(it: Home, link: ReplayLink) -> list[Listed]:
    """What rule ``clock`` has listed the day after."""
    await it.play([NamedLink(link, "line")])
    assert "uplink.refused" not in it.log.names()
    it.moment += ONE_DAY
    while await it.gateway.compactor.round():
        pass
    await it.gateway.sweep.round()
    return await it.gateway.vee.work.listed(household=it.who, rule="clock")


def dlms(status: int) -> bytes:
    """A push; ``status``: of its clock (IEC 62056-6-2, 4.1.6.1)."""
    return hdlc(LLC + notification(clock=SUMMER[:11] + bytes([status])))


@pytest.mark.parametrize(("status", "listed"), [(0x82, True), (0x81, True), (0x80, False), (0xFF, False)])
async def test_a_meter_that_doubts_its_clock_stands_in_the_work_list(tmp_path: Path, status: int, listed: bool) -> None:
    async with home(tmp_path, DLMS_AT) as it:
        some = await found(it, it.recording("push", dlms(status)))
        assert {(each.item.found.meter, each.item.found.severity) for each in some} == (
            {("main", Severity.INFORMATION)} if listed else set()
        )


@pytest.mark.parametrize(("late", "listed"), [(timedelta(minutes=6), True), (timedelta(minutes=4), False)])
async def test_a_meter_whose_clock_the_box_finds_off_stands_in_the_work_list(
    tmp_path: Path, late: timedelta, listed: bool
) -> None:
    async with home(tmp_path, P1_AT + late) as it:
        it.recording("p1", 3 * telegram())
        some = await found(it, Line(it.folder / "p1"))
        assert bool(some) is listed
        assert it.log.names().count("clock.far-off") == listed
        assert {each.item.found.meter for each in some} == ({"main"} if listed else set())
