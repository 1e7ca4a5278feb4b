"""The record of processing (GDPR Art. 30), made from what the house is: tables, settings, organisations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from adapters.plugin import Route
from gateway.api.models import Json
from gateway.registry.organisations import ListedOrganisation, Organisations
from gateway.settings import Settings
from policies.holdings import Lasting
from policies.processing import MEASURES, STORED, KeptFor, StoredTables
from policies.roles import OPERATOR, Listener
from policies.terms import ONE_DAY, DetailClass, Purpose


@dataclass(frozen=True, slots=True)
class ProcessingApi:
    """Handlers. ``days``: for which each class is kept, also where that was shortened. ``lasting``: of evidence."""

    settings: Settings
    days: Mapping[DetailClass, int]
    organisations: Organisations
    lasting: Lasting

    def routes(self) -> list[Route]:
        """On the people listener, for the operator."""
        path = "/api/record-of-processing"
        return [Route(Listener.PEOPLE, "GET", path, "api.processing", self.record, OPERATOR, 1024)]

    async def record(self, _: web.Request) -> web.Response:
        """What is held of whom, for which purposes, on which ground, until when, and who may receive it."""
        listed = self.organisations.all()
        return web.json_response(
            {
                "controller": {"name": self.settings.controller.name, "contact": self.settings.controller.contact},
                "purposes": [_purpose(each, listed) for each in Purpose],
                "recipients": [_recipient(each) for each in listed],
                "stored": [_stored(each, self.limits()) for each in STORED],
                "measures": list(MEASURES),
            }
        )

    def limits(self) -> KeptFor:
        """As they count now."""
        kept, days = self.settings.retention, self.days
        return KeptFor(
            live=days[DetailClass.LIVE],
            quarter=days[DetailClass.QUARTER],
            day=days[DetailClass.DAY],
            evidence=self.lasting.evidence // ONE_DAY,
            access_log=kept.access_log,
            session=self.settings.limits.session_days,
            recovery=kept.recovery_hours,
        )


def _purpose(purpose: Purpose, listed: Sequence[ListedOrganisation]) -> Json:
    who = [each.organisation.id for each in listed if purpose in each.organisation.purposes]
    return {"purpose": purpose.value, "dpv": purpose.dpv, "recipients": who}


def _recipient(listed: ListedOrganisation) -> Json:
    known = listed.organisation
    return {
        "recipient": known.id,
        "name": known.name,
        "did": known.did,
        "purposes": sorted(known.purposes),
        "levels": sorted(known.levels),
        "quantities": sorted(known.quantities),
        "finest_seconds": int(known.finest.total_seconds()),
        "places": list(listed.zones),
    }


def _stored(stored: StoredTables, limits: KeptFor) -> Json:
    return {
        "what": stored.what,
        "of": stored.of.value,
        "tables": list(stored.tables),
        "opened_by": stored.key,
        "ground": stored.ground,
        "until": stored.until_in(limits),
    }
