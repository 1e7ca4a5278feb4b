"""Numbers of one kind: blocks of them are reserved durably, then given from memory without waiting.

``upto`` in the table is raised before the first number of a block is given, so a crash loses the rest of the block and
gives none of it again. The writer reserves the next block, in a commit that it makes anyway, when half of one is left.
"""

from sqlalchemy import Connection, insert, select, update

from gateway.errors import StoreFull
from gateway.storage.tables.counters import counter

BLOCK = 1 << 22
"""More than can wait for one commit; a crash costs so many of 2^63 numbers."""
MOST = 1 << 62
"""A note of more is not ours: no gateway gets there."""


class ReservedNumbers:
    """Implements ``gateway.storage.port.Numbers``. ``next`` on the loop's thread, all else on the writer's."""

    __slots__ = ("limit", "name", "newest")

    def __init__(self, name: str, newest: int, limit: int) -> None:
        self.name, self.newest, self.limit = name, newest, limit

    def next(self) -> int:
        if self.newest >= self.limit:
            raise StoreFull(f"no {self.name} number is reserved: nothing became durable since the last {BLOCK}")
        self.newest += 1
        return self.newest

    @property
    def short(self) -> bool:
        """Whether it is time for the next block."""
        return self.limit - self.newest < BLOCK // 2


def reserve(connection: Connection, name: str, above: int) -> ReservedNumbers:
    """The first block of an opened store; to be given out once the transaction is durable.

    The note is a row like any other: where it is below what is in use, or beyond all numbers, it counts for nothing.
    """
    upto = connection.execute(select(counter.c.upto).where(counter.c.name == name).with_for_update()).scalar()
    if upto is None:
        upto = above
        connection.execute(insert(counter).values(name=name, upto=upto + BLOCK))
    else:
        upto = max(upto, above) if upto <= MOST else above
        connection.execute(update(counter).where(counter.c.name == name).values(upto=upto + BLOCK))
    return ReservedNumbers(name, upto, upto + BLOCK)


def extended(connection: Connection, numbers: ReservedNumbers) -> int:
    """The limit one block higher, to be set once the transaction is durable; as it was if another store reserved."""
    return _moved(connection, numbers, numbers.limit + BLOCK)


def give_back(connection: Connection, numbers: ReservedNumbers) -> None:
    """What is left of the block, when the store is closed and nobody asks for more."""
    numbers.limit = _moved(connection, numbers, numbers.newest)


def _moved(connection: Connection, numbers: ReservedNumbers, to: int) -> int:
    mine = (counter.c.name == numbers.name, counter.c.upto == numbers.limit)
    moved = connection.execute(update(counter).where(*mine).values(upto=to)).rowcount == 1
    return to if moved else numbers.limit
