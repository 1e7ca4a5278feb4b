"""Bring a database to the newest revision of every branch: ours and each adapter's."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, create_engine, event

from adapters.plugin import Migrations

HOME = Path(__file__).parent / "migrations"


def migrate(file: Path, adapters: Sequence[Migrations] = ()) -> None:
    """Blocking; call before the store is opened. Raises what Alembic raises when a revision is missing.

    Each area (vault, door, registry ...) and each adapter has a branch of its own, so that they grow independently.
    """
    from alembic import command
    from alembic.config import Config

    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        file.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{file}")
    event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA journal_mode=WAL"))
    config = Config()
    config.set_main_option("script_location", str(HOME))
    config.set_main_option("path_separator", "newline")
    folders = [HOME / "versions", *[m.folder for m in adapters]]
    config.set_main_option("version_locations", "\n".join(str(f) for f in folders))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "heads")
    finally:
        engine.dispose()


def revisions(connection: Connection) -> set[str]:
    """What is applied."""
    rows = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
    return {str(row[0]) for row in rows}
