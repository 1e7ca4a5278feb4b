"""Households: a tenancy is a random id, a place, a time from and to, metering points, and a sealed identity.

The next tenant of the same flat is another tenancy with other keys. Names, addresses, remarks and serial numbers are
sealed under the household's identity key and found by keyed hashes; the place (zone, community) is in clear. Of a
metering point it is known when it was left, also after an erasure (docs/decisions/0015-points-that-were-left.md).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.clock import Clock
from gateway.errors import InUse, SubjectGone, Unknown
from gateway.registry.tenancy_records import NO_IDENTITY, Identity, NewTenancy, Tenancy, check_new
from gateway.storage.port import Store
from gateway.storage.tables.registry import metering_point, point_left, tenancy
from gateway.vault.port import Vault, Words
from meter_driver.intervals import day_edges
from policies.retention import KEPT_EVIDENCE
from policies.terms import DetailClass, SubjectId


class Tenancies:
    """All households of this gateway. ``zone``: where they live, so where their days begin."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, ids: Callable[[], str], zone: tzinfo = UTC) -> None:
        self._store, self._vault, self._clock, self._ids, self._zone = store, vault, clock, ids, zone
        self._all: dict[SubjectId, Tenancy] = {}
        self._points: dict[bytes, SubjectId] = {}
        self._left: dict[bytes, datetime] = {}
        """When a household last left a metering point, by its keyed hash."""
        self._residents: dict[str, set[SubjectId]] = {}
        """Live households by their smallest place."""

    async def load(self) -> None:
        """Call before ports open."""
        past = point_left.c.day < (self._clock() - KEPT_EVIDENCE).timestamp()
        await self._store.write(lambda connection: connection.execute(delete(point_left).where(past)).rowcount)
        queries = (select(tenancy), select(metering_point), select(point_left))
        rows, points, left = await self._store.look(lambda c: [c.execute(query).fetchall() for query in queries])
        for row in rows:
            self._keep(
                Tenancy(
                    SubjectId(row.id), row.zone, row.community, row.kind,
                    _instant(row.start), _maybe(row.end), _maybe(row.erased), _maybe(row.moved_in),
                )
            )  # fmt: skip
        self._points = {row.lookup: SubjectId(row.tenancy) for row in points if row.end is None}
        for row in points:
            if row.end is not None:
                self._note_left(row.lookup, _instant(row.end))
        for row in left:
            self._note_left(row.lookup, _instant(row.day))

    # -- looking

    def get(self, subject: SubjectId) -> Tenancy | None:
        return self._all.get(subject)

    def all(self) -> Sequence[Tenancy]:
        """Every tenancy, ended and erased ones too, in the order of their start."""
        return sorted(self._all.values(), key=lambda t: (t.start, t.id))

    def live(self, subject: SubjectId) -> Tenancy:
        """Raises ``Unknown`` for one that is not there, ended or erased."""
        found = self._all.get(subject)
        if found is None or not found.live:
            raise Unknown("household: there is no such household")
        return found

    def residents(self, place: str) -> Collection[SubjectId]:
        """Live households whose smallest place this is: ``zone/community``, or a zone without one."""
        return self._residents.get(place, ())

    def places(self) -> Sequence[str]:
        """All places that households live in, zones and communities."""
        return sorted({name for place in self._residents for name in (place.partition("/")[0], place)})

    def place_of(self, subject: SubjectId) -> str:
        """The smallest place of a household, also of one that has ended; "" for none."""
        found = self._all.get(subject)
        return "" if found is None else found.place

    async def holders(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, bytes]:
        """Whose each household is: a keyed hash of the holder's name. Where nobody said one each is its own."""
        found: dict[SubjectId, bytes] = {}
        for subject in subjects:
            name = " ".join((await self.who(subject)).name.casefold().split())
            found[subject] = self._vault.lookup("holder", name) if name else subject.encode()
        return found

    def by_point(self, point: str) -> SubjectId | None:
        """The household that has a metering point now."""
        return self._points.get(self._vault.lookup("point", point))

    def left(self, point: str) -> datetime | None:
        """When a household last left a metering point that nobody has now; None where nobody did, or somebody has it.

        Of an erased one: the end of the local day on which it left.
        """
        lookup = self._vault.lookup("point", point)
        return None if lookup in self._points else self._left.get(lookup)

    async def who(self, subject: SubjectId) -> Identity:
        """The holder of a household; an empty identity once it was erased."""
        query = select(tenancy.c.identity).where(tenancy.c.id == subject)
        sealed = await self._store.look(lambda connection: connection.execute(query).scalar())
        if sealed is None:
            return NO_IDENTITY
        try:
            plain = await self._vault.open(subject, DetailClass.IDENTITY, sealed, about="tenancy")
        except SubjectGone:
            return NO_IDENTITY
        return msgspec.json.decode(plain, type=Identity)

    async def points(self, subject: SubjectId) -> Sequence[str]:
        """Metering points of a household, sorted; none once it was erased."""
        query = select(metering_point.c.sealed).where(metering_point.c.tenancy == subject)
        sealed = await self._store.look(lambda connection: [row.sealed for row in connection.execute(query)])
        try:
            opened = [
                await self._vault.open(subject, DetailClass.IDENTITY, body, about="point") for body in sealed if body
            ]
        except SubjectGone:
            return ()
        return sorted(each.decode().rstrip(" ") for each in opened)

    # -- changing

    async def create(self, new: NewTenancy) -> Tenancy:
        """Take a household in: keys, row, metering points; durable on return. Raises ``InUse``, ``NotAllowed``."""
        check_new(new)
        lookups = {point: self._vault.lookup("point", point) for point in new.points}
        if any(each in self._points for each in lookups.values()):
            raise InUse("points: a metering point belongs to another household")
        start = new.start or self._clock()
        made = Tenancy(SubjectId(self._ids()), new.zone, new.community, new.kind, start, moved_in=new.start)
        self._points |= dict.fromkeys(lookups.values(), made.id)  # nobody else takes one of them meanwhile
        try:
            made = replace(made, moved_in=new.start or self._since(lookups.values()))
            await self._take_in(made, new, lookups)
        except Exception:
            for lookup in lookups.values():
                del self._points[lookup]
            raise
        return self._keep(made)

    def _since(self, lookups: Collection[bytes]) -> datetime | None:
        """When the last household left one of these metering points; what was measured before is that household's."""
        left = [self._left[lookup] for lookup in lookups if lookup in self._left]
        return min(max(left), self._clock()) if left else None  # a day that is not over yet was left before now

    def _note_left(self, lookup: bytes, at: datetime) -> None:
        self._left[lookup] = max(at, self._left.get(lookup, at))

    async def _take_in(self, made: Tenancy, new: NewTenancy, lookups: Mapping[str, bytes]) -> None:
        start = made.start
        await self._vault.admit(made.id, start)
        plain = [("tenancy", msgspec.json.encode(new.identity)), *(("point", point.encode()) for point in lookups)]
        sealed, *of_points = await self._vault.seal_all([_padded(made.id, about, body) for about, body in plain])
        points = [
            {"lookup": at, "tenancy": made.id, "sealed": body, "start": start.timestamp()}
            for at, body in zip(lookups.values(), of_points, strict=True)
        ]
        row = {"id": made.id, "zone": made.zone, "community": made.community, "kind": made.kind}
        moved_in = None if made.moved_in is None else made.moved_in.timestamp()

        def write(connection: Connection) -> None:
            connection.execute(
                insert(tenancy).values(**row, start=start.timestamp(), moved_in=moved_in, identity=sealed)
            )
            if points:
                connection.execute(insert(metering_point), points)

        await self._store.write(write)

    async def close(self, subject: SubjectId, at: datetime) -> None:
        """Somebody moved out: his range ends. What has ended stays as it is."""
        found = self._all.get(subject)
        if found is not None and found.live:
            await self._close(subject, at, {"end": at.timestamp()})
            self._keep(replace(found, end=at))

    async def forget(self, subject: SubjectId, at: datetime) -> None:
        """After an erasure: what was sealed leaves the rows too, and the household is nobody any more.

        Of its points a keyed hash stays, and the day on which it left: not the instant, which its row has too.
        """
        found = self._all.get(subject)
        if found is not None and found.erased is None:
            end = found.end or at
            values = {"end": end.timestamp(), "erased": at.timestamp(), "identity": None}
            await self._close(subject, _day_after(end, self._zone), values, drop=True)
            self._keep(replace(found, end=end, erased=at))

    def drop(self, subject: SubjectId) -> None:
        """Its row is gone: it was erased so long ago that nothing of it is kept."""
        self._all.pop(subject, None)

    async def _close(
        self, subject: SubjectId, left: datetime, values: Mapping[str, object], *, drop: bool = False
    ) -> None:
        mine = metering_point.c.tenancy == subject

        def write(connection: Connection) -> list[bytes]:
            connection.execute(update(tenancy).where(tenancy.c.id == subject).values(**values))
            lookups = [row.lookup for row in connection.execute(select(metering_point.c.lookup).where(mine))]
            if drop:
                connection.execute(delete(metering_point).where(mine))
                _keep_left(connection, lookups, left)
            else:
                connection.execute(update(metering_point).where(mine).values(end=left.timestamp()))
            return lookups

        for lookup in await self._store.write(write):
            self._note_left(lookup, left)
            if self._points.get(lookup) == subject:
                del self._points[lookup]

    def _keep(self, each: Tenancy) -> Tenancy:
        self._all[each.id] = each
        if each.place:
            residents = self._residents.setdefault(each.place, set())
            (residents.add if each.live else residents.discard)(each.id)
            if not residents:
                del self._residents[each.place]
        return each


