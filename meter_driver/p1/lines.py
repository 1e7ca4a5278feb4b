"""The data lines of a readout: name, groups in parentheses, and what they say together."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from msgspec import Struct

from meter_driver.errors import ObisError, PayloadError
from meter_driver.p1.objects import Object, ObjectKind, look_up, value_of


class Item(Struct):
    """One line that says something.

    Attributes:
        quantity, value, unit: as in ``Reading``.
        channel: 0 for the meter itself, else the M-Bus channel.
        at: the line's own instant, UTC; None when it has none.
        timed: the line has a time of its own, understood or not.
        doubtful: it claims to be an instant and cannot be one.
    """

    quantity: str
    value: Decimal | str
    unit: str | None
    channel: int
    at: datetime | None = None
    timed: bool = False
    doubtful: bool = False


class Contents(Struct):
    """What all lines say. ``at`` is the clock of the telegram, UTC; ``doubtful`` when it cannot be right."""

    items: list[Item]
    at: datetime | None = None
    doubtful: bool = False


_STAMP = re.compile(r"[0-9]{12}[SW]?")
_SHORT_STAMP = re.compile(r"[0-9]{10}(?:[0-9]{2})?[SW]?")
_PRINTED_TIME = re.compile(
    r"(?:[0-9]{2}){1,2}[-.][0-9]{2}[-.](?:[0-9]{2}){1,2}(?:[ ,][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?"
)
"""As readouts for people have it. Order and clock are the maker's: it says no instant."""
_ADDRESS = 16
_SINGLE = (ObjectKind.VALUE, ObjectKind.MAYBE, ObjectKind.CLOCK, ObjectKind.BUFFER)
_NEXT_SET = re.compile(r"\)(?=[^()\n])")
_OFFSETS = {"S": timedelta(hours=2), "W": timedelta(hours=1)}


@lru_cache(maxsize=64)
def instant(stamp: str) -> datetime | None:
    """DSMR TST ``YYMMDDhhmmssX`` as UTC: S is UTC+2, W is UTC+1; None without it. ValueError if no such date."""
    local = datetime(
        2000 + int(stamp[:2]), int(stamp[2:4]), int(stamp[4:6]),
        int(stamp[6:8]), int(stamp[8:10]), int(stamp[10:12]), tzinfo=UTC,
    )  # fmt: skip
    return local - _OFFSETS[stamp[12]] if len(stamp) == 13 else None


def contents(body: str, *, checked: bool, joined: bool = False) -> Contents:
    """Read the lines between identification and end mark; each ends with CR LF (a bare LF is taken as well).

    ``joined`` allows several data sets on one line, which IEC 62056-21 clause 6.6 does and P1 does not.

    ``checked`` says that a checksum or a tag held. Then what merely looks odd (a date that does not exist, a line
    twice) is the meter's doing and costs only itself; without a check it is taken for damage.
    PayloadError, ObisError or UnitError if a line is not understood, or if two lines contradict each other.
    """
    result = Contents([])
    say = result.items.append
    seen: dict[str, str] = {}
    lines = _lines(body, checked=checked, joined=joined)
    for line in lines:
        name, opened, rest = line.partition("(")
        groups = rest[:-1]
        try:
            thing = look_up(name)
        except ObisError:
            if checked and joined and opened and len(name) <= _ADDRESS:
                continue  # clause 6.5 leaves the name to the maker
            raise
        seen[name] = groups
        if not thing.plain or "(" in groups or ")" in groups:
            _say(thing, groups, result, checked=checked)
        elif groups and not (groups[0] == "*" and checked):  # a unit without a value says nothing
            value, unit = value_of(thing, groups)
            say(Item(thing.quantity, value, unit, thing.channel))
    if len(seen) != len(lines) and (not checked or any(_differs(line, seen) for line in lines)):
        raise PayloadError("two lines for one quantity")
    return result


def _lines(body: str, *, checked: bool, joined: bool) -> list[str]:
    """One data set each, all ending with a parenthesis. PayloadError if one does not."""
    text = body.replace("\r\n", "\n")
    if "\r" in text:
        raise PayloadError("half a line end")
    if joined:
        text = _NEXT_SET.sub(")\n", text)
    if text[:1] == "\n":
        text = text[1:]
    if text[-1:] != "\n":
        if not joined:
            raise PayloadError("the last line has no end")
        text += "\n"
    if text.count(")\n") != text.count("\n") or "\n(" in text:
        text = _mended(text, checked=checked)
    return text.split("\n")[:-1]


def _differs(line: str, seen: dict[str, str]) -> bool:
    """Does the line say another value than the last line under its name? Texts and empty groups contradict nothing."""
    name, _, rest = line.partition("(")
    other = seen.get(name)
    return bool(other) and rest not in (")", f"{other})") and look_up(name).kind in _SINGLE


