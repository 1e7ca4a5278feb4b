"""Whether the ledger's chain is whole: every entry from the first on, and every signed head.

In parts, each in a reader's thread and then in a thread of its own: a year of books is walked while questions are
answered. No entry is opened.

How far it has come is kept beside it, sealed under a key of the house and written in the same transaction: so a tail
that was cut off is noticed before a head was signed.

What must not be kept any longer is *forgotten*: of the entry its leaf hash stays, so that the chain is still whole,
sealed under a key of the house, so that nobody else can make one of an entry. Its tag is empty.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select, update

from adapters.plugin import Signer, upsert
from gateway.storage.port import Store
from gateway.storage.statements import Prepared
from gateway.storage.tables.counters import pinned
from gateway.storage.tables.door import checkpoint, ledger
from gateway.vault.port import OwnSeal
from policies import ledger as books

CHECKPOINT_TYPE = "ledger-checkpoint+jwt"
HEAD = "ledger head"
"""Place of the sealed head among the pins, and what it is about."""
_NUMBER = 8
"""Bytes of an entry's number."""
FORGOTTEN = b""
"""Tag of an entry of which the leaf hash alone is left."""
WALKED_AT_ONCE = 2_000
"""Rows of one look."""


_KEEP = Prepared(upsert(pinned))


@dataclass(frozen=True, slots=True)
class Verified:
    """``entries`` were walked; ``fault``: the first thing that is wrong, a sentence; "" when the chain is whole."""

    entries: int
    fault: str = ""


class _Stretch(NamedTuple):
    """Some rows of the chain, their signed heads by number, the highest number that was ever signed, and the sealed
    head.
    """

    rows: Sequence[Any]
    heads: Mapping[int, str]
    signed: int
    head: bytes | None


async def walk(store: Store, signer: Signer, seal: OwnSeal) -> Verified:
    """From the first entry to the last as they are now."""
    at: books.ChainLink = (0, books.GENESIS)
    while True:
        stretch = await store.look(partial(_after, at[0]))
        if not stretch.rows:
            break
        at, fault = await asyncio.to_thread(_walked, at, stretch, signer, seal)
        if fault:
            return Verified(at[0], fault)
    if stretch.signed > at[0]:
        return Verified(at[0], f"the ledger has a hole: it ends at entry {at[0]}, a signed head says {stretch.signed}")
    return Verified(at[0], _of_head(at, stretch.head, seal))


def _after(number: int, connection: Connection) -> _Stretch:
    c, s = ledger.c, checkpoint.c
    query = select(c.number, c.subject_tag, c.sealed, c.hash).where(c.number > number)
    query = query.order_by(c.number).limit(WALKED_AT_ONCE)
    rows = connection.execute(query).fetchall()
    last = rows[-1].number if rows else number
    heads = connection.execute(select(s.number, s.token).where(s.number > number, s.number <= last)).fetchall()
    signed = connection.execute(select(func.max(s.number))).scalar()
    head = connection.execute(select(pinned.c.sealed).where(pinned.c.place == HEAD)).scalar()
    return _Stretch(rows, {each.number: each.token for each in heads}, signed or 0, head)


def keep_head(connection: Connection, at: books.ChainLink, seal: OwnSeal) -> None:
    """In the transaction that moved it."""
    sealed = seal.seal_own(at[0].to_bytes(_NUMBER, "big") + at[1], about=HEAD)
    _KEEP(connection, {"place": HEAD, "sealed": sealed})


def _of_head(at: books.ChainLink, sealed: bytes | None, seal: OwnSeal) -> str:
    """What is wrong with the end of the chain; "" for nothing."""
    if sealed is None:
        return "" if at == (0, books.GENESIS) else "the ledger's head is missing: nobody can tell whether it is whole"
    try:
        plain = seal.open_own(sealed, about=HEAD)
    except ValueError:
        return "the ledger's head was altered"
    if (head := (int.from_bytes(plain[:_NUMBER], "big"), plain[_NUMBER:])) == at:
        return ""
    return f"the ledger has a hole: it ends at entry {at[0]}, its head says {head[0]}"


def _walked(at: books.ChainLink, stretch: _Stretch, signer: Signer, seal: OwnSeal) -> tuple[books.ChainLink, str]:
    """How far it is whole, and what is wrong there; "" for nothing."""
    for row in stretch.rows:
        if row.number != at[0] + 1:
            return at, f"the ledger has a hole: entry {at[0] + 1} is missing"
        after = books.follow(at, leaf_of(row, seal))
        if row.hash != after[1]:
            return at, f"the ledger's chain is broken at entry {after[0]}: it was altered"
        at = after
        if (token := stretch.heads.get(at[0])) is not None and not _signs(signer, token, at):
            return at, f"the ledger does not match its signed head at entry {at[0]}"
    return at, ""


def leaf_of(row: Any, seal: OwnSeal) -> bytes:
    """Of an entry, or of what is left of one; of a forgery something that no chain holds."""
    if row.subject_tag != FORGOTTEN:
        return books.leaf(row.sealed)
    try:
        return seal.open_own(row.sealed, about=_about(row.number))
    except ValueError:
        return b""


def forget(connection: Connection, rows: ColumnElement[bool], seal: OwnSeal, *, most: int = WALKED_AT_ONCE) -> int:
    """Entries of which the leaf hash alone stays, inside somebody's transaction; how many, of ``most`` at a time."""
    c = ledger.c
    query = select(c.number, c.sealed).where(rows, c.subject_tag != FORGOTTEN).order_by(c.number).limit(most)
    found = connection.execute(query).fetchall()
    for row in found:
        left = {"subject_tag": FORGOTTEN, "sealed": seal.seal_own(books.leaf(row.sealed), about=_about(row.number))}
        connection.execute(update(ledger).where(c.number == row.number).values(left))
    return len(found)


def _about(number: int) -> str:
    return f"forgotten ledger {number}"


def _signs(signer: Signer, token: str, at: books.ChainLink) -> bool:
    claims = signer.verify(token, typ=CHECKPOINT_TYPE, former=True)
    return claims is not None and (claims.get("number"), claims.get("hash")) == (at[0], at[1].hex())
