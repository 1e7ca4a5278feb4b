"""Figures of a neighbourhood: who counts together, what a cell holds."""
