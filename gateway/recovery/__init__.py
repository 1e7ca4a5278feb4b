"""What was lost comes back inside a window, and no yes that has ended: backups, and the endings beside them."""
