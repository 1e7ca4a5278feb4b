"""When a ground ends, what needed it ends too; when a household answers, what waited for it goes on."""

from contextlib import suppress
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from adapters.gaiax.dsp import negotiations, store, transfers
from adapters.gaiax.dsp.agreements import fallen
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.negotiation import FINAL
from adapters.gaiax.dsp.outcome import Outcome, Refuse
from adapters.gaiax.dsp.process import Negotiation
from adapters.gaiax.dsp.words import Side
from adapters.plugin import Notice, Opening, PermissionRequest, Refused
from policies.terms import Level, Pseudonym, Purpose, Recipient

ENDED = "the consent or other ground of the household was withdrawn or has ended"


async def ground_ended(connector: Connector, notice: Notice) -> None:
    """Handler of ``ground.ended``. Which household it was need not be known: whatever stands no longer, ends."""
    recipient, purpose = Recipient(notice.payload["recipient"]), Purpose(notice.payload["purpose"])
    now = connector.services.clock()
    openings: dict[str, list[Opening]] = {}  # read here: the writer's thread may not
    for opening in connector.services.openings(recipient):
        openings.setdefault(opening.pseudonym, []).append(opening)

    def decide(connection: Connection) -> list[Outcome[Any]]:
        outcomes: list[Outcome[Any]] = []
        for standing in store.live_agreements(connection, recipient):
            if not fallen(standing.terms, purpose, openings):
                continue
            agreement = store.load_agreement(connection, standing.id, Side.PROVIDER)
            assert agreement is not None  # the same transaction
            outcomes.append(Outcome(None, writes=(replace(agreement, ended=now, why=ENDED),)))
            running = store.open_transfers(connection, agreement.id)
            outcomes += [transfers.ground_ended(transfer, ENDED) for transfer in running]
        waiting = store.open_negotiations(connection, recipient)
        return outcomes + [negotiations.ground_ended(each, purpose, openings, ENDED) for each in waiting]

    await connector.act_all(decide)


async def ask(connector: Connector, notice: Notice) -> None:
    """Handler of ``dsp.ask``: put the negotiation's question before the household."""
    pid = notice.payload["pid"]
    process = await connector.find(Negotiation, pid)
    if process is None or process.terms is None or not process.waiting or process.state in FINAL:
        return
    terms = process.terms
    question = PermissionRequest(
        recipient=process.recipient,
        purpose=terms.purpose,
        quantities=frozenset(terms.quantities),
        resolution=terms.resolution,
        level=Level.INDIVIDUAL,
        values=terms.values,
        until=terms.until,
        keep=terms.keep,
        reference=pid,
    )
    try:
        await connector.services.ask(Pseudonym(terms.about), question)
    except Refused as refused:
        why = str(refused)
        with suppress(Refuse):  # it has ended meanwhile
            await connector.act(lambda c: negotiations.end(store.load(c, Negotiation, pid), why))


async def answered(connector: Connector, notice: Notice) -> None:
    """Handler of ``permission.answered``; references that are not ours are somebody else's."""
    pid, ground = notice.payload["reference"], notice.payload["ground"]
    recipient, us = Recipient(notice.payload["recipient"]), connector.us
    openings = connector.services.openings(recipient)

    def decide(connection: Connection) -> Outcome[Negotiation]:
        return negotiations.answered(store.load(connection, Negotiation, pid), recipient, ground, openings, us)

    await connector.act(decide)
