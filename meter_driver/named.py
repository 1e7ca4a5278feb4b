"""Names of quantities in words: those of EN 13757-3 and what its extensions make of them. Part of the vocabulary.

``average_flow_temperature``, ``volume_flow max storage=1``, ``power_upper_limit_exceeds``: a word, what makes it
another thing before and behind it (``mbus.vife``), and qualifiers that say where and when. What is made of other words
is not in the vocabulary, whoever sends it.
"""

import re
from typing import Final

_WORDS: Final = """
access_number actuality_duration apparent_energy apparent_power averaging_duration battery_change
battery_operating_time battery_remaining battery_voltage bus_address control_signal credit cumulation_counter
cumulative_maximum_power current current_phase_angle customer customer_location date date_time day_of_week debit
digital_input digital_output dimensionless duration_since_cumulation duration_since_readout energy
enhanced_identification error_flags error_mask external_temperature fabrication_number firmware_version
first_storage flow_temperature frequency hardware_version hca last_storage manufacturer mass mass_flow medium
model_version on_time operating_time parameter_set power pressure reactive_energy reactive_power reception_level
relative_humidity reset_counter return_temperature software_version stops storage_block_size storage_interval
tariff_duration tariff_period tariff_start temperature_difference temperature_limit transmission_period voltage
voltage_phase_angle volume volume_flow week_number
"""
"""Tables 10 to 14, and what meters without records say beside them."""
_QUALIFIERS: Final = """
max min error storage month tariff subunit phase quadrant import_minus_export absolute_sum uncorrected positive negative
base_conditions manufacturer profile total period
"""
_BEFORE: Final = "(?:average_|future_)*"
_BEHIND: Final = (
    "(?:_(?:per_[A-Za-z0-9]{1,3}|(?:upper|lower)_limit|exceeds|start|(?:first|last)_(?:begin|end|duration)"
    "|beyond_(?:upper|lower)_limit|overflow|leakage))*"
)
_WORD: Final = "|".join(sorted(_WORDS.split(), key=len, reverse=True))
_QUALIFIER: Final = f"(?: (?:{'|'.join(_QUALIFIERS.split())})(?:=[A-Za-z0-9._\\-]{{1,32}})?){{0,12}}"
IN_WORDS: Final = re.compile(f"{_BEFORE}(?:{_WORD}){_BEHIND}{_QUALIFIER}")
"""A whole name; at most 12 qualifiers."""
LONGEST_NAME: Final = 256
