"""``POST /ingest/senml`` on the devices listener: a box's batch of SenML, acknowledged when it is durable.

Request: ``Batch-Sequence: N``, SenML in JSON or CBOR, ``Content-Encoding: deflate`` as one likes (the server inflates
in bounded steps, and no body grows beyond ``meter_driver.senml.MAX_BODY``). Answer: ``{"sequence": N, "accepted": K,
"refused": [{"index": I, "reason": WORD}], "repeated": false}``, where I counts the records of the pack; all else is
problem+json: ``sequence`` or ``malformed`` (400), ``too-large`` (413), ``media-type`` (415), ``storage-full`` (503).
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Protocol

import msgspec
from aiohttp import web

from adapters.plugin import CALLER, Batch, Caller, Route
from gateway.clock import Clock
from gateway.errors import BatchRefused, NotAllowed, StoreFull
from gateway.intake.labels import Homes, Taking, labels_of, placed
from gateway.registry.meters import Meters
from gateway.serve.problems import Problem, about
from meter_driver import senml
from meter_driver.errors import SenmlError
from meter_driver.reading import Reading
from meter_driver.senml import Pack
from policies.roles import Listener, Role
from policies.terms import SubjectId

PATH = "/ingest/senml"
_RETRY_AFTER = 30
"""Seconds that a box waits while nothing can be stored."""
PACK_RECORDS_AT_ONCE, PACK_BYTES_AT_ONCE = 512, 1 << 15
"""Of a pack, inflated, that the loop reads itself: some 2 ms. A larger one is read in a thread."""
_CBOR_AT_ONCE = 1 << 10
"""Bytes; a record may be one of them."""
_MEDIA_TYPES = {senml.JSON, senml.CBOR}


class Devices(Protocol):
    """Which household a box may send values for."""

    def subject_of(self, box_id: str, base_name: str) -> SubjectId | None:
        """``base_name``: the device URN; None when the box may not."""

    def has(self, box_id: str) -> bool:
        """Whether there is such a box."""


class _Refused(msgspec.Struct, frozen=True):
    index: int
    reason: str


class _Answer(msgspec.Struct, frozen=True):
    sequence: int
    accepted: int
    refused: list[_Refused]
    repeated: bool


_encode = msgspec.json.Encoder().encode


def routes(intake: Taking, devices: Devices, meters: Meters, homes: Homes, clock: Clock) -> list[Route]:
    """The one route."""

    async def post(request: web.Request) -> web.Response:
        caller: Caller = request[CALLER]
        sequence = _sequence(request)
        if request.content_type not in _MEDIA_TYPES:
            raise about(415, "media-type", [("Content-Type", f"the body is {senml.JSON} or {senml.CBOR}")])
        try:
            body = await request.read()
            pack = await _parsed(body, request.content_type, clock())
        except web.RequestPayloadError:
            raise about(400, "malformed", [("body", "it cannot be inflated")]) from None
        except SenmlError as error:
            raise about(400, "malformed", [("body", str(error))]) from None
        batch = placed(_numbered(pack), partial(_subject, caller.id, devices), homes)
        try:
            labels = await labels_of(caller.id, batch, meters)
            answer = await intake.take(Batch(f"box:{caller.id}", sequence, batch.readings, labels))
        except (BatchRefused, NotAllowed) as error:
            raise about(400, "malformed", error.rules) from None
        except StoreFull:
            headers = {"Retry-After": str(_RETRY_AFTER)}
            raise Problem(503, "storage-full", "nothing can be stored now; send it again", headers=headers) from None
        refused = [_Refused(error.index or 0, "senml") for error in pack.errors]
        refused += [_Refused(index, reason) for index, reason in batch.refused]
        refused += [_Refused(batch.indexes[index], reason) for index, reason in answer.refused]
        refused.sort(key=lambda one: one.index)
        said = _Answer(sequence, answer.accepted, refused, answer.repeated)
        return web.Response(body=_encode(said), content_type="application/json")

    return [Route(Listener.DEVICES, "POST", PATH, "ingest.senml", post, frozenset({Role.BOX}), max_body=senml.MAX_BODY)]


def at_once(body: bytes, content_type: str) -> bool:
    """Whether a pack is small enough to be read on the loop."""
    if content_type == senml.CBOR:
        return len(body) <= _CBOR_AT_ONCE
    return len(body) <= PACK_BYTES_AT_ONCE and body.count(b"{") <= PACK_RECORDS_AT_ONCE


async def _parsed(body: bytes, content_type: str, now: datetime) -> Pack:
    """Raises ``SenmlError``."""
    if at_once(body, content_type):
        return senml.parse(body, content_type, now)
    return await asyncio.to_thread(senml.parse, body, content_type, now)


def _sequence(request: web.Request) -> int:
    text = request.headers.get("Batch-Sequence", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise about(400, "sequence", [("Batch-Sequence", "the header is a whole number")])
    return int(text)


def _numbered(pack: Pack) -> Iterable[tuple[int, Reading]]:
    return zip(pack.indexes, pack.readings, strict=True)


def _subject(box: str, devices: Devices, meter: str) -> SubjectId | None:
    """By the device's whole name as it was registered, or by the component alone behind this very box. None in the
    name of another box."""
    try:
        whose, component = senml.split_device(meter)
    except SenmlError:
        whose, component = box, ""
    if whose != box and devices.has(whose):
        return None
    if (found := devices.subject_of(box, meter)) is not None:
        return found
    return devices.subject_of(box, component) if whose == box and component else None
