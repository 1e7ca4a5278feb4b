"""What an extension gives, how it is made, and where its tables come from."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Table

from adapters.plugin.inputs import InputServices
from adapters.plugin.notices import NoticeHandler
from adapters.plugin.outputs import Services
from adapters.plugin.processors import ProcessorServices
from adapters.plugin.routes import Caller, Route


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an extension gives, made by its ``create(services)``.

    Attributes:
        name: short and stable, for example ``openadr``; that of its entry point.
        routes: see ``Route``. A processor has none.
        notices: handlers by kind. ``household.erased`` (payload: subject),
            ``ground.ended`` (payload: ground, subject, recipient, purpose; by_time: nobody took it back),
            ``ground.ending`` (30 and 7 days before its time is over: those four, end, days) and
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
    """Where an adapter's Alembic revisions lie; a branch of its own, exported as ``MIGRATIONS`` beside ``create``.

    ``guarded``: those of its tables whose rows say who may. They are tied to the keys, see ``adapters.plugin.guarded``.
    Asked when it is needed, so that nothing heavy is imported before.
    """

    branch: str
    folder: Path
    guarded: Callable[[], Sequence[Table]] = tuple
