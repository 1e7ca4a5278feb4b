"""A log that keeps its lines."""

from typing import Any


class LogLines:
    """Implements ``adapters.plugin.Logger``. ``lines``: each with its ``event`` and the words beside it."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def _keep(self, event: str, /, **words: Any) -> None:
        self.lines.append({"event": event, **words})

    debug = info = warning = error = _keep

    def bind(self, **_: Any) -> "LogLines":
        """The same log, without the words."""
        return self

    @property
    def events(self) -> list[str]:
        """The names alone."""
        return [line["event"] for line in self.lines]
