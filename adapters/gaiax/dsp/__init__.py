"""Dataspace Protocol 2025-1, both roles: pure state machines and messages, a thin shell around them."""
