"""Availability at the real door: households with a live ground, by the caller's names for them, until it ends."""

from pathlib import Path
from typing import Any

import pytest

from adapters.sdmx.asked import QUANTITY, SUBJECT, NotAnswered, of_3_0
from adapters.sdmx.availability import contents
from policies.terms import Level, Recipient
from tests.gateway.house import ACME, ENERGY, FEED, House, house

ASKED = of_3_0({"context": "dataflow", "agency": "METERGATE", "id": "LOAD"}, [])


def told(home: House, recipient: Recipient = ACME) -> Any:
    services, organisation = home.gateway.services("mine"), home.registry.organisation_now(recipient)
    assert organisation is not None
    (load,) = contents(ASKED, organisation, services.openings(recipient), services.zones(recipient), home.now)
    return load.values[SUBJECT], load.values[QUANTITY], load.period


async def test_a_recipient_is_told_who_agreed_to_it_and_nobody_else_until_it_ends(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        mine, other, neighbour, _ = [await home.household() for _ in range(4)]
        consent = await home.agree(mine)
        await home.agree(other, recipient=Recipient("somebody else"))
        await home.agree(neighbour, level=Level.COHORT)
        (name,), quantities, period = told(home)
        assert name == home.release.pseudonym(ACME, mine)
        assert quantities == [ENERGY, FEED]
        assert (period.start, period.end) == (consent.scope.values.start, home.now)
        await home.consent.withdraw(mine)
        with pytest.raises(NotAnswered, match="nothing"):
            told(home)
