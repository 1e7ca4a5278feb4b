"""Gaia-X and the Dataspace Protocol: catalog, negotiation, transfer, self-description."""
