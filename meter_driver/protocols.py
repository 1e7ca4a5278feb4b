"""Every protocol the detector knows, in the order in which it asks them: the most telling start first.

A new protocol is one module with a ``Framer`` and one entry here.
"""

from meter_driver.dlms.bare import BareApdu, TaggedApdu
from meter_driver.dlms.hdlc import DlmsOnHdlc
from meter_driver.dlms.mbus import DlmsOnMbus
from meter_driver.dlms.wrapper import DlmsInWrapper
from meter_driver.framing import Framer
from meter_driver.iec.readout import Readout
from meter_driver.mbus.decoder import RecordFrames
from meter_driver.sml.decoder import Sml
from meter_driver.wmbus.decoder import BareRadio, GuardedRadio

FRAMERS: tuple[type[Framer], ...] = (
    DlmsOnMbus,
    DlmsOnHdlc,
    DlmsInWrapper,
    TaggedApdu,
    BareApdu,
    Sml,
    RecordFrames,
    Readout,
    GuardedRadio,
    BareRadio,
)
