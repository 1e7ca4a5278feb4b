"""The gateway itself: composition root, storage, desks and pages."""
