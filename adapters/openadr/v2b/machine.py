"""What the machines of the four services share. Pure: ids come from the caller, instants are arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.openadr.model import Registration
from adapters.openadr.state import VtnState
from adapters.openadr.v2b.messages import VenMessage
from adapters.openadr.v2b.security import registered
from adapters.openadr.v2b.tell import Queue


@dataclass(frozen=True, slots=True)
class Machine:
    """Attributes:
    state: read only; changes are effects of an ``Outcome``.
    queue: what VENs are to be told.
    vtn: vtnID.
    poll_every: oadrRequestedOadrPollFreq, an ISO 8601 duration.
    ids: fresh random ids.
    """

    state: VtnState
    queue: Queue
    vtn: str
    poll_every: str
    ids: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Received:
    """One message, from whom, and when.

    Attributes:
        fingerprint: SHA-256 of the client certificate, lower-case hex; "" in clear.
        now: UTC.
    """

    message: VenMessage
    fingerprint: str
    now: datetime

    def registration(self, state: VtnState) -> Registration:
        """The registration it belongs to. Raises ``Failure`` 452 or 463."""
        return registered(state, self.fingerprint, self.message.ven)
