"""Tables of the registry. Branch ``registry`` of the migrations. Who lives where is sealed."""

from sqlalchemy import Column, Float, Index, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()

tenancy = Table(
    "tenancy",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("zone", String(64), nullable=False),
    Column("community", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("start", Float, nullable=False),
    Column("moved_in", Float),
    Column("end", Float),
    Column("erased", Float),
    Column("identity", LargeBinary),
)

metering_point = Table(
    "metering_point",
    METADATA,
    Column("lookup", LargeBinary, primary_key=True),
    Column("tenancy", String(32), primary_key=True),
    Column("sealed", LargeBinary),
    Column("start", Float, nullable=False),
    Column("end", Float),
    Index("metering_point_tenancy", "tenancy"),
)

point_left = Table(
    "point_left",
    METADATA,
    Column("lookup", LargeBinary, primary_key=True),
    Column("day", Float, nullable=False),
)

box = Table(
    "box",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("made", Float, nullable=False),
    Column("revoked", Float),
)

box_meter = Table(
    "box_meter",
    METADATA,
    Column("box", String(64), primary_key=True),
    Column("meter", LargeBinary, primary_key=True),
    Column("tenancy", String(32), nullable=False),
)

meter = Table(
    "meter",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenancy", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("unseen", Float),
    Index("meter_tenancy", "tenancy"),
    Index("meter_unseen", "unseen"),
)

meter_place = Table(
    "meter_place",
    METADATA,
    Column("lookup", LargeBinary, primary_key=True),
    Column("tenancy", String(32), nullable=False),
    Column("meter", String(32), nullable=False),
    Index("meter_place_tenancy", "tenancy"),
)

organisation = Table(
    "organisation",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("did", String(512), nullable=False),
    Column("body", Text, nullable=False),
)
