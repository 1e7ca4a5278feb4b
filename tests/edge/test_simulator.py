"""The simulated street: meters that behave like meters."""

import asyncio
import contextlib
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from edge.keys import load_keys
from edge.simulator import House, meter, street
from meter_driver.detect import detect
from meter_driver.reading import Telegram

START = datetime(2026, 6, 21, 0, 0, tzinfo=UTC)


def day(number: int, *, counter: int = 0) -> list[Telegram]:
    sender = meter(number, counter=counter)
    decoder = detect(sender.key)
    for quarter in range(96):
        decoder.receive_data(sender.telegram(START + quarter * timedelta(minutes=15)))
    events = list(decoder.events())
    return [event for event in events if isinstance(event, Telegram)]


def register(telegram: Telegram, quantity: str) -> Decimal:
    (value,) = [reading.value for reading in telegram.readings if reading.quantity == quantity]
    return Decimal(value)


def test_every_telegram_of_a_day_is_read_and_its_registers_only_rise() -> None:
    telegrams = day(3)
    assert len(telegrams) == 96
    for before, after in pairwise(telegrams):
        for quantity in ("1-0:1.8.0*255", "1-0:2.8.0*255"):
            assert register(before, quantity) <= register(after, quantity)
        assert after.counter == (before.counter or 0) + 1
    assert register(telegrams[-1], "1-0:2.8.0*255") > 0, "house 3 has panels, and it is midsummer"


def test_the_energy_of_an_interval_is_the_power_at_its_end() -> None:
    first, second = day(1)[:2]
    energy = register(second, "1-0:1.8.0*255") - register(first, "1-0:1.8.0*255")
    assert abs(energy - register(second, "1-0:1.7.0*255") / 4) <= 1


def test_two_runs_give_the_same_and_two_houses_do_not() -> None:
    assert day(2) == day(2)
    assert House(1).watts(START) != House(2).watts(START)


def test_a_key_file_opens_every_meter_of_the_street(tmp_path: Path) -> None:
    with street(3) as three:
        three.write_keys(tmp_path / "keys")
        assert load_keys(tmp_path / "keys") == three.keys
        assert len(set(three.ports)) == 3


async def test_a_meter_that_nobody_reads_holds_up_no_other() -> None:
    with street(2) as two:
        reader = os.open(two.ports[1], os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        decoder = detect(two.meters[1].key)
        try:
            telegrams = 0
            async with asyncio.timeout(20), asyncio.TaskGroup() as group:
                playing = group.create_task(two.play_on(lambda: START, cadence=0.0))
                while telegrams < 200:  # far more than the line of the first holds
                    with contextlib.suppress(BlockingIOError):
                        decoder.receive_data(os.read(reader, 4096))
                    telegrams += sum(isinstance(event, Telegram) for event in decoder.events())
                    await asyncio.sleep(0)
                playing.cancel()
        finally:
            os.close(reader)
    assert two.meters[0].counter < two.meters[1].counter
