"""The adapter's parts, put together."""

from functools import partial

from adapters.gaiax import credentials, endings, retention, settings, wellknown
from adapters.gaiax.data_plane import DataPlane
from adapters.gaiax.dsp import client, negotiations, store
from adapters.gaiax.dsp.catalog import Shelf
from adapters.gaiax.dsp.conduct import Conduct, OurConduct
from adapters.gaiax.dsp.desk import MESSAGE, Desk, OurShelf
from adapters.gaiax.dsp.routes import Routes
from adapters.gaiax.operator import Consumer
from adapters.gaiax.participants import Participants
from adapters.plugin import Adapter, Services
from adapters.sdmx.routes import Structures


def make_desk(services: Services, *, shelf: Shelf | None = None, conduct: Conduct | None = None) -> Desk:
    """The protocol's shell. A conformance kit brings a shelf and a conduct of its own."""
    read = settings.read(services.settings)
    return Desk(
        services=services,
        participants=Participants(services, read.participants),
        shelf=shelf or OurShelf(services),
        conduct=conduct or OurConduct(),
        pause=read.pause,
    )


def assemble(services: Services, desk: Desk | None = None) -> Adapter:
    """Routes, handlers and the start of the data-space adapter."""
    desk = desk or make_desk(services)

    read = settings.read(services.settings)
    described = credentials.handlers(services, read.issuer)

    async def start() -> None:
        desk.live.update(await services.look(store.started_transfers))

    return Adapter(
        name="gaiax",
        routes=[
            *wellknown.routes(desk, described),
            *Routes(desk).routes(),
            *DataPlane(desk).routes(),
            *Structures(services).routes(),
            *Consumer(desk).routes(),
        ],
        notices={
            MESSAGE: partial(client.deliver, desk),
            negotiations.ASK: partial(endings.ask, desk),
            "ground.ended": partial(endings.ground_ended, desk),
            "permission.answered": partial(endings.answered, desk),
        },
        background={"retention": partial(retention.run, services, read)},
        start=start,
        authenticate=desk.participants.authenticate,
    )
