"""An input: a device without an edge box pushes the register of its meter straight to the gateway.

``POST /cloud-device/push`` on the devices listener, with the certificate that the device got for its enrolment code:
``{"sequence": 7, "readings": [{"at": "2026-03-01T12:00:00Z", "kwh": "1234.567"}]}``. It is answered when it is durable.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from aiohttp import web

from adapters.plugin import CALLER, Adapter, InputServices, NotYours, Route
from meter_driver.reading import ClockSource, Reading
from policies.roles import Listener, Role

API_VERSION = 3
ENERGY = "1-0:1.8.0*255"


class Pushed(msgspec.Struct, forbid_unknown_fields=True):
    """What the register showed at an instant; with a zone."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    kwh: Decimal


class Push(msgspec.Struct, forbid_unknown_fields=True):
    """``sequence`` rises with each push; the same one again is answered again and stored once."""

    sequence: Annotated[int, msgspec.Meta(ge=0)]
    readings: Annotated[list[Pushed], msgspec.Meta(max_length=1000)]


def create(services: InputServices) -> Adapter:
    """The entry point."""

    async def push(request: web.Request) -> web.Response:
        try:
            body = msgspec.json.decode(await request.read(), type=Push)
        except msgspec.DecodeError as error:
            return web.json_response({"reason": "malformed", "detail": str(error)}, status=400)
        try:
            answer = await services.take(request[CALLER].id, body.sequence, [reading(one) for one in body.readings])
        except NotYours:
            return web.json_response({"reason": "another-kind-of-device"}, status=403)
        refused = [{"index": index, "reason": reason} for index, reason in answer.refused]
        return web.json_response({"accepted": answer.accepted, "refused": refused, "repeated": answer.repeated})

    roles = frozenset({Role.BOX})
    return Adapter("cloud-device", [Route(Listener.DEVICES, "POST", "/cloud-device/push", "cloud-device", push, roles)])


def reading(pushed: Pushed) -> Reading:
    """Whose it is, is not for the device to say: the registry knows."""
    return Reading("", ENERGY, pushed.at, pushed.kwh, "kWh", clock=ClockSource.METER)
