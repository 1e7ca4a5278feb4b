"""Every parser that reads bytes from outside."""

from collections.abc import Sequence

from bench.fuzz.parser import Parser
from bench.fuzz.partners import PARTNERS

PARSERS: Sequence[Parser] = (*PARTNERS,)
