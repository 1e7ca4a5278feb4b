"""What an extension is given and what it gives.

Beside it out-of-tree code imports the words it is made of (``policies.terms``, ``policies.roles``,
``meter_driver.reading``), renderers of ``adapters.formats``, and ``metergate.testing`` in its tests.

Three kinds, found by entry points: *outputs* let something out (``Services``), *inputs* bring readings in
(``InputServices``), *processors* read through the door and write results back (``ProcessorServices``). Each gives an
``Adapter``. ``docs/extending.md`` is the page about it.

Version 3 (``API_VERSION``: it rises when something that extensions use goes or changes, not for what is only added; an
out-of-tree package says the version it was written for, and is refused at start when it is another one).
3: a route states its roles; inputs and processors; ``Logger``; ``Services.seal`` and ``unseal`` are awaited.
2: ``Services.look`` instead of ``Services.session``.

An adapter turns a partner's question into a ``ReleaseRequest`` and a pure ``Renderer`` and hands both to
``Services.send``; it never sees storage, keys, or rows outside a renderer.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aiohttp import web
from sqlalchemy import Connection

from adapters.rows import insert_new as insert_new
from adapters.rows import upsert as upsert
from meter_driver.reading import Reading
from policies.roles import Listener, Role
from policies.terms import (
    Grant,
    Level,
    Period,
    Pseudonym,
    Purpose,
    Recipient,
    Refusal,
    ReleaseRequest,
    Row,
    SubjectId,
)

API_VERSION = 3

T = TypeVar("T")


class Refused(Exception):
    """The door said no. ``str()`` is one sentence for the recipient; adapters put it into their standard's error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class NotYours(Exception):
    """An extension asked for what is not for its kind or not for it: a fault in its code or its settings."""


class Gone(Exception):
    """The household is unknown, or erased: nothing can be sealed for it, and what was can be opened by nobody."""


