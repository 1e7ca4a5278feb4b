"""A workbook of SpreadsheetML (ECMA-376, part 1) as a stream: a table over as many sheets as it needs, and notes. Pure.

Text is inline and so never a formula, whatever it begins with; numbers and instants are numbers. A sheet of the table
has the headings as its first row, which stays in sight. What names the sheets comes last, when their number is known.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from adapters.formats.words import number
from adapters.formats.zipped import ZipStream

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576
"""Of a sheet, its headings included: what Excel reads."""
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the begin of a formula, where somebody types it."""
SheetCell = str | Decimal | datetime | None
"""Text, a number, an instant on the wall clock (naive), or nothing."""

_PIECE = 32 * 1024
_LARGEST_EXPONENT = 300
"""Beyond it a number does not fit into the 64 bits of a cell, and is written as text."""
_DAY_ZERO, _ONE_DAY = datetime(1899, 12, 30), timedelta(days=1)  # noqa: DTZ001 - cells have no zone
_HEADING, _INSTANT, _TYPED = 1, 2, 3
"""Styles; 0 is plain, and text in the last one stays text when somebody edits the cell."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""ST_Xstring (22.9.2.19): ``_x0041_`` is read as ``A``."""
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """``width``: in characters."""

    heading: str
    width: int


@dataclass(frozen=True, slots=True)
class Notes:
    """A sheet of two columns behind the table."""

    title: str
    lines: Sequence[tuple[str, str]]


class Workbook:
    """For one answer: it knows how many rows were written. ``title``: of the table; further sheets are numbered.

    ``instants``: how they are shown, a number format of SpreadsheetML.
    """

    def __init__(
        self, title: str, columns: Sequence[SheetColumn], notes: Notes, instants: str, *, most_rows: int = MOST_ROWS
    ) -> None:
        self._zip, self._title, self._notes, self._most = ZipStream(), title, notes, most_rows
        self._opening = _opening([column.width for column in columns], frozen=True)
        self._opening += _row(1, [column.heading for column in columns], _HEADING)
        self._instants = instants
        self._sheets, self._row = 0, 0

    def head(self) -> bytes:
        """What is there whoever's values follow; to be asked for first."""
        lines = (_row(place, line) for place, line in enumerate(self._notes.lines, 1))
        notes = _opening([24, 100]) + b"".join(lines) + _CLOSING
        fixed = self._zip.whole("_rels/.rels", _relations([(f"{_OFFICE}/officeDocument", "xl/workbook.xml")]))
        fixed += self._zip.whole("xl/styles.xml", _styles(self._instants))
        return fixed + self._zip.whole("xl/worksheets/notes.xml", notes) + self._next_sheet()

    def rows(self, lines: Iterable[Sequence[SheetCell]]) -> Iterator[bytes]:
        """More rows of the table, in chunks; none is kept."""
        piece = bytearray()
        for cells in lines:
            if self._row == self._most:
                yield self._zip.add(bytes(piece) + _CLOSING) + self._zip.end() + self._next_sheet()
                piece.clear()
            self._row += 1
            piece += _row(self._row, cells)
            if len(piece) >= _PIECE:
                yield self._zip.add(bytes(piece))
                piece.clear()
        if piece:
            yield self._zip.add(bytes(piece))

    def closing(self) -> Iterator[bytes]:
        """The end of the table, the names of the sheets, and the sums of the archive."""
        tables = [f"sheet{place}" for place in range(1, self._sheets + 1)]
        titles = [self._title, *(f"{self._title} {place}" for place in range(2, self._sheets + 1)), self._notes.title]
        files = [*tables, "notes"]
        yield b"".join(
            (
                self._zip.add(_CLOSING),
                self._zip.end(),
                self._zip.whole("xl/workbook.xml", _workbook(titles)),
                self._zip.whole("xl/_rels/workbook.xml.rels", _relations(_parts(files))),
                self._zip.whole("[Content_Types].xml", _types(files)),
                self._zip.close(),
            )
        )

    def _next_sheet(self) -> bytes:
        self._sheets, self._row = self._sheets + 1, 1
        return self._zip.begin(f"xl/worksheets/sheet{self._sheets}.xml") + self._zip.add(self._opening)


