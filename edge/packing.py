"""What was selected of one telegram, written once: as it is sealed, kept and sent. Pure."""

from meter_driver import senml
from meter_driver.errors import SenmlError
from meter_driver.reading import Reading


class Packing:
    """Takes readings one by one; ``unwritable`` counts those that SenML has no form for."""

    def __init__(self, content_type: str) -> None:
        self._writer = senml.Writer(content_type)
        self.unwritable = 0

    def add(self, reading: Reading) -> bool:
        """Write it; False when that cannot be done."""
        try:
            self._writer.add(reading)
        except SenmlError:
            self.unwritable += 1
            return False
        return True

    def piece(self) -> senml.Piece:
        """All that was written."""
        return self._writer.piece()
