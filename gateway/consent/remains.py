"""What an erasure leaves of one household: of all that may stay (``policies.holdings``), what there is of this one."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, column, inspect, select
from sqlalchemy import table as named

from gateway.door.openings import pairwise
from gateway.recovery.ending_log import EndingLog
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import draw, member
from gateway.storage.tables.door import evidence, ground, permission_request
from gateway.storage.tables.identity import access, session
from gateway.storage.tables.registry import metering_point
from gateway.vault.port import Vault
from meter_driver.instants import in_utc
from policies.holdings import HOLDINGS, Holding, Lasting
from policies.terms import SubjectId


class Remaining(NamedTuple):
    """One kind of thing, and the last day (UTC) on which something of it is there."""

    holding: Holding
    until: date


class Remains:
    """One instance for each process. To be asked before the household's rows go."""

    def __init__(self, store: Store, vault: Vault, ending_log: EndingLog, lasting: Lasting) -> None:
        self._store, self._vault, self._ending_log, self.lasting = store, vault, ending_log, lasting

    async def of(self, household: SubjectId, at: datetime, *, stays_logged_in: bool) -> Sequence[Remaining]:
        """Of an erasure at an instant. ``stays_logged_in``: a session is left, for the certificate."""
        there = await self._store.look(lambda connection: self._there(connection, household))
        backups = self._ending_log.until
        if stays_logged_in:
            there |= {"session", "access"}
        if backups is not None and backups > at:
            there.add("endings")
        found = [each for each in HOLDINGS if each.always or each.key in there]
        return [Remaining(each, self._until(each, at)) for each in found]

    def _until(self, holding: Holding, at: datetime) -> date:
        backups = self._ending_log.until
        if holding.key == "endings" and backups is not None:
            return in_utc(backups).date()
        return self.lasting.until(holding, at)

    def _there(self, connection: Connection, household: SubjectId) -> set[str]:
        tag = self._vault.lookup("evidence", household)
        receipts = ("receipt", "notice", "withdrawal", "expiry")
        asked = {
            "receipts": select(evidence.c.id).where(evidence.c.subject_tag == tag, evidence.c.kind.in_(receipts)),
            "records": select(ground.c.id).where(ground.c.subject == household),
            "requests": select(permission_request.c.id).where(permission_request.c.subject == household),
            "points": select(metering_point.c.lookup).where(metering_point.c.tenancy == household),
            "counted": select(member.c.node).where(member.c.subject == household),
            "drawn": select(draw.c.place).where(draw.c.cohorts.contains(household)),
            "access": select(access.c.number).where(access.c.caller == household),
            "logged in": select(session.c.lookup).where(session.c.subject == household),
        }
        there = {key for key, query in asked.items() if connection.execute(query.limit(1)).first() is not None}
        there |= {key for key, ways in _SAME.items() if there & ways} | {
            "receipts" if "receipts" in there else "certificate"
        }
        return there | ({"dataspace"} if self._in_dataspace(connection, household) else set())

    def _in_dataspace(self, connection: Connection, household: SubjectId) -> bool:
        """Whether something of the data space tells of it, by the name under which a partner knows it."""
        there = inspect(connection).get_table_names()
        for rows in (each for each in _DATASPACE if each.name in there):
            for (recipient,) in connection.execute(select(rows.c.recipient).distinct()).fetchall():
                name = pairwise(self._vault, recipient, household).encode()
                told = connection.execute(select(rows.c.body).where(rows.c.recipient == recipient))
                if any(name in body for (body,) in told):
                    return True
        return False


_DATASPACE = [named(each, column("recipient"), column("body")) for each in ("dsp_agreement", "dsp_process")]
"""Of an adapter; where it was never there, neither are they."""
_SAME = {"records": {"requests"}, "figures": {"counted", "drawn"}, "access": {"logged in"}}
"""What is told by one name, by what else shows it."""
