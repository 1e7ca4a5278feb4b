"""Which engine a URL means. One more engine is one more line in each table."""

from collections.abc import Callable, Mapping

from sqlalchemy import URL, Engine

from gateway.storage import sqlite
from gateway.storage.port import Store

STORES: Mapping[str, Callable[[URL], Store]] = {"sqlite": sqlite.SqliteStore}
_ENGINES: Mapping[str, Callable[[URL], Engine]] = {"sqlite": sqlite.engine_of}


def store_at(url: URL) -> Store:
    """To be opened. The settings have checked the scheme: see ``gateway.settings.tables.STORE_SCHEMES``."""
    return STORES[url.get_backend_name()](url)


def engine_at(url: URL) -> Engine:
    """For the migrations, which run before the store is opened."""
    return _ENGINES[url.get_backend_name()](url)
