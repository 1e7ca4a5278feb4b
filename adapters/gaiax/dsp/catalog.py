"""The catalog of one caller: datasets from its openings, in DCAT. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from adapters.allowed import within
from adapters.gaiax import odrl
from adapters.gaiax.dsp.messages import MESSAGE_CONTEXT
from adapters.gaiax.odrl import Offer, Terms
from adapters.plugin import Opening, Organisation
from policies.grid import common, multiple
from policies.terms import AS_RECEIVED, FAR_FUTURE, QUARTER_HOUR, Level, Purpose, Recipient

PULL, STREAM = "HttpData-PULL", "HttpData-STREAM"
"""Formats of distributions: a GET whose answer ends, and one that goes on with what comes in."""
ID = "urn:metergate:"
SINGLE, PORTFOLIO, COMMUNITY = ID + "load/single/", ID + "load/portfolio/", ID + "community/"
TIME_ZONE = "http://www.w3.org/2006/time#timeZone"
"""OWL-Time: in which zone days begin; DCAT has no word for it, nor has the protocol's context."""
ASKED_FOR = timedelta(days=365)
"""How long a permission is that an offer asks for."""
KEPT = 8
"""Recipients whose catalog is kept ready."""
CELLS_KEPT = timedelta(days=3650)
"""Sums over cohorts are no personal data; an agreement still names an end."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset of a catalog. ``offers`` is never empty."""

    id: str
    title: str
    offers: tuple[Offer, ...]
    formats: tuple[str, ...] = (PULL,)
    resolution: timedelta | None = None


class Shelf(Protocol):
    """Where datasets come from."""

    async def datasets(self, recipient: Recipient, did: str) -> Sequence[Dataset]:
        """What one participant may see now."""


@lru_cache(maxsize=KEPT)
def shelf_of(
    organisation: Organisation, did: str, openings: tuple[Opening, ...], zones: tuple[str, ...], today: date
) -> tuple[Dataset, ...]:
    """All datasets of one recipient: single households, portfolios, communities, in this order.

    The same tuple as long as nothing has changed; it holds no value. ``today`` is in UTC.
    """
    allowed = tuple(within(organisation, openings))
    terms = [
        *(_singles(allowed) if Level.INDIVIDUAL in organisation.levels else ()),
        *_to_be_asked(organisation, openings, today),
        *(_portfolios(allowed) if Level.PSEUDONYMOUS in organisation.levels else ()),
        *_communities(organisation, zones),
    ]
    offers: dict[str, dict[str, Offer]] = {}
    for each in terms:
        one = odrl.offer(each, did)
        offers.setdefault(each.dataset, {})[one.id] = one
    return tuple(_dataset(name, tuple(found.values())) for name, found in offers.items())


def _dataset(name: str, offers: tuple[Offer, ...]) -> Dataset:
    if name.startswith(COMMUNITY):
        return Dataset(name, "Metered values of a community, sums over cohorts", offers, formats_of(name))
    kind = "one household" if name.startswith(SINGLE) else "each household that allows it"
    finest = min(o.terms.resolution for o in offers if o.terms)
    return Dataset(name, f"Metered values of {kind}", offers, formats_of(name), finest or None)


def formats_of(dataset: str) -> tuple[str, ...]:
    """In which formats a dataset can be asked for. Cells come once in a quarter of an hour: nothing to stream."""
    return (PULL,) if dataset.startswith(COMMUNITY) else (PULL, STREAM)


def _singles(openings: Iterable[Opening]) -> Iterable[Terms]:
    """A household that allows this recipient to see it."""
    for opening in openings:
        if opening.level is Level.INDIVIDUAL:
            yield Terms(
                dataset=SINGLE + opening.pseudonym,
                about=opening.pseudonym,
                purpose=opening.purpose,
                quantities=tuple(sorted(opening.quantities)),
                resolution=opening.resolution,
                level=Level.INDIVIDUAL,
                start=opening.values.start,
                end=opening.values.end,
                until=opening.until,
                keep=opening.keep,
            )


def _to_be_asked(organisation: Organisation, openings: Sequence[Opening], today: date) -> Iterable[Terms]:
    """For a household known already: the purposes of the profile that it has not allowed. It will be asked."""
    if Level.INDIVIDUAL not in organisation.levels or not organisation.quantities:
        return
    begin = datetime(today.year, today.month, today.day, tzinfo=UTC)
    allowed = {(o.pseudonym, o.purpose) for o in openings}
    purposes = organisation.purposes - {Purpose.NEIGHBOURHOOD}
    longest = max((o.keep for o in openings), default=timedelta(0))
    for name in dict.fromkeys(o.pseudonym for o in openings if o.level is not Level.COHORT):
        for purpose in sorted(p for p in purposes if (name, p) not in allowed):
            yield Terms(
                dataset=SINGLE + name,
                about=name,
                purpose=purpose,
                quantities=tuple(sorted(organisation.quantities)),
                resolution=organisation.finest,
                level=Level.INDIVIDUAL,
                start=begin,
                end=begin + ASKED_FOR,
                until=begin + ASKED_FOR,
                keep=longest,
                ask=True,
            )


