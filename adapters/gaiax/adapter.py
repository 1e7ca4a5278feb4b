"""The adapter's parts, put together."""

from functools import partial

from adapters.gaiax import credentials, endings, retention, settings, wellknown
from adapters.gaiax.data_plane import DataPlane
from adapters.gaiax.dsp import outbound, store
from adapters.gaiax.dsp.catalog import Shelf
from adapters.gaiax.dsp.conduct import Conduct, OurConduct
from adapters.gaiax.dsp.connector import ASK, MESSAGE_NOTICE, Connector, OurShelf
from adapters.gaiax.dsp.routes import Routes
from adapters.gaiax.operator import OperatorRoutes
from adapters.gaiax.participants import Participants
from adapters.plugin import Adapter, Services
from adapters.sdmx.available_routes import Availabilities
from adapters.sdmx.routes import Structures


def make_connector(services: Services, *, shelf: Shelf | None = None, conduct: Conduct | None = None) -> Connector:
    """The protocol's shell. A conformance kit brings a shelf and a conduct of its own."""
    read = settings.read(services.settings)
    return Connector(
        services=services,
        participants=Participants(services, read.participants),
        shelf=shelf or OurShelf(services),
        conduct=conduct or OurConduct(),
        pause=read.pause,
    )


def assemble(services: Services, connector: Connector | None = None) -> Adapter:
    """Routes, handlers and the start of the data-space adapter."""
    connector = connector or make_connector(services)

    read = settings.read(services.settings)
    described = credentials.handlers(services, read.issuer)

    async def start() -> None:
        connector.live.update(await services.look(store.started_transfers))
        await connector.participants.load()

    return Adapter(
        name="gaiax",
        routes=[
            *wellknown.routes(connector, described),
            *Routes(connector).routes(),
            *DataPlane(connector).routes(),
            *Structures(services).routes(),
            *Availabilities(services).routes(),
            *OperatorRoutes(connector).routes(),
        ],
        notices={
            MESSAGE_NOTICE: partial(outbound.deliver, connector),
            ASK: partial(endings.ask, connector),
            "ground.ended": endings.Together(partial(endings.ground_ended, connector)),
            "permission.answered": partial(endings.answered, connector),
        },
        background={"retention": partial(retention.run, services, read), "trust": connector.participants.run},
        start=start,
        authenticate=connector.participants.authenticate,
    )
