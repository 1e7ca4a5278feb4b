"""Consents and what proves them: asked, given, taken back."""
