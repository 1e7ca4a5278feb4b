"""Readings in: checked, derived, sealed, durable, then acknowledged."""
