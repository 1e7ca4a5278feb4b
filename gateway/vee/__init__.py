"""Validation, estimation and editing: what rules find becomes a work list, what an operator decides a correction."""
