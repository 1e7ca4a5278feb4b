"""Readings as CSV, JSON or lines of JSON: the plain way for a partner that speaks no data space."""

from adapters.plugin import Adapter, Services

MIGRATIONS = None


def create(services: Services) -> Adapter:
    """The adapter; it has no tables and no settings of its own."""
    from adapters.readings.routes import routes

    return Adapter("readings", routes=routes(services))
