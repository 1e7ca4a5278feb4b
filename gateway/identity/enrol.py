"""Enrolment: a one-time code and a signing request become a client certificate that the registry knows."""

import asyncio
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.errors import CodeRefused
from gateway.identity.certs import Authority, requested_key
from gateway.identity.codes import Codes
from gateway.registry.boxes import Boxes, Certificate

ENROLS = frozenset({"box", "ven"})


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """``kind``: box or ven; ``owner`` is its id here. ``certificate`` and ``ca`` (all that is trusted) are PEM."""

    kind: str
    owner: str
    certificate: str
    ca: str
    fingerprint: str


class Enrolment:
    """Boxes and VENs join with it."""

    def __init__(self, codes: Codes, authority: Authority, boxes: Boxes, clock: Clock, *, vouches: bool) -> None:
        """``vouches``: whether the listener where they enrol shows a certificate of our own authority."""
        self._codes, self._authority, self._boxes, self._clock = codes, authority, boxes, clock
        self._vouches = vouches
        self.turn = asyncio.Lock()
        """While a certificate is issued and registered, and while another CA takes over."""

    @property
    def ca(self) -> str:
        """Our authority (PEM): what is asked for before there is trust, and then checked by its fingerprint."""
        return self._authority.ca_pem

    def with_pin(self, code: str) -> str:
        """What a box is given: ``CODE@SHA256`` of our authority; the code alone where another one is shown."""
        return f"{code}@{self._authority.pin(self._clock())}" if self._vouches else code

    async def enrol(self, code: str, csr: str) -> IssuedCertificate:
        """Raises ``CsrRefused`` before the code is looked at, and ``CodeRefused``. The certificate counts on return."""
        requested_key(csr)
        found = await self._codes.redeem(ENROLS, code)
        if found is None:
            raise CodeRefused("code: it does not open anything")
        return await self.issue(*found, csr)

    async def issue(self, kind: str, owner: str, csr: str) -> IssuedCertificate:
        """To whom it is known to be. The certificate counts on return. Raises ``CsrRefused``, ``Unknown``."""
        async with self.turn:
            pem, fingerprint, until = await asyncio.to_thread(self._authority.issue, csr, owner, self._clock())
            await self._boxes.keep_certificate(Certificate(fingerprint, kind, owner, until))
        return IssuedCertificate(kind, owner, pem, self._authority.ca_pem, fingerprint)
