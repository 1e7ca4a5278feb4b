"""Run by the contract as a process of its own: adds numbered rows, many at a time, until it is killed.

Prints ``given N`` when a number is given, ``durable N`` when its row was acknowledged.
"""

import asyncio
import sys

from sqlalchemy import make_url

from tests.gateway.storage.contract import opened
from tests.gateway.storage.tables import row


async def main(url: str) -> None:
    async with opened(make_url(url)) as store, asyncio.TaskGroup() as group:
        numbers = await store.numbers("row")

        async def add() -> None:
            while True:
                number = numbers.next()
                print("given", number, flush=True)
                await store.append(row, [(number,)])
                print("durable", number, flush=True)

        for _ in range(8):
            group.create_task(add())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
