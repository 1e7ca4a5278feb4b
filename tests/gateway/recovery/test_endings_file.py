"""The file beside a backup: what is whole is read, what was changed is refused, what a crash left is nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import RestoreRefused
from gateway.recovery.endings_file import OVER, EndingsFile, secret_in

KEY, SECRET, NAME = bytes(range(32)), b"s" * 32, "a" * 32


@pytest.fixture
def file(tmp_path: Path) -> EndingsFile:
    made = EndingsFile(tmp_path / "endings", NAME, KEY)
    made.make(SECRET)
    made.append([b"one", b"two"])
    made.append([b"three"])
    return made


def test_entries_come_back_in_their_order_and_nothing_of_them_is_in_clear(file: EndingsFile) -> None:
    assert list(file.entries()) == [b"one", b"two", b"three"]
    assert b"three" not in file.file.read_bytes()
    assert secret_in(file.file.read_bytes()) == (NAME, SECRET)
    assert file.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("left", [1, 3, 4, 5, 20])
def test_what_a_crash_left_of_an_entry_is_nothing_and_the_next_one_takes_its_place(
    file: EndingsFile, left: int
) -> None:
    whole = file.file.read_bytes()
    file.append([b"four"])
    file.file.write_bytes(file.file.read_bytes()[: len(whole) + left])
    assert list(file.entries()) == [b"one", b"two", b"three"]
    file.append([b"five"])
    assert list(file.entries()) == [b"one", b"two", b"three", b"five"]


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def first_twice(data: bytes) -> bytes:
    one = data[72 : 72 + 4 + 12 + 3 + 16]
    return data[:72] + one + data[72:]


def first_gone(data: bytes) -> bytes:
    return data[:72] + data[72 + 4 + 12 + 3 + 16 :]


@pytest.mark.parametrize("change", [flipped, first_twice, first_gone])
def test_what_was_changed_is_refused(file: EndingsFile, change: Callable[[bytes], bytes]) -> None:
    file.file.write_bytes(change(file.file.read_bytes()))
    with pytest.raises(RestoreRefused, match="were changed, or belong to another backup"):
        list(file.entries())


def test_nothing_is_written_into_another_file_or_where_none_is(file: EndingsFile, tmp_path: Path) -> None:
    other = EndingsFile(tmp_path / "other", "b" * 32, KEY)
    with pytest.raises(FileNotFoundError):
        other.append([b"lost"])
    assert not other.file.exists()
    before = file.file.read_bytes()
    with pytest.raises(OSError, match="not the file of the endings of this backup"):
        EndingsFile(file.file, "b" * 32, KEY).append([b"astray"])
    assert file.file.read_bytes() == before


def test_a_file_that_is_there_is_not_begun_anew(file: EndingsFile) -> None:
    with pytest.raises(FileExistsError):
        file.make(SECRET)


def test_when_the_window_is_over_the_secret_is_overwritten_where_it_lay(file: EndingsFile, tmp_path: Path) -> None:
    (tmp_path / "same blocks").hardlink_to(file.file)
    file.end_window()
    assert not file.file.exists()
    assert secret_in((tmp_path / "same blocks").read_bytes()) == (NAME, OVER)
