"""What negotiations and transfers have in common when messages come in and go out. Pure."""

import dataclasses
from typing import Any

from msgspec.structs import replace

from adapters.gaiax.dsp.outcome import Before, Due, Incoming, Outcome, P, Refuse, Us
from adapters.gaiax.dsp.process import PROCESS_KINDS, Agreement

AGAIN = frozenset({404, 408, 409, 425, 429})
"""Answers of partners that are not ready: not listening yet, or still busy with the message before."""
FIRST_MESSAGE_WAIT, LONGEST_MESSAGE_WAIT = 0.3, 60.0
MOST_NOT_FOUND, LONGEST_NOT_FOUND = 7, 2.0
"""Tries against 404: a partner that has ended the process, or had the message before a crash of ours, says it too."""
MESSAGE_TRIES = 50


def owned(process: P | None, kind: type[P], partner: str) -> P:
    """The partner's own; another participant's process is not there for it. Raises ``Refuse``."""
    if process is None or process.partner != partner:
        raise Refuse(404, "not-found", f"no such {PROCESS_KINDS[kind]}")
    return process


def first(process: P, before: Before[P], us: Us) -> Outcome[P]:
    """A first request: the process that it begins, or the one that the same request has begun. Raises ``Refuse``."""
    if before.known is not None:
        return Outcome(before.known)
    if before.crowded:
        raise Refuse(429, "too-many", f"you have too many {PROCESS_KINDS[type(process)]}s open; end some first")
    return entered(process, us)


def heard(process: P, after: Any, incoming: Incoming) -> P:
    """The process after a message of the partner: a message of ours on its way has evidently arrived.

    ``after``: the state it leads to, None for none. Raises ``Refuse``.
    """
    message = incoming.message
    for name, given, ours in (
        ("providerPid", message.provider_pid, process.provider_pid),
        ("consumerPid", message.consumer_pid, process.consumer_pid),
    ):
        if ours and given != ours:
            raise Refuse(400, "wrong-pid", f"{name}: not the one of this {PROCESS_KINDS[type(process)]}")
    if after is None:
        raise Refuse(400, "wrong-state", f"a {message.kind} is not allowed in {process.state}")
    return replace(
        process,
        state=after,
        partner_pid=process.partner_pid or message.provider_pid,
        heard=incoming.digest,
        saying="",
        said=process.saying or process.said,
        changed=incoming.now,
    )


def entered(process: P, us: Us, *agreements: Agreement) -> Outcome[P]:
    """To be stored in the state that a partner has brought it to, with what is to be said then."""
    return Outcome(process, writes=(*agreements, process), says=tuple(us.next(process)))


def speaking(process: P, after: Any, due: Due, *, request: bool) -> P | None:
    """The process while a message of ours goes out, moved once; None when the message is no longer due.

    ``after``: the state it leads to, None for none; a first request leads to none and leaves it REQUESTED.
    """
    if process.said == due.number:
        return None
    if process.saying == due.number:
        return process
    if request and not process.partner_pid and process.state.value == "REQUESTED":
        after = process.state
    if after is None:
        return None
    why = due.why or process.why
    return replace(process, state=after, saying=due.number, heard="", changed=due.now, why=why)


def again(status: int, tries: int) -> float | None:
    """Seconds after which a message is sent again; None when it is dealt with.

    Args:
        status: of the partner's answer; 0 for no answer.
        tries: before this one.
    """
    if status and status not in AGAIN and status < 500:
        return None
    most, longest = (MOST_NOT_FOUND, LONGEST_NOT_FOUND) if status == 404 else (MESSAGE_TRIES, LONGEST_MESSAGE_WAIT)
    return min(FIRST_MESSAGE_WAIT * 2 ** min(tries, 16), longest) if tries + 1 < most else None


def settled(process: P | None, number: str, partner_pid: str, us: Us, *, accepted: bool) -> Outcome[P]:
    """A message is dealt with. If the partner has not moved the process meanwhile, say what comes next."""
    if process is None or process.said == number:
        return Outcome(process)
    still_ours = process.saying == number
    process = replace(process, saying="", said=number, partner_pid=process.partner_pid or partner_pid)
    if still_ours and not process.partner_pid:
        ended = type(process.state)("TERMINATED")
        process = replace(process, state=ended, why="the provider did not take the request")
        return Outcome(process, writes=(process,))
    outcome = entered(process, us)
    return outcome if still_ours and accepted else dataclasses.replace(outcome, says=())
