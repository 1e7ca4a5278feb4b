"""DZG DVS74: an error of its firmware in the sign of the power.

Meters with serial numbers 42000000 to 48999999 and 55000000 to 58999999 leave out the leading zero byte of 1-0:16.7.0
and still call it signed: ``53 80 25`` is 32805, not -32731. Real negative powers come in four bytes. Later meters
(from 60000000 on) are right. Known from libsml, issues 105 and 162.
"""

_MAKER = b"\x0a\x01DZG"
_SERIALS = (range(42_000_000, 49_000_000), range(55_000_000, 59_000_000))
POWER = bytes((1, 0, 16, 7, 0, 255))


def drops_the_zero(server_id: bytes) -> bool:
    """Is it one of those meters? ``server_id`` is the ten octets of DIN 43863-5."""
    if len(server_id) != 10 or not server_id.startswith(_MAKER):
        return False
    serial = int.from_bytes(server_id[5:], "big")
    return any(serial in serials for serials in _SERIALS)


def repaired(value: int, size: int) -> int:
    """The power that a negative number of ``size`` bytes, fewer than four, stands for."""
    return value + (1 << 8 * size)
