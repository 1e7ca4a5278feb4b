"""Bring a database to the newest revision of every branch: ours and each adapter's."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL

from adapters.plugin import Migrations
from gateway.storage.engines import engine_at

HOME = Path(__file__).parent / "migrations"


def migrate(url: URL, adapters: Sequence[Migrations] = ()) -> None:
    """Blocking; call before the store is opened. Raises what Alembic raises when a revision is missing.

    Each area (vault, door, registry ...) and each adapter has a branch of its own, so that they grow independently.
    """
    from alembic import command
    from alembic.config import Config

    engine = engine_at(url)
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
