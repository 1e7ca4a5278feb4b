"""What this connector says by itself when a process enters a state. Pure.

A provider answers a request with the agreement at once (some connectors cannot go on from an offer), or when the
household has answered; a consumer verifies what it has checked.
"""

from collections.abc import Sequence
from typing import Protocol

from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.dsp.words import Side


class Conduct(Protocol):
    """Each is asked once for each state that is entered, by whichever side."""

    def negotiation(self, process: Negotiation) -> Sequence[n.Say]: ...

    def transfer(self, process: Transfer) -> Sequence[t.Say]: ...


class OurConduct:
    """The product's own."""

    def negotiation(self, process: Negotiation) -> Sequence[n.Say]:
        match process.side, process.state:
            case (Side.PROVIDER, n.State.REQUESTED | n.State.ACCEPTED):
                return () if process.waiting else (n.Say.AGREEMENT,)
            case (Side.PROVIDER, n.State.VERIFIED):
                return (n.Say.FINALIZED,)
            case (Side.CONSUMER, n.State.OFFERED):
                return (n.Say.TERMINATION if process.differs else n.Say.ACCEPTED,)
            case (Side.CONSUMER, n.State.AGREED):
                return (n.Say.VERIFICATION,)
        return ()

    def transfer(self, process: Transfer) -> Sequence[t.Say]:
        if process.side is Side.PROVIDER and process.state is t.State.REQUESTED:
            return (t.Say.START,)
        return ()