def _keep_left(connection: Connection, lookups: Sequence[bytes], day: datetime) -> None:
    """The latest day counts."""
    known = select(point_left).where(point_left.c.lookup.in_(lookups))
    later = {row.lookup: max(row.day, day.timestamp()) for row in connection.execute(known)}
    connection.execute(delete(point_left).where(point_left.c.lookup.in_(lookups)))
    if rows := [{"lookup": each, "day": later.get(each, day.timestamp())} for each in lookups]:
        connection.execute(insert(point_left), rows)


def _day_after(at: datetime, zone: tzinfo) -> datetime:
    """The local midnight that follows."""
    return day_edges(at.astimezone(zone).date(), zone)[1]


async def any_household(store: Store) -> bool:
    """Whether one was ever taken in: then there are sealed rows, which no new key tree would open."""
    return bool(await store.look(lambda connection: connection.execute(select(tenancy.c.id).limit(1)).first()))


def _padded(subject: SubjectId, about: str, plain: bytes) -> Words:
    """With blanks to 256 bytes, so that the length of a name is not in the row."""
    return Words(subject, DetailClass.IDENTITY, about, plain + b" " * (-len(plain) % 256))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _maybe(seconds: float | None) -> datetime | None:
    return None if seconds is None else _instant(seconds)
