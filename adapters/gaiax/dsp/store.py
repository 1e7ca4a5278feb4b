"""The connector's own tables. No reading is ever in them; tokens are kept as hashes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    and_,
    delete,
    exists,
    select,
    tuple_,
)

from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.process import PROCESS_KINDS, Agreement, Negotiation, Process, Token, Transfer
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.odrl import Terms
from adapters.plugin import drop_rows, insert_new, put_new_row, put_row, rows_of
from policies.terms import Recipient

METADATA = MetaData()
MOST_OPEN = 2000
"""Negotiations, and transfers, that one partner may have open at once."""

process = Table(
    "dsp_process",
    METADATA,
    Column("pid", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("side", String, nullable=False),
    Column("partner", String, nullable=False),
    Column("partner_pid", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("state", String, nullable=False),
    Column("agreement", String, nullable=False),
    Column("ended", Float, index=True),
    Column("body", LargeBinary, nullable=False),
)
"""``ended``: since when its state is a final one; NULL before."""
agreement = Table(
    "dsp_agreement",
    METADATA,
    Column("id", String, primary_key=True),
    Column("side", String, primary_key=True),
    Column("recipient", String, nullable=False),
    Column("ended", BigInteger, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)
"""``ended``: the second in which it ended; 0 while it stands."""
token = Table(
    "dsp_token",
    METADATA,
    Column("hash", String, primary_key=True),
    Column("transfer", String, nullable=False, index=True),
    Column("round", Integer, nullable=False),
)
seen = Table(
    "dsp_seen",
    METADATA,
    Column("partner", String, primary_key=True),
    Column("jti", String, primary_key=True),
    Column("until", Float, nullable=False, index=True),
)
key = Table(
    "dsp_key",
    METADATA,
    Column("did", String, primary_key=True),
    Column("keys", LargeBinary, nullable=False),
)
distrusted = Table("dsp_distrusted", METADATA, Column("did", String, primary_key=True))

DATASPACE_GUARDED = (process, agreement, token, key, distrusted)
"""Who may fetch what, and whose keys are believed. ``seen`` only tells that a token of 15 minutes was shown before."""

AnyProcess = TypeVar("AnyProcess", bound=Process)


def save(connection: Connection, one: Negotiation | Transfer) -> None:
    """Insert or replace."""
    row = {
        "pid": one.pid,
        "kind": PROCESS_KINDS[type(one)],
        "side": str(one.side),
        "partner": one.partner,
        "partner_pid": one.partner_pid,
        "recipient": str(one.recipient),
        "state": str(one.state),
        "agreement": one.agreement,
        "ended": one.changed.timestamp() if one.state in n.FINAL | t.FINAL else None,
        "body": msgspec.json.encode(one),
    }
    put_row(connection, process, row)


def load(connection: Connection, kind: type[AnyProcess], pid: str) -> AnyProcess | None:
    found = rows_of(connection, process, and_(process.c.pid == pid, process.c.kind == PROCESS_KINDS[kind]))
    return msgspec.json.decode(found[0].body, type=kind) if found else None


def load_by_partner_pid(
    connection: Connection, kind: type[AnyProcess], partner: str, partner_pid: str
) -> AnyProcess | None:
    """The process that a partner began under this id of its own, for a request that comes twice."""
    c = process.c
    same = and_(c.kind == PROCESS_KINDS[kind], c.partner == partner, c.partner_pid == partner_pid, c.side == "provider")
    found = rows_of(connection, process, same)
    return msgspec.json.decode(found[0].body, type=kind) if found else None


def crowded(connection: Connection, kind: type[Process], partner: str) -> bool:
    """Whether a partner has as many processes with us as it may have open at once."""
    c = process.c
    mine = select(c.pid).where(c.ended.is_(None), c.kind == PROCESS_KINDS[kind], c.partner == partner)
    return len(connection.execute(mine.limit(MOST_OPEN)).fetchall()) >= MOST_OPEN


def open_negotiations(connection: Connection, recipient: Recipient) -> Sequence[Negotiation]:
    """Those with this recipient, as provider, that have not ended."""
    c = process.c
    mine = and_(c.ended.is_(None), c.kind == "negotiation", c.recipient == recipient, c.side == "provider")
    return [msgspec.json.decode(row.body, type=Negotiation) for row in rows_of(connection, process, mine)]


def open_transfers(connection: Connection, agreement_id: str) -> Sequence[Transfer]:
    """Transfers under an agreement of ours that have not ended."""
    c = process.c
    mine = and_(c.ended.is_(None), c.kind == "transfer", c.agreement == agreement_id, c.side == "provider")
    return [msgspec.json.decode(row.body, type=Transfer) for row in rows_of(connection, process, mine)]


def started_transfers(connection: Connection) -> Mapping[str, int]:
    """Ids of the transfers that we serve now, and for which of their rounds."""
    c = process.c
    served = and_(c.kind == "transfer", c.side == "provider", c.state == t.State.STARTED)
    found = (msgspec.json.decode(row.body, type=Transfer) for row in rows_of(connection, process, served))
    return {each.pid: each.round for each in found}


def save_agreement(connection: Connection, one: Agreement) -> None:
    ended = int(one.ended.timestamp()) if one.ended is not None else 0
    row = {"id": one.id, "side": str(one.side), "recipient": str(one.recipient), "ended": ended}
    put_row(connection, agreement, row | {"body": msgspec.json.encode(one)})


def load_agreement(connection: Connection, agreement_id: str, side: Side) -> Agreement | None:
    found = rows_of(connection, agreement, and_(agreement.c.id == agreement_id, agreement.c.side == str(side)))
    return msgspec.json.decode(found[0].body, type=Agreement) if found else None


class AgreementStanding(msgspec.Struct, frozen=True):
    """Of an agreement, what tells whether it stands: its rules are long, and there may be thousands."""

    id: str
    terms: Terms | None = None


_STANDING = msgspec.json.Decoder(AgreementStanding)


def live_agreements(connection: Connection, recipient: Recipient) -> Sequence[AgreementStanding]:
    """As provider, not ended."""
    c = agreement.c
    mine = and_(c.recipient == recipient, c.side == "provider", c.ended == 0)
    return [_STANDING.decode(row.body) for row in rows_of(connection, agreement, mine)]


def save_token(connection: Connection, one: Token) -> None:
    """Those of the round before stay, to be told that they are dead; older ones go."""
    drop_rows(connection, token, and_(token.c.transfer == one.transfer, token.c.round < one.round - 1))
    put_row(connection, token, {"hash": one.hash, "transfer": one.transfer, "round": one.round})


def find_token(connection: Connection, digest: str) -> tuple[str, int] | None:
    """Transfer and round that a token was made for, also when it is dead."""
    found = rows_of(connection, token, token.c.hash == digest)
    return (found[0].transfer, found[0].round) if found else None


def first_use(connection: Connection, partner: str, jti: str, until: datetime, now: datetime) -> bool:
    """Whether a token is shown for the first time; it is remembered until it expires."""
    connection.execute(delete(seen).where(seen.c.until < now.timestamp()))
    row = {"partner": partner, "jti": jti, "until": until.timestamp()}
    return connection.execute(insert_new(seen), row).rowcount == 1


def pinned_keys(connection: Connection, did: str) -> Any:
    """Public keys (JWK, by key id) of a participant as they were when they were first seen; None if never."""
    found = rows_of(connection, key, key.c.did == did)
    return msgspec.json.decode(found[0]._mapping["keys"]) if found else None


def pin_keys(connection: Connection, did: str, keys: Any) -> None:
    """The first keys stay; an operator who trusts others puts the key into the settings."""
    put_new_row(connection, key, {"did": did, "keys": msgspec.json.encode(keys)})


def all_distrusted(connection: Connection) -> set[str]:
    """Participants that were taken off the trust list."""
    return {row.did for row in rows_of(connection, distrusted)}


def distrust(connection: Connection, did: str) -> None:
    put_new_row(connection, distrusted, {"did": did})


def trust(connection: Connection, did: str) -> None:
    drop_rows(connection, distrusted, distrusted.c.did == did)


def purge_processes(connection: Connection, before: datetime, most: int) -> int:
    """Delete negotiations and transfers that ended before an instant, and their tokens; how many went."""
    old = select(process.c.pid).where(process.c.ended < before.timestamp()).order_by(process.c.ended).limit(most)
    pids = [pid for (pid,) in connection.execute(old)]
    if pids:
        drop_rows(connection, token, token.c.transfer.in_(pids))
        drop_rows(connection, process, process.c.pid.in_(pids))
    return len(pids)


def purge_agreements(connection: Connection, before: datetime, most: int) -> int:
    """Delete agreements that ended before an instant and that no process names any more; how many went."""
    c = agreement.c
    named = exists().where(process.c.agreement == c.id)
    old = select(c.id, c.side).where(c.ended > 0, c.ended < int(before.timestamp()), ~named).limit(most)
    keys = [tuple(row) for row in connection.execute(old)]
    return drop_rows(connection, agreement, tuple_(c.id, c.side).in_(keys)) if keys else 0


def purge_seen(connection: Connection, now: datetime) -> int:
    """Delete identifiers of participants' tokens that have expired; how many went."""
    return connection.execute(delete(seen).where(seen.c.until < now.timestamp())).rowcount
