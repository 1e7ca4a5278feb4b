"""Every protocol the detector knows, in the order in which it asks them: the most telling start first.

A new protocol is one module with a ``Framer`` and one entry here.
"""

from meter_driver.dlms_bare import BareApdu, TaggedApdu
from meter_driver.dlms_hdlc import DlmsOnHdlc
from meter_driver.dlms_mbus import DlmsOnMbus
from meter_driver.dlms_wrapper import DlmsInWrapper
from meter_driver.framing import Framer
from meter_driver.iec62056_21 import Readout
from meter_driver.mbus import RecordFrames
from meter_driver.sml import Sml
from meter_driver.wmbus import BareRadio, GuardedRadio

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
