"""What an interval's value is, by the kind of its quantity: stands of registers, entries of load profiles, means.

Pure, on integers: instants are microseconds since 1970 UTC, values are mantissas in one power of ten that the caller
knows. ``stands`` (differences of registers), ``entries`` (sums), ``means`` (over time) share ``Amount``.
"""

from meter_driver.amounts.amount import Amount, Method, Status

__all__ = ["Amount", "Method", "Status"]
