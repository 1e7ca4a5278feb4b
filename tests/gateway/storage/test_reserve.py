"""Room for endings: taken when there is room for all, given up for an ending alone, taken again when there is room."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.errors import StoreFull
from gateway.storage import reserve
from gateway.storage.reserve import Reserve
from gateway.storage.sqlite import SqliteStore, url_of
from gateway.storage.statements import append
from tests.gateway.storage.contract import numbers_in, opened, rows
from tests.gateway.storage.tables import row, value

SIZE = 64 << 10


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the disk has left, in bytes: its last entry."""
    left = [1 << 30]
    monkeypatch.setattr(reserve, "_free", lambda _: left[-1])
    return left


def test_the_room_is_there_for_its_owner_alone_and_is_found_again(tmp_path: Path, free: list[int]) -> None:
    file = tmp_path / "reserve"
    assert Reserve(file, SIZE).take()
    assert file.stat().st_blocks * 512 >= SIZE
    assert file.stat().st_mode & 0o777 == 0o600
    free.append(0)
    assert Reserve(file, SIZE).take(), "what is there needs no room"


def test_it_is_not_taken_where_nothing_would_be_left_for_anything_else(tmp_path: Path, free: list[int]) -> None:
    free.append(2 * SIZE - 1)
    room = Reserve(tmp_path / "reserve", SIZE)
    assert not room.take()
    assert not (tmp_path / "reserve").exists()
    assert not room.given_up, "it never was there"
    assert not room.give_up()
    assert not room.given_up
    free.append(2 * SIZE)
    assert room.take()


def test_it_is_given_up_once_and_is_so_until_it_is_taken_again(tmp_path: Path, free: list[int]) -> None:
    room = Reserve(tmp_path / "reserve", SIZE)
    room.take()
    assert room.give_up()
    assert room.given_up
    assert not (tmp_path / "reserve").exists()
    assert not room.give_up()
    free.append(0)
    assert not room.take()
    assert room.given_up
    free.append(1 << 30)
    assert room.take()
    assert not room.given_up


def test_a_file_that_is_too_small_is_none_and_a_disk_that_cannot_give_it_leaves_nothing(
    tmp_path: Path, free: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "reserve"
    file.write_bytes(b"x" * 4096)

    def full(*_: int) -> None:
        raise OSError("no space")

    with monkeypatch.context() as broken:
        broken.setattr("os.posix_fallocate", full)
        assert not Reserve(file, SIZE).take()
    assert not file.exists()
    assert Reserve(file, SIZE).take()
    assert file.stat().st_blocks * 512 >= SIZE


async def test_on_a_full_disk_endings_alone_are_written_until_there_is_room_for_all(
    tmp_path: Path, free: list[int]
) -> None:
    large = [(None, None, None, bytes(1 << 20))]
    url = url_of(tmp_path / "data" / "store.db")
    async with opened(url) as store:
        assert isinstance(store, SqliteStore)
        room = store._room

        def bound(connection: Connection, *, full: bool) -> None:
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            connection.execute(text(f"PRAGMA max_page_count={pages if full else 1 << 30}"))

        def ending(connection: Connection) -> None:
            if room.given_up:
                bound(connection, full=False)
            append(connection, value, large)
            append(connection, row, rows(2))

        await store.append(row, rows(1))
        await store.write(lambda connection: bound(connection, full=True))
        with pytest.raises(StoreFull):
            await store.append_all([(value, large)])
        assert not room.given_up, "for an ending alone"
        free.append(0)
        await store.write(ending, ending=True)
        assert room.given_up
        for work in (store.append(row, rows(3)), store.write(lambda c: append(c, row, rows(3)))):
            with pytest.raises(StoreFull):
                await work
        await store.write(lambda c: append(c, row, rows(4)), ending=True)
        assert await store.look(numbers_in) == [1, 2, 4]
        free.append(1 << 30)
        await store.append(row, rows(5))
        assert await store.look(numbers_in) == [1, 2, 4, 5]
        assert await store.make_room()
        assert not await store.make_room()
