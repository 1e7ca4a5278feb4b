"""The registry's parts together, and what concerns several of them."""

from collections.abc import Callable

from gateway.clock import Clock
from gateway.registry.boxes import Boxes
from gateway.registry.organisations import Organisations
from gateway.registry.tenancies import Tenancies
from gateway.storage.port import Store
from gateway.vault.port import Vault
from policies.terms import DetailClass, SubjectId


class Registry:
    """``tenancies``, ``boxes``, ``organisations``."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, ids: Callable[[], str]) -> None:
        self._vault = vault
        self.tenancies = Tenancies(store, vault, clock, ids)
        self.boxes = Boxes(store, vault, clock, ids)
        self.organisations = Organisations(store)

    async def load(self) -> None:
        """All of it; call before ports open. An erasure that was cut off after its keys were dropped is finished."""
        await self.tenancies.load()
        await self.boxes.load()
        await self.organisations.load()
        for each in self.tenancies.all():
            if each.erased is None and self._vault.oldest(each.id, DetailClass.LIVE) is None:
                await self.forget(each.id)

    async def move_out(self, subject: SubjectId) -> None:
        """Grounds end (hooks in ``tenancies.ending``), the range is closed, boxes no longer send for it."""
        await self.tenancies.move_out(subject)
        await self.boxes.release(subject)

    async def forget(self, subject: SubjectId) -> None:
        """After the keys of an erased household were dropped."""
        await self.tenancies.forget(subject)
        await self.boxes.release(subject)
