"""How a page of the key tree lies in its slot. No I/O.

A slot has 8192 bytes: AES-256-GCM ciphertext and tag of a page of 8176 bytes. Each sealing has a fresh key that is used
once, so the nonce is zero; bound is the slot's number. A page (big endian, zeros behind):

    u8   1: leaf, 2: inner
    u16  entries
    leaf:  u8 length and id (UTF-8), u16 length and key states, ascending by id
    inner: u8 length and lowest id (UTF-8, empty for the first), u32 slot, 32 bytes key
"""

from dataclasses import dataclass
from struct import Struct, error

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import PageDamaged
from policies.vault.ratchet import KEY_BYTES

SLOT_BYTES = 8192
PAGE_BYTES = SLOT_BYTES - 16
FAN_OUT = 64
LONGEST_ID = 64
LONGEST_STATE = 7000
"""Of one household. Some 160 links: more single days than that cannot be erased one by one."""

_HEAD, _STATE, _CHILD = Struct(">BH"), Struct(">H"), Struct(f">I{KEY_BYTES}s")
_LEAF, _INNER = 1, 2
_NONCE = bytes(12)


@dataclass(frozen=True, slots=True, repr=False)
class PageLink:
    """Where a page lies and what opens it."""

    slot: int
    key: bytes


LeafPage = dict[str, bytes]
"""Key states by id, ascending."""

InnerPage = list[tuple[str, PageLink]]
"""Lowest id and link of each child."""


def seal_page(link: PageLink, page: bytes) -> bytes:
    """The slot's bytes."""
    return AESGCM(link.key).encrypt(_NONCE, page.ljust(PAGE_BYTES, b"\0"), _bound(link.slot))


def open_page(link: PageLink, data: bytes) -> LeafPage | InnerPage:
    """What the slot holds. Raises ``PageDamaged``."""
    try:
        return parse(AESGCM(link.key).decrypt(_NONCE, data, _bound(link.slot)))
    except (InvalidTag, error, IndexError, UnicodeDecodeError):
        raise PageDamaged(f"slot {link.slot} does not open") from None


def leaf_bytes(entries: LeafPage) -> bytes:
    parts = [_HEAD.pack(_LEAF, len(entries))]
    for name, state in entries.items():
        key = name.encode()
        parts += [bytes([len(key)]), key, _STATE.pack(len(state)), state]
    return b"".join(parts)


def inner_bytes(children: InnerPage) -> bytes:
    parts = [_HEAD.pack(_INNER, len(children))]
    for lowest, link in children:
        key = lowest.encode()
        parts += [bytes([len(key)]), key, _CHILD.pack(link.slot, link.key)]
    return b"".join(parts)


def parse(page: bytes) -> LeafPage | InnerPage:
    """A page in clear. Raises ``struct.error`` or ``IndexError`` when it is damaged."""
    kind, count = _HEAD.unpack_from(page)
    offset = _HEAD.size
    leaf: LeafPage = {}
    inner: InnerPage = []
    for _ in range(count):
        end = offset + 1 + page[offset]
        name = page[offset + 1 : end].decode()
        if kind == _LEAF:
            (length,) = _STATE.unpack_from(page, end)
            offset = end + _STATE.size + length
            leaf[name] = page[end + _STATE.size : offset]
        else:
            slot, key = _CHILD.unpack_from(page, end)
            inner.append((name, PageLink(slot, key)))
            offset = end + _CHILD.size
    return leaf if kind == _LEAF else inner


def split_leaf(entries: LeafPage) -> list[LeafPage]:
    """As few pages as hold them, about equally full."""
    sizes = [1 + len(name.encode()) + _STATE.size + len(state) for name, state in entries.items()]
    room = PAGE_BYTES - _HEAD.size
    total = sum(sizes)
    if total <= room:
        return [entries] if entries else []
    goal = total / (total // room + 1)
    parts: list[LeafPage] = [{}]
    filled = 0
    for (name, state), size in zip(entries.items(), sizes, strict=True):
        if parts[-1] and (filled >= goal or filled + size > room):
            parts.append({})
            filled = 0
        parts[-1][name] = state
        filled += size
    return parts


def split_inner(children: InnerPage) -> list[InnerPage]:
    count = -(-len(children) // FAN_OUT)
    share = -(-len(children) // max(count, 1))
    return [children[i : i + share] for i in range(0, len(children), share or 1)]


def _bound(slot: int) -> bytes:
    return b"metergate tree 1\0" + slot.to_bytes(4, "big")
