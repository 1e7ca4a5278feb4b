"""The second keeper of a gateway that runs, as its settings say."""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path

from adapters.plugin import Logger
from gateway.keeper.keeper import LocalKeeper
from gateway.keeper.mirror import Mirror
from gateway.keeper.second_mark import SecondMark, mark
from gateway.recovery.first_key import recovery_key
from gateway.recovery.key_files import key_files, same_disk
from gateway.recovery.places import PLACE_SECONDS
from gateway.settings import Settings

MEMORY = "second.json"
"""Of the key folder: see ``SecondMark``."""


def second_mirror(settings: Settings) -> Mirror | None:
    """None where the settings name no folder."""
    folder = settings.retention.second_keeper
    if folder is None:
        return None
    key, files = partial(recovery_key, settings), partial(key_files, settings.keys)
    return Mirror(folder, settings.keys / MEMORY, key, files)


def begin_anew(settings: Settings) -> None:
    """After a restore from a backup: what the second keeper holds gives way. Raises ``OSError``."""
    if settings.retention.second_keeper is not None:
        mark(settings.keys / MEMORY, SecondMark(str(settings.retention.second_keeper), anew=True))


async def compare_second(keeper: LocalKeeper, settings: Settings, log: Logger) -> None:
    """Before anything is changed at the start. Raises ``TreeBroken`` where the second keeper is newer than this one."""
    with suppress(OSError):  # it is away, which is said with the first word
        async with asyncio.timeout(PLACE_SECONDS):
            apart = not keeper.second or not await asyncio.to_thread(same_disk, Path(keeper.second), settings)
            if not apart:
                log.warning("second_keeper.same_disk", folder=keeper.second)
            await keeper.compare()
