"""Epochs: one number for each ground, compared before every write to a partner.

A release remembers the epoch of the ground it rests on. Ending the ground moves the number, in memory and at once;
whatever was opened under the old number may no longer be written. One event loop shares one table, so a comparison and
the write that follows it without an await cannot be parted by a withdrawal.
"""


class Epochs:
    """Numbers by ground id. Unknown grounds are at 0; a number only grows."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def current(self, ground: str) -> int:
        return self._numbers.get(ground, 0)

    def flip(self, ground: str) -> int:
        """The new number; everything released under an older one stops."""
        number = self.current(ground) + 1
        self._numbers[ground] = number
        return number
