"""Gaia-X and the Dataspace Protocol: catalog, negotiation, transfer, self-description."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Table

from adapters.plugin import Adapter, Migrations, Services


def _guarded() -> Sequence[Table]:
    from adapters.gaiax.dsp.store import DATASPACE_GUARDED

    return DATASPACE_GUARDED


MIGRATIONS = Migrations("gaiax", Path(__file__).parent / "migrations", _guarded)


def create(services: Services) -> Adapter:
    """The adapter; raises ``ValueError`` for settings that do not make sense."""
    from adapters.gaiax.adapter import assemble

    return assemble(services)
