"""When a ground ends, what needed it ends too; when a household answers, what waited for it goes on."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
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
from adapters.gaiax.odrl import Terms
from adapters.plugin import Notice, NoticeHandler, Opening, PermissionRequest, Refused
from policies.terms import Level, Pseudonym, Purpose, Recipient

ENDED = "the consent or other ground of the household was withdrawn or has ended"
ENDED_BY_TIME = "the consent or other ground of the household ended by its time"


class Together:
    """Notices of one recipient and purpose that wait for their turn are dealt with by one look, which looks at all of
    its agreements: many may end at one midnight.
    """

    def __init__(self, deal: NoticeHandler) -> None:
        self._deal, self._came = deal, 0
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seen: dict[tuple[str, str], int] = {}

    async def __call__(self, notice: Notice) -> None:
        self._came += 1
        mine, about = self._came, (notice.payload["recipient"], notice.payload["purpose"])
        async with self._turns[about]:
            if mine <= self._seen.get(about, 0):
                return
            upto = self._came
            await self._deal(notice)
            self._seen[about] = upto


async def ground_ended(connector: Connector, notice: Notice) -> None:
    """Handler of ``ground.ended``. Which household it was need not be known: whatever stands no longer, ends."""
    recipient, purpose = Recipient(notice.payload["recipient"]), Purpose(notice.payload["purpose"])
    now = connector.services.clock()
    everybody = connector.services.openings(recipient)  # read here: the writer's thread may not

    def decide(connection: Connection) -> list[Outcome[Any]]:
        openings: defaultdict[str, list[Opening]] = defaultdict(list)
        for opening in everybody:
            openings[opening.pseudonym].append(opening)
        outcomes: list[Outcome[Any]] = []
        for standing in store.live_agreements(connection, recipient):
            if not fallen(standing.terms, purpose, openings):
                continue
            agreement = store.load_agreement(connection, standing.id, Side.PROVIDER)
            assert agreement is not None  # the same transaction
            why = _why(agreement.terms, now)
            outcomes.append(Outcome(None, writes=(replace(agreement, ended=now, why=why),)))
            running = store.open_transfers(connection, agreement.id)
            outcomes += [transfers.ground_ended(transfer, why) for transfer in running]
        waiting = store.open_negotiations(connection, recipient)
        return outcomes + [negotiations.ground_ended(w, purpose, openings, _why(w.terms, now)) for w in waiting]

    await connector.act_all(decide, ending=True)


def _why(terms: Terms | None, now: datetime) -> str:
    return ENDED_BY_TIME if terms is not None and terms.until <= now else ENDED


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
