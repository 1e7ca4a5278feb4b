"""What an extension is given, as fakes that a test fills and looks at. No gateway, no port, no key.

services = FakeServices()
services.door.openings[Recipient("acme")] = [opening("p1", {"1-0:1.8.0*255"})]
adapter = my_package.create(services)
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from aiohttp import web
from sqlalchemy import Connection, Table

from adapters.plugin import (
    Batch,
    Compute,
    Directory,
    Gone,
    Http,
    IntakeAnswer,
    Logger,
    Notices,
    NotYours,
    Opening,
    PermissionRequest,
    Refused,
    Renderer,
    Result,
    Signer,
    always,
)
from meter_driver.reading import Reading
from metergate.testing.door import FakeDoor
from metergate.testing.log import LogLines
from metergate.testing.parties import FakeDirectory, FakeHttp, FakeNotices, FakeSigner
from metergate.testing.tables import Tables
from policies.roles import Listener
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    Grant,
    Level,
    Period,
    Pseudonym,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    SubjectId,
)

T = TypeVar("T")
PROCESSOR = Recipient("processor")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Own(Protocol):
    """Where an extension's own tables are."""

    async def look(self, ask: Callable[[Connection], T]) -> T: ...

    async def write(self, work: Callable[[Connection], T]) -> T: ...


def opening(name: str, quantities: Collection[str], purpose: Purpose = Purpose.ENERGY_ADVICE) -> Opening:
    """A live ground for everything of these quantities, at every detail and for ever."""
    ever = Period(LONG_AGO, FAR_FUTURE)
    keep = timedelta(days=30)
    return Opening(name, purpose, frozenset(quantities), AS_RECEIVED, Level.INDIVIDUAL, ever, FAR_FUTURE, keep)


