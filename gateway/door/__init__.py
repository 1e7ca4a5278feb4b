"""The door: who may have what is decided, written down, opened, and written out while the yes stands."""
