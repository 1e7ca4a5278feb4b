"""A box renews its certificate by itself, over the link on which it shows the one that it has.

The gateway says when: less than a third of its life is left, or another CA issues now. The former one goes on until the
box says, with the new one, that it has it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.errors import NotAllowed
from gateway.identity.certs import Authority
from gateway.identity.enrol import Enrolment, IssuedCertificate
from gateway.registry.boxes import Boxes, Certificate

MOST_STANDING = 8
"""Certificates of one box: answers that were lost leave some behind."""
TOLD_BEFORE = {"box": timedelta(days=90), "ven": timedelta(days=30)}
"""Before the end of a certificate: then the operator is told. A box renews itself long before, a VEN cannot."""
_TROUBLE = re.compile(r"[A-Za-z0-9 -]{1,64}")


@dataclass(frozen=True, slots=True)
class CertificateState:
    """What a box is told of the certificate that it shows.

    Attributes:
        renew: it is to ask for another one.
        older: so many others of its own stand, and end before this one.
        ca: all roots that are trusted, PEM. ``dropped``: fingerprints of those that were.
    """

    until: datetime
    renew: bool
    older: int
    ca: str
    dropped: Sequence[str]


@dataclass(frozen=True, slots=True)
class ListedCertificate:
    """For the operator. ``soon``: it ends soon, or has ended. ``trouble``: why a box could not renew it."""

    certificate: Certificate
    soon: bool
    trouble: str


def ends_soon(each: Certificate, now: datetime) -> bool:
    """Whether the operator is to be told, also when it has ended."""
    return each.until < now + TOLD_BEFORE.get(each.kind, TOLD_BEFORE["ven"])


class BoxRenewals:
    """One instance for each process."""

    def __init__(self, authority: Authority, enrolment: Enrolment, boxes: Boxes, clock: Clock) -> None:
        self._authority, self._enrolment, self._boxes, self._clock = authority, enrolment, boxes, clock
        self._troubles: dict[str, str] = {}

    def look(self, box: str, der: bytes, fingerprint: str, trouble: str = "") -> CertificateState:
        """``trouble``: why the box could not renew; remembered until it says none. Raises ``NotAllowed``."""
        if trouble and not _TROUBLE.fullmatch(trouble):
            raise NotAllowed("trouble: letters, digits, dash and blank, at most 64")
        if trouble:
            self._troubles[box] = trouble
        else:
            self._troubles.pop(box, None)
        shown = next(each for each in self._boxes.standing(box) if each.fingerprint == fingerprint)
        return CertificateState(
            shown.until,
            self._authority.due(der, self._clock()),
            len(self._boxes.older(box, fingerprint)),
            self._authority.ca_pem,
            self._authority.dropped,
        )

    async def renew(self, box: str, der: bytes, csr: str) -> IssuedCertificate:
        """Another one beside the one that is shown. Raises ``CsrRefused``, ``NotAllowed``."""
        if not self._authority.due(der, self._clock()):
            raise NotAllowed("certificate: a third of its life is left at least, and its authority issues still")
        if len(self._boxes.standing(box)) >= MOST_STANDING:
            raise NotAllowed(f"certificate: a box has {MOST_STANDING} at most; the operator revokes some")
        return await self._enrolment.issue("box", box, csr)

    async def settle(self, box: str, fingerprint: str) -> None:
        """The one that is shown has come to stay: those that end before it are taken back, durable on return."""
        self._troubles.pop(box, None)
        for each in self._boxes.older(box, fingerprint):
            await self._boxes.revoke(each.fingerprint)

    def listed(self) -> Sequence[ListedCertificate]:
        """Of each box and each VEN the one that ends last, by kind and id."""
        now = self._clock()
        return [
            ListedCertificate(each, ends_soon(each, now), self._troubles.get(owner, "") if kind == "box" else "")
            for (kind, owner), each in sorted(self._boxes.latest().items())
        ]