@dataclass
class FakeShared:
    """Implements ``adapters.plugin.SharedServices``. ``now``: the instant, or None for the real one."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    tables: Own = field(default_factory=Tables)
    notices: Notices = field(default_factory=FakeNotices)
    http: Http = field(default_factory=FakeHttp)
    log: Logger = field(default_factory=LogLines)
    public_urls: dict[Listener, str] = field(default_factory=lambda: {w: f"https://{w}.example" for w in Listener})
    now: datetime | None = None

    def clock(self) -> datetime:
        return self.now or datetime.now(UTC)

    def ids(self) -> str:
        return uuid4().hex

    async def look(self, ask: Callable[[Connection], T]) -> T:
        return await self.tables.look(ask)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self.tables.write(work)


@dataclass
class FakeServices(FakeShared):
    """Implements ``adapters.plugin.Services``: for an output.

    Attributes:
        door: decides and gives; see ``FakeDoor``.
        batches: what was taken in.
        gone: households that were erased.
        recalled: whose open answers were asked again.
        ended: table and key of rows by which something ended.
    """

    door: FakeDoor = field(default_factory=FakeDoor)
    directory: Directory = field(default_factory=FakeDirectory)
    signer: Signer = field(default_factory=FakeSigner)
    zone: tzinfo = UTC
    batches: list[Batch] = field(default_factory=list)
    gone: set[SubjectId] = field(default_factory=set)
    recalled: list[Recipient] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)

    async def send(
        self,
        question: ReleaseRequest,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        alive: Callable[[], bool] = always,
    ) -> web.StreamResponse:
        parts = self.door.release(question)
        await _begin(renderer, request, response)
        for number, part in enumerate(parts):
            if number:
                await response.write(renderer.between)
            for chunk in renderer.body(part):
                if not alive():
                    raise ConnectionResetError("cut: the adapter said no")
                await response.write(chunk)
        for chunk in renderer.closing() if renderer.closing else ():
            await response.write(chunk)
        await response.write(renderer.tail)
        await response.write_eof()
        return response

    async def follow(
        self,
        question: ReleaseRequest,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        alive: Callable[[], bool],
    ) -> web.StreamResponse:
        """The rows again each time ``door.fresh`` is set, for as long as ``alive`` says yes."""
        parts = self.door.release(question)
        await _begin(renderer, request, response)
        while alive():
            for part in parts:
                for chunk in renderer.body(part):
                    await response.write(chunk)
            await self.door.news()
            parts = self.door.parts(question)
        await response.write_eof()
        return response

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        return self.door.decide(question)

    def openings(self, recipient: Recipient, about: Pseudonym | None = None) -> Sequence[Opening]:
        mine = self.door.openings.get(recipient, [])
        return [each for each in mine if about is None or each.pseudonym == about.name]

    def zones(self, recipient: Recipient) -> Sequence[str]:
        return list(self.door.places.get(recipient, []))

    async def write_end(
        self, work: Callable[[Connection], T], ended: Callable[[T], Mapping[Table, Sequence[str]]]
    ) -> T:
        result = await self.write(work)
        self.ended += [(table.name, key) for table, keys in ended(result).items() for key in keys]
        return result

    async def recall(self, recipient: Recipient) -> None:
        self.recalled.append(recipient)

    async def ask(self, household: SubjectId | Pseudonym, request: PermissionRequest) -> str:
        self.door.asked.append((household, request))
        self.door.wondering.set()
        return f"request-{len(self.door.asked)}"

    async def intake(self, batch: Batch) -> IntakeAnswer:
        self.batches.append(batch)
        return IntakeAnswer(len(batch.readings))

    async def seal(self, household: SubjectId, plain: bytes, *, about: str) -> bytes:
        """With a cipher of straw."""
        if household in self.gone:
            raise Gone("no such household")
        return bytes(byte ^ 0x5A for byte in f"{household}\0{about}\0".encode() + plain)

    async def unseal(self, household: SubjectId, sealed: bytes, *, about: str) -> bytes:
        if household in self.gone:
            raise Gone("no such household")
        found, bound, plain = bytes(byte ^ 0x5A for byte in sealed).split(b"\0", 2)
        if (found, bound) != (household.encode(), about.encode()):
            raise ValueError("the seal does not fit")
        return plain


@dataclass
class FakeInputServices(FakeShared):
    """Implements ``adapters.plugin.InputServices``.

    Attributes:
        name: the input's; a device of another one is ``NotYours``.
        devices: ids that the registry maps to a household; readings of others are ``unknown-meter``.
        taken: device and reading, in the order of their coming.
    """

    name: str = "input"
    devices: set[str] = field(default_factory=set)
    taken: list[tuple[str, Reading]] = field(default_factory=list)
    answers: dict[tuple[str, int], IntakeAnswer] = field(default_factory=dict)

    async def take(self, device: str, sequence: int, readings: Sequence[Reading]) -> IntakeAnswer:
        if not device.startswith(f"{self.name}."):
            raise NotYours(f"a device of the input {self.name} is a box whose id begins with {self.name} and a dot")
        if (known := self.answers.get((device, sequence))) is not None:
            return IntakeAnswer(known.accepted, known.refused, repeated=True)
        mapped = device in self.devices
        refused = () if mapped else tuple((index, "unknown-meter") for index in range(len(readings)))
        self.taken += [(device, reading) for reading in readings if mapped]
        answer = self.answers[device, sequence] = IntakeAnswer(len(readings) - len(refused), refused)
        return answer


@dataclass
class FakeProcessorServices(FakeShared):
    """Implements ``adapters.plugin.ProcessorServices``. ``results``: pseudonym and result, as they were kept."""

    recipient: Recipient = PROCESSOR
    door: FakeDoor = field(default_factory=FakeDoor)
    results: list[tuple[str, Result]] = field(default_factory=list)
    kept: set[tuple[str, datetime]] = field(default_factory=set)

    def openings(self) -> Sequence[Opening]:
        return list(self.door.openings.get(self.recipient, []))

    async def process(self, question: ReleaseRequest, compute: Compute) -> IntakeAnswer:
        if question.recipient != self.recipient or not isinstance(question.subject, Pseudonym):
            raise NotYours(f"this processor asks as {self.recipient}, for one household by its pseudonym")
        if question.subject.name not in {o.pseudonym for o in self.openings()}:
            raise Refused(Refusal((Reason.UNKNOWN_SUBJECT,)))
        parts = self.door.release(question)
        found = [(part.subject, result) for part in parts for result in compute(part)]
        key = (question.subject.name, question.period.start)
        if not found or key in self.kept:
            return IntakeAnswer(0, repeated=key in self.kept)
        self.kept.add(key)
        self.results += found
        return IntakeAnswer(len(found))


async def _begin(renderer: Renderer, request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Type"] = renderer.content_type
    response.headers["Cache-Control"] = "no-store"
    await response.prepare(request)
    await response.write(renderer.head)
