"""What an input is given: it names devices, the registry says whose they are."""

from collections.abc import Sequence
from functools import partial

from adapters.plugin import Batch, IntakeAnswer, NotYours
from gateway.errors import BatchRefused, NotAllowed
from gateway.intake.http import Devices
from gateway.intake.labels import Homes, Taking, labels_of, placed
from gateway.registry.meters import Meters
from gateway.services import BaseServices
from meter_driver.reading import Reading


class DeviceServices(BaseServices):
    """Implements ``adapters.plugin.InputServices``. ``name``: the input's, and the begin of its devices' ids."""

    def __init__(
        self, shared: BaseServices, name: str, devices: Devices, meters: Meters, homes: Homes, intake: Taking
    ) -> None:
        super().__init__(**shared.parts())
        self._name, self._devices, self._meters, self._homes, self._intake = name, devices, meters, homes, intake

    async def take(self, device: str, sequence: int, readings: Sequence[Reading]) -> IntakeAnswer:
        if not device.startswith(f"{self._name}."):
            raise NotYours(f"a device of the input {self._name} is a box whose id begins with {self._name} and a dot")
        batch = placed(enumerate(readings), partial(self._devices.subject_of, device), self._homes)
        try:
            labels = await labels_of(device, batch, self._meters)
            answer = await self._intake.take(Batch(f"input:{device}", sequence, batch.readings, labels))
        except (BatchRefused, NotAllowed) as error:
            raise ValueError(str(error)) from None
        refused = [*batch.refused, *((batch.indexes[index], reason) for index, reason in answer.refused)]
        return IntakeAnswer(answer.accepted, tuple(sorted(refused)), answer.repeated)
