"""The port of the store: what every desk may expect of it, whatever engine stands behind.

Statements are written in SQLAlchemy's Core, so that an engine can say them in its own words; nobody outside
``gateway.storage`` knows which engine it is. ``tests/gateway/storage/contract.py`` holds every engine to these laws:

- **A write is a transaction.** It is all there or not at all, and durable when ``write`` or ``append`` returns.
- **Writes come one after the other.** Each sees what those before it left, so what is read inside a write is still
  true when it is written (the ledger's chain cannot fork).
- **Writes share a commit, not a fate.** A group of them costs one commit; one that fails harms no neighbour.
- **A look sees one instant**, after every write that has returned, and changes nothing.
- **A full disk is a type.** ``StoreFull`` is raised and nothing of that write is there; later ones may go through.
- **Endings have room of their own.** Where the disk is full, a write that is an ending takes it; then nothing but
  endings is written until there is room for all.
- **A caller that is cancelled takes nothing back.** What it handed in may become durable all the same.
- **Numbers only grow**, and none is given twice, also after a crash (see ``Numbers``).
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import Connection, Table

T = TypeVar("T")

Rows = Sequence[tuple[Any, ...]]
"""Values in the order of the table's columns, without a number that the engine counts itself (``autoincrement``)."""


class Numbers(Protocol):
    """Numbers of one kind, given on the loop's thread, so that what is numbered can be sealed before it is written.

    A number that was given and not used is lost. Of two stores that are open on one database, each gives its own.
    """

    @property
    def newest(self) -> int:
        """No number that was ever given before this store was opened, or by it, is higher. 0 at the very first."""

    @property
    def limit(self) -> int:
        """None above is given before this is raised, durably."""

    def next(self) -> int:
        """One more. Raises ``StoreFull`` when too many were given and not one write was durable since."""


class Store(Protocol):
    """Open with ``async with``; ``run`` is to run meanwhile, or no write ends."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def run(self) -> None:
        """The writer; a supervised loop. Cancelling it loses only what was not acknowledged."""

    async def look(self, ask: Callable[[Connection], T]) -> T:
        """Run ``ask`` in a reader's thread, in one transaction: one instant of the store, all that was there before.

        ``ask`` touches nothing but its connection and brings out rows, not open results; it cannot write. The thread of
        a caller that is cancelled goes on to the end of ``ask``.
        """

    async def write(self, work: Callable[[Connection], T], *, ending: bool = False) -> T:
        """Run ``work`` in a transaction that may be shared; returns its value once that is durable.

        ``work`` runs in a writer's thread, touches nothing but its connection, and may be run a second time when
        a neighbour in the same group failed. Its own exception rolls back its own changes only and is raised here.
        ``ending``: it takes something away from somebody, and may use the room that is kept for that.
        """

    async def make_room(self) -> bool:
        """Give up the room that is kept for endings, for what is written for one beside the store; whether there was
        any.
        """

    async def append(self, table: Table, rows: Rows) -> None:
        """New rows, durable on return. The hot path: the driver gets them as they are.

        A table of rows that are kept once (``gateway.storage.tables.ONCE``) keeps what it has under a row's key.
        """

    async def append_all(self, rows: Sequence[tuple[Table, Rows]]) -> None:
        """The same for several tables, all or none. What was handed in first is durable first, or in one commit."""

    async def numbers(self, name: str, above: int = 0) -> Numbers:
        """The numbers of one kind, for example ``piece``: one object for each name. Needs no ``run``.

        ``above``: the highest that is in use, whatever the store's own note says.
        """
