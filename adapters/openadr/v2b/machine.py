"""What the machines of the four services share. Pure: ids come from the caller, instants are arguments."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.openadr.state import State
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

    state: State
    queue: Queue
    vtn: str
    poll_every: str
    ids: Callable[[], str]
