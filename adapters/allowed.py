"""What of its live grounds an organisation may ask for: the narrower of ground and profile. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from adapters.plugin import Opening, Organisation
from policies.grid import common


def within(organisation: Organisation, openings: Iterable[Opening]) -> Iterator[Opening]:
    """What of the grounds the organisation's profile lets it ask for; the door refuses the rest."""
    for opening in openings:
        quantities = opening.quantities & organisation.quantities
        if quantities and opening.purpose in organisation.purposes:
            finest = common([opening.resolution, organisation.finest])
            yield replace(opening, quantities=quantities, resolution=finest)
