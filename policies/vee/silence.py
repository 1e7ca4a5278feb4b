"""Days on which a meter that had spoken before said nothing at all: each run of them is one exception."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from meter_driver.quantities import is_amount
from policies.terms import ONE_DAY

Spoken = Mapping[date, Mapping[str, frozenset[str]]]
"""By local day: of each meter the quantities of which it said something."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Whole local days, both included."""

    meter: str
    quantity: str
    first: date
    last: date


def silent_days(days: Sequence[date], spoken: Spoken, before: Collection[Silence] = ()) -> list[Silence]:
    """``days``: those of which it is known who spoke, ascending; where one is left out, nobody is expected any more.

    What is missed of a meter is what it had an amount of on the last day on which it spoke. ``before``: what was found
    earlier; of that what began by the first of ``days`` goes on, until the meter speaks.
    """
    if not days:
        return list(before)
    found = [each for each in before if each.last < days[0] - ONE_DAY]
    begun = [each for each in before if each.first <= days[0] <= each.last + ONE_DAY]
    meters = {meter for some in spoken.values() for meter in some} | {each.meter for each in begun}
    for meter in sorted(meters):
        found += _of_meter(meter, days, spoken, {each.quantity: each.first for each in begun if each.meter == meter})
    return found


def _of_meter(meter: str, days: Sequence[date], spoken: Spoken, since: dict[str, date]) -> Iterator[Silence]:
    """``since``: quantities that are missed already."""
    expected: Collection[str] = ()
    for day in days:
        said = spoken.get(day, {}).get(meter)
        left_out = day != days[0] and day - ONE_DAY not in days
        if said is not None or left_out:
            last = max((each for each in days if each < day), default=day - ONE_DAY)
            yield from (Silence(meter, quantity, first, last) for quantity, first in since.items() if first <= last)
            since, expected = {}, said or ()
            continue
        since |= {quantity: day for quantity in expected if quantity not in since and is_amount(quantity)}
    yield from (Silence(meter, quantity, first, days[-1]) for quantity, first in since.items())
