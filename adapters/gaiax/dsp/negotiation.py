"""Contract negotiation (DSP 2025-1, section 7): the states as a table."""

from enum import StrEnum

from adapters.gaiax.dsp.words import Side


class State(StrEnum):
    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"


class Say(StrEnum):
    """What one side says to the other."""

    REQUEST = "request"
    """The first request, or a counter-offer of the consumer."""
    OFFER = "offer"
    ACCEPTED = "accepted"
    AGREEMENT = "agreement"
    VERIFICATION = "verification"
    FINALIZED = "finalized"
    TERMINATION = "termination"


SPEAKERS: dict[Say, frozenset[Side]] = {
    Say.REQUEST: frozenset({Side.CONSUMER}),
    Say.OFFER: frozenset({Side.PROVIDER}),
    Say.ACCEPTED: frozenset({Side.CONSUMER}),
    Say.AGREEMENT: frozenset({Side.PROVIDER}),
    Say.VERIFICATION: frozenset({Side.CONSUMER}),
    Say.FINALIZED: frozenset({Side.PROVIDER}),
    Say.TERMINATION: frozenset(Side),
}

MOVES: dict[State, dict[Say, State]] = {
    State.REQUESTED: {
        Say.OFFER: State.OFFERED,
        Say.AGREEMENT: State.AGREED,
        Say.TERMINATION: State.TERMINATED,
    },
    State.OFFERED: {
        Say.REQUEST: State.REQUESTED,
        Say.ACCEPTED: State.ACCEPTED,
        Say.TERMINATION: State.TERMINATED,
    },
    State.ACCEPTED: {Say.AGREEMENT: State.AGREED, Say.TERMINATION: State.TERMINATED},
    State.AGREED: {Say.VERIFICATION: State.VERIFIED, Say.TERMINATION: State.TERMINATED},
    State.VERIFIED: {Say.FINALIZED: State.FINALIZED, Say.TERMINATION: State.TERMINATED},
    State.FINALIZED: {},
    State.TERMINATED: {},
}

FINAL = frozenset(state for state, moves in MOVES.items() if not moves)


def move(state: State, say: Say, by: Side) -> State | None:
    """The state after ``by`` says it; None where the protocol does not allow that."""
    return MOVES[state].get(say) if by in SPEAKERS[say] else None
