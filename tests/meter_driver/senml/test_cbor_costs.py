"""What CBOR may cost: big numbers and tags are not worked out before they are refused."""

import cbor2
import pytest

from meter_driver.errors import SenmlError
from meter_driver.senml import CBOR, parse, terms
from meter_driver.senml.read import _from_cbor


def test_a_number_of_many_octets_is_refused_before_it_is_worked_out() -> None:
    """Making it a decimal costs the square of its length."""
    huge = b"\xc2\x5a\x00\x0f\x00\x00" + b"\xff" * 0xF0000
    head = cbor2.dumps({"bn": "urn:dev:ops:b:", "bt": 1772366400})
    good = cbor2.dumps({0: "1-0:1.8.0", 2: 10**33})
    for value, whole in ((huge, True), (b"\xc4\x82\x00" + huge, False)):
        body = b"\x83" + head.replace(b"\x62bn", b"\x21").replace(b"\x62bt", b"\x22") + good + b"\xa1\x02" + value
        if not whole:
            with pytest.raises(SenmlError):
                parse(body, CBOR)
            continue
        pack = parse(body, CBOR)
        assert [reading.value for reading in pack.readings] == [10**33]
        assert [error.index for error in pack.errors] == [2]


def test_numbers_as_labels_do_not_meet_in_one_place() -> None:
    one, other = (n * (2**61 - 1) for n in (9, 99))
    assert hash(one) == hash(other)
    read = [terms.TAGS[2](number.to_bytes(12, "big"), False) for number in (one, other)]
    assert read == [one, other]
    assert len({hash(each) for each in read}) == 2


@pytest.mark.parametrize("tag", [30, 35, 36, 258, 260])
def test_tags_that_are_no_value_are_not_worked_out(tag: int) -> None:
    (record,) = _from_cbor(cbor2.dumps([{2: cbor2.CBORTag(tag, "((((")}]))
    assert isinstance(record.v, terms.OutOfBounds)
