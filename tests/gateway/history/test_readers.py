"""Readers of history files: what is read is right, what is wrong is named by line and field, nothing crashes them."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.history_file import map_of, read_file
from gateway.history import green_button, mscons, table
from gateway.history.batches import batches, ranges
from gateway.history.edifact import Segment, segments
from gateway.history.plan import ImportMap, plan_of
from gateway.history.stamps import DOUBTFUL, Stamps, second_ones
from gateway.history.values import NUMBER, SourceColumn, Values
from gateway.history.wrong import FileRefused, MapRefused, Wrong

BERLIN = ZoneInfo("Europe/Berlin")
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
CSV = {
    "columns": {"point": "MeLo", "time": "Zeit", "quantity": "OBIS", "value": "Wert", "status": "S"},
    "fixed": {"unit": "kWh"},
    "stamps": "begin",
    "interval": "15min",
    "statuses": {"W": "measured", "E": "estimated", "X": "refused"},
    "csv": {"delimiter": ";", "decimal": ","},
}


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def from_table(lines: Sequence[str], plan: dict[str, Any] | None = None) -> tuple[Sequence[SourceColumn], Values]:
    values = Values()
    table.read([f"{line}\n" for line in lines], plan_of(plan or CSV), values)
    return values.finish(), values


def wrongs(values: Values) -> list[tuple[int, str]]:
    return [(wrong.line, wrong.field) for wrong in values.wrong.some]


HEAD = "MeLo;Zeit;OBIS;Wert;S"


def test_a_line_is_a_value_of_its_interval_with_its_digits_and_its_worth() -> None:
    columns, values = from_table(
        [HEAD, "P1;2026-03-01T00:00+00:00;1-0:1.29.0;0,250;W", "P1;2026-03-01T00:15+00:00;1-0:1.29.0;1,5;E"]
    )
    assert not values.wrong
    (column,) = columns
    assert column.name == ("", "P1", "", "", "1-0:1.29.0*255", "kWh")
    assert list(column.starts) == [seconds(MARCH), seconds(MARCH) + 900]
    assert list(column.ends) == [seconds(MARCH) + 900, seconds(MARCH) + 1800]
    assert (column.values, column.statuses) == (["0.250", "1.5"], ["measured", "estimated"])
    assert list(column.lines) == [2, 3]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("P1;2026-03-01T00:00+00:00;1-0:1.29.0;nan;W", "value"),
        ("P1;2026-03-01T00:00+00:00;1-0:1.29.0;1e3;W", "value"),
        ("P1;2026-03-01T00:00+00:00;1-0:1.29.0;123456789012345;W", "value"),
        ("P1;2026-03-01T00:00+00:00;nonsense!;1;W", "quantity"),
        (";2026-03-01T00:00+00:00;1-0:1.29.0;1;W", "point"),
        ("P1;yesterday;1-0:1.29.0;1;W", "time"),
        ("P1;2026-03-01T00:00;1-0:1.29.0;1;W", "time"),
        ("P1;2026-03-01T00:00+00:00;1-0:1.29.0;1;?", "status"),
        ("P1;2026-03-01T00:00+00:00;1-0:1.29.0;1", "line"),
        ("P1;2026-03-01T00:30+00:00;1-0:1.29.0;1;W", "time"),
    ],
)
def test_one_wrong_line_among_good_ones_is_named_by_line_and_field(line: str, field: str) -> None:
    good = [f"P1;2026-03-01T00:{minute}+00:00;1-0:1.29.0;1;W" for minute in (15, 30, 45)]
    columns, values = from_table([HEAD, *good, line])
    assert wrongs(values) == [(5, field)] or (field == "time" and wrongs(values) == [(5, "time")])
    assert sum(len(column.values) for column in columns) >= 3


def test_what_the_file_calls_unusable_or_leaves_empty_is_counted_and_left_out() -> None:
    columns, values = from_table(
        [HEAD, "P1;2026-03-01T00:00+00:00;1-0:1.29.0;1;X", "P1;2026-03-01T00:15+00:00;1-0:1.29.0;;W"]
    )
    assert (columns, values.left_out.count, values.wrong.count) == ([], 2, 0)


@given(st.integers(0, 364), st.booleans(), st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "UTC"]))
def test_a_day_of_wall_clock_stamps_is_the_day_of_the_zone_whole(day: int, at_end: bool, name: str) -> None:
    zone = ZoneInfo(name)
    local = (MARCH + timedelta(days=day)).replace(tzinfo=None)
    begin, end = (seconds(at.replace(tzinfo=zone)) for at in (local, local + timedelta(days=1)))
    edges = list(range(begin, end + 1, 900))
    stamps = edges[1:] if at_end else edges[:-1]
    lines = [f"P1;{datetime.fromtimestamp(at, zone):%d.%m.%Y %H:%M};1-0:1.29.0;1;W" for at in stamps]
    plan = {**CSV, "zone": name, "time_format": "%d.%m.%Y %H:%M", "stamps": "end" if at_end else "begin"}
    (column,), values = from_table([HEAD, *lines], plan)
    assert not values.wrong
    assert list(column.starts) == edges[:-1]
    assert list(column.ends) == edges[1:]


@pytest.mark.parametrize(
    ("sign", "value", "rule"),
    [
        (",", "1.234", "a point, and csv.decimal is a comma"),
        (",", "1.234,5", "a point, and csv.decimal is a comma"),
        (".", "1,234", "a comma, and csv.decimal is a point"),
        (".", "1,234.5", "a comma, and csv.decimal is a point"),
    ],
)
def test_the_other_sign_in_a_number_is_refused_and_never_read_as_the_decimal_sign(
    sign: str, value: str, rule: str
) -> None:
    plan = {**CSV, "csv": {"delimiter": ";", "decimal": sign}}
    columns, values = from_table([HEAD, f"P1;2026-03-01T00:00+00:00;1-0:1.29.0;{value};W"], plan)
    assert (columns, values.wrong.some) == ([], [Wrong(2, "value", rule)])


def test_series_are_bounded_also_where_all_of_them_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.history.rows.MOST_SERIES", 2)
    with pytest.raises(FileRefused, match="more than 2 series"):
        from_table([HEAD, *(f"P{n};2026-03-01T00:00+00:00;1-0:1.8.0;1;X" for n in range(3))])


# -- the hour that the clock shows twice

AUTUMN = {**CSV, "zone": "Europe/Berlin", "interval": "1h", "time_format": "%d.%m.%Y %H:%M"}
MIDNIGHT = datetime(2026, 10, 24, 22, tzinfo=UTC)
"""In Berlin, of the day that has 02:00 twice."""


def autumn(*rows: tuple[str, str, str], **more: Any) -> tuple[dict[str, float], Values]:
    """Hours since midnight by value. ``rows``: time, value, status."""
    lines = [f"P1;25.10.2026 {time};1-0:1.29.0;{value};{status}" for time, value, status in rows]
    columns, values = from_table([HEAD, *lines], {**AUTUMN, **more})
    found = {
        value: (start - seconds(MIDNIGHT)) / 3600
        for column in columns
        for value, start in zip(column.values, column.starts, strict=True)
    }
    return found, values


@pytest.mark.parametrize(("value", "status"), [("2", "X"), ("", "W")])
def test_a_row_that_is_left_out_counts_where_the_hour_comes_twice(value: str, status: str) -> None:
    found, values = autumn(("01:00", "1", "W"), ("02:00", value, status), ("02:00", "3", "W"), ("03:00", "4", "W"))
    assert (found, values.wrong.count, values.left_out.count) == ({"1": 1, "3": 3, "4": 4}, 0, 1)


@pytest.mark.parametrize(("value", "status"), [("two", "W"), ("2", "?")])
def test_a_row_that_is_wrong_counts_where_the_hour_comes_twice(value: str, status: str) -> None:
    found, values = autumn(("01:00", "1", "W"), ("02:00", value, status), ("02:00", "3", "W"), ("03:00", "4", "W"))
    assert (found, values.wrong.count) == ({"1": 1, "3": 3, "4": 4}, 1)


def test_a_file_may_begin_with_a_doubled_hour_that_is_left_out() -> None:
    quarters = [f"02:{minute:02}" for minute in (0, 15, 30, 45)]
    first, second = ([(at, f"{n}", status) for n, at in enumerate(quarters)] for status in "XW")
    found, values = autumn(*first, *second, ("03:00", "9", "W"), interval="15min")
    assert (found, values.wrong.count) == ({"0": 3, "1": 3.25, "2": 3.5, "3": 3.75, "9": 4}, 0)


@pytest.mark.parametrize("whole", [slice(None), slice(1, None), slice(-1)])
def test_a_descending_file_has_the_second_time_first(whole: slice) -> None:
    rows = [("03:00", "4", "W"), ("02:00", "3", "W"), ("02:00", "2", "W"), ("01:00", "1", "W")]
    hours = {"4": 4, "3": 3, "2": 2, "1": 1}
    found, values = autumn(*rows[whole])
    assert (found, values.wrong.count) == ({row[1]: hours[row[1]] for row in rows[whole]}, 0)


@pytest.mark.parametrize(
    ("times", "doubtful"),
    [
        ("01:00 02:00 03:00", (3,)),
        ("03:00 02:00 01:00", (3,)),
        ("02:00 02:00", (2, 3)),
        ("01:00 02:00 02:00 02:00 03:00", (3, 4, 5)),
        ("01:45 02:00 02:00 02:15 02:15 03:00", (3, 4, 5, 6)),
        ("03:00 02:00 02:00 04:00", (3, 4)),
        ("01:45 02:00 02:15 02:30 02:45 03:00", (3, 4, 5, 6)),
        ("02:00 03:00", (2,)),
        ("01:00 02:00", (3,)),
    ],
)
def test_a_doubled_hour_whose_order_tells_nothing_is_refused_by_line(times: str, doubtful: tuple[int, ...]) -> None:
    rows = [(at, f"{n}", "W") for n, at in enumerate(times.split())]
    found, values = autumn(*rows, interval="15min")
    assert values.wrong.some == [Wrong(line, "time", DOUBTFUL) for line in doubtful]
    assert len(found) + len(doubtful) == len(rows)


def test_a_doubled_hour_is_told_by_the_rows_of_its_own_series() -> None:
    times = ("01:00", "02:00", "02:00", "03:00")
    lines = [f"{point};25.10.2026 {at};1-0:1.29.0;1;W" for at in times for point in ("P1", "P2")]
    columns, values = from_table([HEAD, *lines], AUTUMN)
    assert not values.wrong
    assert [[(at - seconds(MIDNIGHT)) // 3600 for at in column.starts] for column in columns] == [[1, 2, 3, 4]] * 2


def test_a_stamp_with_an_offset_within_the_doubled_hour_tells_no_direction() -> None:
    times = ("02:30+02:00", "02:00", "02:15", "01:00")
    _, values = from_table(
        [HEAD, *(f"P1;2026-10-25T{at};1-0:1.8.0;1;W" for at in times)], {**AUTUMN, "time_format": ""}
    )
    assert values.wrong.some == [Wrong(3, "time", DOUBTFUL), Wrong(4, "time", DOUBTFUL)]


def test_begin_and_end_are_told_by_the_order_of_the_begins() -> None:
    spans = [("01:00", "02:00"), ("02:00", "02:00"), ("02:00", "03:00"), ("03:00", "04:00")]
    head = HEAD.replace("Zeit", "Von;Bis")
    parts = {"point": "MeLo", "begin": "Von", "end": "Bis", "quantity": "OBIS", "value": "Wert", "status": "S"}
    plan = {**AUTUMN, "columns": parts}
    for rows in (spans, spans[::-1]):
        lines = [f"P1;25.10.2026 {begin};25.10.2026 {end};1-0:1.29.0;1;W" for begin, end in rows]
        (column,), values = from_table([head, *lines], plan)
        assert not values.wrong
        assert [(at - seconds(MIDNIGHT)) // 3600 for at in (*column.starts, column.ends[-1])] == [1, 2, 3, 4, 5]


def test_an_end_that_is_not_after_its_begin_is_wrong() -> None:
    plan = {**CSV, "columns": {"point": "MeLo", "begin": "Von", "end": "Bis", "quantity": "OBIS", "value": "Wert"}}
    line = "P1;2026-03-01T00:15+00:00;2026-03-01T00:15+00:00;1-0:1.29.0;1"
    _, values = from_table(["MeLo;Von;Bis;OBIS;Wert", line], plan)
    assert values.wrong.some == [Wrong(2, "begin, end", "the end is not after the begin")]


def test_doubled_hours_that_follow_each_other_are_those_of_two_years() -> None:
    days = ("26.10.2025", "26.10.2025", "25.10.2026", "25.10.2026")
    (column,), values = from_table([HEAD, *(f"P1;{day} 02:00;1-0:1.8.0;1;W" for day in days)], AUTUMN)
    assert not values.wrong
    assert [b - a for a, b in pairwise(column.starts)] == [3600, 364 * 86400 - 3600, 3600]


@pytest.mark.parametrize(
    ("times", "before", "after", "told"),
    [
        (2, -1, 9999, range(1, 2)),
        (2, 9999, -1, range(1)),
        (2, -1, 1800, None),
        (2, 1800, 9999, None),
        (2, 9999, 1800, None),
        (2, 1800, -1, None),
        (3, -1, 9999, None),
        (3, 9999, -1, None),
    ],
)
def test_only_stamps_outside_of_the_doubled_hour_tell_a_direction(
    times: int, before: int, after: int, told: range | None
) -> None:
    assert second_ones([(0, 3600)] * times, before, after) == told


DAYS = {**AUTUMN, "zone": "America/Havana", "interval": "1d", "time_format": "%Y-%m-%d"}


def test_a_day_that_begins_in_a_doubled_hour_begins_the_first_time() -> None:
    (column,), values = from_table([HEAD, *(f"P1;2026-11-0{day};1-0:1.29.0;1;W" for day in (1, 2))], DAYS)
    assert not values.wrong
    assert [(e - s) // 3600 for s, e in zip(column.starts, column.ends, strict=True)] == [25, 24]


@pytest.mark.parametrize(("quantity", "times"), [("1-0:1.29.0", 2), ("1-0:1.8.0", 1)])
def test_neither_a_day_told_twice_nor_a_stand_is_of_the_first_time_unasked(quantity: str, times: int) -> None:
    plan = DAYS if times > 1 else {**DAYS, "stamps": "at"}
    _, values = from_table([HEAD, *[f"P1;2026-11-01;{quantity};1;W"] * times], plan)
    assert [wrong.rule for wrong in values.wrong.some] == [DOUBTFUL] * times


def test_nothing_is_wrong_with_what_is_left_out() -> None:
    lines = ["P1;yesterday;1-0:1.29.0;;W", "P1;25.10.2026 02:00;1-0:1.29.0;1;X", ";01.10.2026 00:00;what!;1;X"]
    columns, values = from_table([HEAD, *lines], AUTUMN)
    assert (columns, values.wrong.count, values.left_out.count) == ([], 0, 3)


def test_more_rows_than_a_doubled_hour_has_seconds_refuse_the_file() -> None:
    with pytest.raises(FileRefused) as refused:
        autumn(*[("02:00", "1", "W")] * 7201)
    assert refused.value.wrong.line == 7202


def test_an_hour_that_the_clock_never_showed_is_wrong() -> None:
    plan = {**CSV, "zone": "Europe/Berlin"}
    _, values = from_table([HEAD, "P1;2026-03-29T02:15;1-0:1.29.0;1;W"], plan)
    assert wrongs(values) == [(2, "time")]


@pytest.mark.parametrize(
    ("form", "stamp", "other"),
    [
        ("", "2026-02-28T24:00", "2026-03-01T00:00"),
        ("", "2024-02-24 24:00:00", "2024-02-25 00:00:00"),
        ("", "2026-03-28T24:00+02:00", "2026-03-29T00:00+02:00"),
        ("%d.%m.%Y %H:%M", "24.12.2024 24:00", "25.12.2024 00:00"),
        ("%d.%m.%y %H:%M:%S", "31.12.24 24:00:00", "01.01.25 00:00:00"),
        ("%H:%M %d.%m.%Y", "24:00 25.10.2026", "00:00 26.10.2026"),
        ("%Y%m%d%H%M", "202412242400", "202412250000"),
    ],
)
def test_24_hours_are_the_next_days_midnight(form: str, stamp: str, other: str) -> None:
    clock = Stamps(BERLIN, form)
    assert clock.both(stamp) == clock.both(other)


@pytest.mark.parametrize(
    ("form", "stamp"),
    [
        ("", "2026-02-28T24:15"),
        ("", "2026-02-28T24:00:01"),
        ("", "2026-02-28T25:00"),
        ("", "9999-12-31T24:00"),
        ("", "2026-24-01T00:00"),
        ("%d.%m.%Y %H:%M", "32.12.2024 24:00"),
        ("%d.%m.%Y", "24.24.2024"),
        ("%M.%d.%m.%Y", "24.24.24.2024"),
    ],
)
def test_what_else_has_24_in_it_is_no_time(form: str, stamp: str) -> None:
    with pytest.raises(ValueError, match="no such time"):
        Stamps(BERLIN, form).both(stamp)


@pytest.mark.parametrize("day", ["28.03.2026", "24.10.2026", "25.10.2026"])
def test_a_day_whose_last_quarter_ends_at_24_is_whole(day: str) -> None:
    """Also the one before the clock changes, and the one on which it does."""
    plan = {**AUTUMN, "stamps": "end", "interval": "15min"}
    begin = datetime.strptime(day, "%d.%m.%Y").replace(tzinfo=BERLIN).astimezone(UTC)
    end = (begin.astimezone(BERLIN) + timedelta(days=1)).astimezone(UTC)
    ends = [begin + n * timedelta(minutes=15) for n in range(1, (end - begin) // timedelta(minutes=15) + 1)]
    stamps = [f"{at.astimezone(BERLIN):%d.%m.%Y %H:%M}" for at in ends[:-1]]
    lines = [f"P1;{stamp};1-0:1.29.0;1;W" for stamp in (*stamps, f"{day} 24:00")]
    (column,), values = from_table([HEAD, *lines], plan)
    assert not values.wrong
    assert (column.starts[0], column.ends[-1], len(column.ends)) == (seconds(begin), seconds(end), len(ends))


def test_days_of_a_zone_have_23_to_25_hours() -> None:
    plan = {**CSV, "zone": "Europe/Berlin", "interval": "1d", "time_format": "%Y-%m-%d"}
    lines = [f"P1;2026-{day};1-0:1.29.0;1;W" for day in ("03-28", "03-29", "10-25")]
    (column,), values = from_table([HEAD, *lines], plan)
    assert not values.wrong
    assert [(e - s) // 3600 for s, e in zip(column.starts, column.ends, strict=True)] == [24, 23, 25]


def test_stands_at_an_instant_have_no_length_though_the_map_says_an_interval() -> None:
    (column,), values = from_table([HEAD, "P1;2026-03-01T00:00+00:00;1-0:1.8.0;100,5;W"], {**CSV, "stamps": "at"})
    assert not values.wrong
    assert column.starts == column.ends


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"colums": {}}, "colums"),
        ("a text", "map"),
        ({1: "x"}, "1"),
        ({"a.b": "x"}, "a.b"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"interval": "often"}, "interval"),
        ({"columns": {"point": "a"}, "fixed": {"point": "b"}}, "fixed"),
        ({"csv": {"decimal": ";"}}, "csv.decimal"),
        ({"statuses": {"W": "true"}}, "statuses.W"),
        ({"columns": {"poin": "a"}}, "columns.poin"),
        ({"csv": {"delimeter": ";"}}, "csv.delimeter"),
        ({"fixed": {"unit": "furlong"}}, "fixed.unit"),
        ({"fixed": {"quantity": "8-0:1.0.0", "unit": "kWh"}}, "fixed.unit"),
        ({"fixed": {"quantity": "nonsense!"}}, "fixed.quantity"),
        ({"format": "csv", "stamps": "begin"}, "stamps"),
        ({"fixed": {"value": "1"}}, "fixed.time"),
    ],
)
def test_a_map_that_breaks_a_rule_is_refused_by_its_field(plan: Any, field: str) -> None:
    with pytest.raises(MapRefused) as refused:
        plan_of(plan)
    assert [wrong.field for wrong in refused.value.all] == [field]


def test_a_map_tells_all_that_is_wrong_with_it_at_once_and_what_there_is_to_choose_from() -> None:
    plan = {
        "fixd": {"unit": "kWh"},
        "zone": "Europe/Berlim",
        "stamps": "ende",
        "interval": "15 minutes",
        "statuses": {"W": "measrued"},
        "fixed": {"unit": "furlong"},
    }
    with pytest.raises(MapRefused) as refused:
        plan_of(plan)
    rules = {wrong.field: wrong.rule for wrong in refused.value.all}
    assert set(rules) == {"fixd", "zone", "stamps", "interval", "statuses.W", "fixed.unit"}
    assert rules["stamps"] == "one of begin, end, at"
    assert rules["statuses.W"] == "one of measured, estimated, validated, substituted, refused"


@pytest.mark.parametrize(
    ("plan", "wrong"),
    [
        ({"zone": 1}, ("zone", "a text (in quotes, where YAML takes it for something else)")),
        ({"fixed": {"point": 4711}}, ("fixed.point", "a text (in quotes, where YAML takes it for something else)")),
        ({"csv": {"skip": "one"}}, ("csv.skip", "a whole number")),
        ({"csv": ","}, ("csv", "fields and what they are")),
        ({"columns": [1]}, ("columns", "fields and what they are")),
    ],
)
def test_what_a_field_of_a_map_may_be_is_said_in_words_of_ours(plan: Any, wrong: tuple[str, str]) -> None:
    with pytest.raises(MapRefused) as refused:
        plan_of(plan)
    assert [(each.field, each.rule) for each in refused.value.all] == [wrong]


def test_fields_of_the_map_are_told_by_what_says_them_in_the_file() -> None:
    table = plan_of(
        {"format": "csv", "columns": {"point": "MeLo", "begin": "von", "end": "bis"}, "fixed": {"unit": "kWh"}}
    )
    said = ("point", "unit", "time", "begin, end", "line", "point, value")
    told = [Wrong(1, field, "").told(table.called).field for field in said]
    assert told == ["MeLo", "fixed.unit", "von, bis", "von, bis", "line", "MeLo, value"]
    assert plan_of({"format": "mscons"}).called("point") == "LOC"
    assert plan_of({"format": "mscons"}).called("time") == "DTM"


def test_columns_that_the_file_has_not_are_named_all_at_once() -> None:
    columns = {**CSV["columns"], "point": "MeLoo", "value": "Werte"}  # type: ignore[dict-item]
    with pytest.raises(MapRefused) as refused:
        from_table([HEAD], {**CSV, "columns": columns})
    assert [str(wrong) for wrong in refused.value.all] == [
        "columns.point: the file has no column 'MeLoo'; its columns are 'MeLo', 'Zeit', 'OBIS', 'Wert', 'S'",
        "columns.value: the file has no column 'Werte'",
    ]


@pytest.mark.parametrize("columns", [3, 300])
def test_a_file_with_another_delimiter_is_told_by_the_one_column_that_it_has(columns: int) -> None:
    head = ",".join(f"column{n}" for n in range(columns))
    with pytest.raises(MapRefused) as refused:
        from_table([head])
    first, *others = refused.value.all
    assert "; its columns are 'column0,column1,column2" in first.rule
    assert len(first.rule) < 500
    assert not any("column0" in each.rule for each in others)


@pytest.mark.parametrize("name", ["utf-17", "base64", "rot13", "", "a\0b", "os.path"])
def test_an_encoding_of_text_that_nobody_knows_is_refused_with_the_map(name: str) -> None:
    with pytest.raises(MapRefused) as refused:
        plan_of({**CSV, "csv": {"encoding": name}})
    assert [str(wrong) for wrong in refused.value.all] == ["csv.encoding: no encoding of text has this name"]


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-16", "utf-8"),
        ("utf-32", "utf-8"),
        ("utf-8", "utf-16"),
        ("ascii", "utf-8"),
        ("utf-7", "latin-1"),
        ("idna", "latin-1"),
        ("punycode", "latin-1"),
        ("undefined", "utf-8"),
    ],
)
def test_a_file_in_another_encoding_than_the_map_says_is_refused_by_the_maps_field(
    tmp_path: Path, encoding: str, written: str
) -> None:
    file = tmp_path / "values.csv"
    file.write_text(f"{HEAD}\nZähler;2026-03-01T00:00+00:00;1-0:1.29.0;0,250;W\n", encoding=written)
    plan = {**CSV, "format": "csv", "csv": {"encoding": encoding, "delimiter": ";", "decimal": ","}}
    with pytest.raises(FileRefused) as refused:
        read_file(file, plan_of(plan))
    assert str(refused.value) == "csv.encoding: not what the file is written in"


@pytest.mark.parametrize("text", [b"\xff\xfez", b"fixed: {unit: 2026-13-45}", b"[" * 5000, b"a: \x00"])
def test_a_map_that_cannot_be_read_is_refused_by_name(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "map.yaml"
    file.write_bytes(text)
    with pytest.raises(MapRefused) as refused:
        map_of(file)
    assert refused.value.wrong.field == "map"


@given(st.lists(st.text(max_size=60), max_size=8))
def test_no_lines_crash_the_reader_of_tables(lines: list[str]) -> None:
    _never_crashes(lambda values: table.read([HEAD + "\n", *(f"{line}\n" for line in lines)], plan_of(CSV), values))


def _never_crashes(read: Callable[[Values], None]) -> None:
    values = Values()
    try:
        read(values)
        columns = values.finish()
    except FileRefused:
        return
    for column in columns:
        assert all(NUMBER.fullmatch(value.removeprefix("-")) for value in column.values)
        assert all(a <= b for a, b in pairwise(column.starts)) or values.wrong


def test_the_maps_of_the_manual_are_such() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "running.md").read_text()
    block = page.partition("```yaml\nformat: csv")[2].partition("```")[0]
    plan = plan_of(yaml.safe_load("format: csv" + block))
    assert (plan.stamps, plan.statuses["G"], plan.points["4711"]) == ("end", "validated", "AT00...")
    block = page.partition("```yaml\nformat: parquet")[2].partition("```")[0]
    assert plan_of(yaml.safe_load("format: parquet" + block)).columns["value"] == "kwh"


# -- MSCONS

MESSAGE = (
    "UNA:+.? 'UNB+UNOC:3+9900:500+9901:500+260302:0000+1'UNH+1+MSCONS:D:04B:UN:2.3c'BGM+7+1+9'"
    "DTM+137:202603020000?+00:303'UNS+D'NAD+DP'LOC+172+DE0001'RFF+MG:1ESM'LIN+1'PIA+5+1-0?:1.29.0:SRW'"
    "QTY+220:0.25:KWH'DTM+163:202603010000?+00:303'DTM+164:202603010015?+00:303'"
    "QTY+67:0.5:KWH'DTM+163:202603010015?+00:303'DTM+164:202603010030?+00:303'"
    "QTY+20:9:KWH'DTM+163:202603010030?+00:303'DTM+164:202603010045?+00:303'"
    "LIN+2'PIA+5+1-0?:1.8.0:SRW'QTY+220:1234.5:KWH'DTM+9:202603010100:203'UNT+0+1'UNZ+1+1'"
)


def counted(text: str) -> str:
    """With the number of segments of each message as it is."""
    whole, parts = "", text.split("UNH+")
    for place, part in enumerate(parts):
        count = part.partition("UNT+")[0].count("'") + 1
        whole += f"UNH+{re.sub('UNT[+][0-9]+', f'UNT+{count}', part)}" if place else part
    return whole


def from_mscons(text: str, **plan: Any) -> tuple[Sequence[SourceColumn], Values]:
    values = Values()
    mscons.read([counted(text)], plan_of({"zone": "Europe/Berlin", **plan}), values)
    return values.finish(), values


def test_qualifiers_become_statuses_and_stamps_the_interval() -> None:
    (entries, stands), values = from_mscons(MESSAGE)
    assert (values.wrong.count, values.left_out.count) == (0, 1)
    assert entries.name == ("", "DE0001", "", "1ESM", "1-0:1.29.0*255", "kWh")
    assert (entries.values, entries.statuses) == (["0.25", "0.5"], ["measured", "substituted"])
    assert list(entries.starts) == [seconds(MARCH), seconds(MARCH) + 900]
    assert list(stands.ends) == [seconds(datetime(2026, 3, 1, 1, tzinfo=BERLIN))]


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("QTY+220:0.25:KWH", "QTY+Z99:0.25:KWH", "QTY"),
        ("QTY+220:0.25:KWH", "QTY+220:0.25:PCE", "QTY"),
        ("QTY+220:0.25:KWH", "QTY+220:0.25", "QTY"),
        ("QTY+220:0.25:KWH", "QTY+220:a:KWH", "QTY"),
        ("DTM+163:202603010000?+00:303'", "", "DTM"),
        ("DTM+163:202603010000?+00:303'", "DTM+163:202613010000?+00:303'", "DTM"),
        ("DTM+163:202603010000?+00:303'", "DTM+163:202603010030?+00:303'", "DTM"),
        ("DTM+163:202603010000?+00:303'", "DTM+163:2026:602'", "DTM"),
        ("PIA+5+1-0?:1.8.0:SRW", "PIA+5+nothing!", "quantity"),
        ("LOC+172+DE0001", "LOC+237+X", "point"),
    ],
)
def test_one_wrong_segment_is_named(before: str, after: str, field: str) -> None:
    assert before in MESSAGE
    _, values = from_mscons(MESSAGE.replace(before, after, 1))
    assert {wrong.field for wrong in values.wrong.some} == {field}


def test_24_hours_are_the_next_days_midnight_in_mscons() -> None:
    expected, _ = from_mscons(MESSAGE)
    for wrong, right in (
        ("DTM+163:202603010000?+00:303'", "DTM+163:202602282400?+00:303'"),
        ("DTM+9:202603010100:203'", "DTM+9:202602282400:203'"),
        ("DTM+9:202603010100:203'", "DTM+9:20260228240000:204'"),
    ):
        assert wrong in MESSAGE
        (entries, stands), values = from_mscons(MESSAGE.replace(wrong, right))
        assert not values.wrong
        if "DTM+9" in right:
            assert list(stands.ends) == [seconds(datetime(2026, 3, 1, tzinfo=BERLIN))]
        else:
            assert entries.starts == expected[0].starts


def test_a_time_that_the_clock_left_out_is_wrong_in_mscons() -> None:
    _, values = from_mscons(MESSAGE.replace("DTM+9:202603010100:203'", "DTM+9:202603290230:203'"))
    assert [wrong.rule for wrong in values.wrong.some] == ["the clock of the zone never showed it"]


@pytest.mark.parametrize("stamp", ["202510260200:203", "20251026023000:204"])
@pytest.mark.parametrize("segment", ["DTM+9:202603010100:203'", "DTM+163:202603010000?+00:303'"])
def test_a_time_without_offset_in_the_doubled_hour_is_no_time_in_mscons(segment: str, stamp: str) -> None:
    _, values = from_mscons(MESSAGE.replace(segment, f"{segment[:-1].split(':')[0]}:{stamp}'"))
    assert [(wrong.field, wrong.rule) for wrong in values.wrong.some] == [("DTM", mscons.TWICE)]


@pytest.mark.parametrize(("stamp", "hour"), [("20251026:102", -2), ("202510260159:203", 0), ("202510260300:203", 2)])
def test_beside_the_doubled_hour_the_zone_tells_the_instant_in_mscons(stamp: str, hour: int) -> None:
    (_, stands), values = from_mscons(MESSAGE.replace("202603010100:203", stamp))
    assert not values.wrong
    assert round((stands.starts[0] - seconds(datetime(2025, 10, 26, tzinfo=UTC))) / 3600) == hour


def test_days_of_mscons_begin_the_first_time_and_a_stand_does_not_tell() -> None:
    days = "DTM+163:20261101:102'DTM+164:20261102:102'"
    message = MESSAGE.replace("DTM+163:202603010000?+00:303'DTM+164:202603010015?+00:303'", days)
    (entries, _), values = from_mscons(message, zone="America/Havana")
    assert not values.wrong
    assert (entries.ends[-1] - entries.starts[-1]) // 3600 == 25
    _, values = from_mscons(MESSAGE.replace("202603010100:203", "20261101:102"), zone="America/Havana")
    assert [wrong.rule for wrong in values.wrong.some] == [mscons.TWICE]


@pytest.mark.parametrize("change", [("MSCONS:D", "UTILMD:D"), ("UNZ+1+1'", "UNZ+1+1"), ("UNA:+.? '", "UNA::.? '")])
def test_what_is_no_mscons_is_refused_whole(change: tuple[str, str]) -> None:
    with pytest.raises(FileRefused):
        from_mscons(MESSAGE.replace(*change))


@given(st.lists(st.integers(0, len(MESSAGE)), max_size=20))
def test_any_split_of_an_interchange_gives_the_same_segments(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(MESSAGE)]
    assert list(segments(MESSAGE[a:b] for a, b in pairwise(edges))) == list(segments([MESSAGE]))


def test_released_signs_are_text() -> None:
    (one,) = segments(["A+b?+c:d??+e?:f?''"])
    assert one == Segment(1, "A", [["A"], ["b+c", "d?"], ["e:f'"]])


@given(st.text(alphabet="UNHQTYDTMPIALOC+:?'0123456789.-\n", max_size=300), st.integers(0, len(MESSAGE)))
def test_no_text_crashes_the_reader_of_mscons(text: str, at: int) -> None:
    _never_crashes(lambda values: mscons.read([MESSAGE[:at], text, MESSAGE[at:]], plan_of({}), values))


# -- Green Button


def feed(readings: Iterable[str], kind: str = "", head: str = "") -> bytes:
    """One usage point with one block; entries in the wrong order."""
    kind = kind or (
        "<accumulationBehaviour>4</accumulationBehaviour><commodity>1</commodity><flowDirection>1</flowDirection>"
        "<powerOfTenMultiplier>-3</powerOfTenMultiplier><uom>72</uom>"
    )

    def entry(self: str, body: str, *links: str) -> str:
        return f'<entry><link rel="self" href="{self}"/>{"".join(links)}<content>{body}</content></entry>'

    espi = 'xmlns="http://naesb.org/espi"'
    block = f"<IntervalBlock {espi}>{''.join(readings)}</IntervalBlock>"
    return (
        f'{head}<feed xmlns="http://www.w3.org/2005/Atom">'
        + entry("U/1/MeterReading/1/IntervalBlock/1", block, '<link rel="up" href="U/1/MeterReading/1/IntervalBlock"/>')
        + entry("U/1/MeterReading/1", f"<MeterReading {espi}/>", '<link rel="related" href="R/1"/>')
        + entry("R/1", f"<ReadingType {espi}>{kind}</ReadingType>")
        + "</feed>"
    ).encode()


def reading(start: int, value: str = "250", quality: str = "", duration: int = 900) -> str:
    worth = f"<ReadingQuality><quality>{quality}</quality></ReadingQuality>" if quality else ""
    period = f"<timePeriod><duration>{duration}</duration><start>{start}</start></timePeriod>"
    return f"<IntervalReading>{worth}{period}<value>{value}</value></IntervalReading>"


def from_feed(data: bytes, **plan: Any) -> tuple[Sequence[SourceColumn], Values]:
    values = Values()
    green_button.read(lambda: io.BytesIO(data), plan_of({"points": {"1": "P1"}, **plan}), values)
    return values.finish(), values


def test_readings_are_scaled_and_their_quality_told() -> None:
    at = seconds(MARCH)
    data = feed(
        [reading(at), reading(at + 900, "-5", "17"), reading(at + 1800, "7", "8"), reading(at + 2700, "7", "12")]
    )
    (column,), values = from_feed(data)
    assert (values.wrong.count, values.left_out.count) == (0, 1)
    assert column.name == ("", "P1", "", "", "1-0:1.29.0*255", "Wh")
    assert column.values == ["0.250", "-0.005", "0.007"]
    assert column.statuses == ["measured", "validated", "estimated"]
    assert list(column.ends) == [at + 900, at + 1800, at + 2700]


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (reading(900, "1.5"), "value"),
        (reading(900, quality="99"), "ReadingQuality"),
        (reading(900, duration=0), "duration"),
        (reading(900).replace("900</start>", "soon</start>"), "start"),
        (reading(0), "time"),
    ],
)
def test_one_wrong_interval_reading_is_named_by_its_number(broken: str, field: str) -> None:
    _, values = from_feed(feed([reading(0), broken, reading(1800)]))
    assert wrongs(values) == [(2, field)]


def test_a_unit_or_a_link_that_is_not_known_is_wrong() -> None:
    _, values = from_feed(feed([reading(0)], "<uom>169</uom>"))
    assert wrongs(values) == [(1, "ReadingType")]
    _, values = from_feed(feed([reading(0)]).replace(b'href="R/1"', b'href="R/2"', 1))
    assert wrongs(values) == [(1, "link")]


@pytest.mark.parametrize(
    "head", ['<!DOCTYPE feed [<!ENTITY a "b">]>', '<!DOCTYPE feed SYSTEM "file:///etc/passwd">', "<!-- not first"]
)
def test_no_doctype_no_entities_no_nonsense(head: str) -> None:
    with pytest.raises(FileRefused):
        from_feed(feed([reading(0)], head=head))


@given(st.binary(max_size=60), st.integers(0, 600))
def test_no_bytes_crash_the_reader_of_green_button(data: bytes, at: int) -> None:
    whole = feed([reading(0), reading(900)])
    broken = whole[:at] + data + whole[at:]
    _never_crashes(lambda values: green_button.read(lambda: io.BytesIO(broken), ImportMap(), values))


# -- batches


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 400), st.sampled_from(["W", "E"])),
        unique_by=lambda each: each[:3],
        max_size=80,
    ),
    st.integers(1, 30),
)
def test_batches_hold_each_value_once_in_bounds_and_are_the_same_each_time(
    drawn: list[tuple[int, int, int, str]], most: int
) -> None:
    lines = [
        f"P{point};{MARCH + timedelta(hours=hour):%Y-%m-%dT%H:%M}+00:00;{quantity + 1}-0:1.8.0;{n};{status}"
        for n, (point, quantity, hour, status) in enumerate(drawn)
        if quantity in (0,)
    ]
    columns, values = from_table([HEAD, *lines])
    assert not values.wrong
    found = list(batches(columns, most))
    assert [[each.wire() for each in one] for one in batches(columns, most)] == [
        [each.wire() for each in one] for one in found
    ]
    told = sorted(Decimal(each.column.values[row]) for one in found for each in one for row in each.rows)
    assert told == sorted(Decimal(line.split(";")[3]) for line in lines)
    for one in found:
        for each in one:
            assert {each.column.statuses[row] for row in each.rows} == {each.status}
        assert sum(len(each.rows) for each in one) <= 2 * most


def test_lines_that_follow_each_other_are_told_together() -> None:
    assert list(ranges([4, 3, 9, 5, 11, 10])) == ["3-5", "9-11"]
    assert list(ranges([1])) == ["1"]
    assert list(ranges([])) == []
