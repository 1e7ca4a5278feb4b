"""SDMX structure and data messages."""
