"""What is to be told or asked later, kept until it is done."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Notice:
    """A durable question to be asked later, at least once: it names things, it never holds an answer.

    Attributes:
        kind: picks the handler, for example ``dsp.message``.
        payload: ids and words, no readings.
        key: notices with the same key are handled one at a time, in order; "" for no order.
        tries: how often it was tried before.
    """

    kind: str
    payload: Mapping[str, Any]
    key: str = ""
    tries: int = 0


class Later(Exception):
    """A notice's handler says: try again after ``seconds`` (None: the usual back-off)."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds


class Notices(Protocol):
    """The durable outbox. ``put`` belongs inside a ``Services.write``, so that cause and notice commit together."""

    def put(self, connection: Connection, notice: Notice, *, after: timedelta = timedelta(0)) -> None: ...


TAKEN_BACK = "permission.taken-back"
"""Notice of an adapter to the gateway (payload: recipient, reference): what it put before a household by
``Services.ask`` under this reference is over, and goes, unless it was answered."""

NoticeHandler = Callable[[Notice], Awaitable[None]]
"""Raises ``Later`` to be called again; any other exception is logged and tried again with back-off."""
