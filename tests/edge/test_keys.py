"""The meters' keys: from a file that only its owner reads, or from standard input."""

import io
from pathlib import Path

import pytest

from edge.errors import SettingsError
from edge.files import box_key, write_secret
from edge.keys import keyring, load_keys, parse_keys, read_keys

TITLE, KEY, OTHER = "4B464D1020000001", "00" * 16, "11" * 16


def test_keys_are_found_by_system_title_in_any_case() -> None:
    ring = keyring(parse_keys(f"# the hall\n{TITLE.lower()} {KEY} {OTHER}  # KFM\n\n"))
    assert ring(TITLE).key == bytes(16)
    assert ring(TITLE).auth_key == b"\x11" * 16


def test_a_meter_that_is_not_known_has_no_key_unless_any_is_named() -> None:
    assert keyring(parse_keys(f"{TITLE} {KEY}"))("FF" * 8).key is None
    assert keyring(parse_keys(f"* {KEY}"))("FF" * 8).key == bytes(16)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    write_secret(path, f"{TITLE} {KEY}".encode())
    assert load_keys(path)
    path.chmod(mode)
    with pytest.raises(SettingsError, match="looser than 0600"):
        load_keys(path)


def test_a_link_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    write_secret(tmp_path / "keys", b"")
    (tmp_path / "link").symlink_to(tmp_path / "keys")
    for name in ("link", "missing", "."):
        with pytest.raises(SettingsError):
            load_keys(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [TITLE, f"{TITLE} 00", f"{TITLE} {KEY} {KEY} {KEY}", f"xyz {KEY}", f"{TITLE} {'zz' * 16}", f"* {KEY}\n* {OTHER}"],
)
def test_a_bad_line_is_named_by_its_number_only(text: str) -> None:
    with pytest.raises(SettingsError, match=r"line \d") as caught:
        parse_keys(text)
    assert KEY not in str(caught.value)
    assert TITLE not in str(caught.value)


def test_keys_come_from_a_stream_within_a_bound() -> None:
    assert read_keys(io.BytesIO(f"{TITLE} {KEY}\n".encode()))[TITLE].key == bytes(16)
    with pytest.raises(SettingsError):
        read_keys(io.BytesIO(b"#" * 100_000))
    with pytest.raises(SettingsError):
        read_keys(io.BytesIO("é".encode()))


def test_the_box_key_is_made_once(tmp_path: Path) -> None:
    assert box_key(tmp_path / "k", bytes(32)) == bytes(32)
    assert box_key(tmp_path / "k", b"\x01" * 32) == bytes(32)
    write_secret(tmp_path / "k", b"short")
    with pytest.raises(SettingsError):
        box_key(tmp_path / "k", bytes(32))
