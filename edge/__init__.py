"""The box beside the meter: reads, selects, keeps sealed, sends on."""
