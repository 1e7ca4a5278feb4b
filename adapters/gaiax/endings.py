"""When a ground ends, what needed it ends too; when a household answers, what waited for it goes on."""

from msgspec.structs import replace
from sqlalchemy import Connection

from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.desk import Desk
from adapters.gaiax.dsp.negotiation import FINAL
from adapters.gaiax.dsp.negotiation import Say as NSay
from adapters.gaiax.dsp.negotiations import KIND as NEGOTIATION
from adapters.gaiax.dsp.process import Negotiation
from adapters.gaiax.dsp.transfer import Say as TSay
from adapters.gaiax.dsp.transfers import KIND as TRANSFER
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.odrl import Terms
from adapters.plugin import Notice, Opening, PermissionRequest, Refused
from policies.terms import Level, Pseudonym, Purpose, Recipient

ENDED = "the consent or other ground of the household was withdrawn or has ended"
NOT_GIVEN = "the household has not given its consent"
LESS = "the household has given its consent to less than was asked for; see the catalog"


async def ground_ended(desk: Desk, notice: Notice) -> None:
    """Handler of ``ground.ended``. Which household it was need not be known: whatever stands no longer, ends."""
    recipient, purpose = Recipient(notice.payload["recipient"]), Purpose(notice.payload["purpose"])
    now = desk.services.clock()
    openings: dict[str, list[Opening]] = {}  # read here: the writer's thread may not
    for opening in desk.services.openings(recipient):
        openings.setdefault(opening.pseudonym, []).append(opening)

    def fallen(terms: Terms | None) -> bool:
        return terms is not None and terms.purpose is purpose and not desk.allowed(terms, openings.get(terms.about, ()))

    def work(connection: Connection) -> list[str]:
        stopped = []
        for standing in store.live_agreements(connection, recipient):
            if not fallen(standing.terms):
                continue
            agreement = store.load_agreement(connection, standing.id, Side.PROVIDER)
            assert agreement is not None  # the same transaction
            store.save_agreement(connection, replace(agreement, ended=now, why=ENDED))
            for transfer in store.open_transfers(connection, agreement.id):
                desk.put(connection, TRANSFER, transfer.pid, (TSay.TERMINATION,), why=ENDED)
                stopped.append(transfer.pid)
        for negotiation in store.open_negotiations(connection, recipient):
            if fallen(negotiation.terms) and not (negotiation.terms and negotiation.terms.ask):
                desk.put(connection, NEGOTIATION, negotiation.pid, (NSay.TERMINATION,), why=ENDED)
        return stopped

    for pid in await desk.services.write(work):
        desk.live.discard(pid)


async def ask(desk: Desk, notice: Notice) -> None:
    """Handler of ``dsp.ask``: put the negotiation's question before the household."""
    pid = notice.payload["pid"]
    process = await desk.services.look(lambda connection: store.load(connection, Negotiation, pid))
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
        await desk.services.ask(Pseudonym(terms.about), question)
    except Refused as refused:
        why = str(refused)
        await desk.services.write(lambda c: desk.put(c, NEGOTIATION, pid, (NSay.TERMINATION,), why=why))


async def answered(desk: Desk, notice: Notice) -> None:
    """Handler of ``permission.answered``; references that are not ours are somebody else's."""
    pid, ground = notice.payload["reference"], notice.payload["ground"]
    recipient = Recipient(notice.payload["recipient"])
    openings = desk.services.openings(recipient)

    def work(connection: Connection) -> None:
        process = store.load(connection, Negotiation, pid)
        if process is None or not process.waiting or process.state in FINAL or process.recipient != recipient:
            return
        process = replace(process, waiting=False)
        store.save(connection, process)
        if not ground:
            desk.put(connection, NEGOTIATION, pid, (NSay.TERMINATION,), why=NOT_GIVEN)
        elif not desk.allowed(process.terms, openings):
            desk.put(connection, NEGOTIATION, pid, (NSay.TERMINATION,), why=LESS)
        else:
            desk.put(connection, NEGOTIATION, pid, desk.conduct.negotiation(process))

    await desk.services.write(work)
