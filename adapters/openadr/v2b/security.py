"""Which VEN a message comes from: by the fingerprint of its certificate, or in clear by its venID. Pure.

Rule 517: a VEN that is not registered gets 463, a venID that is not that of the certificate gets 452.
In clear (loopback only, and only when the operator asked for it) a VEN is believed.
"""

from adapters.openadr.model import Registration, Ven
from adapters.openadr.state import FINGERPRINT_DIGITS, VtnState
from adapters.openadr.v2b.replies import Failure


def registered(state: VtnState, fingerprint: str, ven: str) -> Registration:
    """The registration that a message belongs to. Raises ``Failure`` 452 or 463.

    Args:
        fingerprint: SHA-256 of the client certificate, lower-case hex; "" in clear.
        ven: the venID in the message; "" where the message has none.
    """
    found = state.registrations.get(ven)
    if not fingerprint:
        if found is None:
            known = ven in state.vens or ven in state.ven_names
            raise Failure("463" if known else "452", "no VEN with this venID is registered")
        return found
    own = state.with_certificate(fingerprint)
    mine = state.registrations.get(own.id) if own is not None else None
    if mine is None and found is not None and found.ending and same_certificate(found.fingerprint, fingerprint):
        mine = found
    if mine is None:
        raise Failure("463", "no VEN with this certificate is registered")
    if ven not in ("", mine.ven):
        raise Failure("452", "the venID is not that of the certificate")
    return mine


def enrolled(state: VtnState, fingerprint: str, name: str, ven: str) -> Ven:
    """The VEN that may register, as business logic made it known. Raises ``Failure`` 463.

    In clear by its name, or by its venID where several owners use one name.
    """
    in_clear = state.ven_named(name) or state.vens.get(ven)
    found = state.with_certificate(fingerprint) if fingerprint else in_clear
    if found is None or found.profile not in ("", "2.0b"):
        raise Failure("463", "this VEN is not enrolled")
    return found


def same_certificate(enrolled_as: str, shown: str) -> bool:
    """Whether a certificate (SHA-256, hex) has the enrolled fingerprint: all of it, or its last ten bytes (10.5.1)."""
    return len(enrolled_as) >= FINGERPRINT_DIGITS and shown.endswith(enrolled_as)
