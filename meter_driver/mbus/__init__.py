"""M-Bus (EN 13757-2, -3, -7): links, transport and application of the wired bus, and what the radio shares with it."""
