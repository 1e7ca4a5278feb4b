"""The tables, a module for each area."""
