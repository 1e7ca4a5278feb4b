"""Transfer process (DSP 2025-1, section 9): the states as a table."""

from enum import StrEnum

from adapters.gaiax.dsp.words import Side


class State(StrEnum):
    REQUESTED = "REQUESTED"
    STARTED = "STARTED"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    TERMINATED = "TERMINATED"


class Say(StrEnum):
    """What one side says to the other."""

    REQUEST = "request"
    START = "start"
    SUSPENSION = "suspension"
    COMPLETION = "completion"
    TERMINATION = "termination"


_BOTH = frozenset(Side)
_PROVIDER = frozenset({Side.PROVIDER})

MOVES: dict[State, dict[Say, tuple[State, frozenset[Side]]]] = {
    State.REQUESTED: {
        Say.START: (State.STARTED, _PROVIDER),
        Say.TERMINATION: (State.TERMINATED, _BOTH),
    },
    State.STARTED: {
        Say.SUSPENSION: (State.SUSPENDED, _BOTH),
        Say.COMPLETION: (State.COMPLETED, _BOTH),
        Say.TERMINATION: (State.TERMINATED, _BOTH),
    },
    State.SUSPENDED: {
        Say.START: (State.STARTED, _BOTH),
        Say.TERMINATION: (State.TERMINATED, _BOTH),
    },
    State.COMPLETED: {},
    State.TERMINATED: {},
}
"""State -> what is said -> the next state, and who may say it."""

FINAL = frozenset(state for state, moves in MOVES.items() if not moves)


def move(state: State, say: Say, by: Side) -> State | None:
    """The state after ``by`` says it; None where the protocol does not allow that."""
    if say not in MOVES[state]:
        return None
    after, speakers = MOVES[state][say]
    return after if by in speakers else None
