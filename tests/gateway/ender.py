"""Run by test_household_end_crash as a process of its own: ends a household again and again, and dies each time.

    python -m tests.gateway.ender FOLDER ENDING HOUSEHOLD

Copies FOLDER/home to FOLDER/0, FOLDER/1 ... and ends the household in each, in a forked process that kills itself at
the n-th moment: before each change of the store and of the keys, and each step makes at least one. The first that comes
to its end is the last.
Prints one line each: ``killed N`` or ``whole N``.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

from policies.terms import SubjectId
from tests.gateway.house import NOON, clear_settings, composition

Work = Callable[..., Awaitable[Any]]


class Bomb:
    """Goes off at the n-th moment."""

    def __init__(self, after: int) -> None:
        self._after = after

    def before(self, work: Work) -> Work:
        async def tick(*arguments: Any, **named: Any) -> Any:
            if self._after == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self._after -= 1
            return await work(*arguments, **named)

        return tick


async def end_and_die(home: Path, ending: str, household: SubjectId, moment: int) -> None:
    async with composition(clear_settings(home), lambda: NOON) as gateway:
        bomb, end = Bomb(moment), gateway.household_end
        for part, change in ((gateway.store, "write"), (gateway.vault, "erase"), (gateway.keeper, "pin")):
            setattr(part, change, bomb.before(getattr(part, change)))
        await (end.erase(household) if ending == "erasure" else end.move_out(household))


def main(folder: Path, ending: str, household: SubjectId) -> None:
    for moment in count():
        shutil.copytree(folder / "home", folder / str(moment))
        if (child := os.fork()) == 0:
            asyncio.run(end_and_die(folder / str(moment), ending, household, moment))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and status != 0:
            sys.exit(f"moment {moment}: the process ended with {status}")
        print("killed" if killed else "whole", moment, flush=True)
        if not killed:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], SubjectId(sys.argv[3]))
