"""The conformance profile for the compatibility kit: its datasets, its agreements, its script and its triggers.

Loaded only when a gateway is started for the kit (``python -m tests.acceptance.dsp_profile run --settings FILE``), in
place of ``adapters.gaiax``. Everything else, states, errors, storage and sending, is the product's own. See
../shared/acceptance/dsp/README.md, sections 2 and 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from adapters.gaiax.adapter import assemble, make_connector
from adapters.gaiax.dsp import consumer, store
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.agreements import Wish
from adapters.gaiax.dsp.catalog import Dataset
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.process import Agreement, Negotiation, Transfer
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.odrl import Offer
from adapters.plugin import Adapter, Handler, Route, Services
from policies.roles import Listener, Role
from policies.terms import Recipient

PARTICIPANT = "TCK_PARTICIPANT"
ORGANISATION = Recipient("tck")
USE = {"permission": [{"action": "use"}]}

OFFER, AGREEMENT, FINALIZED = n.Say.OFFER, n.Say.AGREEMENT, n.Say.FINALIZED
ACCEPTED, VERIFICATION, STOP, COUNTER = n.Say.ACCEPTED, n.Say.VERIFICATION, n.Say.TERMINATION, n.Say.REQUEST
_N = n.State
_T = t.State
START, SUSPEND, COMPLETE, END = t.Say.START, t.Say.SUSPENSION, t.Say.COMPLETION, t.Say.TERMINATION

PROVIDED: dict[str, Mapping[str, Sequence[n.Say]]] = {
    "ACN0101": {"REQUESTED": [OFFER]},
    "ACN0102": {"REQUESTED": [OFFER], "REQUESTED again": [STOP]},
    "ACN0103": {"REQUESTED": [OFFER], "ACCEPTED": [AGREEMENT], "VERIFIED": [FINALIZED]},
    "ACN0104": {"REQUESTED": [AGREEMENT], "VERIFIED": [FINALIZED]},
    "ACN0201": {"REQUESTED": [STOP]},
    "ACN0202": {},
    "ACN0203": {"REQUESTED": [AGREEMENT]},
    "ACN0204": {"REQUESTED": [OFFER]},
    "ACN0205": {"REQUESTED": [OFFER, STOP]},
    "ACN0206": {"REQUESTED": [OFFER], "ACCEPTED": [STOP]},
    "ACN0207": {"REQUESTED": [AGREEMENT], "VERIFIED": [STOP]},
    "ACN0301": {"REQUESTED": [AGREEMENT], "VERIFIED": [FINALIZED]},
    "ACN0302": {"REQUESTED": [OFFER]},
    "ACN0303": {"REQUESTED": [OFFER]},
    "ACN0304": {"REQUESTED": [OFFER]},
}
CONSUMED: dict[str, Mapping[str, Sequence[n.Say]]] = {
    "ACNC0101": {"OFFERED": [ACCEPTED], "AGREED": [VERIFICATION]},
    "ACNC0102": {"OFFERED": [COUNTER]},
    "ACNC0103": {"OFFERED": [STOP]},
    "ACNC0104": {"AGREED": [VERIFICATION]},
    "ACNC0202": {"REQUESTED": [STOP]},
    "ACNC0203": {"AGREED": [STOP]},
    "ACNC0205": {"OFFERED": [ACCEPTED]},
    "ACNC0206": {"AGREED": [VERIFICATION]},
    "ACNC0304": {"OFFERED": [ACCEPTED]},
    "ACNC0305": {"OFFERED": [ACCEPTED]},
    "ACNC0306": {"OFFERED": [ACCEPTED]},
}
SERVED: dict[str, Sequence[t.Say]] = {
    "ATP0101": [START, END],
    "ATP0102": [START, COMPLETE],
    "ATP0103": [START, SUSPEND, END],
    "ATP0104": [START, SUSPEND, START, COMPLETE],
    "ATP0105": [END],
    "ATP0201": [START],
    "ATP0202": [START],
    "ATP0203": [START],
    "ATP0204": [START],
    "ATP0303": [START],
    "ATP0304": [START],
    "ATP0305": [START],
    "ATP0306": [START],
}
"""On entering REQUESTED."""
FETCHED: dict[str, Mapping[str, Sequence[t.Say]]] = {
    "ATPC0201": {"STARTED": [END]},
    "ATPC0202": {"STARTED": [COMPLETE]},
    "ATPC0203": {"STARTED": [SUSPEND, END]},
    "ATPC0205": {"REQUESTED": [END]},
}
CHAPTERS = {"P": (5, 5, 6), "PC": (5, 5, 6)}


class Script:
    """What to say on entering a state, by the id of the dataset or agreement."""

    def negotiation(self, process: Negotiation) -> Sequence[n.Say]:
        entered = str(process.state)
        if process.side is Side.CONSUMER:
            # a counter-offer brings the consumer back to REQUESTED; the script speaks of the first time only
            return CONSUMED.get(process.dataset, {}).get(entered, ())
        if process.state is _N.REQUESTED and process.requests > 1:
            entered += " again"
        return PROVIDED.get(process.dataset, {}).get(entered, ())

    def transfer(self, process: Transfer) -> Sequence[t.Say]:
        if process.side is Side.PROVIDER:
            return SERVED.get(process.agreement, ()) if process.state is _T.REQUESTED else ()
        return FETCHED.get(process.agreement, {}).get(str(process.state), ())


class KitShelf:
    """``CAT0101`` and ``CAT0102``, and one dataset for each negotiation."""

    async def datasets(self, recipient: Recipient, did: str) -> Sequence[Dataset]:
        return [Dataset(name, name, (Offer(f"CD123:{name}:456", USE),)) for name in ("CAT0101", "CAT0102", *PROVIDED)]


def create(services: Services) -> Adapter:
    """The product's adapter with the kit's shelf and script, and the two triggers."""
    connector = make_connector(services, shelf=KitShelf(), conduct=Script())
    adapter = assemble(services, connector)
    ours = adapter.start

    async def start() -> None:
        await _seed(connector)
        if ours is not None:
            await ours()

    triggers = {"/tck/negotiations": _negotiate(connector), "/tck/transfers": _transfer(connector)}
    who = frozenset({Role.PARTICIPANT})
    routes = [Route(Listener.PARTNERS, "POST", path, "tck", handler, who) for path, handler in triggers.items()]
    return replace(adapter, routes=[*adapter.routes, *routes], start=start)


async def _seed(connector: Connector) -> None:
    agreements = [
        Agreement(
            id=f"AT{group}{chapter:02}{number:02}",
            side=Side.PROVIDER if group == "P" else Side.CONSUMER,
            partner=PARTICIPANT,
            recipient=ORGANISATION,
            dataset="CAT0101",
            policy=USE,
        )
        for group, counts in CHAPTERS.items()
        for chapter, count in enumerate(counts, start=1)
        for number in range(1, count + 1)
    ]

    def work(connection: Connection) -> None:
        for one in agreements:
            store.save_agreement(connection, one)

    await connector.services.write(work)


def _negotiate(connector: Connector) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        wanted = msgspec.json.decode(await request.read())
        offer = {"@id": wanted["offerId"], **USE}
        wish = Wish(wanted["providerId"], wanted["connectorAddress"], wanted["datasetId"], offer)
        await consumer.negotiate(connector, wish)
        return web.Response(status=202)

    return handle


def _transfer(connector: Connector) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        wanted = msgspec.json.decode(await request.read())
        await consumer.fetch(
            connector,
            address=wanted["connectorAddress"],
            agreement_id=wanted["agreementId"],
            data_format=wanted["format"],
        )
        return web.Response(status=202)

    return handle


def main() -> None:
    """``metergate`` with this profile in place of the product's own shelf and conduct."""
    from adapters import gaiax
    from gateway import cli

    gaiax.create = create
    cli.main()


if __name__ == "__main__":
    main()
