"""Nothing of an engine outside ``gateway/storage``: neither its module nor its words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "gateway" / "storage"
MODULES = re.compile(r"sqlite|sqlalchemy\.dialects|psycopg|asyncpg")
WORDS = re.compile(r"\?[1-9]\b|VALUES \(\?|\bPRAGMA [a-z]|\bAUTOINCREMENT\b|\browid\b|\bsqlite_|(?<!///)\bstore\.db\b")
PLANTED = [
    "import sqlite3",
    "from sqlalchemy.dialects.sqlite import insert",
    "from gateway.storage.sqlite import SqliteStore",
    "from gateway.storage import sqlite",
    "connection.exec_driver_sql('SELECT 1')",
    "connection.execute(text('SELECT 1'))",
    "ask('SELECT a FROM b WHERE c = ?1')",
    "ask('SELECT seq FROM sqlite_sequence')",
    "insert(table).on_conflict_do_nothing()",
    "file = data / 'store.db'",
]


def leaks(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (f"import {each.name}" for each in names if MODULES.search(each.name))
            case ast.ImportFrom(module=module, names=names):
                yield from (f"from {module}" for each in names if MODULES.search(f"{module}.{each.name}"))
            case ast.Attribute(attr="exec_driver_sql" | "on_conflict_do_update" | "on_conflict_do_nothing" as name):
                yield name
            case ast.Call(func=ast.Name(id="text"), args=[ast.Constant(value=str(words)), *_]):
                yield words
            case ast.Constant(value=str(words)) if WORDS.search(words):
                yield words


def test_no_engine_is_known_outside_the_storage() -> None:
    found = {
        str(file.relative_to(ROOT)): words
        for folder in ("gateway", "adapters")
        for file in (ROOT / folder).rglob("*.py")
        if not file.is_relative_to(HOME) and (words := list(leaks(file.read_text())))
    }
    assert found == {}


@pytest.mark.parametrize("line", PLANTED)
def test_a_planted_leak_is_seen(line: str) -> None:
    assert list(leaks(line))
