"""The simulator against captures, byte for byte: what was deciphered, put in again, gives the capture."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from meter_driver.simulate import LOWER_AUSTRIA, MA110M, Form, Register, telegram
from tests.meter_driver.dlms.make import AT, KEY, TITLE, one, push, read
from tests.shared import meter_rows, needs_corpus

SAGEMCOM = (*LOWER_AUSTRIA[:-1], Register("1-0:13.7.0*255", 2, -3, 255, signed=True))
CAPTURES: dict[str, dict[str, object]] = {
    "spec-kaifa-1010": {
        "system_title": "4B464D1010000023", "counter": 0x295B9A, "invoke_id": 0x29B2DC, "hours": 2,
        "clock_status": 0x80, "meter": "1KFM0100000035", "device": "KFM1100100000035", "registers": MA110M,
    },
    "fkw9-kaifa-0881": {
        "system_title": "4B464D6750000881", "counter": 0x6005, "invoke_id": 0x800B8E04, "hours": 1,
        "meter": "181220002177", "registers": LOWER_AUSTRIA, "form": Form.FLAT, "security": 0x20,
    },
    "energyagent-sagemcom-e990f3": {
        "system_title": "5341475905E990F3", "counter": 0x1CA1D, "invoke_id": 0x80030CE6, "hours": 2,
        "clock_status": 0x82, "meter": "178210193075", "registers": LOWER_AUSTRIA, "form": Form.FLAT, "security": 0x20,
    },
    "fkw9-sagemcom-wrap": {
        "system_title": "5341475905ED3312", "counter": 0x1576, "invoke_id": 0x80008079, "hours": 2,
        "clock_status": 0x80, "meter": "178210431186", "registers": SAGEMCOM, "form": Form.FLAT, "security": 0x20,
        "segment": 252,
    },
}  # fmt: skip


@needs_corpus
@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_is_encoded_again_byte_for_byte(name: str) -> None:
    (row,) = (row for row in meter_rows("dlms") if row["id"] == name)
    fields = dict(CAPTURES[name])
    zone = timezone(timedelta(hours=int(str(fields.pop("hours")))))
    fields["system_title"] = bytes.fromhex(str(fields["system_title"]))
    again = telegram(
        at=datetime.fromisoformat(row["at"][0]).astimezone(zone),
        values={reading["obis"]: Decimal(reading["value"]) for reading in row["expect"]},
        key=bytes.fromhex(row["key"]),
        **fields,  # type: ignore[arg-type]
    )
    assert again.hex().upper() == row["hex"]


def test_the_instant_is_sent_as_local_time_with_its_offset() -> None:
    assert one(read(push())).at == AT.astimezone(UTC)


def test_what_a_register_cannot_hold_is_refused() -> None:
    for value in (Decimal("230.15"), Decimal(-1), Decimal(10**6)):
        with pytest.raises(ValueError, match="cannot hold"):
            push(values={"1-0:32.7.0*255": value})


def test_a_register_that_the_list_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not in the list"):
        push(values={"1-0:99.7.0*255": Decimal(1)})


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        telegram(at=AT.replace(tzinfo=None), key=KEY, system_title=TITLE, counter=1)


def test_a_tag_needs_an_authentication_key() -> None:
    with pytest.raises(ValueError, match="authentication key"):
        push(security=0x30)
