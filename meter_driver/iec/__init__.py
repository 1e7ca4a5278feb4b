"""Readouts of IEC 62056-21."""
