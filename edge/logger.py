"""What the edge asks of a log: events by name and words beside them."""

from typing import Any, Protocol


class Logger(Protocol):
    """A structlog logger, as far as it is used. Ids, never readings or keys."""

    def debug(self, event: str, /, **words: Any) -> Any: ...

    def info(self, event: str, /, **words: Any) -> Any: ...

    def warning(self, event: str, /, **words: Any) -> Any: ...

    def error(self, event: str, /, **words: Any) -> Any: ...

    def bind(self, **words: Any) -> "Logger":
        """The same with these words in every line."""
