"""Put a box together from its settings and its folder. The only place where clock and randomness come from."""

import asyncio
import os
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge import meters, tls
from edge.box import EdgeBox, NamedLink
from edge.clock import BoxClock, since_start
from edge.database import Database
from edge.errors import SettingsError
from edge.files import box_key
from edge.keys import keyring
from edge.latest import Latest
from edge.logger import Logger
from edge.outbox import EdgeOutbox
from edge.pair import mend
from edge.renewal import SelfRenewal
from edge.select import Selection
from edge.session import GatewaySession
from edge.settings import Settings, VenSettings
from edge.uplink import Uplink
from meter_driver.framing import Keys


async def run_box(told: Settings, lines: Sequence[NamedLink], keys: Mapping[str, Keys], log: Logger) -> None:
    """A whole box from its settings, until cancelled (or to the end of its recordings).

    Args:
        told: its links are not looked at: ``lines`` may be others.
        keys: the meters' keys by system title, see ``edge.keys``.
        log: structlog's shape; gets event names and ids, never readings.

    Raises:
        SettingsError, StoreError: it cannot start.
    """
    folder = Path(told.state)
    box = box_id(folder)
    mend(folder)
    others = meters.installed()
    log = log.bind(box=box)
    outbox = open_outbox(folder, box, max_readings=told.max_readings)
    if undated := outbox.begin():
        log.error("outbox.undated", dropped=undated)
    jitter = random.SystemRandom().random
    with closing(outbox):
        async with aclosing(GatewaySession(folder)) as session:
            uplink = Uplink(
                outbox,
                session,
                told.gateway.url,
                log=log,
                jitter=jitter,
                expires=lambda: session.expires,
                clock=_now,
                limit=told.gateway.batch,
                every=told.gateway.every,
            )
            latest = Latest(_now)
            whole = EdgeBox(
                box,
                lines,
                outbox,
                uplink,
                keys=keyring(keys),
                meters=others,
                selection=Selection.of(rule.rule() for rule in told.select),
                clock=BoxClock(_now, since_start, not_before=tls.begins(folder)),
                jitter=jitter,
                log=log,
                content_type=told.gateway.content_type,
                far_off=timedelta(seconds=told.far_off),
                see=latest.see,
            )
            ven = _place(told.ven, folder)
            renewal = SelfRenewal(folder, told.gateway.url, session, log=log, jitter=jitter, clock=_now, ven=ven)
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(_ven(told.ven, folder, latest, jitter, log), name="ven"),
                    group.create_task(renewal.run(), name="renewal"),
                ]
                await whole.run()
                for each in beside:
                    each.cancel()


def _place(told: VenSettings | None, folder: Path) -> Path | None:
    """Where the VEN's certificate lies."""
    return None if told is None else Path(told.folder or folder)


async def _ven(
    told: VenSettings | None, folder: Path, latest: Latest, jitter: Callable[[], float], log: Logger
) -> None:
    if told is None:
        return
    # Imported here, so that a box without a VEN needs no openleadr and does not wait for its import.
    from edge.ven import EdgeVen, OptRule

    rule = OptRule(longest=timedelta(seconds=told.longest))
    place = Path(told.folder or folder)
    mend(place)
    sampling = timedelta(seconds=told.sampling)
    await EdgeVen(told.name, told.url, place, latest, rule=rule, sampling=sampling, jitter=jitter, log=log).run()


def open_outbox(folder: Path, box: str, *, max_readings: int) -> EdgeOutbox:
    """The outbox of a folder, made at the first start. SettingsError for its key, StoreError for its database."""
    key = box_key(folder / "outbox.key", os.urandom(32))
    first = int(max(_now(), tls.begins(folder)).timestamp() * 1000)
    return EdgeOutbox(Database(folder / "outbox.db"), key, box, first_sequence=first, max_readings=max_readings)


def box_id(folder: Path) -> str:
    """Who this box is. SettingsError before it was enrolled."""
    try:
        return (folder / "box.id").read_text().strip()
    except OSError as error:
        raise SettingsError(f"{folder}: not enrolled ({error.strerror})") from error


def _now() -> datetime:
    return datetime.now(UTC)
