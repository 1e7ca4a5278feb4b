"""What of the key folder goes with a backup, and onto the second keeper: CA, signer, operator's hash and the like."""

from collections.abc import Mapping
from pathlib import Path

from gateway.settings import Settings

NOT_KEPT = ("root", "backups.json", "second.json")
"""The root goes sealed by itself, and what is known of backups and of a second keeper is the present gateway's."""
REMADE = ("server-",)
"""Made anew at a start."""


def key_files(folder: Path) -> Mapping[str, bytes]:
    """By name. Raises ``OSError``."""
    return {
        file.name: file.read_bytes()
        for file in sorted(folder.iterdir())
        if file.is_file() and file.name not in NOT_KEPT and not file.name.startswith(REMADE) and file.suffix != ".new"
    }


def same_disk(folder: Path, settings: Settings) -> bool:
    """Whether what is lost with the data is lost with the backup too."""
    return any(folder.stat().st_dev == ours.stat().st_dev for ours in (settings.data, settings.keys) if ours.exists())
