"""The registry's parts together, and what concerns several of them."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import tzinfo

from gateway.clock import Clock
from gateway.pins.pins import Pins
from gateway.registry.boxes import Boxes
from gateway.registry.meters import Meters
from gateway.registry.organisations import Organisations
from gateway.registry.tenancies import Tenancies
from gateway.registry.turns import Turns
from gateway.rights import Recall
from gateway.storage.port import Store
from gateway.vault.port import Vault
from policies.terms import SubjectId


class Registry:
    """Its parts; and ``turns``, which all that concerns one household takes."""

    def __init__(
        self, store: Store, pins: Pins, vault: Vault, clock: Clock, ids: Callable[[], str], ended: Recall, zone: tzinfo
    ) -> None:
        self.turns = Turns()
        self.tenancies = Tenancies(store, vault, clock, ids, zone)
        self.boxes = Boxes(store, pins, vault, clock, ids, ended)
        self.meters = Meters(store, vault, clock, ids)
        self.organisations = Organisations(store, pins, ended)

    async def load(self) -> None:
        """All of it, as it was stored; ``household_end`` finishes what was begun before anybody is shown it."""
        await self.tenancies.load()
        await self.boxes.load()
        await self.organisations.load()

    async def add_box(self, meters: Mapping[str, SubjectId], *, box_id: str = "") -> str:
        """``Boxes.add_box`` for live households; one that is ending is not live. Raises ``Unknown`` too."""
        async with AsyncExitStack() as turns:
            for household in sorted(set(meters.values())):
                await turns.enter_async_context(self.turns.of(household))
                self.tenancies.live(household)
            return await self.boxes.add_box(meters, box_id=box_id)
