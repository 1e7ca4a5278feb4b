"""Every parser that reads bytes from outside."""

from collections.abc import Sequence

from bench.fuzz.devices import DEVICES
from bench.fuzz.parser import Parser
from bench.fuzz.partners import PARTNERS
from bench.fuzz.people import PEOPLE

PARSERS: Sequence[Parser] = (*PARTNERS, *DEVICES, *PEOPLE)
