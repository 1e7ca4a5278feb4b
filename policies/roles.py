"""Who may call what: role x route x verb, as one table. What is not in it is forbidden."""

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
    """The four doors; a route lives on exactly one."""

    PEOPLE = "people"
    PARTNERS = "partners"
    DEVICES = "devices"
    OPENADR20 = "openadr20"


_ALL = frozenset(Role)
_H = frozenset({Role.HOUSEHOLD})
_O = frozenset({Role.OPERATOR})
_P = frozenset({Role.PARTNER})
_D = frozenset({Role.PARTICIPANT})

ALLOWED: dict[str, dict[str, frozenset[Role]]] = {
    # people
    "health": {"GET": _ALL},
    "static": {"GET": _ALL},
    "page.start": {"GET": _ALL, "POST": _ALL},
    "page": {"GET": _H, "POST": _H},
    "page.own": {"GET": _H},
    "page.leave": {"POST": frozenset({Role.HOUSEHOLD, Role.OPERATOR})},
    "page.fleet": {"GET": _O},
    "api.public": {"GET": _ALL},
    "api.enrol": {"POST": _ALL},
    "api.session": {"POST": _ALL},
    "api.registry": {"GET": _O, "POST": _O, "PUT": _O, "DELETE": _O},
    "api.household": {verb: frozenset({Role.HOUSEHOLD, Role.OPERATOR}) for verb in ("GET", "POST")},
    "api.answer": {"POST": _H},
    # devices
    "ingest.senml": {"POST": frozenset({Role.BOX})},
    # partners: data space
    "wellknown": {"GET": _ALL},
    "dsp": {"GET": _D, "POST": _D},
    "dsp.operator": {"GET": _O, "POST": _O},
    "dsp.data": {"GET": frozenset({Role.ANYONE, Role.PARTICIPANT})},
    "sdmx.structure": {"GET": frozenset({Role.PARTICIPANT, Role.PARTNER})},
    # partners: OpenADR 3.1
    "openadr3.auth": {"GET": _ALL, "POST": _ALL},
    "openadr3.programs": {"GET": _P, "POST": _P, "PUT": _P, "DELETE": _P},
    "openadr3.events": {"GET": _P, "POST": _P, "PUT": _P, "DELETE": _P},
    "openadr3.vens": {"GET": _P, "POST": _P, "PUT": _P, "DELETE": _P},
    "openadr3.resources": {"GET": _P, "POST": _P, "PUT": _P, "DELETE": _P},
    "openadr3.reports": {"GET": _P},
    "openadr3.notifiers": {"GET": _P},
    "openadr3.subscriptions": {"GET": _P, "POST": _P},
    # partners: readings as CSV and JSON
    "readings": {"GET": _P},
    # people: which household a VEN belongs to
    "openadr.enrolment": {"PUT": _O},
    # openadr20
    "openadr2b": {"POST": frozenset({Role.VEN, Role.ANYONE})},
    "openadr2b.other": {verb: frozenset({Role.VEN, Role.ANYONE}) for verb in ("GET", "PUT", "PATCH", "DELETE")},
}
"""Route name -> verb -> roles. HEAD follows GET; OPTIONS is never routed."""


def allowed(route: str, verb: str, role: Role) -> bool:
    """Whether the table has it; an unknown route or verb is a no."""
    verb = "GET" if verb == "HEAD" else verb
    return role in ALLOWED.get(route, {}).get(verb, frozenset())
