"""What negotiations and transfers have in common when messages come in and go out."""

from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection

from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.desk import Desk, Refuse
from adapters.gaiax.dsp.messages import Message
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.dsp.store import KINDS
from adapters.plugin import Caller

FINAL = n.FINAL | t.FINAL
P = TypeVar("P", Negotiation, Transfer)


def known(connection: Connection, kind: type[P], caller: Caller, message: Message) -> P | None:
    """The process that the same first request began. Raises ``Refuse`` when another one would be too many."""
    found = store.load_by_partner_pid(connection, kind, caller.client, message.consumer_pid)
    if found is None and store.crowded(connection, kind, caller.client):
        raise Refuse(429, "too-many", f"you have too many {KINDS[kind]}s open; end some first")
    return found


def owned(process: P | None, kind: type[P], caller: Caller) -> P:
    """The caller's own; another participant's process is not there for it."""
    if process is None or process.partner != caller.client:
        raise Refuse(404, "not-found", f"no such {KINDS[kind]}")
    return process


def heard(process: P, after: Any, message: Message, digest: str, now: datetime) -> P:
    """The process after a message of the partner: a message of ours on its way has evidently arrived.

    ``after``: the state it leads to, None for none. Raises ``Refuse``.
    """
    for name, given, ours in (
        ("providerPid", message.provider_pid, process.provider_pid),
        ("consumerPid", message.consumer_pid, process.consumer_pid),
    ):
        if ours and given != ours:
            raise Refuse(400, "wrong-pid", f"{name}: not the one of this {KINDS[type(process)]}")
    if after is None:
        raise Refuse(400, "wrong-state", f"a {message.kind} is not allowed in {process.state}")
    return replace(
        process,
        state=after,
        partner_pid=process.partner_pid or message.provider_pid,
        heard=digest,
        saying="",
        said=process.saying or process.said,
        changed=now,
    )


def speaking(process: P, after: Any, number: str, why: str, now: datetime, *, request: bool) -> P | None:
    """The process while message ``number`` of ours goes out, moved once; None when the message is no longer due.

    ``after``: the state it leads to, None for none; a first request leads to none and leaves it REQUESTED.
    """
    if process.said == number:
        return None
    if process.saying == number:
        return process
    if request and not process.partner_pid and process.state.value == "REQUESTED":
        after = process.state
    if after is None:
        return None
    return replace(process, state=after, saying=number, heard="", changed=now, why=why or process.why)


async def end(desk: Desk, kind: type[Negotiation] | type[Transfer], pid: str, why: str, what: str) -> None:
    """Say what ends (or suspends) a process, if it has not ended."""

    def work(connection: Connection) -> None:
        process = store.load(connection, kind, pid)
        if process is not None and process.state not in FINAL:
            desk.put(connection, KINDS[kind], pid, (what,), why=why)

    await desk.services.write(work)
