"""The pair of gateways of all journeys."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from adapters.gaiax.dsp.connector import Connector
from tests.adapters.gaiax.harness import ACME, ACME_DID, gateway, member, opening
from tests.adapters.gaiax.journey import Side, maker, pin


@pytest.fixture
async def sides(tmp_path: Path) -> AsyncIterator[tuple[Side, Side]]:
    """The utility's gateway that provides, and Acme's that consumes; each trusts the other's key."""
    found: list[Connector] = []
    (tmp_path / "p").mkdir()
    (tmp_path / "c").mkdir()
    async with (
        gateway(tmp_path / "p", did="did:web:utility.example", make=maker(found)) as provider,
        gateway(tmp_path / "c", did=ACME_DID, make=maker(found)) as consumer,
    ):
        for one, other in ((provider, consumer), (consumer, provider)):
            member(one, other.signer)
            await one.write(partial(pin, other.signer))
        provider.door.openings[ACME] = [opening()]
        yield Side(provider, found[0]), Side(consumer, found[1])
