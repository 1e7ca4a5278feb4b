"""The form at rest: columns, padding, the seal, the ratchet. What lies in the store and how it is opened; no policy."""
