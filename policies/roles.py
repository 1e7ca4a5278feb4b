"""Who a caller can be, and at which listener. Who may call a route stands at the route (``adapters.plugin``)."""

from enum import StrEnum


class Role(StrEnum):
    """What a caller is after authentication; one role a request."""

    ANYONE = "anyone"
    HOUSEHOLD = "household"
    OPERATOR = "operator"
    PARTNER = "partner"
    """An organisation with a token of ours (outputs, OpenADR 3)."""
    PARTICIPANT = "participant"
    """A member of the data space, by its did:web key or its static trust entry."""
    BOX = "box"
    """An edge box, by its client certificate."""
    VEN = "ven"
    """An OpenADR 2.0b VEN, by the fingerprint of its client certificate."""


class Listener(StrEnum):
    """The four listeners; a route lives on exactly one."""

    PEOPLE = "people"
    PARTNERS = "partners"
    DEVICES = "devices"
    OPENADR20 = "openadr20"


HOUSEHOLD, OPERATOR = frozenset({Role.HOUSEHOLD}), frozenset({Role.OPERATOR})
HOUSEHOLD_OR_OPERATOR = HOUSEHOLD | OPERATOR
EVERYBODY = frozenset(Role)
"""For what anybody may read, whoever he is."""

SCOPES = frozenset({
    "read_all", "read_targets", "read_ven_objects", "write_programs", "write_events", "write_reports",
    "write_subscriptions", "write_vens",
})  # fmt: skip
"""Of clients' tokens (OpenADR 3.1.1, security scopes)."""
