"""What a processor makes of released rows, and what it is given."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from adapters.plugin.inputs import IntakeAnswer
from adapters.plugin.release import Opening, Released
from adapters.plugin.shared import SharedServices
from policies.terms import Recipient, ReleaseRequest


@dataclass(frozen=True, slots=True)
class Result:
    """One value that a processor made of an interval [start, end), UTC.

    ``name`` is a word of the processor's own; the quantity that households and recipients see is
    ``<processor>/<name>``, so that no result passes for a register of a meter. ``unit`` as in ``meter_driver.units``.
    It is kept as measured where all rows of its time were, and were whole; else as estimated.
    """

    name: str
    start: datetime
    end: datetime
    value: Decimal
    unit: str


Compute = Callable[[Released], Iterable[Result]]
"""Pure, and short: it runs on the event loop, a few milliseconds at most."""


class ProcessorServices(SharedServices, Protocol):
    """What a processor is given. It never learns which household it works for."""

    @property
    def recipient(self) -> Recipient:
        """The organisation as which it asks: ``recipient`` in its settings, an entry of the registry like any other."""

    def openings(self) -> Sequence[Opening]:
        """The live grounds of that organisation."""

    async def process(self, question: ReleaseRequest, compute: Compute) -> IntakeAnswer:
        """Ask the door, give what it lets out to ``compute``, and keep the results under the same household's key.

        The door decides and writes its ledger as for any recipient. The subject is one ``Pseudonym``; another one, or
        another recipient, raises ``NotYours``. Raises ``Refused`` when the door says no, also when the yes ended before
        the results were kept: then none is. Results of one household and one ``period.start`` are kept once (the
        answer says ``repeated``); starts ascend. No result: nothing is kept, and it may be asked again.
        """
