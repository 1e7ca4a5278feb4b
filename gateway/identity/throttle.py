"""Guessing is limited by address, and by what is guessed: so many wrong tries in a minute, then a wait."""

from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import ip_address, ip_network

THROTTLE_WINDOW = 60.0
MOST_COUNTED = 10_000
"""Addresses, each with what is guessed there; the one that was quiet longest goes."""


class Throttle:
    """``monotonic``: seconds that only grow. IPv6 counts by /64: whoever has one address has all of those."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float]) -> None:
        self._per_minute, self._now = per_minute, monotonic
        self._wrong: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def wider(self, times: int) -> "Throttle":
        """Another one that lets through so many times as much, with the same clock."""
        return Throttle(self._per_minute * times, self._now)

    def wait(self, address: str, about: str = "") -> int:
        """Seconds until the next try is looked at; 0 when it may come now.

        ``about``: whose secret it is, where the try says so; those about others at the address go on.
        """
        tries = self._wrong.get((network_of(address), about))
        now = self._now()
        while tries and tries[0] <= now - THROTTLE_WINDOW:
            tries.popleft()
        if tries is None or len(tries) < self._per_minute:
            return 0
        return max(1, int(tries[0] + THROTTLE_WINDOW - now) + 1)

    def wrong(self, address: str, about: str = "") -> None:
        """A try that did not succeed."""
        key = (network_of(address), about)
        tries = self._wrong.setdefault(key, deque(maxlen=self._per_minute))
        tries.append(self._now())
        self._wrong.move_to_end(key)
        if len(self._wrong) > MOST_COUNTED:
            self._wrong.popitem(last=False)


def network_of(address: str) -> str:
    """The address, of IPv6 its /64; "unknown" for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
