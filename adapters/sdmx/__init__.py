"""SDMX: the data structure of what is released, for partners that read SDMX-CSV."""

from adapters.plugin import Adapter, Services


def create(services: Services) -> Adapter:
    """The adapter: structural metadata at ``/sdmx/2.1``."""
    from adapters.sdmx.routes import Structures

    return Adapter(name="sdmx", routes=Structures(services).routes())
