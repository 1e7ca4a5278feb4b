"""Find the protocol in the bytes and read it, whatever comes: one decoder for every meter.

``detect(key, auth_key)`` gives a decoder; ``decode(data, key, auth_key)`` reads one whole
recording. Which protocols there are is told in ``protocols``; how a protocol is written, in ``framing``. Both take
``framers`` and ``families`` of others, which are asked behind ours.

The stream is never locked to one protocol: the same buffer is offered to every framer at every position where a frame
of it could begin, so noise, half a telegram or a foreign frame costs only itself. The buffer keeps at most the longest
frame of the framer that waits. Any split of the stream gives the same events.
"""

from collections.abc import Iterable, Iterator, Mapping

from meter_driver.errors import FrameError, FrameTooLong, MeterError, ReplayError
from meter_driver.families import Families, knowing
from meter_driver.framing import MORE, NO, Answer, Damaged, Framer, Keyring, Keys, Taken
from meter_driver.profiles import PROFILES, RADIO_FAMILIES, Family, Profile
from meter_driver.protocols import FRAMERS
from meter_driver.reading import Event, FrameRejected, Telegram

NOISE_LIMIT = 4096
"""Bytes of noise that make one event: a line that only hums is still heard of."""

LEAST_EVIDENCE = 7
"""Octets of the shortest frame whose check is believed against a frame without one; idle fill is shorter."""

_Table = tuple[tuple[type[Framer], ...], ...]


def _table(framers: tuple[type[Framer], ...]) -> _Table:
    """For each value of the first byte: who may be asked."""
    return tuple(tuple(framer for framer in framers if byte in framer.starts) for byte in range(256))


_KNOWN = _table(FRAMERS)


