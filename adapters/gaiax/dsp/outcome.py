"""What goes into the machines of negotiations and transfers, and what comes out. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from adapters.gaiax.dsp.conduct import Conduct
from adapters.gaiax.dsp.messages import DspMessage
from adapters.gaiax.dsp.process import Agreement, Negotiation, Token, Transfer
from policies.terms import Recipient

P = TypeVar("P", Negotiation, Transfer)


class Refuse(Exception):
    """The answer is the standard's error with this status, code and reason."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(f"{status} {code}: {reason}")
        self.status, self.code, self.reason = status, code, reason


@dataclass(frozen=True, slots=True)
class Us:
    """This connector, as far as decisions need it.

    Attributes:
        origin: the partners' listener from outside, without a trailing slash.
    """

    did: str
    origin: str
    conduct: Conduct

    @property
    def address(self) -> str:
        """Where partners reach both our roles; the callback address as well."""
        return self.origin + "/dsp"

    def endpoint(self, pid: str) -> str:
        """Where the data of one transfer is fetched."""
        return f"{self.origin}/dsp-data/{pid.removeprefix('urn:uuid:')}"

    def next(self, process: Negotiation | Transfer) -> Sequence[str]:
        """What we say by ourselves in the state that it has entered."""
        if isinstance(process, Negotiation):
            return self.conduct.negotiation(process)
        return self.conduct.transfer(process)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a partner, and when it came.

    Attributes:
        partner: the DID of the caller.
        recipient: the caller as the registry knows it.
        now: UTC.
        digest: of path and body; tells a message that comes twice. "" for a first request.
    """

    message: DspMessage
    partner: str
    recipient: Recipient
    now: datetime
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Before(Generic[P]):
    """What a partner has with us when its first request comes.

    Attributes:
        known: what it has begun already under the id of its own that the request brings.
        crowded: it has as many processes of this kind open as it may.
    """

    known: P | None = None
    crowded: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """One message of ours whose turn has come.

    Attributes:
        number: of its notice; the same each time that it is tried.
        now: UTC.
        agreement_id, token: fresh ones, for a message that brings one.
    """

    say: str
    number: str
    why: str
    now: datetime
    agreement_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Outcome(Generic[P]):
    """What one message or act makes of a process. A refusal comes alone: nothing has changed.

    Attributes:
        process: as it is now; None where there is none.
        refusal: what the answer says instead.
        writes: to be stored, in one transaction with the notices of ``says`` and ``ask``.
        says: messages of ours that have become due, in this order; each goes out by the outbox.
        why: the reason that they carry.
        ask: the household is to be asked.
        cut: the transfer's streams end now, before the partner is told.
        send: path below the partner's address and body; may leave as soon as the writes are durable.
        answer: body of the answer; None for one that has none.
    """

    process: P | None
    refusal: Refuse | None = None
    writes: tuple[Negotiation | Transfer | Agreement | Token, ...] = ()
    says: tuple[str, ...] = ()
    why: str = ""
    ask: bool = False
    cut: bool = False
    send: tuple[str, Mapping[str, Any]] | None = None
    answer: Mapping[str, Any] | None = None
