"""A store of an older release opens, and what the revisions make is what the tables say, on any engine."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, create_engine, inspect, select
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from adapters.gaiax import MIGRATIONS as GAIAX
from adapters.gaiax.dsp import store as dsp
from adapters.openadr import MIGRATIONS as OPENADR
from adapters.openadr import store as openadr
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import SqliteStore, url_of
from gateway.storage.tables import cohorts, counters, door, identity, registry, vault, vee
from policies.processing import STORED, ToldOf

BEFORE = Path(__file__).with_name("before_the_port.sql")
"""A store of the revisions before ``store_0001``: pieces 1 to 7 were written, those after 3 deleted."""
POSTGRESQL = PGDialect()  # type: ignore[no-untyped-call]
ALL: list[MetaData] = [
    *(area.METADATA for area in (cohorts, counters, door, identity, registry, vee)),
    vault.metadata,
    dsp.METADATA,
    openadr.METADATA,
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(BEFORE.read_text())
    return file


def columns(connection: Connection) -> Iterator[tuple[object, ...]]:
    found = inspect(connection)
    for table in sorted(found.get_table_names()):
        keys = found.get_pk_constraint(table)["constrained_columns"]
        for column in found.get_columns(table):
            yield table, column["name"], column["type"].python_type, column["nullable"], column["name"] in keys
        for index in found.get_indexes(table):
            yield table, index["name"], tuple(index["column_names"]), index["unique"]


def schema(file: Path) -> set[tuple[object, ...]]:
    engine = create_engine(url_of(file))
    with engine.connect() as connection:
        made = set(columns(connection))
    engine.dispose()
    return made


def test_every_table_of_a_store_stands_in_the_record_of_processing(tmp_path: Path) -> None:
    """A new one too: whoever makes it says what it holds of whom, on which ground and until when."""
    file = tmp_path / "new.db"
    migrate(url_of(file), [GAIAX, OPENADR])
    engine = create_engine(url_of(file))
    with engine.connect() as connection:
        there = set(inspect(connection).get_table_names()) - {"alembic_version"}
    engine.dispose()
    assert sorted(table for each in STORED for table in each.tables) == sorted(there)


def test_a_column_that_names_a_household_is_in_a_table_that_says_so() -> None:
    of_households = {table for each in STORED if each.of is ToldOf.HOUSEHOLDS for table in each.tables}
    naming = {"subject", "tenancy", "subject_tag", "household"}
    found = {table.name for area in ALL for table in area.tables.values() if naming & set(table.c.keys())}
    assert len(found) > 10
    assert found <= of_households


async def test_an_old_store_opens_with_its_rows_and_numbers_go_on_above_all_that_were_given(old: Path) -> None:
    migrate(url_of(old), [GAIAX, OPENADR])
    async with SqliteStore(url_of(old)) as store:
        numbers = await store.numbers("piece")
        assert (numbers.newest, numbers.next()) == (7, 8)
        piece, batch = vault.piece.c, vault.batch.c
        assert await store.look(lambda c: list(c.execute(select(piece.number)).scalars())) == [1, 2, 3]
        kept = await store.look(lambda c: c.execute(select(batch.source, batch.sequence, batch.answer)).one())
        assert tuple(kept) == ("box", (1 << 63) - 1, b"answer")


async def test_a_number_that_went_into_a_block_is_not_given_again(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript("UPDATE block SET upto = 4000000000; DELETE FROM piece")
    migrate(url_of(old), [GAIAX, OPENADR])
    async with SqliteStore(url_of(old)) as store:
        assert (await store.numbers("piece")).newest == 4_000_000_000


def test_a_ground_of_before_is_reminded_of_and_one_that_is_over_is_told_now(old: Path) -> None:
    ends = {"later": "8999-12-31T00:00:00Z", "over": "2020-02-01T00:00:00.5+00:00", "gone": "2020-02-01T00:00:00Z"}
    with closing(sqlite3.connect(old)) as connection:
        for name, end in ends.items():
            body = json.dumps({"scope": {"validity": {"start": "2020-01-01T00:00:00Z", "end": end}}})
            row = (name, body, 1.0 if name == "gone" else None)
            connection.execute("INSERT INTO ground VALUES (?, 'who', 'consent', 'acme', ?, ?)", row)
        connection.execute("DELETE FROM ground WHERE id NOT IN ('later', 'over', 'gone')")
        connection.commit()
    migrate(url_of(old), [GAIAX, OPENADR])
    with closing(sqlite3.connect(old)) as connection:
        dues = dict(connection.execute("SELECT ground, due FROM ground_term"))
    assert dues == {
        "later": datetime(8999, 12, 1, tzinfo=UTC).timestamp(),
        "over": datetime(2020, 2, 1, tzinfo=UTC).timestamp() + 0.5,
    }


def test_a_household_of_before_moved_in_when_another_one_left_its_point(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript("""
            INSERT INTO tenancy (id, zone, community, kind, start, "end") VALUES
                ('was', '', '', 'household', 100, 200), ('is', '', '', 'household', 300, NULL),
                ('other', '', '', 'household', 50, NULL);
            INSERT INTO metering_point (lookup, tenancy, start, "end") VALUES
                (X'01', 'was', 100, 200), (X'01', 'is', 300, NULL), (X'02', 'is', 300, NULL),
                (X'03', 'other', 50, NULL);
        """)
    migrate(url_of(old), [GAIAX, OPENADR])
    with closing(sqlite3.connect(old)) as connection:
        rows = connection.execute("SELECT id, moved_in FROM tenancy WHERE id IN ('was', 'is', 'other')")
        assert dict(rows) == {"was": None, "is": 200, "other": None}


def test_a_cohort_that_told_a_figure_before_protects_all_of_its_members_and_tells_no_more(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript("""
            INSERT INTO cohort_draw (place, epoch, cohorts) VALUES ('Z1', '2026-03-04',
                '{"Z1#2026-03-04-0": {"a": ["p", "q"], "b": ["q"]}, "Z1#2026-03-04-1": {"c": ["p"]}}');
            INSERT INTO cohort_cell (node, quantity, start, value) VALUES
                ('Z1#2026-03-04-0', 'q', 100, '7'), ('Z1#2026-03-04-1', 'p', 100, NULL);
        """)
    migrate(url_of(old), [GAIAX, OPENADR])
    begin = datetime(2026, 3, 4, tzinfo=UTC).timestamp()
    with closing(sqlite3.connect(old)) as connection:
        members = connection.execute("SELECT subject, epoch, node, seen FROM cohort_member ORDER BY subject").fetchall()
        assert members == [(who, "2026-03-04", "Z1#2026-03-04-0", 0) for who in ("a", "b")]
        told = connection.execute("SELECT node, begin, seconds, intervals, slack FROM cohort_told").fetchall()
        assert told == [("Z1#2026-03-04-0", begin, 86400, "1", 0)]
        [(body,)] = connection.execute("SELECT cohorts FROM cohort_draw").fetchall()
    assert json.loads(body) == {
        "seconds": 0,
        "cohorts": {
            "Z1#2026-03-04-0": {"members": ["a", "b"], "quantities": ["q"]},
            "Z1#2026-03-04-1": {"members": ["c"], "quantities": ["p"]},
        },
    }


def test_a_store_with_exceptions_keeps_them_and_gets_a_place_for_doubtful_clocks(tmp_path: Path) -> None:
    before, fresh = tmp_path / "before.db", tmp_path / "fresh.db"
    for file in (before, fresh):
        migrate(url_of(file), [GAIAX, OPENADR])
    with closing(sqlite3.connect(before)) as connection:
        connection.executescript("""
            DROP TABLE vee_clock;
            UPDATE alembic_version SET version_num = 'vee_0001' WHERE version_num = 'vee_0002';
            INSERT INTO vee_exception (id, tenancy, day, state, found, sealed) VALUES ('e', 't', 1, 'open', 2.5, X'01');
        """)
    migrate(url_of(before), [GAIAX, OPENADR])
    assert schema(before) == schema(fresh)
    with closing(sqlite3.connect(before)) as connection:
        assert connection.execute("SELECT id, sealed FROM vee_exception").fetchall() == [("e", b"\x01")]
        assert connection.execute("SELECT count(*) FROM vee_clock").fetchone() == (0,)


def test_an_old_store_and_a_new_one_have_the_same_tables(old: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    for file in (old, fresh):
        migrate(url_of(file), [GAIAX, OPENADR])
        migrate(url_of(file), [GAIAX, OPENADR])
    assert schema(old) == schema(fresh)


def test_the_revisions_make_the_columns_that_the_tables_name(tmp_path: Path) -> None:
    revised, named = tmp_path / "revised.db", tmp_path / "named.db"
    migrate(url_of(revised), [GAIAX, OPENADR])
    engine = create_engine(url_of(named))
    for metadata in ALL:
        metadata.create_all(engine)
    engine.dispose()
    made, wanted = ({each for each in schema(file) if len(each) == 5} for file in (revised, named))
    assert {each for each in made if each[0] != "alembic_version"} == wanted


def test_every_table_can_be_said_in_the_words_of_another_engine_and_numbers_have_64_bits() -> None:
    for metadata in ALL:
        for table in metadata.sorted_tables:
            text = str(CreateTable(table).compile(dialect=POSTGRESQL))
            assert "SQLITE" not in text.upper()
            for index in table.indexes:
                str(CreateIndex(index).compile(dialect=POSTGRESQL))
    words = str(CreateTable(vault.piece).compile(dialect=POSTGRESQL))
    assert "number BIGINT NOT NULL" in words
