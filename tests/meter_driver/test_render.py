"""What people and programs see of a reading."""

from datetime import UTC, datetime
from decimal import Decimal

from meter_driver import render
from meter_driver.errors import FrameTooLong
from meter_driver.reading import FrameRejected, Quality, Reading, Telegram

AT = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
VOID = Reading("K1", "energy", None, Decimal(-2147483648), "Wh", quality=Quality.CHECKSUM_ONLY | Quality.NO_VALUE)


def test_cells_are_instant_quantity_value_and_unit() -> None:
    reading = Reading("K1", "1-0:1.8.0*255", AT, Decimal("1E+3"), "Wh")
    assert render.cells(reading) == ("2026-01-02T11:04:05Z", "1-0:1.8.0*255", "1000", "Wh")
    assert render.cells(VOID) == ("-", "energy", "-", "Wh")


def test_a_text_of_the_meter_does_not_move_the_terminal() -> None:
    reading = Reading("K1", "0-0:96.13.0*255", None, "\x1b[2Jgr\u00fcn\r\n", None)
    assert render.cells(reading)[2] == "\ufffd[2Jgr\u00fcn\ufffd\ufffd"


def test_a_value_that_is_none_is_null_unless_the_pattern_is_asked_for() -> None:
    telegram = Telegram("K1", None, (VOID,))
    assert [render.telegram(telegram)["readings"][0]["value"]] == [None]
    assert render.telegram(telegram, as_sent=True)["readings"][0]["value"] == "-2147483648"


def test_one_is_told_as_one_and_more_as_more() -> None:
    assert [render.counted(n, "household") for n in (0, 1, 2)] == ["0 households", "1 household", "2 households"]
    assert [render.counted(n, "entry", "entries") for n in (1, 3)] == ["1 entry", "3 entries"]
    assert render.rejected(FrameRejected.because(FrameTooLong("no end mark"), 1)).startswith("rejected 1 byte: ")
