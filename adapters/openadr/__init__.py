"""OpenADR 2.0b VTN (HTTP pull) and the OpenADR 3.1 REST API for business logic, over one event store."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Table

from adapters.plugin import Adapter, Migrations, Services


def _guarded() -> Sequence[Table]:
    from adapters.openadr.store import OPENADR_GUARDED

    return OPENADR_GUARDED


MIGRATIONS = Migrations("openadr", Path(__file__).parent / "migrations", _guarded)


def create(services: Services) -> Adapter:
    """The adapter. What it knows is read back when ``start`` is awaited.

    Raises ``ValueError`` for settings that do not make sense.
    """
    from adapters.openadr import enrolment, ownership, retention
    from adapters.openadr.desk import Desk
    from adapters.openadr.v2b import routes as v2b
    from adapters.openadr.v3 import routes as v3

    desk = Desk(services)
    routes = [*v2b.routes(desk), *v3.routes(desk), *enrolment.routes(desk), *ownership.routes(desk)]
    notices = {"household.erased": partial(enrolment.erased, desk)}
    background = {"retention": partial(retention.run, desk)}
    return Adapter(name="openadr", routes=routes, notices=notices, background=background, start=desk.start)
