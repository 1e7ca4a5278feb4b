"""A VTN, the utility that sends its signals, and another one beside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.openadr.harness import Running, running
from tests.adapters.openadr.utility import Utility, utility


@pytest.fixture
async def vtn(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as harness:
        yield harness


@pytest.fixture
async def partner(vtn: Running) -> AsyncIterator[Utility]:
    async with utility(vtn.partners) as found:
        yield found


@pytest.fixture
async def rival(vtn: Running) -> AsyncIterator[Utility]:
    async with utility(vtn.partners, "rival", "3003") as found:
        yield found
