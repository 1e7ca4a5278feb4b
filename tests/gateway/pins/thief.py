"""Somebody who may write the store while the gateway stands still, and has not its keys."""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

SIDES = ("", "-wal", "-shm")
Row = Mapping[str, Any]


def store_of(folder: Path) -> Path:
    return folder / "data" / "store.db"


def copy_to(folder: Path, to: Path) -> Path:
    """The store as it is, with its log."""
    to.mkdir()
    for side in SIDES:
        if (file := Path(f"{store_of(folder)}{side}")).exists():
            shutil.copyfile(file, to / f"store.db{side}")
    return to


def put_back(copy: Path, folder: Path) -> None:
    """An older store in the place of the present one."""
    for side in SIDES:
        Path(f"{store_of(folder)}{side}").unlink(missing_ok=True)
        if (file := copy / f"store.db{side}").exists():
            shutil.copyfile(file, f"{store_of(folder)}{side}")


def rows_of(store: Path, table: str) -> list[Row]:
    with closing(sqlite3.connect(store)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f'SELECT * FROM "{table}"')]


def replace_rows(folder: Path, table: str, rows: Sequence[Row], *, where: str = "1") -> None:
    """Those rows that are there (``where``) go, these come."""
    with closing(sqlite3.connect(store_of(folder))) as db, db:
        db.execute(f'DELETE FROM "{table}" WHERE {where}')
        for row in rows:
            names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
            db.execute(f'INSERT OR REPLACE INTO "{table}" ({names}) VALUES ({marks})', tuple(row.values()))
