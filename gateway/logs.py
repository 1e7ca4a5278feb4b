"""Structured logs on standard error, with redaction as the last step before the line is written.

Events and ids are logged, never values. Redaction is the net below that rule: it drops what a careless call would let
through, by the key's name and by the looks of the text.
"""

import logging
import re
import resource
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TextIO

import structlog

from adapters.plugin import Logger

HIDDEN = "[hidden]"
SECRET_KEYS = frozenset(
    {
        "value", "values", "reading", "readings", "payload", "body", "token", "code", "authorization", "cookie",
        "key", "secret", "password", "name", "address", "meter", "serial", "csr", "plain", "session",
    }
)  # fmt: skip
"""Fields that are never written, whatever they hold; also with a prefix (``client_secret``)."""
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?")
_HEX = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{65,}(?![0-9A-Fa-f])")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+\S+")
LONGEST_FIELD = 2000
"""Characters of one field."""
_SERVERS = ("aiohttp", "asyncio", "alembic", "sqlalchemy")


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: hide what must not be in a log."""
    for field, value in event.items():
        event[field] = HIDDEN if _secret(field) else _clean(value)
    return event


def _secret(field: str) -> bool:
    word = field.lower()
    return word in SECRET_KEYS or word.rsplit("_", 1)[-1] in SECRET_KEYS


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        text = value[:LONGEST_FIELD]
        for pattern in (_JWT, _HEX, _BEARER):
            text = pattern.sub(HIDDEN, text)
        return text
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if isinstance(value, Mapping):
        return {str(k): HIDDEN if _secret(str(k)) else _clean(v) for k, v in list(value.items())[:50]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(v) for v in list(value)[:50]]
    return value


class _Lossy:
    """A stream that may lose lines: that a disk is full or a reader gone never stops what is being told of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure(*, json_lines: bool = True, level: str = "info") -> Logger:
    """Set the process's logging up and return the logger. Libraries' own records come through the same net."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    last: Any = structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=False)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    stream: Any = _Lossy(sys.stderr)
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_no_traceback, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, last],
        )
    )
    for name in _SERVERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(max(threshold, logging.WARNING))
    made: Logger = structlog.get_logger()
    return made


def _no_traceback(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A traceback may hold locals of a caller's data in its message; the type of the error is enough."""
    if (info := event.pop("exc_info", None)) and isinstance(info, tuple) and info[0] is not None:
        event["error"] = info[0].__name__
    return event


def no_core_dumps() -> None:
    """A core file would hold keys and values in clear."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