# -- a sheet

_CLOSING = b"</sheetData></worksheet>"


def _opening(widths: Sequence[int], *, frozen: bool = False) -> bytes:
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' if frozen else ""
    columns = "".join(
        f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>' for place, width in enumerate(widths, 1)
    )
    views = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return f"{_XML}<worksheet {_MAIN}>{views}<cols>{columns}</cols><sheetData>".encode()


def _row(place: int, cells: Sequence[SheetCell], style: int = 0) -> bytes:
    made = "".join(_cell(f"{chr(65 + column)}{place}", cell, style) for column, cell in enumerate(cells))
    return f'<row r="{place}">{made}</row>'.encode()


def _cell(where: str, cell: SheetCell, style: int) -> str:
    match cell:
        case None | "":
            return ""
        case datetime():
            return f'<c r="{where}" s="{_INSTANT}"><v>{(cell - _DAY_ZERO) / _ONE_DAY:.10f}</v></c>'
        case Decimal() if not cell.is_finite():
            return ""
        case Decimal() if abs(cell.adjusted()) <= _LARGEST_EXPONENT:
            return f'<c r="{where}"><v>{number(cell)}</v></c>'
    text = str(cell)
    shown = f' s="{_TYPED if text.startswith(FORMULA_MARKS) else style}"'
    return f'<c r="{where}"{shown} t="inlineStr"><is><t xml:space="preserve">{_text(text)}</t></is></c>'


def _text(text: str) -> str:
    return escape(_ESCAPED.sub("_x005F_", _NO_XML.sub("\ufffd", text)))


# -- what holds the sheets together


def _styles(instants: str) -> bytes:
    fills = '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    form = '<xf numFmtId="{}" fontId="{}" fillId="0" borderId="0" xfId="0"{}/>'
    forms = form.format(0, 0, "") + form.format(0, 1, ' applyFont="1"')
    forms += form.format(164, 0, ' applyNumberFormat="1"') + form.format(0, 0, ' quotePrefix="1"')
    return (
        f"{_XML}<styleSheet {_MAIN}>"
        f'<numFmts count="1"><numFmt numFmtId="164" formatCode={quoteattr(instants)}/></numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        f'<fills count="2">{fills}</fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="4">{forms}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ).encode()


def _workbook(titles: Sequence[str]) -> bytes:
    sheets = "".join(
        f'<sheet name={quoteattr(title)} sheetId="{place}" r:id="rId{place}"/>' for place, title in enumerate(titles, 1)
    )
    views = "<bookViews><workbookView/></bookViews>"
    return f'{_XML}<workbook {_MAIN} xmlns:r="{_OFFICE}">{views}<sheets>{sheets}</sheets></workbook>'.encode()


def _parts(files: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Sheets in their order, then the styles."""
    return [
        *((f"{_OFFICE}/worksheet", f"worksheets/{file}.xml") for file in files),
        (f"{_OFFICE}/styles", "styles.xml"),
    ]


def _relations(parts: Sequence[tuple[str, str]]) -> bytes:
    lines = "".join(
        f'<Relationship Id="rId{place}" Type="{kind}" Target="{target}"/>'
        for place, (kind, target) in enumerate(parts, 1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'.encode()


def _types(files: Sequence[str]) -> bytes:
    sheets = [(f"/xl/worksheets/{file}.xml", "worksheet") for file in files]
    kinds = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles"), *sheets]
    lines = "".join(f'<Override PartName="{part}" ContentType="{_KINDS}.{kind}+xml"/>' for part, kind in kinds)
    relations = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return f'{_XML}<Types xmlns="{_PACKAGE}/content-types">{relations}{lines}</Types>'.encode()
