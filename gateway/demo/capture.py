"""A capture of a real meter for ``--replay``: raw bytes, hex, or a row of a JSON-lines corpus with its key."""

import json
from dataclasses import dataclass
from pathlib import Path

from meter_driver import decode


class CaptureError(Exception):
    """Nothing in the file can be replayed; says why."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Bytes of one recording, and the key of its meter if it encrypts."""

    data: bytes
    key: bytes | None
    title: str

    def files(self, folder: Path) -> tuple[Path, Path]:
        """The recording and a key file of mode 0600, as an edge box reads them."""
        frames, keys = folder / "capture.bin", folder / "capture.keys"
        frames.write_bytes(self.data)
        keys.touch(mode=0o600)
        keys.write_text(f"{self.title} {self.key.hex()}\n" if self.key else "")
        return frames, keys


def load(file: Path) -> Capture:
    """Raises ``CaptureError``. Of several rows the first wired M-Bus telegram that reads is taken."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise CaptureError(f"{file}: {error.strerror}") from None
    for data, key in _rows(raw):
        told = [t for t in decode(data, key, None) if t.at is not None]
        if told and told[0].readings:
            return Capture(data, key, told[0].system_title)
    raise CaptureError(f"{file}: no telegram with a clock in it can be read")


def _rows(raw: bytes) -> list[tuple[bytes, bytes | None]]:
    text = raw.decode("ascii", "replace").strip()
    if text.startswith("{"):
        rows = [json.loads(line) for line in text.splitlines()]
        wired = [r for r in rows if r["hex"].startswith("68") and "expect" in r]
        return [(bytes.fromhex(r["hex"]), bytes.fromhex(r["key"]) if r.get("key") else None) for r in wired]
    try:
        return [(bytes.fromhex(text), None)]
    except ValueError:
        return [(raw, None)]