@dataclass(frozen=True, slots=True)
class Released:
    """A part of what the door let out: rows of one household or one zone, minimised. Never keep it across an await.

    Attributes:
        subject: pairwise pseudonym of the household for this recipient, or the zone's name.
        rows: in the order of quantity, then instant.
        recipient, purpose, resolution, level, keep, reference: as granted.
    """

    subject: str
    rows: Sequence[Row]
    recipient: Recipient
    purpose: Purpose
    resolution: timedelta
    level: Level
    keep: timedelta
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Renderer:
    """Pure functions from released parts to bytes. ``body`` is called once for each part, in order.

    A chunk must not be larger than about 64 KiB. ``between`` is written between parts (a comma, say).
    ``head`` and ``tail`` hold nothing of any household.

    ``closing``: for a form that ends with sums over all that was written (a ZIP's directory), called once after the
    last part. What is written of a later part then may tell of the earlier ones, so every chunk, and the closing, is
    written only while the yes of each part so far stands, and a shared answer is cut like any other.
    """

    content_type: str
    body: Callable[[Released], Iterator[bytes]]
    head: bytes = b""
    tail: bytes = b""
    between: bytes = b""
    closing: Callable[[], Iterator[bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as the listener authenticated it; ``request[CALLER]``.

    Attributes:
        role: the one role.
        id: tenancy id, organisation id, box id or certificate fingerprint; "" for ANYONE.
        recipient: the organisation behind the caller, if any.
        scopes: OAuth scopes of its token.
        client: OAuth client id, or the certificate's fingerprint (SHA-256, hex).
    """

    role: Role
    id: str = ""
    recipient: Recipient | None = None
    scopes: frozenset[str] = frozenset()
    client: str = ""


CALLER = web.RequestKey("metergate.caller", Caller)


def always() -> bool:
    """Nothing of the adapter's own ends an answer."""
    return True


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One verb and path on one listener, and who may call it. HEAD follows GET; OPTIONS is never routed.

    ``name`` is what the access log calls it. ``roles``: a caller of any other role is refused before the handler; empty
    means nobody. What an out-of-tree extension may name is bounded: see ``docs/extending.md``.
    ``problems`` turns a refusal before the handler (no caller, wrong role, too large) into the standard's own error;
    without it the answer is problem+json.
    """

    listener: Listener
    verb: str
    path: str
    name: str
    handler: Handler
    roles: frozenset[Role]
    max_body: int = 1 << 20
    problems: "Callable[[web.Request, int, str, str], web.StreamResponse] | None" = None


@dataclass(frozen=True, slots=True)
class Organisation:
    """A recipient as the registry knows it. ``did`` is "" when it is no member of a data space."""

    id: Recipient
    name: str
    did: str = ""
    levels: frozenset[Level] = frozenset()
    quantities: frozenset[str] = frozenset()
    finest: timedelta = timedelta(minutes=15)
    purposes: frozenset[Purpose] = frozenset()


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client: one organisation, some scopes. ``recipient`` is None for clients of VENs."""

    id: str
    recipient: Recipient | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Opening:
    """One live ground as its recipient may know it: for catalogs. Holds no value and no household id."""

    pseudonym: str
    purpose: Purpose
    quantities: frozenset[str]
    resolution: timedelta
    level: Level
    values: Period
    until: datetime
    keep: timedelta


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """What a recipient asks a household for. The household accepts all, a part, or nothing; silence is no.

    ``reference`` ties it to a negotiation or an enrolment; it comes back in the notice ``permission.answered``.
    """

    recipient: Recipient
    purpose: Purpose
    quantities: frozenset[str]
    resolution: timedelta
    level: Level
    values: Period
    until: datetime
    keep: timedelta
    reference: str = ""


class Directory(Protocol):
    """Organisations, clients and tokens."""

    async def organisation(self, recipient: Recipient) -> Organisation | None: ...

    async def participant(self, did: str) -> Organisation | None:
        """The organisation with this data-space identity, if it is on the trust list."""

    async def check_client(self, client: str, secret: str) -> Client | None:
        """Client credentials; the same time for unknown and wrong."""

    def token(self, client: Client, scopes: frozenset[str]) -> str:
        """A bearer token (JWT, ES256, 15 minutes) for the partners listener."""


class Signer(Protocol):
    """The gateway's own did:web key (ES256). The private key stays with the gateway."""

    @property
    def did(self) -> str: ...

    @property
    def kid(self) -> str: ...

    def jwk(self) -> Mapping[str, str]:
        """The public key, for did.json."""

    def sign(self, claims: Mapping[str, Any], *, typ: str, headers: Mapping[str, Any] | None = None) -> str:
        """Compact JWS over JSON claims."""

    def verify(self, token: str, *, typ: str) -> Mapping[str, Any] | None:
        """Claims of a token of our own; None when it is not ours, changed, or of another type. Checks no instants."""


class Http(Protocol):
    """The one outbound client: resolves once, refuses private addresses unless allowed, no redirects, bounded."""

    async def request(
        self,
        verb: str,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = 1 << 20,
        seconds: float = 10.0,
    ) -> "Reply":
        """Raises ``OutboundError`` when nothing came back within the limits."""

    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, seconds: float = 60.0
    ) -> AbstractAsyncContextManager["StreamReply"]:
        """A GET whose body is read in pieces."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer from outside, whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class StreamReply(Protocol):
    """An answer from outside, in pieces."""

    status: int

    def pieces(self) -> AsyncIterator[bytes]: ...


class OutboundError(Exception):
    """No usable answer: refused address, no connection, too slow, too large, a redirect."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A durable question to be asked later, at least once: it names things, it never holds an answer.

    Attributes:
        kind: picks the handler, for example ``dsp.message``.
        payload: ids and words, no readings.
        key: notices with the same key are handled one at a time, in order; "" for no order.
        tries: how often it was tried before.
    """

    kind: str
    payload: Mapping[str, Any]
    key: str = ""
    tries: int = 0


class Later(Exception):
    """A notice's handler says: try again after ``seconds`` (None: the usual back-off)."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds


class Notices(Protocol):
    """The durable outbox. ``put`` belongs inside a ``Services.write``, so that cause and notice commit together."""

    def put(self, connection: Connection, notice: Notice, *, after: timedelta = timedelta(0)) -> None: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings of one source in one step. Idempotent by (source, sequence).

    ``labels``: what a household calls a meter, by ``Reading.meter``; a meter that is not in it keeps its name.
    """

    source: str
    sequence: int
    readings: Sequence[tuple[SubjectId, Reading]]
    labels: Mapping[tuple[SubjectId, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntakeAnswer:
    """``refused`` holds (index, reason) of single records; the others are durable. ``repeated``: it was known."""

    accepted: int
    refused: tuple[tuple[int, str], ...] = ()
    repeated: bool = False


class Logger(Protocol):
    """A structlog logger, as far as it is used: an event's name and words beside it. Ids, never values or payloads."""

    def debug(self, event: str, /, **words: Any) -> Any: ...

    def info(self, event: str, /, **words: Any) -> Any: ...

    def warning(self, event: str, /, **words: Any) -> Any: ...

    def error(self, event: str, /, **words: Any) -> Any: ...

    def bind(self, **words: Any) -> "Logger":
        """The same with these words in every line."""


class SharedServices(Protocol):
    """What every kind of extension is given."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Now, UTC, aware."""

    @property
    def ids(self) -> Callable[[], str]:
        """A fresh random id, 32 hex digits."""

    @property
    def log(self) -> Logger:
        """With redaction, and with the extension's name in every line."""

    @property
    def http(self) -> Http: ...

    @property
    def notices(self) -> Notices: ...

    @property
    def public_urls(self) -> Mapping[Listener, str]:
        """How partners reach each listener from outside, without a trailing slash."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The extension's own table of the settings file."""

    async def look(self, ask: Callable[[Connection], T]) -> T:
        """Run ``ask`` on a reading connection for the extension's own tables, in one transaction, and return its value.

        All that ``ask`` reads is of one instant, after every ``write`` that has returned. It runs in a reader's thread:
        it touches nothing but its connection, cannot write, and brings out rows or values, no open results. Its own
        errors are raised here.
        """

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction and return when it is durable; its own errors roll it back alone.

        Writes come one after the other. Statements are SQLAlchemy's Core, so that any engine can say them; ``upsert``
        and ``insert_new`` write a row by its key.
        """


class Services(SharedServices, Protocol):
    """What an output is given."""

    @property
    def directory(self) -> Directory: ...

    @property
    def signer(self) -> Signer: ...

    @property
    def zone(self) -> tzinfo:
        """Where days begin: intervals of a day are those of this zone, shorter ones are counted in UTC."""

    async def send(
        self,
        question: ReleaseRequest,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        alive: Callable[[], bool] = always,
    ) -> web.StreamResponse:
        """Decide, write the ledger, open, minimise, render and write. Raises ``Refused`` before the first byte.

        The door itself cuts the answer when the ground, its time, the days' retention, the caller's client, token or
        certificate, the organisation's profile or its entry on the trust list ends. ``alive``: what only the adapter
        knows, asked before every chunk; it looks at memory and does not wait.
        """

    async def follow(
        self,
        question: ReleaseRequest,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        alive: Callable[[], bool],
    ) -> web.StreamResponse:
        """Like ``send``, then goes on with what comes in, until the period is over. No interval is told as missing:
        something may still come late.
        """

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        """What the door would say now, without releasing anything and without a ledger entry. One household only."""

    def openings(self, recipient: Recipient) -> Sequence[Opening]:
        """The live grounds of a recipient, for its catalog."""

    def zones(self, recipient: Recipient) -> Sequence[str]:
        """Zones and communities for which this recipient may ask for cohort figures; empty means none."""

    async def ask(self, household: SubjectId | Pseudonym, request: PermissionRequest) -> str:
        """Put a permission request before a household; the request's id.

        A pseudonym is the one under which ``request.recipient`` knows the household. Raises ``Refused`` for an
        unknown one, and where the organisation's profile does not allow to ask for this.
        """

    async def intake(self, batch: Batch) -> IntakeAnswer:
        """Seal and store; returns when it is durable. For our own outputs; any other one gets ``NotYours``."""

    async def seal(self, household: SubjectId, plain: bytes, *, about: str) -> bytes:
        """For the adapter's own tables: under the household's own key, bound to ``about``; gone with its erasure.

        Before ``write``, never inside it: it may ask another process. For what the adapter needs to work; what leaves
        is taken in (``intake``) and asked for at the door (``send``). Raises ``Gone``.
        """

    async def unseal(self, household: SubjectId, sealed: bytes, *, about: str) -> bytes:
        """The reverse. Raises ``Gone``, or ``ValueError`` when it was changed."""


class InputServices(SharedServices, Protocol):
    """What an input is given. It never learns which household a reading is of."""

    async def take(self, device: str, sequence: int, readings: Sequence[Reading]) -> IntakeAnswer:
        """Readings of one device, sealed and durable on return. Idempotent by (device, sequence), sequences ascend.

        ``device`` is the id of a box in the registry that begins with the input's name and a dot; the registry says for
        which household it sends. Any other id raises ``NotYours``. A reading whose meter is of no household is refused
        by its index as ``unknown-meter``, one of before the household was there as ``before-tenancy``. Raises
        ``ValueError`` for a batch that cannot be (too many readings).
        """


@dataclass(frozen=True, slots=True)
class Result:
    """One value that a processor made of an interval [start, end), UTC.

    ``name`` is a word of the processor's own; the quantity that households and recipients see is
    ``<processor>/<name>``, so that no result passes for a register of a meter. ``unit`` as in ``meter_driver.units``.
    It is kept as measured where all rows of its time were, and were whole; else as estimated.
    """

    name: str
    start: datetime
    end: datetime
    value: Decimal
    unit: str


Compute = Callable[[Released], Iterable[Result]]
"""Pure, and short: it runs on the event loop, a few milliseconds at most."""


class ProcessorServices(SharedServices, Protocol):
    """What a processor is given. It never learns which household it works for."""

    @property
    def recipient(self) -> Recipient:
        """The organisation as which it asks: ``recipient`` in its settings, an entry of the registry like any other."""

    def openings(self) -> Sequence[Opening]:
        """The live grounds of that organisation."""

    async def process(self, question: ReleaseRequest, compute: Compute) -> IntakeAnswer:
        """Ask the door, give what it lets out to ``compute``, and keep the results under the same household's key.

        The door decides and writes its ledger as for any recipient. The subject is one ``Pseudonym``; another one, or
        another recipient, raises ``NotYours``. Raises ``Refused`` when the door says no, also when the yes ended before
        the results were kept: then none is. Results of one household and one ``period.start`` are kept once (the
        answer says ``repeated``); starts ascend. No result: nothing is kept, and it may be asked again.
        """


NoticeHandler = Callable[[Notice], Awaitable[None]]
"""Raises ``Later`` to be called again; any other exception is logged and tried again with back-off."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an extension gives, made by its ``create(services)``.

    Attributes:
        name: short and stable, for example ``openadr``; that of its entry point.
        routes: see ``Route``. A processor has none.
        notices: handlers by kind. ``household.erased`` (payload: subject),
            ``ground.ended`` (payload: ground, subject, recipient, purpose) and
            ``permission.answered`` (payload: request, reference, recipient, ground or "") go to every adapter.
        background: named loops, run by the supervisor and restarted with back-off when they fail.
        start: awaited once before any port opens.
        authenticate: for the partners listener: who an ``Authorization`` header speaks for, or None if it is nobody
            this adapter knows. Called only for headers that are no token of ours. Outputs only; what an out-of-tree
            one says counts for partners and participants.
    """

    name: str
    routes: Sequence[Route] = ()
    notices: Mapping[str, NoticeHandler] = field(default_factory=dict)
    background: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    start: Callable[[], Awaitable[None]] | None = None
    authenticate: Callable[[str], Awaitable[Caller | None]] | None = None


class AdapterFactory(Protocol):
    """What an entry point of the group ``metergate.outputs`` names."""

    def __call__(self, services: Services) -> Adapter: ...


class InputFactory(Protocol):
    """What an entry point of the group ``metergate.inputs`` names."""

    def __call__(self, services: InputServices) -> Adapter: ...


class ProcessorFactory(Protocol):
    """What an entry point of the group ``metergate.processors`` names."""

    def __call__(self, services: ProcessorServices) -> Adapter: ...


@dataclass(frozen=True, slots=True)
class Migrations:
    """Where an adapter's Alembic revisions lie; a branch of its own, exported as ``MIGRATIONS`` beside ``create``."""

    branch: str
    folder: Path
