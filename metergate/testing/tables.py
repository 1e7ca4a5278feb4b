"""A store of one connection for an extension's own tables: in memory, or in a file that a test opens again."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from adapters.plugin import Migrations

T = TypeVar("T")


class Tables:
    """``look`` and ``write`` as ``adapters.plugin`` has them, without threads: fast, one at a time.

    ``migrations``: applied at once, unless the file has them. Close it, or use it with ``with``.
    """

    def __init__(self, migrations: Migrations | None = None, *, file: Path | None = None) -> None:
        url = "sqlite://" if file is None else f"sqlite:///{file}"
        self._engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        self._turn = threading.Lock()
        if migrations is not None:
            with self._engine.begin() as connection:
                upgrade(connection, migrations)

    async def look(self, ask: Callable[[Connection], T]) -> T:
        with self._turn, self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
            try:
                return ask(connection)
            finally:
                connection.exec_driver_sql("PRAGMA query_only = OFF")
                connection.rollback()

    async def write(self, work: Callable[[Connection], T]) -> T:
        with self._turn, self._engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> "Tables":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def upgrade(connection: Connection, migrations: Migrations) -> None:
    """Every revision of one branch, from its base to its head; nothing when it was done before."""
    from alembic.config import Config
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    for option in ("script_location", "version_locations"):
        config.set_main_option(option, str(migrations.folder))
    config.set_main_option("path_separator", "newline")
    scripts, context = ScriptDirectory.from_config(config), MigrationContext.configure(connection)
    if set(context.get_current_heads()) == set(scripts.get_heads()):
        return
    with Operations.context(context):
        for revision in reversed(list(scripts.walk_revisions())):
            revision.module.upgrade()
    context.stamp(scripts, "heads")
