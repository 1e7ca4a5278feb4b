"""Renderers: released rows to bytes. Pure."""
