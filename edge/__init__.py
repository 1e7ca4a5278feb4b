"""Runs beside the meter: reads it, keeps what was asked for, and brings it to the gateway sealed until acknowledged."""
