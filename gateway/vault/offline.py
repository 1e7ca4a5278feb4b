"""The attacker's tool: open whatever a copy of the folder lets one open, whatever the clock says. Reads only.

Every file is tried as what it might be: as a root (each cell, wherever it stands), as a key tree (each slot, free ones
too), as a store (with its write-ahead log, and as it was before it). ``docs/vault.md`` describes the formats; nothing
here needs the running gateway, its settings, or the network.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func, literal_column, select
from sqlalchemy.exc import DBAPIError

from gateway.errors import PageDamaged
from gateway.keeper import states as key_states
from gateway.keeper.cells import CELL_BYTES
from gateway.keeper.pages import SLOT_BYTES, PageLink, open_page
from gateway.keeper.port import HOUSE
from gateway.keeper.root import MAGIC, parse
from gateway.keeper.states import States
from gateway.storage.copies import has_log, is_store, open_copy
from gateway.storage.statements import Prepared
from gateway.storage.tables.vault import block, piece
from gateway.vault.merge import kind_of, values_of
from gateway.vault.pieces import StoredPart
from gateway.vault.port import Value
from gateway.vault.sealed_roots import sealed_roots
from meter_driver.amounts.partials import summed
from policies.terms import SERIES_CLASSES, DetailClass
from policies.vault.ratchet import DayGone
from policies.vault.seal import CLASS_CODES

_DETAILS = {CLASS_CODES[detail]: detail for detail in SERIES_CLASSES}


def _rows() -> Prepared:
    """Of blocks and pieces alike, by household and day."""
    b, p = block.c, piece.c
    blocks = select(b.subject, b.day, b["class"], b.version, b.pieces, b.upto, b.sealed)
    pieces = select(p.subject, p.day, p["class"], p.number, literal_column("0"), p.number, p.sealed)
    return Prepared(blocks.union_all(pieces).order_by("subject", "day", "class", "upto"))


def _sizes() -> Prepared:
    """Bytes by household and day."""
    of_blocks, of_pieces = (select(t.c.subject, t.c.day, func.length(t.c.sealed).label("size")) for t in (block, piece))
    every = of_blocks.union_all(of_pieces).subquery().c
    return Prepared(select(every.subject, every.day, func.sum(every.size)).group_by(every.subject, every.day))


_ROWS, _SIZES = _rows(), _sizes()


class HouseholdDay(NamedTuple):
    """What could be opened of one household's UTC day: readings, and of partials first, last, and total if any."""

    household: str
    day: date
    values: Sequence[float]

    def line(self) -> str:
        """As the privacy kit reads it."""
        return json.dumps({"household": self.household, "day": self.day.isoformat(), "values": self.values})


@dataclass(slots=True)
class Loot:
    """What the folder gave, in numbers."""

    roots: int = 0
    trees: int = 0
    stores: int = 0
    households: int = 0
    opened: int = 0
    closed: int = 0

    def __str__(self) -> str:
        return (
            f"{self.roots} roots, {self.trees} possible trees, {self.stores} stores; keys of {self.households} "
            f"households; {self.opened} pieces and blocks opened, {self.closed} not"
        )


@dataclass(slots=True)
class _Keys:
    """Every version of every household's key states that could be found."""

    found: dict[str, list[States]] = field(default_factory=dict)

    def add(self, household: str, data: bytes) -> None:
        try:
            states = key_states.decode(data)
        except (ValueError, KeyError, struct.error):
            return
        known = self.found.setdefault(household, [])
        if states not in known:
            known.append(states)

    def ciphers(self, household: str, detail: DetailClass, day: int) -> Iterator[AESGCM]:
        for states in self.found.get(household, ()):
            try:
                key = states.key(detail, date.fromordinal(day))
            except DayGone:
                continue
            if key is not None:
                yield AESGCM(key)