class Detector:
    """Bytes in, telegrams and rejections out; see the module. ``b""`` ends a recording; the next byte begins another.

    Attributes of the constructor:
        keys: from a system title to its keys.
        framers: which protocols to look for; all of them by default.
        counters: highest accepted invocation counter per system title; what is not above it, or not above what this
            decoder has seen since, is rejected as ``replay``. None: counters are not compared.
    """

    def __init__(
        self,
        keys: Keyring,
        *,
        framers: tuple[type[Framer], ...] | None = None,
        counters: Mapping[str, int] | None = None,
    ) -> None:
        self._keys = keys
        self._table = _KNOWN if framers is None or framers == FRAMERS else _table(framers)
        self._counters = counters
        self._highest: dict[str, int] = {}
        self._buffer = bytearray()
        self._asked: dict[type[Framer], Framer] = {}  # they keep what a meter said of its formats, nothing else
        self._begin()

    def _begin(self) -> None:
        self._at = 0
        self._ended = False
        self._last: type[Framer] | None = None  # who took the bytes right before
        self._fresh = True  # nothing but frames since the recording began
        self._held: tuple[type[Framer], Taken] | None = None  # a frame without a check that waits for what is inside
        self._lost = 0
        self._error: MeterError | None = None
        self._claim = 0  # bytes that the damaged frame behind _error still claims

    def receive_data(self, data: bytes) -> None:
        """Add bytes as they came. ``b""`` is the end of the recording. Call ``events()`` afterwards."""
        if data:
            self._buffer += data
        else:
            self._ended = True

    def events(self) -> Iterator[Event]:
        """Yield what the bytes so far complete; keep the rest for later."""
        while self._at < len(self._buffer):
            answer = self._ask()
            if answer is MORE:
                break
            if isinstance(answer, Taken):
                self._at += answer.size
                self._fresh = False
                if self._lost:
                    yield from self._lost_so_far()
                yield from answer.events if self._counters is None else self._not_replayed(answer)
            else:
                yield from self._lose(answer if isinstance(answer, Damaged) else None)
        del self._buffer[: self._at]
        self._at = 0
        if self._ended:
            yield from self._finish()

    def _ask(self) -> Answer:
        """The first answer at this position that is not NO."""
        buffer, at = self._buffer, self._at
        for framer in self._table[buffer[at]]:
            if not (framer.guarded or self._fresh or self._last is framer):
                continue
            end = min(len(buffer), at + framer.longest)
            full = end - at == framer.longest
            asked = self._asked.get(framer)
            if asked is None:
                asked = self._asked[framer] = framer(self._keys)
            if self._held is not None and self._held[0] is framer:
                answer: Answer = self._held[1]
            else:
                answer = asked.take(buffer, at, end, final=full or self._ended)
            if answer is MORE and (full or self._ended):
                return Damaged(end - at, FrameTooLong(f"no end within {framer.longest} bytes"))
            if isinstance(answer, Taken):
                if not framer.guarded and (better := self._guarded_within(at, answer.size)) is not None:
                    # a framer that keeps fragments must not be asked twice about one frame
                    self._held = (framer, answer) if better is MORE else None
                    return better
                self._held = None
                self._last = framer
            if answer is not NO:
                return answer
        return NO

    def _guarded_within(self, at: int, size: int) -> Answer | None:
        """A frame without a check yields to one with a check that begins inside it: it may be noise with a length."""
        buffer, asked = self._buffer, dict[type[Framer], Framer]()
        for inner in range(at + 1, at + size):
            for framer in self._table[buffer[inner]]:
                if not framer.guarded:
                    continue
                if framer not in asked:
                    asked[framer] = framer(self._keys)
                end = min(len(buffer), inner + framer.longest)
                full = end - inner == framer.longest
                answer = asked[framer].take(buffer, inner, end, final=full or self._ended)
                if answer is MORE and not (full or self._ended):
                    return answer
                if isinstance(answer, Taken) and answer.size >= LEAST_EVIDENCE:
                    return Damaged(size, FrameError("a frame with a check begins inside one without"))
                if answer is not NO:
                    break
        return None

    def _not_replayed(self, answer: Taken) -> Iterator[Event]:
        """Rejections in place of replays. One frame may hold several telegrams, under one counter."""
        accepted: set[tuple[str, int]] = set()
        for event in answer.events:
            if isinstance(event, Telegram) and event.counter is not None:
                title, counter = event.system_title, event.counter
                highest = max((self._counters or {}).get(title, -1), self._highest.get(title, -1))
                if counter <= highest and (title, counter) not in accepted:
                    replay = ReplayError("the invocation counter is not above the last one")
                    yield FrameRejected.because(replay, answer.size)
                    continue
                accepted.add((title, counter))
                self._highest[title] = counter
            yield event

    def _lose(self, damage: Damaged | None) -> Iterator[Event]:
        """Give up one byte. Damage inside what an earlier damaged frame claims is not told again."""
        if damage is not None and self._claim <= 0:
            yield from self._lost_so_far()
            self._error, self._claim = damage.error, damage.size
        self._at += 1
        self._lost += 1
        self._claim -= 1
        self._fresh = False
        self._last = None
        if self._lost >= NOISE_LIMIT:
            yield from self._lost_so_far()

    def _lost_so_far(self) -> Iterator[Event]:
        if self._lost:
            error = self._error or FrameError("bytes that begin no frame")
            dropped, self._lost, self._error = self._lost, 0, None
            yield FrameRejected.because(error, dropped)

    def _finish(self) -> Iterator[Event]:
        yield from self._lost_so_far()
        self._begin()
        for framer in self._asked.values():
            yield from framer.finish()


def detect(
    key: bytes | None = None,
    auth_key: bytes | None = None,
    *,
    keys: Keyring | None = None,
    counters: Mapping[str, int] | None = None,
    framers: Iterable[type[Framer]] = (),
    families: Iterable[Family | Profile] = (),
) -> Detector:
    """A decoder for whatever a meter sends. ``keys`` goes before ``key`` and ``auth_key`` where meters share a line.

    Args:
        framers: protocols beside ours, asked behind them.
        families: meter families beside ours, asked behind them, by our framers and by those that want to know.
    """
    only = Keys(key, auth_key)
    return Detector(keys or (lambda _: only), framers=_all_of(tuple(framers), tuple(families)), counters=counters)


def _all_of(framers: tuple[type[Framer], ...], families: tuple[Family | Profile, ...]) -> tuple[type[Framer], ...]:
    """Ours, then those of others, each with all the families that there are."""
    if not families:
        return (*FRAMERS, *framers)
    known = Families((*PROFILES, *RADIO_FAMILIES, *families))
    return tuple(knowing(framer, known) for framer in (*FRAMERS, *framers))


def decode(
    data: bytes,
    key: bytes | None = None,
    auth_key: bytes | None = None,
    *,
    framers: Iterable[type[Framer]] = (),
    families: Iterable[Family | Profile] = (),
) -> list[Telegram]:
    """The telegrams of one whole recording. What cannot be read is left out: ``detect`` tells of it."""
    decoder = detect(key, auth_key, framers=framers, families=families)
    if data:
        decoder.receive_data(data)
    decoder.receive_data(b"")
    return [event for event in decoder.events() if isinstance(event, Telegram)]
