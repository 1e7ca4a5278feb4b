"""What every kind of extension is given."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from adapters.plugin.notices import Notices
from adapters.plugin.outbound import Http
from policies.roles import Listener

T = TypeVar("T")


class NotYours(Exception):
    """An extension asked for what is not for its kind or not for it: a fault in its code or its settings."""


class Gone(Exception):
    """The household is unknown, or erased: nothing can be sealed for it, and what was can be opened by nobody."""


class Logger(Protocol):
    """A structlog logger, as far as it is used: an event's name and words beside it. Ids, never values or payloads."""

    def debug(self, event: str, /, **words: Any) -> Any: ...

    def info(self, event: str, /, **words: Any) -> Any: ...

    def warning(self, event: str, /, **words: Any) -> Any: ...

    def error(self, event: str, /, **words: Any) -> Any: ...

    def bind(self, **words: Any) -> "Logger":
        """The same with these words in every line."""


class SharedServices(Protocol):
    """What every kind of extension is given."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Now, UTC, aware."""

    @property
    def ids(self) -> Callable[[], str]:
        """A fresh random id, 32 hex digits."""

    @property
    def log(self) -> Logger:
        """With redaction, and with the extension's name in every line."""

    @property
    def http(self) -> Http: ...

    @property
    def notices(self) -> Notices: ...

    @property
    def public_urls(self) -> Mapping[Listener, str]:
        """How partners reach each listener from outside, without a trailing slash."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The extension's own table of the settings file."""

    async def look(self, ask: Callable[[Connection], T]) -> T:
        """Run ``ask`` on a reading connection for the extension's own tables, in one transaction, and return its value.

        All that ``ask`` reads is of one instant, after every ``write`` that has returned. It runs in a reader's thread:
        it touches nothing but its connection, cannot write, and brings out rows or values, no open results. Its own
        errors are raised here.
        """

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction and return when it is durable; its own errors roll it back alone.

        Writes come one after the other. Statements are SQLAlchemy's Core, so that any engine can say them; ``upsert``
        and ``insert_new`` write a row by its key.
        """
