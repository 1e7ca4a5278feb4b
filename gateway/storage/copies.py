"""A store whose files somebody copied: how they are told from others, and opened without changing them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

from sqlalchemy import Connection, NullPool, create_engine

from gateway.storage.sqlite import url_of

_SQLITE = b"SQLite format 3\0"


def is_store(file: Path) -> bool:
    """Whether it begins as a database of an engine that keeps its store in a file. It may be damaged all the same."""
    with file.open("rb") as stream:
        return stream.read(len(_SQLITE)) == _SQLITE


def has_log(store: Path) -> bool:
    """Whether a write-ahead log lies beside it: then there are two states, with it and before it."""
    return _log(store).exists()


@contextmanager
def open_copy(store: Path, *, with_log: bool = True) -> Iterator[Connection]:
    """A copy of the copy, open: nothing that is done to it changes a file of the folder.

    What is asked of a damaged or foreign database raises SQLAlchemy's ``DBAPIError``.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        copyfile(store, copy)
        if with_log and has_log(store):
            copyfile(_log(store), _log(copy))
        engine = create_engine(url_of(copy), poolclass=NullPool)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


def _log(store: Path) -> Path:
    return store.with_name(store.name + "-wal")
