"""A row by its primary key: written over, or kept as it was first. One statement, on every engine of the store.

Two writers of the same key do no harm: the engine decides in the statement itself, not between a look and a write.
"""

from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, Insert, Table, insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import SyntaxExtension
from sqlalchemy.sql.visitors import InternalTraversal


@cache
def upsert(table: Table) -> Insert:
    """A statement for ``Connection.execute`` with whole rows: each takes the place of the row with its primary key."""
    return insert(table).ext(_OnKey(table, replace=True))


@cache
def insert_new(table: Table) -> Insert:
    """The same, but a row that is there stays as it is: ``rowcount`` of the result is 1 when this one is new."""
    return insert(table).ext(_OnKey(table, replace=False))


class _OnKey(SyntaxExtension, ClauseElement):
    """What is done when the key is there already; ``others`` are the columns that are written over."""

    _traverse_internals = [  # noqa: RUF012 - SQLAlchemy's own form
        ("keys", InternalTraversal.dp_string_list),
        ("others", InternalTraversal.dp_string_list),
    ]
    inherit_cache = False

    def __init__(self, table: Table, *, replace: bool) -> None:
        self.keys = [column.name for column in table.primary_key]
        self.others = [column.name for column in table.c if not column.primary_key] if replace else []

    def apply_to_insert(self, insert_stmt: Insert) -> None:
        insert_stmt.apply_syntax_extension_point(self.append_replacing_same_type, "post_values")


@compiles(_OnKey, "sqlite")
@compiles(_OnKey, "postgresql")
def _on_key(element: _OnKey, compiler: Any, **_: Any) -> str:
    """Both engines have the same words for it; one that has others gets a function of its own."""
    name = compiler.preparer.quote
    keys = ", ".join(map(name, element.keys))
    if not element.others:
        return f"ON CONFLICT ({keys}) DO NOTHING"
    values = ", ".join(f"{name(other)} = excluded.{name(other)}" for other in element.others)
    return f"ON CONFLICT ({keys}) DO UPDATE SET {values}"
