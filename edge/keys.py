"""The meters' keys, by system title: from a file of mode 0600 or from standard input, never from the command line.

One meter a line: system title (or link address), encryption key, and the authentication key where it has one, all in
hex. ``*`` is any meter. What follows ``#`` is a comment::

    4B464D1020012345  00112233445566778899AABBCCDDEEFF  # hall
    *                 000102030405060708090A0B0C0D0E0F  D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF
"""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from edge.errors import SettingsError
from edge.files import read_secret
from meter_driver.framing import Keyring, Keys

ANY_TITLE = "*"
MAX_FILE = 1 << 16


def parse_keys(text: str) -> dict[str, Keys]:
    """System title, in upper case hex, to keys.

    Raises:
        SettingsError: a line (by number; never its text) that is not title and keys, or a title said twice.
    """
    found: dict[str, Keys] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        title = words[0].upper()
        try:
            keys = [bytes.fromhex(word) for word in words[1:]]
            bytes.fromhex("" if title == ANY_TITLE else title)
        except ValueError:
            raise SettingsError(f"keys, line {number}: not hex digits") from None
        if len(keys) not in (1, 2) or any(len(key) not in (16, 32) for key in keys):
            raise SettingsError(f"keys, line {number}: a title, then one or two keys of 16 or 32 bytes")
        if title in found:
            raise SettingsError(f"keys, line {number}: this title was there before")
        found[title] = Keys(*keys)
    return found


def load_keys(path: Path) -> dict[str, Keys]:
    """Keys from a file of mode 0600. SettingsError as ``parse_keys`` and ``read_secret``."""
    return _decode(read_secret(path))


def read_keys(stream: BinaryIO) -> dict[str, Keys]:
    """Keys from a stream (standard input), to its end. SettingsError as ``parse_keys``."""
    return _decode(stream.read(MAX_FILE + 1))


def _decode(content: bytes) -> dict[str, Keys]:
    if len(content) > MAX_FILE:
        raise SettingsError(f"keys: more than {MAX_FILE} bytes")
    try:
        return parse_keys(content.decode("ascii"))
    except UnicodeDecodeError:
        raise SettingsError("keys: not ASCII") from None


def keyring(keys: Mapping[str, Keys]) -> Keyring:
    """What the decoders ask; a meter that is not known gets no key and so gives no reading."""
    fallback = keys.get(ANY_TITLE, Keys())
    return lambda title: keys.get(title.upper(), fallback)
