"""From what was found to adapters that run: each given what its kind is given, each within its bounds."""

from collections.abc import Iterable, Sequence

from adapters import plugin
from adapters.plugin import Adapter, Batch, IntakeAnswer, NotYours, Route
from gateway.compose import Gateway
from gateway.extending.bounds import bounded, first_part
from gateway.extending.found import ExtensionKind, Found
from gateway.extending.inputs import DeviceServices
from gateway.extending.processors import ResultServices


class _NothingIn:
    """The intake desk as an out-of-tree output sees it."""

    async def take(self, _: Batch) -> IntakeAnswer:
        raise NotYours("an output takes nothing in: inputs and processors do")


def made(gateway: Gateway, all_: Sequence[Found], others: Iterable[Route]) -> list[Adapter]:
    """In the order found, ours first. ``others``: routes that are there already.

    Raises ``SettingsError`` for one that leaves its bounds, and what a factory raises for its settings.
    """
    taken = {first_part(route.path) for route in others}
    adapters: list[Adapter] = []
    for it in all_:
        words = {kind.partition(".")[0] for adapter in adapters for kind in adapter.notices}
        adapter = bounded(it.create(_services(gateway, it)), it, taken, words)
        taken |= {first_part(route.path) for route in adapter.routes}
        adapters.append(adapter)
    return adapters


def _services(gateway: Gateway, it: Found) -> plugin.Services | plugin.InputServices | plugin.ProcessorServices:
    match it.kind:
        case ExtensionKind.OUTPUT:
            return gateway.services(it.name, None if it.ours else _NothingIn())
        case ExtensionKind.INPUT:
            shared = gateway.services(it.name)
            registry = gateway.registry
            of = registry.boxes, registry.meters, registry.tenancies
            return DeviceServices(shared, it.name, *of, gateway.intake)
        case ExtensionKind.PROCESSOR:
            shared = gateway.services(it.name)
            return ResultServices(shared, it.name, gateway.release, gateway.profiles, gateway.intake)
