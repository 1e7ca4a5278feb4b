"""The keeper: key states of all households, changed in groups, and the day keys that follow from them."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from struct import Struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Expired, RootMissing, SubjectGone
from gateway.keeper import states as key_states
from gateway.keeper.recovery import Recovery
from gateway.keeper.root import FileRoot
from gateway.keeper.states import Randomness, States
from gateway.keeper.tree import Tree
from policies.terms import SERIES_CLASSES, DetailClass, SubjectId
from policies.vault.ratchet import DayGone

CACHED_HOUSEHOLDS = 16_384
"""Whose states and day keys are held in clear in memory."""
CACHED_DAYS = 64
"""Day keys of one household and class."""
LARGEST_GROUP = 4096
HOUSE = "*"
"""The gateway's own entry: no tenancy has this id. 32 bytes, the key for look-ups; then the day (u32) up to which
everybody was moved on, of each series class."""
_MOVED = Struct(f">32s{len(SERIES_CLASSES)}I")

Edit = Callable[[States | None], States | None]
"""From the states as they are (None: unknown) to those that shall be; runs in the keeper's thread. May raise."""


@dataclass(slots=True)
class _Change:
    subject: str
    edit: Edit
    done: asyncio.Future[States | None]


@dataclass(slots=True)
class _Held:
    """What is remembered of one household."""

    states: States
    ciphers: dict[tuple[DetailClass, int], AESGCM]


