"""Boxes: which household a box sends for, and which certificates speak for it.

A box without a list of meters sends for one household, whatever it calls its meters; with a list it sends for the
meters on it and nothing else. Meter names are found by keyed hashes. Everything here is in memory; intake asks it for
each record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway import rights
from gateway.clock import Clock
from gateway.errors import InUse, NotAllowed, Unknown
from gateway.pins.change import of_all, of_keys
from gateway.pins.pins import Pins
from gateway.rights import Credential, Recall
from gateway.storage.port import Store
from gateway.storage.tables.identity import certificate
from gateway.storage.tables.registry import box, box_meter
from gateway.vault.port import Vault
from meter_driver.senml import device_urn
from policies.terms import FAR_FUTURE, SubjectId

ANY_METER = ""
"""The list entry of a box that sends for one household."""
NAMES_REMEMBERED = 50_000
"""Names whose household is known without hashing again."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate that was issued or registered. ``kind``: box or ven. ``until``: its notAfter, UTC."""

    fingerprint: str
    kind: str
    owner: str
    until: datetime
    revoked: bool = False


@dataclass(slots=True)
class _Box:
    id: str
    revoked: bool
    meters: dict[bytes, SubjectId]


class Boxes:
    """All boxes and the certificates of boxes and VENs."""

    def __init__(
        self, store: Store, pins: Pins, vault: Vault, clock: Clock, ids: Callable[[], str], ended: Recall
    ) -> None:
        self._store, self._pins = store, pins
        self._vault, self._clock, self._ids, self._ended = vault, clock, ids, ended
        self._boxes: dict[str, _Box] = {}
        self._certificates: dict[str, Certificate] = {}
        self._of_owner: dict[tuple[str, str], set[str]] = {}
        self._known: dict[tuple[str, str], SubjectId | None] = {}
        self._any = b""

    async def load(self) -> None:
        """Call before ports open."""
        self._any = self._vault.lookup("meter", ANY_METER)
        tables = (box, box_meter, certificate)
        boxes, meters, certificates = await self._store.look(
            lambda c: [c.execute(select(t)).fetchall() for t in tables]
        )
        for row in boxes:
            self._boxes[row.id] = _Box(row.id, row.revoked is not None, {})
        for row in meters:
            self._boxes[row.box].meters[row.meter] = SubjectId(row.tenancy)
        for row in certificates:
            until = datetime.fromtimestamp(row.until, UTC)
            self._know(Certificate(row.fingerprint, row.kind, row.owner, until, row.revoked is not None))

    def _know(self, found: Certificate) -> None:
        self._certificates[found.fingerprint] = found
        self._of_owner.setdefault((found.kind, found.owner), set()).add(found.fingerprint)

    # -- the hot path

    def subject_of(self, box_id: str, base_name: str) -> SubjectId | None:
        """The household for which this box may send values of this meter; None when it may not."""
        key = (box_id, base_name)
        if key in self._known:
            return self._known[key]
        found = self._boxes.get(box_id)
        subject = None
        if found is not None and not found.revoked:
            only = found.meters.get(self._any)
            subject = only or found.meters.get(self._vault.lookup("meter", base_name))
        if len(self._known) >= NAMES_REMEMBERED:
            self._known.clear()
        self._known[key] = subject
        return subject

    def certificate(self, fingerprint: str) -> Certificate | None:
        """What is known of a client certificate; SHA-256 of its DER form, hex. None: unknown, revoked or run out."""
        found = self._certificates.get(fingerprint)
        if found is None or found.revoked or found.until <= self._clock():
            return None
        if found.kind == "box" and ((owner := self._boxes.get(found.owner)) is None or owner.revoked):
            return None
        return found

    def revoked(self, fingerprint: str) -> bool:
        """Whether a certificate was taken back; unknown ones were not."""
        found = self._certificates.get(fingerprint)
        return found is not None and found.revoked

    def credential(self, fingerprint: str) -> Credential:
        """What rests on a certificate that was let in; of one that we did not issue, the handshake knows the end."""
        found = self._certificates.get(fingerprint)
        until = found.until if found is not None else FAR_FUTURE
        return Credential(rights.certificate(fingerprint), until, lambda: not self.revoked(fingerprint))

    # -- looking

    def standing(self, box_id: str | None = None) -> Sequence[Certificate]:
        """Those that are let in, perhaps of one box alone."""
        some = self._certificates if box_id is None else self._of_owner.get(("box", box_id), ())
        return [found for mark in some if (found := self.certificate(mark)) is not None]

    def older(self, box_id: str, fingerprint: str) -> Sequence[Certificate]:
        """Others of a box that are let in and end before this one."""
        until = self._certificates[fingerprint].until
        return [each for each in self.standing(box_id) if each.until <= until and each.fingerprint != fingerprint]

    def latest(self) -> Mapping[tuple[str, str], Certificate]:
        """By kind and owner the one that ends last, also where it has ended; none of what was taken back."""
        gone = {box.id for box in self._boxes.values() if box.revoked}
        left = (c for c in self._certificates.values() if not (c.revoked or (c.kind == "box" and c.owner in gone)))
        return {(c.kind, c.owner): c for c in sorted(left, key=lambda each: each.until)}

    def boxes(self) -> Sequence[tuple[str, bool, int]]:
        """(id, revoked, households) of each box, sorted."""
        return [(b.id, b.revoked, len(set(b.meters.values()))) for _, b in sorted(self._boxes.items())]

    def idle(self) -> Sequence[str]:
        """Boxes that send for nobody: their households ended."""
        return [box.id for box in self._boxes.values() if not box.meters]

    def has(self, box_id: str) -> bool:
        return box_id in self._boxes

    def check_reader(self, household: SubjectId, box_id: str, component: str) -> None:
        """Whether a household's meter can be behind a box's component. Raises ``Unknown``, ``NotAllowed``."""
        if (found := self._boxes.get(box_id)) is None:
            raise Unknown("box: there is no such box")
        if household not in found.meters.values():
            raise NotAllowed("box: it does not send for this household")
        names = (component, f"{device_urn(box_id)}_{component}") if component else ()
        owners = {owner for name in names if (owner := self.subject_of(box_id, name)) is not None}
        if owners and household not in owners:
            raise NotAllowed("component: the box reads it for another household")

    # -- changing

    async def add_box(self, meters: Mapping[str, SubjectId], *, box_id: str = "") -> str:
        """A new box and what it may send for: ``{ANY_METER: household}``, or meter names. Raises ``InUse``."""
        name = box_id or f"box-{self._ids()[:12]}"
        if (
            not name.isascii()
            or not name.replace("-", "").replace("_", "").replace(".", "").isalnum()
            or len(name) > 64
        ):
            raise NotAllowed("box: letters, digits, dot, dash and underscore, at most 64")
        if not meters or (ANY_METER in meters and len(meters) > 1):
            raise NotAllowed("meters: one household, or a list of meters")
        hashed = {self._vault.lookup("meter", meter): subject for meter, subject in meters.items()}
        rows = [{"box": name, "meter": meter, "tenancy": subject} for meter, subject in hashed.items()]
        made = self._clock().timestamp()

        def write(connection: Connection) -> None:
            connection.execute(insert(box).values(id=name, made=made))
            connection.execute(insert(box_meter), rows)

        touched = [of_keys(box, name), of_all(box_meter, box_meter.c.box == name)]
        try:
            await self._pins.write(touched, write, adds=True)
        except IntegrityError:
            raise InUse("box: this id is in use") from None
        self._boxes[name] = _Box(name, revoked=False, meters=hashed)
        self._known.clear()
        return name

    async def keep_certificate(self, new: Certificate) -> None:
        """Durable on return: from then on it is let in. Raises ``InUse``, ``Unknown`` without that box."""
        if new.kind == "box" and new.owner not in self._boxes:
            raise Unknown("box: there is no such box")
        row = {"fingerprint": new.fingerprint, "kind": new.kind, "owner": new.owner, "until": new.until.timestamp()}
        touched = [of_keys(certificate, new.fingerprint)]
        try:
            await self._pins.write(touched, lambda c: c.execute(insert(certificate).values(row)).rowcount, adds=True)
        except IntegrityError:
            raise InUse("certificate: it is registered already") from None
        self._know(new)

    async def revoke(self, fingerprint: str) -> None:
        """Refused from this moment on, durable on return. A certificate that was unknown is remembered as revoked."""
        old = self._certificates.get(fingerprint) or Certificate(
            fingerprint, "ven", "", datetime(9999, 1, 1, tzinfo=UTC)
        )
        self._know(Certificate(fingerprint, old.kind, old.owner, old.until, revoked=True))
        now = self._clock().timestamp()

        def write(connection: Connection) -> None:
            done = connection.execute(
                update(certificate).where(certificate.c.fingerprint == fingerprint).values(revoked=now)
            )
            if done.rowcount == 0:
                row = {"fingerprint": fingerprint, "kind": old.kind, "owner": old.owner, "until": old.until.timestamp()}
                connection.execute(insert(certificate).values(**row, revoked=now))

        try:
            await self._pins.write([of_keys(certificate, fingerprint)], write, in_force=True)
        finally:
            await self._ended([rights.certificate(fingerprint)])

    async def revoke_box(self, box_id: str) -> None:
        """A stolen or retired box: nothing of it is taken any more. Raises ``Unknown``."""
        found = self._boxes.get(box_id)
        if found is None:
            raise Unknown("box: there is no such box")
        found.revoked = True
        self._known.clear()
        now = self._clock().timestamp()
        order = update(box).where(box.c.id == box_id).values(revoked=now)
        await self._pins.write([of_keys(box, box_id)], lambda c: c.execute(order).rowcount, in_force=True)

    async def release(self, subject: SubjectId) -> None:
        """A household moved out or was erased: no box sends for it any more."""
        for each in self._boxes.values():
            each.meters = {meter: who for meter, who in each.meters.items() if who != subject}
        self._known.clear()
        await self._pins.delete(box_meter, box_meter.c.tenancy == subject)
