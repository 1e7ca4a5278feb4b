"""Wireless M-Bus and OMS (EN 13757-4)."""