class Keeper:
    """Use ``open_keeper``. All methods belong to the loop's thread; ``close`` when the loop is done with it."""

    def __init__(self, tree: Tree, recovery: Recovery | None, randomness: Randomness) -> None:
        self._tree, self._recovery, self._randomness = tree, recovery, randomness
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._waiting: list[_Change] = []
        self._busy = False
        self._held: dict[str, _Held] = {}
        self._house, self._moved = self._own()

    @property
    def recovery_window(self) -> timedelta:
        """How long an older root is kept, sealed to the offline key; zero without one."""
        return self._recovery.window if self._recovery else timedelta(0)

    @property
    def sound(self) -> bool:
        """Whether key states can be changed; not after a root could not be replaced."""
        return self._tree.sound

    @property
    def house_key(self) -> bytes:
        """32 bytes, for keyed hashes."""
        return self._house

    def close(self) -> None:
        self._thread.shutdown()
        self._tree.close()

    def states(self, subject: SubjectId) -> States | None:
        """The present states of a household; None when it was never admitted. Raises ``TreeBroken``."""
        held = self._find(subject)
        return held.states if held else None

    def cipher(self, subject: SubjectId, detail: DetailClass, day: int) -> AESGCM:
        """What seals a UTC day (proleptic ordinal). Raises ``SubjectGone`` or ``Expired``."""
        held = self._held.get(subject) or self._find(subject)
        if held is None:
            raise SubjectGone
        cipher = held.ciphers.get((detail, day))
        if cipher is None:
            try:
                key = held.states.key(detail, date.fromordinal(day))
            except DayGone:
                raise Expired from None
            if key is None:
                raise SubjectGone
            if len(held.ciphers) >= CACHED_DAYS:
                held.ciphers.clear()
            cipher = held.ciphers[detail, day] = AESGCM(key)
        return cipher

    def plain_cipher(self, subject: SubjectId, detail: DetailClass) -> AESGCM:
        """What seals identity or ledger. Raises ``SubjectGone``."""
        states = self.states(subject)
        if states is None or detail not in states.keys:
            raise SubjectGone
        return AESGCM(states.keys[detail])

    async def change(self, subject: SubjectId, edit: Edit) -> States | None:
        """Durable on return, together with all changes that wait meanwhile; the states as they are now.

        What ``edit`` raises is raised here and changes nothing. Raises ``StoreFull`` and ``TreeBroken`` too.
        """
        done: asyncio.Future[States | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Change(subject, edit, done))
        self._kick()
        return await done

    async def move_on(self, first: Mapping[DetailClass, date], today: date) -> int:
        """Expire every household up to ``first`` of each class; how many were changed. One commit a few thousand.

        Nobody is looked at when all were moved on so far before.
        """
        loop = asyncio.get_running_loop()
        goal = {detail: max(first[detail], self._moved[detail]) for detail in SERIES_CLASSES}
        position, changed = "", 0
        while goal != self._moved:
            found = await asyncio.shield(loop.run_in_executor(self._thread, self._move_part, position, goal, today))
            if not found:
                await asyncio.shield(loop.run_in_executor(self._thread, self._note_moved, goal))
                self._moved = goal
                break
            position, names = found
            for name in names:
                self._held.pop(name, None)
            changed += len(names)
        return changed

    async def prune(self) -> None:
        """Drop the sealed roots that are older than the recovery window."""
        if self._recovery:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._recovery.prune)

    # -- in the loop's thread

    def _find(self, subject: str) -> _Held | None:
        held = self._held.get(subject)
        if held is None and subject != HOUSE:
            data = self._tree.get(subject)
            if data is None:
                return None
            if len(self._held) >= CACHED_HOUSEHOLDS:
                self._held.clear()
            held = self._held[subject] = _Held(key_states.decode(data), {})
        return held

    def _kick(self) -> None:
        if self._busy or not self._waiting:
            return
        group, self._waiting = self._waiting[:LARGEST_GROUP], self._waiting[LARGEST_GROUP:]
        self._busy = True
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._commit, group)
        work.add_done_callback(lambda done: self._tell(group, done))

    def _tell(self, group: Sequence[_Change], done: "asyncio.Future[list[States | BaseException | None]]") -> None:
        """Forget what was known of these households, then answer who waits."""
        self._busy = False
        for change in group:
            self._held.pop(change.subject, None)
        error = done.exception()
        outcome = [error] * len(group) if error else done.result()
        for change, result in zip(group, outcome, strict=True):
            if change.done.done():
                continue
            if isinstance(result, BaseException):
                change.done.set_exception(result)
            else:
                change.done.set_result(result)
        self._kick()

    # -- in the keeper's thread

    def _commit(self, group: Sequence[_Change]) -> list[States | BaseException | None]:
        now: dict[str, States | None] = {}
        changed: dict[str, bytes | None] = {}
        outcome: list[States | BaseException | None] = []
        for change in group:
            before = now[change.subject] if change.subject in now else self._stored(change.subject)
            try:
                after = change.edit(before)
            except Exception as error:  # noqa: BLE001 - it belongs to the caller that waits, not to its neighbours
                outcome.append(error)
                continue
            now[change.subject] = after
            if after != before:
                changed[change.subject] = None if after is None else key_states.encode(after)
            outcome.append(after)
        if changed:
            self._tree.commit(changed)
        return outcome

    def _move_part(self, position: str, first: Mapping[DetailClass, date], today: date) -> tuple[str, list[str]] | None:
        part = self._tree.after(position, LARGEST_GROUP)
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

    def _stored(self, subject: str) -> States | None:
        data = self._tree.get(subject)
        return None if data is None else key_states.decode(data)

    def _note_moved(self, moved: Mapping[DetailClass, date]) -> None:
        days = (moved[detail].toordinal() for detail in SERIES_CLASSES)
        self._tree.commit({HOUSE: _MOVED.pack(self._house, *days)})

    def _own(self) -> tuple[bytes, dict[DetailClass, date]]:
        data = self._tree.get(HOUSE)
        if data is None:
            data = _MOVED.pack(self._randomness(32), *[date.min.toordinal()] * len(SERIES_CLASSES))
            self._tree.commit({HOUSE: data})
        key, *days = _MOVED.unpack(data)
        return key, dict(zip(SERIES_CLASSES, map(date.fromordinal, days), strict=True))


def open_keeper(
    tree: Path, root: Path, *, recovery: Recovery | None = None, randomness: Randomness = os.urandom
) -> Keeper:
    """Open or make the key tree; blocking.

    Raises ``RootMissing`` when there is a tree and no root (nothing is made then), ``RootBusy``, ``TreeBroken``.
    """
    exists = tree.exists() and tree.stat().st_size > 0
    if exists and not root.exists():
        raise RootMissing(f"there is a key tree but no root at {root.name}: is the key folder mounted?")
    port = FileRoot(root, create=not exists)
    if recovery:
        recovery.prune()
    return Keeper(
        Tree(tree, port, randomness=randomness, keep=recovery.keep if recovery else None), recovery, randomness
    )
