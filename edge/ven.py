"""A virtual end node beside the meter: OpenADR 2.0b by HTTP pull, on openleadr. It registers, polls, opts, reports.

What it reports is what the household selected to leave the house, nothing else. Opting follows one rule, in a pure
function. openleadr writes values and messages into its log, so that log is off; what happens is said in ours.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openleadr

from edge.errors import UplinkError
from edge.latest import MEASURED, Latest
from edge.logger import Logger
from edge.uplink import wait_before

REPORT = "METADATA_TELEMETRY_USAGE"
"""As an offer is named; openleadr takes the prefix off what it then reports."""


@dataclass(frozen=True, slots=True)
class OptRule:
    """When to opt in: the event lasts at most ``longest``, and each of its signals is one of ``signals``."""

    longest: timedelta = timedelta(hours=4)
    signals: frozenset[str] = frozenset({"SIMPLE", "simple", "LOAD_DISPATCH", "LOAD_CONTROL", "ELECTRICITY_PRICE"})


def opt(event: Mapping[str, Any], rule: OptRule) -> str:
    """``optIn`` or ``optOut`` for an event as openleadr parses it; what is not understood is opted out of."""
    duration = event.get("active_period", {}).get("duration")
    signals = event.get("event_signals") or []
    names = {signal.get("signal_name") for signal in signals}
    # The standard writes a duration of zero for an event with an open end.
    fits = isinstance(duration, timedelta) and timedelta(0) < duration <= rule.longest
    return "optIn" if fits and names and names <= rule.signals else "optOut"


class _Contact:
    """Watches the wire through openleadr's hooks, for what it says in its own log only."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._open = 0
        self.code = ""
        """Response code of the last answer that has one."""

    def sending(self, _: str) -> None:
        """Before each request: openleadr goes on polling in silence. One may be under way beside it."""
        if self._open > 1:
            self._log.warning("ven.unanswered", requests=self._open)
        self._open += 1

    def received(self, _: str) -> None:
        """Whatever came: somebody is there."""
        self._open = 0

    def parsed(self, _: str, message: Mapping[str, Any]) -> None:
        """Anything but 200 is worth a line."""
        code = message.get("response", {}).get("response_code")
        if code is None:
            return
        self.code = str(code)
        if self.code != "200":
            self._log.warning("ven.refused", code=self.code)


class EdgeVen:
    """One VEN towards one VTN."""

    def __init__(
        self,
        name: str,
        url: str,
        folder: Path,
        latest: Latest,
        *,
        rule: OptRule,
        sampling: timedelta,
        jitter: Callable[[], float],
        log: Logger,
        quantities: Sequence[str] = tuple(MEASURED),
    ) -> None:
        """
        Args:
            name: venName.
            url: ``https://HOST:PORT/OpenADR2/Simple/2.0b``.
            folder: with ``box.pem``, ``box-key.pem`` and ``ca.pem``, as enrolment made it.
            sampling: shortest time between two values of a report.
            quantities: what is offered for reports, of ``MEASURED``.
        """
        self._name = name
        self._url = url
        self._folder = folder
        self._latest = latest
        self._rule = rule
        self._sampling = sampling
        self._jitter = jitter
        self._log = log
        self._quantities = quantities
        logging.getLogger("openleadr").setLevel(logging.CRITICAL + 1)

    async def run(self) -> None:
        """Register and serve until cancelled; a VTN that is away is tried again."""
        failed = 0
        while True:
            contact = _Contact(self._log)
            client = self._client(contact)
            try:
                await self._register(client, contact)
                self._log.info("ven.registered", ven=client.ven_id, poll=client.poll_frequency.total_seconds())
                await asyncio.Event().wait()
            except UplinkError as error:
                failed += 1
                wait = wait_before(failed, self._jitter())
                self._log.warning("ven.failed", reason=error.reason, wait=round(wait, 1))
            finally:
                if client.client_session is not None and not client.client_session.closed:
                    await client.stop()
            await asyncio.sleep(wait)

    async def _register(self, client: Any, contact: _Contact) -> None:
        try:
            await client.run()
        except Exception as error:  # openleadr trips over answers it did not expect, in many ways
            raise UplinkError(type(error).__name__) from error
        if not client.registration_id:
            raise UplinkError(f"not registered {contact.code}".rstrip())

    def _client(self, contact: _Contact) -> Any:
        cert, key, ca = (str(self._folder / name) for name in ("box.pem", "box-key.pem", "ca.pem"))
        client = openleadr.OpenADRClient(
            self._name, self._url, cert=cert, key=key, ca_file=ca, show_fingerprint=False, disable_signature=True
        )
        for quantity in self._quantities:
            measurement, unit = MEASURED[quantity]
            client.add_report(
                callback=self._telemetry(quantity),
                resource_id=self._name,
                measurement=measurement,
                unit=unit,
                report_name=REPORT,
                report_specifier_id=f"{self._name}-telemetry",
                r_id=quantity,
                sampling_rate=openleadr.objects.SamplingRate(
                    min_period=self._sampling, max_period=timedelta(hours=1), on_change=False
                ),
                report_duration=timedelta(hours=1),
            )
        client.add_hook("before_send_xml", contact.sending)
        client.add_hook("after_receive_xml", contact.received)
        client.add_hook("after_parse_xml", contact.parsed)
        client.add_handler("on_event", self._decide)
        client.add_handler("on_update_event", self._decide)
        return client

    def _telemetry(self, quantity: str) -> Callable[[], Awaitable[list[tuple[datetime, float]]]]:
        async def values() -> list[tuple[datetime, float]]:
            found = self._latest.value(quantity)
            self._log.info("ven.telemetry", quantity=quantity, values=len(found))
            return found

        return values

    async def _decide(self, event: Mapping[str, Any]) -> str:
        answer = opt(event, self._rule)
        descriptor = event["event_descriptor"]
        self._log.info(
            "ven.event", id=descriptor["event_id"], modification=descriptor["modification_number"], opt=answer
        )
        return answer
