"""Validation, estimation and editing (VEE) of one household's intervals: pure rules by their field names."""
