"""Run by test_clocks as a process of its own: takes batches of meters that doubt their clocks until it is killed.

Prints the household, then the number of each batch that was acknowledged; each is of another meter.
"""

import asyncio
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from adapters.plugin import Batch
from meter_driver.reading import Quality, Reading
from tests.gateway.house import ENERGY, NOON, house


async def main(folder: Path) -> None:
    async with house(folder) as home:
        who = await home.household()
        print(who, flush=True)
        for number in range(100_000):
            at = NOON - timedelta(seconds=number % 600)
            reading = Reading(f"m{number}", ENERGY, at, Decimal(1), "kWh", quality=Quality.CLOCK_DOUBTFUL)
            await home.intake.take(Batch("doubter", number, [(who, reading)]))
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
