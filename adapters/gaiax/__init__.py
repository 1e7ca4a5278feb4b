"""Gaia-X and the Dataspace Protocol: catalog, negotiation, transfer, self-description."""

from pathlib import Path

from adapters.plugin import Adapter, Migrations, Services

MIGRATIONS = Migrations("gaiax", Path(__file__).parent / "migrations")


def create(services: Services) -> Adapter:
    """The adapter; raises ``ValueError`` for settings that do not make sense."""
    from adapters.gaiax.adapter import assemble

    return assemble(services)
