"""Size steps: the length of what is sealed tells a size class, not a household's habits.

Pieces go by the steps of Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication
with PURBs", PoPETs 2019, section 4: at most 12 % more, O(log log n) bits told), with a floor. Blocks, which stay, go
by powers of two.
"""

PIECE_FLOOR = 512
BLOCK_FLOOR = 1024
NOTE_STEP = 64
_LENGTH = 4


def pad_piece(plain: bytes) -> bytes:
    """Length (4 bytes, big endian), the bytes, zeros up to the next step."""
    return _pad(plain, max(PIECE_FLOOR, _padme(len(plain) + _LENGTH)))


def pad_block(plain: bytes) -> bytes:
    """The same with the coarser steps."""
    return _pad(plain, max(BLOCK_FLOOR, 1 << (len(plain) + _LENGTH - 1).bit_length()))


def pad_note(plain: bytes) -> bytes:
    """The same for short notes: multiples of 64 bytes."""
    return _pad(plain, -(-(len(plain) + _LENGTH) // NOTE_STEP) * NOTE_STEP)


def unpad(padded: bytes) -> bytes:
    """What was padded. Raises ``ValueError`` when the length cannot be."""
    length = int.from_bytes(padded[:_LENGTH], "big")
    if len(padded) < _LENGTH or length > len(padded) - _LENGTH:
        raise ValueError("the padding is damaged")
    return padded[_LENGTH : _LENGTH + length]


def _pad(plain: bytes, size: int) -> bytes:
    return (len(plain).to_bytes(_LENGTH, "big") + plain).ljust(size, b"\0")


def _padme(length: int) -> int:
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask
