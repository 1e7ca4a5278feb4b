"""What a test of egress stands on: a table of epochs, a clock, rights and standings, and parts of some rows."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from adapters.plugin import Released, Renderer, always
from gateway.clock import Clock
from gateway.door.egress import Egress, Part
from gateway.door.epochs import Epochs
from gateway.door.lines import Lines
from gateway.door.standing import Lapse, Right, Sight, Standing
from gateway.rights import Footing, client, ground
from policies.terms import AS_RECEIVED, FAR_FUTURE, DetailClass, Level, Purpose, Recipient, Row, SubjectId

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLIENT = client("c")


def body(released: Released) -> Iterator[bytes]:
    for row in released.rows:
        yield f"{row.subject} {row.value} {'x' * 2000}\n".encode()


RENDERER = Renderer("text/plain", body, head=b"head\n", tail=b"tail\n", between=b"--\n")


class Stand:
    """Grounds are words; ``alive`` is the recipient's right."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.now, self.clock = NOON, clock or (lambda: self.now)
        self.epochs, self.lines = Epochs(), Lines(self.clock)
        self.egress = Egress(self.lines)
        self.alive: Callable[[], bool] = always
        self.oldest: date | None = date.min
        sight = Sight(self.epochs, self.clock, lambda _, __: self.oldest)
        self.right = Right(self.clock, (CLIENT,), FAR_FUTURE, {Lapse.ADAPTER: lambda: self.alive()})
        self._sight = sight

    def standing(self, name: str, *, ends: datetime = FAR_FUTURE, right: Right | None = None) -> Standing:
        return Standing(self._sight, right or self.right, name, self.epochs.current(name), ends)

    def part(self, name: str, rows: int, *, ends: datetime = FAR_FUTURE, first: date | None = None) -> Part:
        """Rows of one ground, as it stands now."""
        made = [Row(name, "1-0:1.8.0*255", NOON + timedelta(seconds=n), NOON, Decimal(n), "kWh") for n in range(rows)]
        words = (Recipient("r"), Purpose.FORECAST, AS_RECEIVED, Level.INDIVIDUAL, timedelta(days=1))
        standing = self.standing(name, ends=ends)
        if first is not None:
            standing = standing.since(SubjectId(name), DetailClass.LIVE, first)
        return Part(standing, Released(name, made, *words))

    async def end(self, name: str) -> int:
        """What the consent desk does in memory."""
        self.epochs.flip(name)
        return await self.lines.ended([ground(name)])

    async def tell(self, footing: Footing) -> int:
        return await self.lines.ended([footing])
