"""The state machines: every pair of a state and a message, by either side."""

from itertools import product

import pytest

from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.words import Side

P, C = Side.PROVIDER, Side.CONSUMER

NEGOTIATION = {
    ("REQUESTED", "offer", P): "OFFERED",
    ("REQUESTED", "agreement", P): "AGREED",
    ("OFFERED", "request", C): "REQUESTED",
    ("OFFERED", "accepted", C): "ACCEPTED",
    ("ACCEPTED", "agreement", P): "AGREED",
    ("AGREED", "verification", C): "VERIFIED",
    ("VERIFIED", "finalized", P): "FINALIZED",
} | {
    (state, "termination", side): "TERMINATED"
    for state in ("REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED")
    for side in Side
}
TRANSFER = {
    ("REQUESTED", "start", P): "STARTED",
    ("SUSPENDED", "start", P): "STARTED",
    ("SUSPENDED", "start", C): "STARTED",
    **{("STARTED", "suspension", side): "SUSPENDED" for side in Side},
    **{("STARTED", "completion", side): "COMPLETED" for side in Side},
    **{(s, "termination", side): "TERMINATED" for s in ("REQUESTED", "STARTED", "SUSPENDED") for side in Side},
}


@pytest.mark.rule("DSP 7.1: contract negotiation states")
def test_a_negotiation_moves_as_the_figure_says_and_in_no_other_way() -> None:
    for state, say, side in product(n.State, n.Say, Side):
        expected = NEGOTIATION.get((str(state), str(say), side))
        assert n.move(state, say, side) == expected, (state, say, side)


@pytest.mark.rule("DSP 9.1: transfer process states")
def test_a_transfer_moves_as_the_figure_says_and_in_no_other_way() -> None:
    for state, say, side in product(t.State, t.Say, Side):
        expected = TRANSFER.get((str(state), str(say), side))
        assert t.move(state, say, side) == expected, (state, say, side)


def test_final_states_are_those_without_a_way_out() -> None:
    assert frozenset({"FINALIZED", "TERMINATED"}) == n.FINAL
    assert frozenset({"COMPLETED", "TERMINATED"}) == t.FINAL
