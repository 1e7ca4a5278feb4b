"""Every parser that reads bytes from outside."""

from collections.abc import Sequence

from bench.fuzz.dataspace import DATASPACE
from bench.fuzz.devices import DEVICES
from bench.fuzz.files import FILES
from bench.fuzz.heads import HEADS
from bench.fuzz.openadr import OPENADR
from bench.fuzz.parser import Parser
from bench.fuzz.partners import PARTNERS
from bench.fuzz.people import PEOPLE

PARSERS: Sequence[Parser] = (*OPENADR, *DATASPACE, *PARTNERS, *DEVICES, *PEOPLE, *HEADS, *FILES)
