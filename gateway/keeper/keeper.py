"""The keeper in this process: key states of all households, changed in groups, and the keys that follow from them."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import SubjectGone
from gateway.keeper import house as houses
from gateway.keeper import states as key_states
from gateway.keeper.changes import CHANGES_AT_ONCE, Changes, Edit, of_household, stored
from gateway.keeper.house import HOUSE, OwnEntry
from gateway.keeper.mirror import Mirror
from gateway.keeper.port import MOST_DAYS, MOST_SUBJECTS, MOST_WORDS, Day, Pinned, Words
from gateway.keeper.recovery import RecoveryKey
from gateway.keeper.states import Randomness, States
from gateway.keeper.tree import Tree
from policies.terms import SERIES_CLASSES, DetailClass, SubjectId
from policies.vault import ratchet
from policies.vault.pins import RUN_BYTES, Pin, PinKeys
from policies.vault.ratchet import DayGone
from policies.vault.seal import NONCE_BYTES, place_about, seal, unseal

CACHED_HOUSEHOLDS = 16_384
"""Whose states and day keys are held in clear in memory."""
CACHED_DAYS = 64
"""Day keys of one household."""


@dataclass(slots=True)
class _Held:
    """What is remembered of one household."""

    states: States
    ciphers: dict[Day, AESGCM]


class LocalKeeper:
    """``gateway.keeper.port.Keeper`` on a tree in this process. Use ``gateway.keeper.opening``; no need to load.

    All methods belong to the loop's thread; ``close`` when the loop is done with it. Keys are answered without
    suspending: the states of a household are in memory, or a page away.
    """

    def __init__(self, tree: Tree, randomness: Randomness, mirror: Mirror | None = None) -> None:
        self._tree, self._randomness, self._mirror = tree, randomness, mirror
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._held: dict[str, _Held] = {}
        self._changes = Changes(tree, self._thread, lambda subject: self._held.pop(subject, None))
        self._own_entry: tuple[bytes, OwnEntry] | None = None
        self._pin_keys: dict[str, PinKeys] = {}
        own = self._own()
        self._lookup, self._moved = own.lookup, own.moved
        self._elsewhere = ThreadPoolExecutor(1, thread_name_prefix="second keeper")
        if mirror is not None:
            mirror.begin(tree, own.lookup)

    def close(self) -> None:
        """A write to the second keeper that hangs is not waited for."""
        self._elsewhere.shutdown(wait=False)
        self._thread.shutdown()
        self._tree.close()

    @property
    def second(self) -> str:
        return "" if self._mirror is None else str(self._mirror.folder)

    @property
    def lookup_key(self) -> bytes:
        return self._lookup

    @property
    def sound(self) -> bool:
        return self._tree.sound

    def oldest(self, subject: SubjectId, detail: DetailClass) -> date | None:
        held = self._held.get(subject) or self._find(subject)
        return ratchet.oldest(held.states.chains.get(detail, ())) if held else None

    async def load(self) -> None:
        """The tree is at hand."""

    async def living(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        _bounded(subjects, MOST_SUBJECTS)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._living, tuple(subjects))

    async def ciphers(self, subject: SubjectId, days: Collection[Day]) -> Mapping[Day, AESGCM]:
        _bounded(days, MOST_DAYS)
        held = self._held.get(subject) or self._find(subject)
        if held is None:
            raise SubjectGone
        found = {day: held.ciphers.get(day) or _derived(held, day) for day in days}
        return {day: cipher for day, cipher in found.items() if cipher is not None}

    async def seal(self, words: Sequence[Words]) -> Sequence[bytes]:
        _bounded(words, MOST_WORDS)
        return [seal(self._plain(each), self._randomness(NONCE_BYTES), _about(each), each.body) for each in words]

    async def open(self, words: Sequence[Words]) -> Sequence[bytes]:
        _bounded(words, MOST_WORDS)
        return [unseal(self._plain(each), _about(each), each.body) for each in words]

    async def admit(self, subject: SubjectId, first: Mapping[DetailClass, date]) -> None:
        def edit(states: States | None) -> States:
            if states is None:
                return key_states.fresh(first, self._randomness)
            if states.erased:
                raise SubjectGone
            return states

        await self._changes.make(subject, of_household(edit))

    async def erase(self, subject: SubjectId) -> None:
        await self._changes.make(subject, of_household(lambda states: key_states.without(_known(states))))

    async def forget(self, subject: SubjectId) -> None:
        await self._changes.make(subject, lambda _: None)

    async def erase_day(self, subject: SubjectId, day: date) -> None:
        await self._changes.make(subject, of_household(lambda states: key_states.without_day(_known(states), day)))

    async def run(self) -> bytes:
        return self._house().run

    async def pinned(self, scopes: Collection[str]) -> Mapping[str, Pinned]:
        _bounded(scopes, MOST_SUBJECTS)
        found = ((scope, self._pinned(scope)) for scope in scopes)
        return {scope: pinned for scope, pinned in found if pinned is not None}

    async def pin(self, scope: str, pin: Pin) -> None:
        if scope.startswith(HOUSE):
            await self._changes.make(HOUSE, _of_house(lambda house: house.pinned(scope, pin)))
        else:
            await self._changes.make(scope, of_household(lambda states: key_states.pinned(_known(states), pin)))

    async def new_run(self) -> None:
        word = self._randomness(RUN_BYTES)
        await self._changes.make(HOUSE, _of_house(lambda house: replace(house, run=word)))

    async def move_on(self, first: Mapping[DetailClass, date], today: date) -> int:
        """One commit a few thousand. Nobody is looked at when all were moved on so far before."""
        loop = asyncio.get_running_loop()
        goal = {detail: max(first[detail], self._moved[detail]) for detail in SERIES_CLASSES}
        position, changed = "", 0
        while goal != self._moved:
            part = loop.run_in_executor(self._thread, self._move_part, position, goal, today)
            part.add_done_callback(self._forget_part)  # also when nobody waits for it any more
            found = await asyncio.shield(part)
            if not found:
                await asyncio.shield(loop.run_in_executor(self._thread, self._note_moved, goal))
                self._moved = goal
                break
            position, names = found
            changed += len(names)
        return changed

    async def copy(self, to: Path, key: RecoveryKey) -> bytes:
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._tree.copy, to)
        return key.seal_root(await asyncio.shield(work))

    async def ship(self, known: float | None = None) -> bool:
        if self._mirror is None:
            return True
        return await asyncio.get_running_loop().run_in_executor(self._elsewhere, self._mirror.step, known)

    async def compare(self) -> None:
        """Raises ``TreeBroken`` where the second keeper is newer than this one, ``OSError`` where it is away."""
        if self._mirror is not None:
            await asyncio.get_running_loop().run_in_executor(self._elsewhere, self._mirror.check)

    # -- in the loop's thread

    def _house(self) -> OwnEntry:
        data = self._tree.get(HOUSE)
        assert data is not None
        known = self._own_entry
        if known is None or known[0] is not data:
            known = self._own_entry = data, houses.decode(data)
        return known[1]

    def _pinned(self, scope: str) -> Pinned | None:
        if scope.startswith(HOUSE):
            house = self._house()
            keys = self._pin_keys.get(scope) or self._pin_keys.setdefault(scope, PinKeys(house.lookup, scope))
            return Pinned(keys, house.pins.get(scope))
        held = self._held.get(scope)
        states = held.states if held else stored(self._tree, scope)
        return None if states is None else Pinned(PinKeys(states.keys[DetailClass.LEDGER], scope), states.pin)

    def _plain(self, words: Words) -> AESGCM:
        held = self._find(words.subject)
        if held is None or words.detail not in held.states.keys:
            raise SubjectGone
        return AESGCM(held.states.keys[words.detail])

    def _forget_part(self, part: "asyncio.Future[tuple[str, list[str]] | None]") -> None:
        if not part.cancelled() and part.exception() is None:
            for name in (part.result() or ("", []))[1]:
                self._held.pop(name, None)

    def _find(self, subject: str) -> _Held | None:
        held = self._held.get(subject)
        if held is None and subject != HOUSE:
            states = stored(self._tree, subject)
            if states is None:
                return None
            if len(self._held) >= CACHED_HOUSEHOLDS:
                self._held.clear()
            held = self._held[subject] = _Held(states, {})
        return held

    # -- in the keeper's thread

    def _move_part(self, position: str, first: Mapping[DetailClass, date], today: date) -> tuple[str, list[str]] | None:
        part = self._tree.after(position, CHANGES_AT_ONCE)
        changed: dict[str, bytes | None] = {}
        for name, data in part.items():
            if name != HOUSE:
                before = key_states.decode(data)
                after = key_states.moved_on(before, first, today, self._randomness)
                if after != before:
                    changed[name] = key_states.encode(after)
        if changed:
            self._tree.commit(changed)
        return (next(reversed(part)), list(changed)) if part else None

    def _living(self, subjects: Sequence[SubjectId]) -> frozenset[SubjectId]:
        found = ((subject, stored(self._tree, subject)) for subject in subjects if subject != HOUSE)
        return frozenset(subject for subject, states in found if states is not None and not states.erased)

    def _note_moved(self, moved: Mapping[DetailClass, date]) -> None:
        self._tree.commit({HOUSE: houses.encode(replace(self._house(), moved=moved))})

    def _own(self) -> OwnEntry:
        data = self._tree.get(HOUSE)
        if data is None:
            data = houses.encode(houses.made(self._randomness))
            self._tree.commit({HOUSE: data})
        return houses.decode(data)


def _of_house(edit: Callable[[OwnEntry], OwnEntry]) -> Edit:
    """A change of the gateway's own entry, which is there since the tree was made."""
    return lambda data: houses.encode(edit(houses.decode(data or b"")))


def _known(states: States | None) -> States:
    if states is None:
        raise SubjectGone
    return states


def _derived(held: _Held, day: Day) -> AESGCM | None:
    """The key of a day, remembered; None when it is expired or erased. Raises ``SubjectGone``."""
    try:
        key = held.states.key(day[0], date.fromordinal(day[1]))
    except DayGone:
        return None
    if key is None:
        raise SubjectGone
    if len(held.ciphers) >= CACHED_DAYS:
        held.ciphers.clear()
    cipher = held.ciphers[day] = AESGCM(key)
    return cipher


def _about(words: Words) -> bytes:
    return place_about(words.subject, words.detail, words.about)


def _bounded(asked: Collection[object], most: int) -> None:
    if len(asked) > most:
        raise ValueError(f"at most {most} for one question")
