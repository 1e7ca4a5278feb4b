"""What an output is given: the door, the keys of its own tables, and whom it speaks with."""

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Protocol, TypeVar

from aiohttp import web
from sqlalchemy import Connection, Table

from adapters.plugin.inputs import Batch, IntakeAnswer
from adapters.plugin.partners import Directory, Signer
from adapters.plugin.release import Opening, PermissionRequest, Renderer, always
from adapters.plugin.shared import SharedServices
from policies.terms import Grant, Pseudonym, Recipient, Refusal, ReleaseRequest, SubjectId

T = TypeVar("T")


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

    async def write_end(
        self, work: Callable[[Connection], T], ended: Callable[[T], Mapping[Table, Sequence[str]]]
    ) -> T:
        """As ``write``, where ``work`` ends what somebody was allowed by rows of own tables.

        ``ended``: which rows, of what ``work`` gave; by the first column of their key. They are beside every backup on
        return, as they are then, so that no restore gives it back. One that is gone is so there too if that column is
        the whole key.
        """

    async def recall(self, recipient: Recipient) -> None:
        """Something that only the adapter knows ended (see ``alive``): this recipient's open answers are asked again.

        Those that stand no longer are cut before this returns, what lies unsent of them included.
        """

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        """What the door would say now, without releasing anything and without a ledger entry. One household only."""

    def openings(self, recipient: Recipient, about: Pseudonym | None = None) -> Sequence[Opening]:
        """The live grounds of a recipient, for its catalog; ``about``: of the household that it knows by this name.

        Many households are many openings: what is done with each of them belongs beside the loop.
        """

    def zones(self, recipient: Recipient) -> Sequence[str]:
        """Zones and communities for which this recipient may ask for cohort figures; empty means none."""

    async def ask(self, household: SubjectId | Pseudonym, request: PermissionRequest) -> str:
        """Put a permission request before a household; the request's id.

        A pseudonym is the one under which ``request.recipient`` knows the household. Raises ``Refused`` for an
        unknown one, and where the organisation's profile does not allow to ask for this; ``NotAskedNow`` while
        another request of the recipient for the purpose waits, and for a while after a no. One with the same
        ``reference`` takes the place of the former; when it is over, tell so (``TAKEN_BACK``).
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