def open_folder(folder: Path, loot: Loot, recovery_key: bytes | None = None) -> Iterator[HouseholdDay]:
    """What can be opened, by store, household and day; ``loot`` is filled in on the way.

    ``recovery_key``: the offline X25519 private key, for somebody who has it: then the roots of backups and of a
    second keeper are tried too.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    stores = [file for file in files if is_store(file)]
    others = [file for file in files if file not in stores]
    keys = _keys(others, loot, recovery_key)
    loot.households = len(keys.found)
    for store in stores:
        loot.stores += 1
        for with_log in (True, False):
            yield from _household_days(store, with_log, keys, loot)


def block_sizes(folder: Path) -> list[tuple[str, date, int]]:
    """What somebody measures who sees the storage but no key: bytes held by household and UTC day."""
    found: list[tuple[str, date, int]] = []
    for store in sorted(file for file in folder.rglob("*") if file.is_file() and is_store(file)):
        rows = _query(store, True, _SIZES)
        found += [(subject, date.fromordinal(day), size) for subject, day, size in rows]
    return found


def _keys(files: Iterable[Path], loot: Loot, recovery_key: bytes | None) -> _Keys:
    tops: set[bytes] = set()
    trees: list[bytes] = []
    files = list(files)
    for file in files:
        data = file.read_bytes()
        tops |= set(_root_keys(data))
        if data and len(data) % SLOT_BYTES == 0:
            trees.append(data)
    if recovery_key is not None:
        tops |= set(sealed_roots(files, recovery_key))
    loot.roots, loot.trees = len(tops), len(trees)
    keys = _Keys()
    for tree in trees:
        seen: set[bytes] = set()
        waiting = [PageLink(-1, key) for key in tops]
        while waiting:
            link = waiting.pop()
            if link.key in seen:
                continue
            seen.add(link.key)
            for page in _pages(tree, link):
                if isinstance(page, list):
                    waiting += [child for _, child in page]
                else:
                    for household, data in page.items():
                        if household != HOUSE:
                            keys.add(household, data)
    return keys


def _root_keys(data: bytes) -> Iterator[bytes]:
    """Keys of all cells, also of some that is not where it should be, or whose checksum does not fit."""
    position = data.find(MAGIC)
    while position >= 0:
        cell = parse(data[position : position + CELL_BYTES])
        yield cell.key if cell else data[position + 20 : position + 52].ljust(32, b"\0")
        position = data.find(MAGIC, position + 1)


def _pages(tree: bytes, link: PageLink) -> Iterator[dict[str, bytes] | list[tuple[str, PageLink]]]:
    """What a key opens: the slot that it was made for, or else any slot."""
    count = len(tree) // SLOT_BYTES
    for slots in ([link.slot] if 0 <= link.slot < count else [], range(count)):
        opened = False
        for slot in slots:
            try:
                page = open_page(PageLink(slot, link.key), tree[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES])
            except PageDamaged:
                continue
            opened = True
            yield page
        if opened:
            return


def _household_days(store: Path, with_log: bool, keys: _Keys, loot: Loot) -> Iterator[HouseholdDay]:
    rows = _query(store, with_log, _ROWS)
    for (household, day), some in groupby(rows, key=lambda row: (str(row[0]), int(row[1]))):
        values: list[float] = []
        for _, _, code, *rest in some:
            detail, part = _DETAILS.get(code), StoredPart(day, *rest)
            opened = None if detail is None else _opened(household, detail, part, keys)
            if opened is None:
                loot.closed += 1
            else:
                loot.opened += 1
                values += opened
        if values:
            yield HouseholdDay(household, date.fromordinal(day), values)


def _opened(household: str, detail: DetailClass, part: StoredPart, keys: _Keys) -> list[float] | None:
    for cipher in keys.ciphers(household, detail, part.day):
        try:
            series = part.opened(household, detail, cipher)
        except ValueError:
            continue
        return [float(number) for value in values_of(detail, series) for number in _numbers(detail, value)]
    return None


def _numbers(detail: DetailClass, value: Value) -> Sequence[Decimal]:
    """Those that somebody read or summed up; a register's partial has no total."""
    if detail in (DetailClass.LIVE, DetailClass.LEGAL):
        return (value.first,)
    ends = value.first, value.last
    return (*ends, value.total) if summed(kind_of(value.quantity)) else ends


def _query(store: Path, with_log: bool, question: Prepared) -> Iterator[Any]:
    """Rows, one by one. Nothing from a damaged or foreign store, or from one without a log that is asked without it."""
    if not with_log and not has_log(store):
        return
    try:
        with open_copy(store, with_log=with_log) as connection:
            yield from question(connection, {})
    except DBAPIError:
        return