def _mended(text: str, *, checked: bool) -> str:
    """Put lines together that DSMR 2.2 and 3 break: before the value of the hourly buffer, and inside long messages.

    Empty lines, and blanks behind a line, are left out where a check vouches for them.
    PayloadError if a line then still does not end with a parenthesis.
    """
    whole: list[str] = []
    for printed in text.split("\n")[:-1]:
        line = printed.rstrip(" ") if checked else printed
        last = whole[-1] if whole else ""
        value_follows = line[:1] == "(" and last[-1:] == ")"
        message_goes_on = ":96.13." in last and last[-1:] != ")" and "(" not in line
        if value_follows or message_goes_on:
            whole[-1] += line
        elif line or not checked:
            whole.append(line)
    if any(line[-1:] != ")" for line in whole):
        raise PayloadError("a line that does not end with a parenthesis")
    return "".join(f"{line}\n" for line in whole)


def _say(thing: Object, groups: str, result: Contents, *, checked: bool) -> None:
    """All lines but a plain number: texts, clocks, values with a time, buffers, profiles."""
    if thing.kind is ObjectKind.FREE:
        if groups:
            result.items.append(Item(thing.quantity, groups, None, thing.channel))
        return
    parts = groups.split(")(")
    if any("(" in part or ")" in part for part in parts):
        raise PayloadError("parentheses that do not match")
    if thing.kind is ObjectKind.CLOCK:
        _tell_time(thing, parts, result, checked=checked)
    elif thing.kind is ObjectKind.BUFFER:
        _say_buffer(thing, parts, result, checked=checked)
    elif thing.kind is ObjectKind.PROFILE:
        _say_profile(thing, parts, result)
    elif len(parts) == 1:
        if parts[0]:
            value, unit = value_of(thing, parts[0])
            result.items.append(Item(thing.quantity, value, unit, thing.channel))
    elif len(parts) == 2:
        _say_timed(thing, parts[0], parts[1], result, checked=checked)
    elif thing.kind is ObjectKind.VALUE:
        raise PayloadError("more groups than a value and its time")


def _say_timed(thing: Object, first: str, second: str, result: Contents, *, checked: bool) -> None:
    """``(time)(value)`` as DSMR has it, or ``(value)(time)`` as IEC 62056-21 readouts have it."""
    if _STAMP.fullmatch(first) or not first:
        stamp, printed = first, second
    elif _SHORT_STAMP.fullmatch(second) or _PRINTED_TIME.fullmatch(second):
        stamp, printed = "", first
    elif _PRINTED_TIME.fullmatch(first) or (_SHORT_STAMP.fullmatch(first) and "*" in second):
        stamp, printed = "", second
    elif thing.kind is ObjectKind.VALUE:
        raise PayloadError("a value with a second group that is not a time")
    else:
        return
    if printed and not (printed[0] == "*" and checked):
        value, unit = value_of(thing, printed)
        at = _lenient(stamp, checked=checked) if stamp else None
        doubtful = at is None and len(stamp) == 13
        result.items.append(Item(thing.quantity, value, unit, thing.channel, at, True, doubtful))


def _lenient(stamp: str, *, checked: bool) -> datetime | None:
    """The instant; None for zeros, and where a checked telegram has a date that cannot be (eMUCs: 632525252525W)."""
    if not stamp.strip("0SW"):
        return None
    try:
        return instant(stamp)
    except ValueError:
        if checked:
            return None
        raise PayloadError("a date that does not exist") from None


def _tell_time(thing: Object, parts: list[str], result: Contents, *, checked: bool) -> None:
    if len(parts) != 1 or not _STAMP.fullmatch(parts[0]):
        if not checked or len(parts) != 1:
            raise PayloadError("the clock of the telegram is not a time")
        result.doubtful = True
        return
    result.at = _lenient(parts[0], checked=checked)
    if result.at is None:
        result.doubtful = len(parts[0]) == 13
        result.items.append(Item(thing.quantity, parts[0], None, thing.channel))


def _say_buffer(thing: Object, parts: list[str], result: Contents, *, checked: bool) -> None:
    """DSMR 3 P1 clause 6.4: ``(time)(status)(period)(count)(name)(unit)(value)...``; the last value is the newest."""
    if len(parts) < 7 or not _STAMP.fullmatch(parts[0]) or parts[3].lstrip("0") != str(len(parts) - 6):
        raise PayloadError("an M-Bus buffer that does not hold what it says")
    inner = look_up(parts[4])
    if inner.channel != thing.channel or inner.kind is not ObjectKind.VALUE:
        raise PayloadError("an M-Bus buffer with the values of another channel")
    if parts[-1]:
        value, unit = value_of(inner, f"{parts[-1]}*{parts[5]}")
        at = _lenient(parts[0], checked=checked) if len(parts) == 7 else None
        result.items.append(Item(inner.quantity, value, unit, thing.channel, at, True))


def _say_profile(thing: Object, parts: list[str], result: Contents) -> None:
    """Profiles are history, which register readings give as well: lawful and left alone.

    A load profile (99.1) with one row is the exception: its last column is told under the profile's own name.
    """
    if ":99.1." not in thing.quantity or parts[0] != "1":
        return
    if parts[-1]:
        value, unit = value_of(thing, parts[-1])
        stamps = [part for part in parts if _STAMP.fullmatch(part)]
        at = _lenient(stamps[0], checked=True) if stamps else None
        result.items.append(Item(thing.quantity, value, unit, thing.channel, at, True))
