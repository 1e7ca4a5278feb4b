"""A workbook as a stream: read by a reader that is not ours; no formula; as many sheets as it takes; nothing kept."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree
from openpyxl import load_workbook

from adapters.formats import zipped
from adapters.formats.words import LARGEST_CHUNK
from adapters.formats.xlsx import Notes, SheetCell, SheetColumn, Workbook
from adapters.formats.zipped import ZipStream

COLUMNS = [SheetColumn("A", 10), SheetColumn("B", 10), SheetColumn("C", 10)]
NOTES = Notes("Notes", [("zone", "Europe/Berlin")])


def chunks(*parts: Sequence[Sequence[SheetCell]], most_rows: int = 100_000) -> list[bytes]:
    book = Workbook("Table", COLUMNS, NOTES, "yyyy-mm-dd hh:mm:ss", most_rows=most_rows)
    return [book.head(), *(chunk for part in parts for chunk in book.rows(part)), *book.closing()]


def opened(made: Sequence[bytes]) -> Any:
    return load_workbook(io.BytesIO(b"".join(made)))


def text_of(made: Sequence[bytes], file: str) -> str:
    with zipfile.ZipFile(io.BytesIO(b"".join(made))) as archive:
        assert archive.testzip() is None
        return archive.read(file).decode()


def test_numbers_and_instants_are_cells_of_their_kind_and_nothing_is_empty() -> None:
    at = datetime(2026, 10, 25, 2, 45, 30)  # noqa: DTZ001 - cells have no zone
    book = opened(chunks([["main", Decimal("0.250"), at], [None, Decimal("NaN"), ""]]))
    table = book["Table"]
    assert [cell.value for cell in table[1]] == ["A", "B", "C"]
    assert [cell.value for cell in table[2]] == ["main", 0.25, at]
    assert [cell.data_type for cell in table[2]] == ["s", "n", "d"]
    assert table["C2"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert [cell.value for cell in table[3]] == [None, None, None]
    assert table.freeze_panes == "A2"
    assert book["Notes"]["B1"].value == "Europe/Berlin"


@pytest.mark.parametrize("text", ["=1+1", "+49", "-2", "@SUM(A1)", '=HYPERLINK("http://x")', "\tx"])
def test_text_is_never_a_formula_and_stays_text_when_it_is_edited(text: str) -> None:
    made = chunks([[text]])
    cell = opened(made)["Table"]["A2"]
    assert (cell.value, cell.data_type) == (text, "s")
    assert cell.quotePrefix
    assert "<f>" not in text_of(made, "xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("text", ["<b>&\"'", " spaces ", "Küche", "a\x00b\x1f", "\ufffe"])
def test_any_text_leaves_the_workbook_whole(text: str) -> None:
    shown = text.replace("\x00", "\ufffd").replace("\x1f", "\ufffd").replace("\ufffe", "\ufffd")
    assert opened(chunks([[text]]))["Table"]["A2"].value == shown


def test_text_that_looks_like_an_escaped_character_is_not_read_as_one() -> None:
    assert "_x005F_x0041_" in text_of(chunks([["_x0041_"]]), "xl/worksheets/sheet1.xml")


def test_a_number_that_no_cell_can_hold_is_text() -> None:
    cell = opened(chunks([[Decimal("1E+400")]]))["Table"]["A2"]
    assert (cell.value, cell.data_type) == ("1E+400", "s")


def test_rows_that_a_sheet_cannot_take_go_into_further_sheets() -> None:
    rows = [[Decimal(n)] for n in range(25)]
    book = opened(chunks(rows[:7], rows[7:], most_rows=11))
    assert book.sheetnames == ["Table", "Table 2", "Table 3", "Notes"]
    tables = [list(book[name].iter_rows(values_only=True)) for name in book.sheetnames[:3]]
    assert [len(table) for table in tables] == [11, 11, 6]
    assert [row[0] for table in tables for row in table[1:]] == list(range(25))
    assert all(table[0] == ("A", "B", "C") for table in tables)


def test_a_table_without_rows_is_a_workbook_too() -> None:
    assert opened(chunks()).sheetnames == ["Table", "Notes"]


def test_every_part_of_it_is_well_formed_and_named() -> None:
    made = chunks([["x"]])
    with zipfile.ZipFile(io.BytesIO(b"".join(made))) as archive:
        names = archive.namelist()
        for name in names:
            etree.fromstring(archive.read(name))
    types = text_of(made, "[Content_Types].xml")
    assert all(f'"/{name}"' in types for name in names if name.startswith("xl/") and not name.endswith(".rels"))


def test_chunks_are_bounded_and_each_part_leaves_whole_before_the_next_one() -> None:
    """What a part says can be read before anything else follows: nothing of it waits in a compressor."""
    rows: list[list[SheetCell]] = [[f"row {n}", Decimal(n)] for n in range(5000)]
    made = chunks(rows)
    assert len(made) > 5
    assert max(map(len, made)) <= LARGEST_CHUNK
    book = Workbook("Table", COLUMNS, NOTES, "0")
    so_far = book.head() + b"".join(book.rows([["the last of this part"]]))
    begin = so_far.index(b"sheet1.xml") + len("sheet1.xml")
    assert b"the last of this part</t>" in zlib.decompressobj(-15).decompress(so_far[begin:])


def test_an_archive_of_more_than_four_gib_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "LARGEST_ARCHIVE", 10_000)
    archive = ZipStream()
    archive.begin("a")
    archive.add(bytes(9000))
    with pytest.raises(OverflowError, match="a file of more than"):
        archive.add(bytes(2000))
    other = ZipStream()
    for place in range(150):
        other.whole(f"b{place}", b"x" * 10)
    with pytest.raises(OverflowError, match="a ZIP archive of more"):
        other.close()