def _portfolios(openings: Iterable[Opening]) -> Iterable[Terms]:
    """One agreement, rows of whoever allows it at each moment; offers differ by detail only."""
    groups: dict[tuple[Purpose, tuple[str, ...], timedelta, timedelta], None] = {}
    for o in openings:
        if o.level is not Level.COHORT:
            groups[o.purpose, tuple(sorted(o.quantities)), common([o.resolution, QUARTER_HOUR]), o.keep] = None
    for purpose, quantities, resolution, keep in sorted(groups):
        yield Terms(
            dataset=PORTFOLIO + purpose,
            about="",
            purpose=purpose,
            quantities=quantities,
            resolution=resolution,
            level=Level.PSEUDONYMOUS,
            start=FAR_FUTURE,
            end=FAR_FUTURE,
            until=FAR_FUTURE,
            keep=keep,
        )


def _communities(organisation: Organisation, zones: Sequence[str]) -> Iterable[Terms]:
    """Cells of the partition that the server draws; quarter hours, of the profile's quantities."""
    may = Level.COHORT in organisation.levels and Purpose.NEIGHBOURHOOD in organisation.purposes
    if not may or not organisation.quantities:
        return
    for zone in zones:
        yield Terms(
            dataset=COMMUNITY + zone,
            about=zone,
            purpose=Purpose.NEIGHBOURHOOD,
            quantities=tuple(sorted(organisation.quantities)),
            resolution=common([organisation.finest, QUARTER_HOUR]),
            level=Level.COHORT,
            start=FAR_FUTURE,
            end=FAR_FUTURE,
            until=FAR_FUTURE,
            keep=CELLS_KEPT,
        )


def covers(opening: Opening, terms: Terms) -> bool:
    """Whether a live ground allows what an offer for one household says."""
    return (
        opening.pseudonym == terms.about
        and opening.purpose is terms.purpose
        and opening.level is Level.INDIVIDUAL
        and set(terms.quantities) <= opening.quantities
        and multiple(terms.resolution, opening.resolution)
        and opening.values.covers(terms.values)
    )


def stands(terms: Terms | None, openings: Iterable[Opening]) -> bool:
    """Whether a single household still allows what was offered; other datasets are asked for at each release."""
    if terms is None or terms.level is not Level.INDIVIDUAL:
        return True
    return any(covers(opening, terms) for opening in openings)


def find(datasets: Iterable[Dataset], offer_id: str, target: str) -> tuple[Dataset, Offer] | None:
    """The dataset with this offer. A target, where one is given, must be that dataset."""
    for dataset in datasets:
        for offer in dataset.offers:
            if offer.id == offer_id and target in ("", dataset.id):
                return dataset, offer
    return None


def catalog(
    did: str, catalog_id: str, service_url: str, datasets: Sequence[Dataset], zone: str = "UTC"
) -> dict[str, Any]:
    """The Catalog (DSP 2025-1, section 5.2). Members that would be empty arrays are left out, as the schema asks.

    ``zone``: IANA name of the zone whose days are told.
    """
    service = {"@id": catalog_id + "#dsp", "@type": "DataService", "endpointURL": service_url}
    body: dict[str, Any] = {
        "@context": MESSAGE_CONTEXT,
        "@id": catalog_id,
        "@type": "Catalog",
        "participantId": did,
        "service": [service],
    }
    if datasets:
        body["dataset"] = [_described(d, service, zone) for d in datasets]
    return body


def dataset_answer(dataset: Dataset, catalog_id: str, service_url: str, zone: str = "UTC") -> dict[str, Any]:
    """One Dataset with a context of its own."""
    service = {"@id": catalog_id + "#dsp", "@type": "DataService", "endpointURL": service_url}
    return {"@context": MESSAGE_CONTEXT, **_described(dataset, service, zone)}


def _described(dataset: Dataset, service: dict[str, Any], zone: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "@id": dataset.id,
        "@type": "Dataset",
        "dct:title": dataset.title,
        "dct:description": _about(dataset, zone),
        TIME_ZONE: zone,
        "hasPolicy": [odrl.in_catalog(o) for o in dataset.offers],
        "distribution": [
            {"@type": "Distribution", "format": name, "accessService": service} for name in dataset.formats
        ],
    }
    if dataset.resolution is not None and dataset.resolution > AS_RECEIVED:
        length = odrl.duration(dataset.resolution)
        body["dcat:temporalResolution"] = {"@type": "xsd:duration", "@value": length}
    return body


def _about(dataset: Dataset, zone: str) -> str:
    """What its rows say. Names of meters are the household's: they stand in rows and nowhere else."""
    of = "no meter" if dataset.id.startswith(COMMUNITY) else "the meter of the household by its label"
    return (
        f"Each row names quantity, interval in UTC, value, unit, status, completeness and {of}. "
        f"Days are those of {zone}; shorter intervals are counted in UTC."
    )
