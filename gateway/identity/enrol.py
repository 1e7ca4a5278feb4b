"""Enrolment: a one-time code and a signing request become a client certificate that the registry knows."""

import asyncio
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.identity.certs import Authority, requested_key
from gateway.identity.codes import Codes
from gateway.registry.devices import Certificate, Devices


class CodeRefused(Exception):
    """The code opens nothing: unknown, wrong, used, run out, or for another kind; which one is not told."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """``certificate`` and ``ca`` are PEM; ``owner`` is the box's (or VEN's) id here."""

    certificate: str
    ca: str
    owner: str
    fingerprint: str


class Enrolment:
    """Boxes and VENs join with it."""

    def __init__(self, codes: Codes, authority: Authority, devices: Devices, clock: Clock) -> None:
        self._codes, self._authority, self._devices, self._clock = codes, authority, devices, clock

    async def enrol(self, kind: str, code: str, csr: str) -> Enrolled:
        """Raises ``CsrRefused`` before the code is looked at, and ``CodeRefused``. The certificate counts on return."""
        requested_key(csr)
        owner = await self._codes.redeem(kind, code)
        if owner is None:
            raise CodeRefused("code: it does not open anything")
        pem, fingerprint, until = await asyncio.to_thread(self._authority.issue, csr, owner, self._clock())
        await self._devices.keep_certificate(Certificate(fingerprint, kind, owner, until))
        return Enrolled(pem, self._authority.ca_pem, owner, fingerprint)
