"""Changes to key states in groups: all that wait while one commit is under way share the next."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from gateway.keeper import states as key_states
from gateway.keeper.states import States
from gateway.keeper.tree import Tree

CHANGES_AT_ONCE = 4096

Edit = Callable[[bytes | None], bytes | None]
"""From an entry as it is (None: unknown) to what it shall be (None: gone); runs in the keeper's thread. May raise."""


@dataclass(slots=True)
class _Change:
    name: str
    edit: Edit
    done: asyncio.Future[None]


class Changes:
    """``forget`` is called in the loop's thread for each entry of a commit, before anybody hears of it."""

    def __init__(self, tree: Tree, thread: Executor, forget: Callable[[str], object]) -> None:
        self._tree, self._thread, self._forget = tree, thread, forget
        self._waiting: list[_Change] = []
        self._busy = False

    async def make(self, name: str, edit: Edit) -> None:
        """Durable on return, together with all changes that wait meanwhile.

        What ``edit`` raises is raised here and changes nothing. Raises ``StoreFull`` and ``TreeBroken`` too.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Change(name, edit, done))
        self._kick()
        await done

    def _kick(self) -> None:
        if self._busy or not self._waiting:
            return
        group, self._waiting = self._waiting[:CHANGES_AT_ONCE], self._waiting[CHANGES_AT_ONCE:]
        self._busy = True
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._commit, group)
        work.add_done_callback(lambda done: self._tell(group, done))

    def _tell(self, group: Sequence[_Change], done: "asyncio.Future[list[Exception | None]]") -> None:
        """Forget what was known of these entries, then answer who waits."""
        self._busy = False
        for change in group:
            self._forget(change.name)
        error = done.exception()
        outcome = [error] * len(group) if error else done.result()
        for change, failed in zip(group, outcome, strict=True):
            if change.done.done():
                continue
            if failed is not None:
                change.done.set_exception(failed)
            else:
                change.done.set_result(None)
        self._kick()

    def _commit(self, group: Sequence[_Change]) -> list[Exception | None]:
        """In the keeper's thread."""
        changed: dict[str, bytes | None] = {}
        outcome: list[Exception | None] = []
        for change in group:
            before = changed[change.name] if change.name in changed else self._tree.get(change.name)
            try:
                after = change.edit(before)
            except Exception as error:  # noqa: BLE001 - it belongs to the caller that waits, not to its neighbours
                outcome.append(error)
                continue
            if after != before:
                changed[change.name] = after
            outcome.append(None)
        if changed:
            self._tree.commit(changed)
        return outcome


def of_household(edit: Callable[[States | None], States]) -> Edit:
    """The same for key states."""
    return lambda data: key_states.encode(edit(None if data is None else key_states.decode(data)))


def stored(tree: Tree, subject: str) -> States | None:
    """The states as the tree has them; None when the household was never admitted. Raises ``TreeBroken``."""
    data = tree.get(subject)
    return None if data is None else key_states.decode(data)
